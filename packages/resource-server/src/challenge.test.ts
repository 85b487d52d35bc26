import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accepted, call, challengesOf, dpopHeaders, headerOf, refused, testBed } from './test-bed.ts'

describe('no usable credentials', () => {
  test('nothing sent: 401, both schemes, no error', async () => {
    const answer = refused(await call(testBed()), 401, 'bearer.credentials-missing')
    assert.equal(answer.error, undefined)
    const challenges = challengesOf(answer)
    assert.deepEqual([...challenges.keys()], ['dpop', 'bearer'])
    for (const { params } of challenges.values()) assert.equal(params.has('error'), false)
    assert.equal(challenges.get('dpop')?.params.get('algs'), 'ES256 PS256 EdDSA Ed25519')
    assert.equal(answer.body.includes('error'), false)
  })

  test('only the schemes the API speaks are offered', async () => {
    const schemes = async (options: Parameters<typeof testBed>[0]) => [
      ...challengesOf(refused(await call(testBed(options)), 401, 'bearer.credentials-missing')).keys(),
    ]
    assert.deepEqual(await schemes({ senderConstraintMethods: ['dpop'] }), ['dpop'])
    assert.deepEqual(await schemes({ senderConstraintMethods: ['mtls'] }), ['bearer'])
    assert.deepEqual(await schemes({ senderConstraintMethods: ['dpop'], senderConstraint: 'allowed' }), [
      'dpop',
      'bearer',
    ])
  })

  test('a token in the query is not read', async () => {
    const bed = testBed({ senderConstraint: 'allowed' })
    const token = bed.issuer.mint()
    const answer = refused(
      await call(bed, { target: `/payments/7?access_token=${token}` }),
      401,
      'bearer.header-only',
    )
    for (const { params } of challengesOf(answer).values()) assert.equal(params.has('error'), false)
    assert.equal(JSON.stringify(bed.events).includes(token), false)
  })

  test('a token in the query beside the header is 400', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    const target = `/payments/7?access_token=${token}`
    const answer = refused(
      await call(bed, { target, headers: dpopHeaders(bed, token) }),
      400,
      'bearer.one-method',
    )
    assert.equal(answer.error, 'invalid_request')
  })

  test('Proxy-Authorization is no place for a token', async () => {
    const bed = testBed()
    const { authorization = '', dpop = '' } = dpopHeaders(bed, bed.boundToken())
    refused(
      await call(bed, { headers: { 'proxy-authorization': authorization, dpop } }),
      401,
      'bearer.credentials-missing',
    )
  })

  test('plain HTTP is refused unless a trusted proxy ended TLS', async () => {
    const bed = testBed()
    refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), isSecure: false }),
      400,
      'bearer.tls',
    )
    const behind = testBed({ transport: 'terminated' })
    accepted(await call(behind, { headers: dpopHeaders(behind, behind.boundToken()), isSecure: false }))
  })
})

describe('whose error it is', () => {
  test('DPoP used: the error stands with DPoP', async () => {
    const bed = testBed()
    const answer = refused(await call(bed, { headers: { authorization: 'DPoP abc' } }), 401, 'jws.form')
    const challenges = challengesOf(answer)
    assert.equal(challenges.get('dpop')?.params.get('error'), 'invalid_token')
    assert.equal(challenges.get('bearer')?.params.has('error'), false)
  })

  test('Bearer used: the error stands with Bearer', async () => {
    const bed = testBed()
    const answer = refused(
      await call(bed, { headers: { authorization: `Bearer ${bed.boundToken()}` } }),
      401,
      'bearer.dpop-downgrade',
    )
    const challenges = challengesOf(answer)
    assert.equal(challenges.get('bearer')?.params.get('error'), 'invalid_token')
    assert.equal(challenges.get('dpop')?.params.has('error'), false)
    assert.equal(challenges.get('dpop')?.params.get('algs'), 'ES256 PS256 EdDSA Ed25519')
  })

  test('two credentials: 400 and the error stands with both', async () => {
    const bed = testBed()
    for (const authorization of [['DPoP a', 'Bearer a'], 'DPoP a, Bearer a']) {
      const answer = refused(await call(bed, { headers: { authorization } }), 400, 'bearer.one-authorization')
      for (const { params } of challengesOf(answer).values())
        assert.equal(params.get('error'), 'invalid_request')
    }
  })
})

describe('what a challenge says', () => {
  test('every challenge has a parameter and none twice', async () => {
    const bed = testBed({ explain: true })
    const requirements = { scopes: ['admin'], acrValues: ['urn:mfa'], maxAgeSeconds: 60 }
    const answers = [
      await call(bed, { requirements }),
      await call(bed, { requirements, headers: { authorization: 'DPoP' } }),
      await call(bed, { requirements, headers: { authorization: 'Bearer "' } }),
      await call(bed, { requirements, headers: dpopHeaders(bed, bed.boundToken()) }),
      await call(bed, { requirements, headers: dpopHeaders(bed, bed.boundToken({ scope: 'admin' })) }),
    ]
    for (const answer of answers) {
      assert.equal(answer.ok, false)
      if (answer.ok) continue
      const challenges = challengesOf(answer)
      assert.ok(challenges.size > 0)
      for (const { params } of challenges.values()) {
        assert.ok(params.size > 0)
        for (const value of params.values()) assert.match(value, /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/)
      }
    }
  })

  test('every 401 names the metadata of the resource', async () => {
    const bed = testBed()
    for (const authorization of [[], 'DPoP abc', `Bearer ${bed.issuer.mint()}`]) {
      const answer = await call(bed, { headers: { authorization } })
      assert.equal(answer.ok, false)
      if (answer.ok) continue
      for (const { params } of challengesOf(answer).values())
        assert.equal(
          params.get('resource_metadata'),
          'https://rs.example/.well-known/oauth-protected-resource',
        )
    }
  })

  test('a missing scope is 403 and named', async () => {
    const bed = testBed()
    const requirements = { scopes: ['payments:read', 'admin'] }
    const answer = refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), requirements }),
      403,
      'bearer.scope',
    )
    const params = challengesOf(answer).get('dpop')?.params
    assert.equal(params?.get('error'), 'insufficient_scope')
    assert.equal(params?.get('scope'), 'payments:read admin')
  })

  test('a step-up challenge carries acr_values in order of preference and max_age as an integer', async () => {
    const bed = testBed()
    const requirements = { acrValues: ['urn:phr', 'urn:mfa'], maxAgeSeconds: 300 }
    const answer = refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken({ acr: 'urn:pwd' })), requirements }),
      401,
      'step-up.acr',
    )
    const params = challengesOf(answer).get('dpop')?.params
    assert.equal(params?.get('error'), 'insufficient_user_authentication')
    assert.equal(params?.get('acr_values'), 'urn:phr urn:mfa')
    assert.equal(params?.get('max_age'), '300')
    assert.equal(challengesOf(answer).get('bearer')?.params.has('acr_values'), false)
  })

  test('too old an authentication is challenged with max_age', async () => {
    const bed = testBed()
    const requirements = { maxAgeSeconds: 300 }
    const at = (age: number) =>
      call(bed, {
        headers: dpopHeaders(bed, bed.boundToken({ auth_time: bed.clock.now() - age })),
        requirements,
      })
    accepted(await at(300))
    refused(await at(301), 401, 'step-up.max-age')
  })

  test('a decision may ask for a step-up', async () => {
    const bed = testBed()
    const requirements = {
      decide: () => ({ allow: false, stepUp: { acrValues: ['urn:mfa'], maxAgeSeconds: 0 } }),
    }
    const answer = refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), requirements }),
      401,
      'decision.step-up',
    )
    const params = challengesOf(answer).get('dpop')?.params
    assert.equal(params?.get('acr_values'), 'urn:mfa')
    assert.equal(params?.get('max_age'), '0')
  })

  test('the reason stays inside unless the API explains itself', async () => {
    const headers = { authorization: 'DPoP abc' }
    const quiet = refused(await call(testBed(), { headers }), 401, 'jws.form')
    assert.equal(quiet.body.includes(quiet.ruleId), false)
    const open = refused(await call(testBed({ explain: true }), { headers }), 401, 'jws.form')
    assert.ok(open.body.includes(open.ruleId))
    assert.equal(headerOf(open, 'cache-control'), 'no-store')
  })
})
