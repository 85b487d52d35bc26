import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import type { IntrospectionOptions } from './introspection.ts'
import type { TokenOptions } from './options.ts'
import { accepted, call, dpopHeaders, headerOf, refused, type TestBed, testBed } from './test-bed.ts'
import { testClock, testKey } from './testing.ts'

const apiKey = testKey('ES256')
const introspection: IntrospectionOptions = {
  authentication: {
    method: 'private_key_jwt',
    clientId: 'rs-1',
    privateKey: apiKey.privateKey,
    alg: 'ES256',
    kid: 'k-1',
  },
}

function opaqueBed(options: Partial<IntrospectionOptions> = {}, tokens: Partial<TokenOptions> = {}): TestBed {
  return testBed({ tokens: { introspection: { ...introspection, ...options }, ...tokens } })
}

const token = 'at_0123456789'

function activate(bed: TestBed, changes: Readonly<Record<string, unknown>> = {}, value = token): void {
  bed.issuer.introspection.set(value, {
    active: true,
    ...bed.issuer.claims({ cnf: { jkt: bed.key.thumbprint }, token_type: 'DPoP', ...changes }),
  })
}

const asked = (bed: TestBed): number =>
  bed.issuer.seen.filter(({ url }) => url.endsWith('/introspect')).length
const use = (bed: TestBed, value = token) =>
  call(bed, { headers: dpopHeaders(bed, value, { now: bed.clock.now() }) })

describe('an opaque token', () => {
  test('is accepted when the issuer says it is active, for us, and the proof fits', async () => {
    const bed = opaqueBed()
    activate(bed)
    const value = accepted(await use(bed))
    assert.equal(value.form, 'opaque')
    assert.equal(value.subject, 'user-1')
    assert.deepEqual(value.binding, { jkt: bed.key.thumbprint })
  })

  const spoiled: readonly [string, Readonly<Record<string, unknown>>, string][] = [
    ['inactive', { active: false }, 'access-token.inactive'],
    ['active in words', { active: 'true' }, 'access-token.inactive'],
    ['of another issuer', { iss: 'https://evil.example' }, 'access-token.iss'],
    ['for another API', { aud: 'https://other.example' }, 'access-token.aud'],
    ['without exp', { exp: undefined }, 'access-token.exp'],
    ['expired', { exp: 1_800_000_000 }, 'access-token.expired'],
    ['unbound', { cnf: undefined }, 'bearer.dpop-unbound'],
    ['bound to another key', { cnf: { jkt: 'A'.repeat(43) } }, 'dpop.binding'],
  ]
  for (const [name, changes, ruleId] of spoiled)
    test(`is refused when it is ${name}`, async () => {
      const bed = opaqueBed()
      activate(bed, changes)
      assert.equal(refused(await use(bed), 401, ruleId).error, 'invalid_token')
    })

  test('is refused by an API that takes JWTs only, and nobody is asked', async () => {
    const bed = testBed()
    activate(bed)
    refused(await use(bed), 401, 'jws.form')
    assert.equal(asked(bed), 0)
  })

  test('acr and auth_time of an introspected token satisfy a route as those of a JWT do', async () => {
    const bed = opaqueBed()
    activate(bed, { acr: 'urn:mfa', auth_time: bed.clock.now() - 10 })
    const headers = () => dpopHeaders(bed, token)
    const requirements = { acrValues: ['urn:mfa'], maxAgeSeconds: 10 }
    accepted(await call(bed, { headers: headers(), requirements }))
    refused(
      await call(bed, { headers: headers(), requirements: { acrValues: ['urn:phr'] } }),
      401,
      'step-up.acr',
    )
  })
})

describe('asking the issuer', () => {
  test('proves who asks with a fresh assertion for the issuer alone', async () => {
    const bed = opaqueBed({ cacheSeconds: 0 })
    activate(bed)
    await use(bed)
    await use(bed)
    const forms = bed.issuer.seen.filter(({ url }) => url.endsWith('/introspect')).map(({ form }) => form)
    const jtis = forms.map(form => {
      assert.equal(form.get('client_id'), 'rs-1')
      assert.equal(form.get('token_type_hint'), 'access_token')
      const jws = parseCompactJws(form.get('client_assertion') ?? '', 8192)
      assert.ok(jws.ok)
      const key = importPublicJwk(createPublicKey(apiKey.privateKey).export({ format: 'jwk' }))
      assert.ok(key.ok && verifyJws(jws.value, key.value, ['ES256']))
      const { iss, sub, aud, iat, exp, jti } = jws.value.claims
      assert.deepEqual({ iss, sub, aud }, { iss: 'rs-1', sub: 'rs-1', aud: bed.issuer.issuer })
      assert.equal(Number(exp) - Number(iat), 60)
      return jti
    })
    assert.equal(jtis.length, 2)
    assert.equal(new Set(jtis).size, 2)
  })

  test('over mTLS goes to the alias and sends the client_id alone', async () => {
    const { issuer } = testBed()
    const urls: string[] = []
    const bed = testBed({
      tokens: {
        introspection: { authentication: { method: 'self_signed_tls_client_auth', clientId: 'rs-1' } },
      },
      fetch: async (url, init) => {
        urls.push(url)
        if (url === 'https://mtls.as.example/introspect') {
          assert.deepEqual(
            [...new URLSearchParams(init.body).keys()],
            ['token', 'token_type_hint', 'client_id'],
          )
          return Response.json({ active: true, ...issuer.claims({ cnf: { jkt: bed.key.thumbprint } }) })
        }
        if (url.endsWith('/jwks')) return issuer.fetch(url, init)
        return Response.json({
          issuer: issuer.issuer,
          jwks_uri: `${issuer.issuer}/jwks`,
          introspection_endpoint: `${issuer.issuer}/introspect`,
          mtls_endpoint_aliases: { introspection_endpoint: 'https://mtls.as.example/introspect' },
        })
      },
    })
    accepted(await use(bed))
    assert.ok(urls.includes('https://mtls.as.example/introspect'))
  })

  test('1000 requests with one token ask once', async () => {
    const bed = opaqueBed()
    activate(bed)
    await bed.api.warmUp()
    const answers = await Promise.all(Array.from({ length: 1000 }, () => use(bed)))
    assert.equal(
      answers.every(answer => answer.ok),
      true,
    )
    assert.equal(asked(bed), 1)
  })

  test('an answer serves ten seconds and not one more', async () => {
    const bed = opaqueBed()
    activate(bed)
    accepted(await use(bed))
    bed.issuer.introspection.clear()
    bed.clock.advance(9)
    accepted(await use(bed))
    bed.clock.advance(1)
    refused(await use(bed), 401, 'access-token.inactive')
  })

  test('an answer never outlives the token', async () => {
    const bed = opaqueBed()
    activate(bed, { exp: bed.clock.now() + 4 })
    accepted(await use(bed))
    bed.clock.advance(3)
    accepted(await use(bed))
    assert.equal(asked(bed), 1)
    bed.clock.advance(1)
    refused(await use(bed), 401, 'access-token.expired')
    assert.equal(asked(bed), 2)
  })

  test('an inactive answer serves two seconds', async () => {
    const bed = opaqueBed()
    refused(await use(bed), 401, 'access-token.inactive')
    activate(bed)
    bed.clock.advance(1)
    refused(await use(bed), 401, 'access-token.inactive')
    assert.equal(asked(bed), 1)
    bed.clock.advance(1)
    accepted(await use(bed))
  })

  test('a kept answer is judged again in everything else', async () => {
    const bed = opaqueBed()
    activate(bed)
    accepted(await use(bed))
    refused(await call(bed, { headers: dpopHeaders(bed, token, { key: testKey() }) }), 401, 'dpop.binding')
    const requirements = { scopes: ['admin'] }
    refused(await call(bed, { headers: dpopHeaders(bed, token), requirements }), 403, 'bearer.scope')
    assert.equal(asked(bed), 1)
  })

  test('without an answer the door is closed: 503, Retry-After, nothing remembered', async () => {
    const bed = opaqueBed()
    activate(bed)
    await bed.api.warmUp()
    for (const fault of [new Error('reset'), 500, 401, 302]) {
      bed.issuer.faults.push(fault)
      const answer = refused(await use(bed), 503, 'introspection.unavailable')
      assert.equal(headerOf(answer, 'retry-after'), '1')
      assert.equal(JSON.parse(answer.body).error, 'temporarily_unavailable')
    }
    accepted(await use(bed))
  })

  test('an issuer that answers nobody for a second is left alone, and asked once a second until it answers', async () => {
    const time = { ms: 1000 }
    const clock = Object.assign(testClock(), { monotonicMs: () => time.ms })
    const bed = testBed({ clock, tokens: { introspection } })
    await bed.api.warmUp()
    activate(bed)
    const fail = async (): Promise<number> => {
      const before = asked(bed)
      bed.issuer.faults.splice(0, 9, new Error('reset'))
      refused(await use(bed), 503, 'introspection.unavailable')
      bed.issuer.faults.splice(0)
      return asked(bed) - before
    }
    // Many failures of one moment are a node that restarts.
    for (let count = 0; count < 9; count++) assert.equal(await fail(), 1)
    time.ms += 1000
    assert.equal(await fail(), 1)
    assert.equal(await fail(), 0, 'left alone')
    time.ms += 999
    assert.equal(await fail(), 0)
    time.ms += 1
    assert.equal(await fail(), 1, 'one question')
    assert.equal(await fail(), 0)
    time.ms += 1000
    accepted(await use(bed))
  })

  test('an issuer that refuses one token is not left alone for all', async () => {
    const time = { ms: 1000 }
    const clock = Object.assign(testClock(), { monotonicMs: () => time.ms })
    const bed = testBed({ clock, tokens: { introspection } })
    await bed.api.warmUp()
    for (let count = 0; count < 9; count++) {
      time.ms += 1000
      bed.issuer.faults.push(count % 2 === 0 ? 400 : 413)
      refused(await use(bed, `at_odd-${count}`), 503, 'introspection.unavailable')
    }
    activate(bed)
    accepted(await use(bed))
  })

  test('evicting asks again, and an answer that was on its way is not kept', async () => {
    const bed = opaqueBed()
    activate(bed)
    accepted(await use(bed))
    assert.equal(
      bed.api.evict(({ subject }) => subject === 'user-1'),
      1,
    )
    const late = use(bed)
    await new Promise(resolve => setImmediate(resolve))
    bed.api.evict(() => true)
    await late
    bed.issuer.introspection.clear()
    refused(await use(bed), 401, 'access-token.inactive')
  })

  test('a request after an eviction does not join a question asked before it', async () => {
    const bed = opaqueBed()
    activate(bed)
    await bed.api.warmUp()
    const before = use(bed)
    bed.api.evict(() => true)
    const after = use(bed)
    await Promise.all([before, after])
    assert.equal(asked(bed), 2)
  })

  test('the number of kept answers is bounded', async () => {
    const bed = opaqueBed({ entriesMax: 2 })
    for (const value of ['at_1', 'at_2', 'at_3']) {
      activate(bed, {}, value)
      accepted(await use(bed, value))
    }
    accepted(await use(bed, 'at_3'))
    assert.equal(asked(bed), 3)
    accepted(await use(bed, 'at_1'))
    assert.equal(asked(bed), 4)
  })

  test('cache times beyond the bounds are refused when the API starts', () => {
    for (const options of [{ cacheSeconds: 11 }, { cacheSeconds: -1 }, { negativeCacheSeconds: 3 }])
      assert.throws(() => opaqueBed(options), TypeError)
  })
})

describe('both forms of tokens', () => {
  test('each is taken, and a JWT is asked about too', async () => {
    const bed = opaqueBed({}, { jwt: true })
    activate(bed)
    assert.equal(accepted(await use(bed)).form, 'opaque')
    const jwt = bed.boundToken({ jti: 'j-1' })
    activate(bed, { jti: 'j-1' }, jwt)
    assert.equal(accepted(await use(bed, jwt)).form, 'jwt')
    bed.issuer.introspection.delete(jwt)
    bed.clock.advance(10)
    refused(await use(bed, jwt), 401, 'access-token.inactive')
  })

  test('an answer about another token does not vouch for this one', async () => {
    const bed = opaqueBed({}, { jwt: true })
    const jwt = bed.boundToken({ jti: 'j-1' })
    activate(bed, { jti: 'j-2' }, jwt)
    refused(await use(bed, jwt), 401, 'access-token.mismatch')
  })

  test('a JWT is trusted until it expires where the API says so', async () => {
    const bed = opaqueBed({}, { jwt: true, jwtRevocation: 'lifetime' })
    accepted(await use(bed, bed.boundToken()))
    assert.equal(asked(bed), 0)
  })
})
