import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds, mlDsaAlgs } from '@holdfast/protocol'
import { accepted, call, challengesOf, dpopHeaders, refused, testBed } from './test-bed.ts'
import { testKey } from './testing.ts'

describe('a good request', () => {
  test('a bound token with its proof is accepted and fully described', async () => {
    const bed = testBed()
    const token = bed.boundToken({
      acr: 'urn:mfa',
      auth_time: bed.clock.now(),
      amr: ['pwd'],
      tenant_id: 't-1',
    })
    const value = accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
    assert.equal(value.subject, 'user-1')
    assert.equal(value.clientId, 'client-1')
    assert.deepEqual(value.scopes, ['payments:read', 'payments:write'])
    assert.deepEqual(value.binding, { jkt: bed.key.thumbprint })
    assert.equal(value.acr, 'urn:mfa')
    assert.equal(value.tenant, 't-1')
    assert.equal(value.form, 'jwt')
    assert.equal(bed.events[0]?.outcome, 'accepted')
    assert.equal(bed.events[0]?.constraint, 'dpop')
    assert.equal(bed.events[0]?.requestId, value.requestId)
  })

  test('the Authorization header is how a token is taken, whatever the case of the scheme', async () => {
    const bed = testBed()
    for (const scheme of ['DPoP', 'dPoP', 'dpop']) {
      const token = bed.boundToken()
      const headers = { ...dpopHeaders(bed, token), authorization: `${scheme} ${token}` }
      accepted(await call(bed, { headers }))
    }
  })

  for (const alg of ['PS256', 'EdDSA'] as const)
    test(`a token and a proof signed with ${alg} are accepted`, async () => {
      const bed = testBed()
      const [signing, client] = [testKey(alg), testKey(alg)]
      bed.issuer.keys.push(signing)
      const token = bed.issuer.mint({ cnf: { jkt: client.thumbprint } }, {}, signing)
      accepted(await call(bed, { headers: dpopHeaders(bed, token, { key: client }) }))
    })

  for (const alg of mlDsaAlgs)
    test(`a token signed with ${alg} is accepted where the API says so, and nowhere else`, async () => {
      for (const [algs, expected] of [
        [['ES256', alg], 'accepted'],
        [undefined, 'access-token.alg'],
        [['ES256', ...mlDsaAlgs.filter(other => other !== alg)], 'access-token.alg'],
      ] as const) {
        const bed = testBed(algs && { algs })
        const signing = testKey(alg)
        bed.issuer.keys.push(signing)
        const token = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, signing)
        const answer = await call(bed, { headers: dpopHeaders(bed, token) })
        assert.equal(answer.ok ? 'accepted' : answer.ruleId, expected)
      }
    })

  test('a proof signed with ML-DSA is refused, though tokens may be, and the challenge does not offer it', async () => {
    const bed = testBed({ algs: ['ES256', 'ML-DSA-44'] })
    const client = testKey('ML-DSA-44')
    const token = bed.issuer.mint({ cnf: { jkt: client.thumbprint } })
    const answer = refused(
      await call(bed, { headers: dpopHeaders(bed, token, { key: client }) }),
      401,
      'dpop.alg',
    )
    assert.equal(challengesOf(answer).get('dpop')?.params.get('algs'), 'ES256')
  })

  test('an API whose proofs have no algorithm left cannot be made', () => {
    assert.throws(() => testBed({ algs: ['ML-DSA-65'] }), /algs: none is left for DPoP proofs/)
    assert.doesNotThrow(() => testBed({ algs: ['ML-DSA-65'], senderConstraintMethods: ['mtls'] }))
  })

  test('an unbound token is accepted where the constraint is only allowed', async () => {
    const bed = testBed({ senderConstraint: 'allowed' })
    const value = accepted(await call(bed, { headers: { authorization: `Bearer ${bed.issuer.mint()}` } }))
    assert.deepEqual(value.binding, {})
  })
})

describe('every failure of a token is 401 invalid_token', () => {
  const now = 1_800_000_000
  const table: readonly [name: string, changes: Readonly<Record<string, unknown>>, ruleId: string][] = [
    ['another issuer', { iss: 'https://evil.example' }, 'access-token.iss'],
    ['no issuer', { iss: undefined }, 'access-token.iss'],
    ['another audience', { aud: 'https://other.example' }, 'access-token.aud'],
    ['no audience', { aud: undefined }, 'access-token.aud'],
    ['an expired token', { exp: now - 10 }, 'access-token.expired'],
    ['no exp', { exp: undefined }, 'access-token.exp'],
    ['iat 61 s ahead', { iat: now + 61 }, 'access-token.issued-ahead'],
    ['nbf 61 s ahead', { nbf: now + 61 }, 'access-token.not-before'],
    ['no jti', { jti: undefined }, 'access-token.identifiers'],
    ['no client_id', { client_id: undefined }, 'access-token.identifiers'],
    ['no cnf', { cnf: undefined }, 'bearer.dpop-unbound'],
    ['an unknown cnf member', { cnf: { foo: 1 } }, 'bearer.dpop-unbound'],
    ['an unknown cnf member beside jkt', { cnf: { jkt: '@', foo: 1 } }, 'cnf.known'],
    ['cnf as text', { cnf: 'jkt' }, 'bearer.dpop-unbound'],
    ['cnf as list', { cnf: [] }, 'bearer.dpop-unbound'],
  ]
  for (const [name, changes, ruleId] of table)
    test(`refuses ${name}`, async () => {
      const bed = testBed()
      const cnf = changes.cnf as { jkt?: string } | undefined
      const ours = cnf?.jkt === '@' ? { ...changes, cnf: { ...cnf, jkt: bed.key.thumbprint } } : changes
      const answer = await call(bed, { headers: dpopHeaders(bed, bed.boundToken(ours)) })
      assert.equal(refused(answer, 401, ruleId).error, 'invalid_token')
    })

  const bearer: readonly [name: string, changes: Readonly<Record<string, unknown>>, ruleId: string][] = [
    ['no cnf', {}, 'cnf.required'],
    ['an unknown cnf member', { cnf: { foo: 1 } }, 'cnf.known'],
    ['cnf as text', { cnf: 'x' }, 'cnf.form'],
    ['an empty cnf', { cnf: {} }, 'cnf.form'],
  ]
  for (const [name, changes, ruleId] of bearer)
    test(`refuses, as Bearer, ${name}`, async () => {
      const bed = testBed()
      const answer = await call(bed, { headers: { authorization: `Bearer ${bed.issuer.mint(changes)}` } })
      assert.equal(refused(answer, 401, ruleId).error, 'invalid_token')
    })

  test('a cnf we do not know is refused even where no constraint is required', async () => {
    const bed = testBed({ senderConstraint: 'allowed' })
    const token = bed.issuer.mint({ cnf: { foo: 1 } })
    refused(await call(bed, { headers: { authorization: `Bearer ${token}` } }), 401, 'cnf.known')
  })

  test('clocks may differ by ten seconds at both ends', async () => {
    const bed = testBed()
    for (const changes of [{ exp: now - 9 }, { iat: now + 10 }, { nbf: now + 10 }])
      accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(changes)) }))
  })

  test('what is no JWT is refused where only JWTs are accepted', async () => {
    const bed = testBed()
    for (const token of ['abc', 'a.b', 'a.b.c', 'a.b.c.d.e', '..'])
      assert.equal((await call(bed, { headers: { authorization: `DPoP ${token}` } })).ok, false)
  })

  test('a flipped bit in the signature is refused', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    const at = token.length - 20
    const flipped = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    refused(await call(bed, { headers: dpopHeaders(bed, flipped) }), 401, 'access-token.signature')
  })

  test('changed claims under the same signature are refused', async () => {
    const bed = testBed()
    const [head, , signature] = bed.boundToken().split('.')
    const claims = Buffer.from(JSON.stringify(bed.issuer.claims({ scope: 'admin' }))).toString('base64url')
    const forged = `${head}.${claims}.${signature}`
    refused(await call(bed, { headers: dpopHeaders(bed, forged) }), 401, 'access-token.signature')
  })

  test('a token for another API is refused', async () => {
    const bed = testBed()
    const token = bed.boundToken({ aud: ['https://rs.example/', 'https://rs.example.evil'] })
    refused(await call(bed, { headers: dpopHeaders(bed, token) }), 401, 'access-token.aud')
  })
})

describe('who may use the API', () => {
  test('a client that is not on the list gets 403, one that is gets in', async () => {
    const bed = testBed({ clients: ['client-1'] })
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }))
    const other = bed.boundToken({ client_id: 'client-2' })
    refused(await call(bed, { headers: dpopHeaders(bed, other) }), 403, 'access-token.client')
  })

  test('a token of another tenant gets 403', async () => {
    const bed = testBed({ tenant: 't-1' })
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken({ tenant_id: 't-1' })) }))
    for (const changes of [{ tenant_id: 't-2' }, {}])
      refused(
        await call(bed, { headers: dpopHeaders(bed, bed.boundToken(changes)) }),
        403,
        'access-token.tenant',
      )
  })

  test('the tenant of the route decides, and a route without one is closed', async () => {
    const bed = testBed({ tenant: request => /^\/payments\/(\d)/.exec(request.target)?.[1] })
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken({ tenant_id: '7' })) }))
    const headers = dpopHeaders(bed, bed.boundToken({ tenant_id: '' }), { url: 'https://rs.example/x' })
    refused(await call(bed, { headers, target: '/x' }), 403, 'access-token.tenant')
  })
})

describe('the order of checks is token, sender, scope, step-up, policy', () => {
  const requirements = {
    scopes: ['admin'],
    acrValues: ['urn:mfa'],
    decide: () => false,
  }
  test('each step shows only when the one before it passes', async () => {
    const bed = testBed()
    const other = testKey()
    const expired = bed.boundToken({ exp: bed.clock.now() - 100 })
    const at = (token: string, proof = {}) =>
      call(bed, { headers: dpopHeaders(bed, token, proof), requirements })
    refused(await at(expired, { key: other }), 401, 'access-token.expired')
    refused(await at(bed.boundToken(), { key: other }), 401, 'dpop.binding')
    refused(await at(bed.boundToken()), 403, 'bearer.scope')
    refused(await at(bed.boundToken({ scope: 'admin' })), 401, 'step-up.acr')
    refused(await at(bed.boundToken({ scope: 'admin', acr: 'urn:mfa' })), 403, 'decision.denied')
  })
})

describe('remembered tokens', () => {
  test('a token that was verified once is judged again in everything time and request change', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
    refused(await call(bed, { headers: dpopHeaders(bed, token, { key: testKey() }) }), 401, 'dpop.binding')
    const requirements = { scopes: ['admin'] }
    refused(await call(bed, { headers: dpopHeaders(bed, token), requirements }), 403, 'bearer.scope')
    bed.clock.advance(309)
    accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
    bed.clock.advance(1)
    refused(await call(bed, { headers: dpopHeaders(bed, token) }), 401, 'access-token.expired')
  })

  test('a remembered token dies with its key', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
    bed.issuer.keys[0] = testKey()
    assert.equal(await bed.api.refreshKeys(), true)
    refused(await call(bed, { headers: dpopHeaders(bed, token) }), 401, 'access-token.key')
  })

  test('evicting forgets what matches', async () => {
    const bed = testBed()
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }))
    assert.equal(
      bed.api.evict(facts => facts.clientId === 'client-2'),
      0,
    )
    assert.equal(
      bed.api.evict(facts => facts.clientId === 'client-1'),
      1,
    )
  })
})

describe('the decision hook', () => {
  const good = () => {
    const bed = testBed({ decisionTimeoutMs: 20 })
    return { bed, headers: () => dpopHeaders(bed, bed.boundToken()) }
  }

  test('only a clear yes permits', async () => {
    const { bed, headers } = good()
    const yes = [() => true, async () => true, () => ({ allow: true })]
    for (const decide of yes) accepted(await call(bed, { headers: headers(), requirements: { decide } }))
    const no: unknown[] = [false, undefined, null, 0, 1, 'true', {}, { allow: 'true' }, { allow: false }, []]
    for (const answer of no)
      refused(
        await call(bed, { headers: headers(), requirements: { decide: () => answer as boolean } }),
        403,
        'decision.denied',
      )
  })

  test('a throw, a rejection and a silence deny', async () => {
    const { bed, headers } = good()
    const broken = [
      () => {
        throw new Error('down')
      },
      async () => Promise.reject(new Error('down')),
      () => new Promise<boolean>(() => undefined),
    ]
    for (const decide of broken)
      refused(await call(bed, { headers: headers(), requirements: { decide } }), 403, 'decision.unavailable')
    assert.deepEqual(new Set(bed.events.map(event => event.category)), new Set(['policy']))
  })

  test('the API and the route must both permit, and the policy version is on record', async () => {
    const bed = testBed({ decide: ({ path }) => ({ allow: path === '/payments/7', policyVersion: 'p-9' }) })
    const value = accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }))
    assert.equal(value.policyVersion, 'p-9')
    assert.equal(bed.events[0]?.policyVersion, 'p-9')
    const headers = dpopHeaders(bed, bed.boundToken(), { url: 'https://rs.example/x' })
    refused(await call(bed, { headers, target: '/x' }), 403, 'decision.denied')
    const denied = { decide: () => false }
    refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), requirements: denied }),
      403,
      'decision.denied',
    )
  })
})

describe('audit', () => {
  test('every decision is one event with what it was about, and none holds a credential', async () => {
    const bed = testBed()
    const token = bed.boundToken({ txn: 'txn-1' })
    const headers = dpopHeaders(bed, token)
    await call(bed, { headers, requirements: { action: 'read payment', scopes: ['payments:read'] } })
    await call(bed, { headers, requirements: { action: 'read payment' } })
    await call(bed)
    assert.deepEqual(
      bed.events.map(({ outcome, status, category, ruleId }) => [outcome, status, category, ruleId]),
      [
        ['accepted', 200, undefined, undefined],
        ['alert', 401, 'sender-constraint', 'replay.proof'],
        ['refused', 401, 'credentials', 'bearer.credentials-missing'],
      ],
    )
    assert.equal(bed.events[1]?.clientId, 'client-1')
    assert.equal(bed.events[1]?.txn, 'txn-1')
    const text = JSON.stringify(bed.events)
    for (const secret of [token, headers.dpop ?? '', token.split('.')[2] ?? ''])
      assert.equal(text.includes(secret), false)
  })

  test('without its record no request is permitted', async () => {
    for (const audit of [
      () => {
        throw new Error('disk full')
      },
      async () => Promise.reject(new Error('disk full')),
    ]) {
      const bed = testBed({ audit })
      refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }), 503, 'audit.failed')
      refused(await call(bed), 401, 'bearer.credentials-missing')
      assert.deepEqual(bed.alarms, ['audit.failed', 'audit.failed'])
    }
  })

  test('a broken check closes the door', async () => {
    const bed = testBed({
      tenant: () => {
        throw new Error('no route')
      },
    })
    refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }), 503, 'verify.failed')
  })
})

describe('options', () => {
  const wrong: readonly [string, Parameters<typeof testBed>[0]][] = [
    ['issuer', { issuer: 'http://as.example' }],
    ['audience', { audience: 'rs' }],
    ['externalUrl', { externalUrl: 'https://rs.example/' }],
    ['tokens', { tokens: {} }],
    ['algs', { algs: [] }],
    ['senderConstraintMethods', { senderConstraintMethods: [] }],
    ['proofAgeSeconds', { proofAgeSeconds: 61 }],
    ['dpopNonce', { dpopNonce: { secret: Buffer.alloc(32) }, replayMemory: undefined }],
  ]
  for (const [option, options] of wrong)
    test(`a wrong ${option} is named when the API starts`, () =>
      assert.throws(() => testBed(options), new RegExp(`^TypeError: ${option}: `)))

  test('a proof far in the past or the future of epoch does not break anything', async () => {
    const bed = testBed()
    for (const now of [0, 4_000_000_000])
      assert.equal(
        (await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { now: epochSeconds(now) }) })).ok,
        false,
      )
  })
})
