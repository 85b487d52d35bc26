import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { decideBy } from './decision-point.ts'
import { type IssuerDecisionOptions, issuerDecisionPoint } from './issuer-decision.ts'
import type { Fetch, FetchInit } from './ports.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'
import { testClock } from './testing.ts'

const issuer = 'https://as.example'
const endpoints = {
  token_endpoint: `${issuer}/token`,
  policy_evaluation_endpoint: `${issuer}/policies/access/v1/evaluation`,
}
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keySet = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] }

/** What the issuer says when it is not as usual. */
interface Behaviour {
  metadata?: Readonly<Record<string, unknown>>
  token?: (init: FetchInit) => Response | Promise<Response>
  evaluation?: (init: FetchInit) => Response | Promise<Response>
  nonce?: string
  lifeSeconds?: number
}

/** An issuer that takes nothing without a proof by the key the token is bound to, each once. */
function issuerWith(behaviour: Behaviour = {}) {
  const seen: { readonly url: string; readonly init: FetchInit; readonly isAnswered: boolean }[] = []
  const used = new Set<string>()
  const bound = new Map<string, string>()

  /** @returns the thumbprint of the key, or `undefined` when the nonce is wanted */
  const proven = (url: string, { headers }: FetchInit, token?: string): string | undefined => {
    const jws = parseCompactJws(headers.dpop ?? '', 8192)
    assert.ok(jws.ok)
    const { header, claims } = jws.value
    const key = importPublicJwk(header.jwk)
    assert.ok(key.ok)
    assert.ok(verifyJws(jws.value, key.value, ['ES256']))
    assert.deepEqual([header.typ, claims.htm, claims.htu], ['dpop+jwt', 'POST', url])
    assert.ok(!('d' in (header.jwk as object)), 'the private key left the process')
    const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
    assert.equal(claims.ath, ath)
    assert.ok(!used.has(String(claims.jti)), 'a proof was used twice')
    used.add(String(claims.jti))
    return claims.nonce === behaviour.nonce ? key.value.thumbprint : undefined
  }
  const nonced = (): Readonly<Record<string, string>> =>
    behaviour.nonce === undefined ? {} : { 'dpop-nonce': behaviour.nonce }
  const giveToken = (url: string, init: FetchInit): Response => {
    const jkt = proven(url, init)
    if (jkt === undefined)
      return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: nonced() })
    const form = new URLSearchParams(init.body)
    assert.deepEqual(
      [form.get('grant_type'), form.get('scope'), form.get('client_id')],
      ['client_credentials', 'access_evaluation', 'edge'],
    )
    const assertion = form.get('client_assertion') ?? ''
    assert.ok(!used.has(assertion), 'an assertion was used twice')
    used.add(assertion)
    const access_token = `own-token-${bound.size}`
    bound.set(access_token, jkt)
    const { lifeSeconds: expires_in = 300 } = behaviour
    return Response.json({ access_token, token_type: 'DPoP', expires_in }, { headers: nonced() })
  }
  const decide = (url: string, init: FetchInit): Response => {
    const [scheme, token = ''] = (init.headers.authorization ?? '').split(' ')
    assert.equal(scheme, 'DPoP')
    const jkt = proven(url, init, token)
    if (jkt === undefined)
      return new Response('', {
        status: 401,
        headers: { ...nonced(), 'www-authenticate': 'DPoP error="use_dpop_nonce"' },
      })
    if (bound.get(token) !== jkt) return new Response('', { status: 401, headers: nonced() })
    return Response.json({ decision: true, context: { policy_version: 'v' } }, { headers: nonced() })
  }
  const answer = async (url: string, init: FetchInit): Promise<Response> => {
    if (url === endpoints.token_endpoint) return (await behaviour.token?.(init)) ?? giveToken(url, init)
    if (url === endpoints.policy_evaluation_endpoint)
      return (await behaviour.evaluation?.(init)) ?? decide(url, init)
    if (url === `${issuer}/jwks`) return Response.json(keySet)
    if (url === `${issuer}/.well-known/oauth-authorization-server`)
      return Response.json({ issuer, jwks_uri: `${issuer}/jwks`, ...(behaviour.metadata ?? endpoints) })
    return new Response('', { status: 404 })
  }
  const fetch: Fetch = async (url, init) => {
    const given = await answer(url, init)
    seen.push({ url, init, isAnswered: given.status === 200 })
    return given
  }
  const sentTo = (name: keyof typeof endpoints) => seen.filter(({ url }) => url === endpoints[name])
  /** As if it had forgotten every token. */
  const forget = (): void => bound.clear()
  return { fetch, seen, sentTo, forget, behaviour }
}

let monotonicMs = 0
const clock = { ...testClock(), monotonicMs: () => monotonicMs }

function pointAt(fetch: Fetch, more: Partial<IssuerDecisionOptions> = {}) {
  return issuerDecisionPoint({
    ...{ issuer, fetch, clock },
    authentication: { method: 'private_key_jwt', clientId: 'edge', privateKey, alg: 'ES256' },
    ...more,
  })
}

async function decided(point: ReturnType<typeof pointAt>, bed: TestBed = testBed()) {
  const decide = decideBy(point, () => ({ action: { name: 'read' }, resource: { type: 'a', id: '7' } }))
  return await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), requirements: { decide } })
}

async function unavailable(point: ReturnType<typeof pointAt>, reason: RegExp): Promise<void> {
  const bed = testBed()
  refused(await decided(point, bed), 503, 'decision.unreachable')
  assert.match(bed.events.at(-1)?.reason ?? '', reason)
}

describe('the policies of the issuer are asked', () => {
  it('with one token of this API’s own, and a proof for each question', async () => {
    const { fetch, sentTo } = issuerWith()
    const point = pointAt(fetch)
    for (let count = 0; count < 3; count++) assert.equal(accepted(await decided(point)).policyVersion, 'v')
    assert.equal(sentTo('token_endpoint').length, 1)
    const asked = sentTo('policy_evaluation_endpoint')
    assert.deepEqual(
      asked.map(({ isAnswered }) => isAnswered),
      [true, true, true],
    )
    const { context } = JSON.parse(asked[0]?.init.body ?? '')
    assert.deepEqual([context.client_id, context.binding], ['client-1', 'key'])
    assert.deepEqual([Array.isArray(context.audience), Array.isArray(context.scopes)], [true, true])
    assert.match(asked[0]?.init.headers['x-request-id'] ?? '', /^[\w-]{22}$/)
  })

  it('with the nonce that it gives, and its next one', async () => {
    const { fetch, sentTo, behaviour } = issuerWith({ nonce: 'first' })
    const point = pointAt(fetch)
    accepted(await decided(point))
    assert.equal(sentTo('token_endpoint').length, 2)
    assert.equal(sentTo('policy_evaluation_endpoint').length, 1)
    behaviour.nonce = 'second'
    accepted(await decided(point))
    accepted(await decided(point))
    assert.equal(sentTo('token_endpoint').length, 2)
    assert.equal(sentTo('policy_evaluation_endpoint').length, 4)
  })

  it('by many at once, with one request for a token', async () => {
    const { fetch, sentTo } = issuerWith({ nonce: 'n' })
    const point = pointAt(fetch)
    for (const one of await Promise.all(Array.from({ length: 20 }, () => decided(point)))) accepted(one)
    assert.equal(sentTo('token_endpoint').length, 2)
  })

  it('or another evaluation endpoint of it, with the same token', async () => {
    const { fetch, seen } = issuerWith()
    const url = `${issuer}/access/v1/evaluation`
    const elsewhere: Fetch = async (to, init) => {
      if (to !== url) return await fetch(to, init)
      assert.match(init.headers.authorization ?? '', /^DPoP own-token-0$/)
      return Response.json({ decision: true, context: { policy_version: 'of-the-document' } })
    }
    const answer = accepted(await decided(pointAt(elsewhere, { url })))
    assert.equal(answer.policyVersion, 'of-the-document')
    assert.ok(seen.every(({ url: to }) => to !== endpoints.policy_evaluation_endpoint))
  })

  it('and a denial with a way out is a challenge', async () => {
    const body = { decision: false, context: { acr_values: ['urn:two'] } }
    const { fetch } = issuerWith({ evaluation: () => Response.json(body) })
    refused(await decided(pointAt(fetch)), 401, 'decision.step-up')
  })
})

describe('the token it is asked with', () => {
  const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 10))

  it('is used until two thirds of its life, the next one is got meanwhile', async () => {
    monotonicMs = 0
    const { fetch, sentTo } = issuerWith({ lifeSeconds: 310 })
    const point = pointAt(fetch)
    const tokens = () => sentTo('token_endpoint').length
    for (const [at, expected] of [
      [0, 1],
      [199_999, 1],
      [200_000, 2],
      [399_999, 2],
      [400_000, 3],
    ] as const) {
      monotonicMs = at
      accepted(await decided(point))
      await settled()
      assert.equal(tokens(), expected, String(at))
    }
    const used = sentTo('policy_evaluation_endpoint').map(({ init }) => init.headers.authorization)
    // Whoever asks while the next one is under way is not kept waiting.
    assert.deepEqual(
      used,
      ['0', '0', '0', '1', '1'].map(name => `DPoP own-token-${name}`),
    )
  })

  it('is not used at its end, and its renewal is tried once a second', async () => {
    monotonicMs = 0
    const { fetch, sentTo, behaviour } = issuerWith({ lifeSeconds: 310 })
    const point = pointAt(fetch)
    accepted(await decided(point))
    behaviour.token = () => Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
    for (const at of [200_000, 200_999, 201_000, 299_999]) {
      monotonicMs = at
      accepted(await decided(point))
      await settled()
    }
    assert.equal(sentTo('token_endpoint').length, 4)
    monotonicMs = 300_000
    await unavailable(point, /gave no token to ask with: 503 temporarily_unavailable/)
    delete behaviour.token
    accepted(await decided(point))
  })

  it('is replaced once when the issuer does not know it', async () => {
    const { fetch, sentTo, forget, behaviour } = issuerWith()
    const point = pointAt(fetch)
    accepted(await decided(point))
    forget()
    accepted(await decided(point))
    assert.equal(sentTo('token_endpoint').length, 2)
    behaviour.evaluation = () => new Response('', { status: 401 })
    const before = sentTo('policy_evaluation_endpoint').length
    await unavailable(point, /does not answer this client: 401/)
    assert.equal(sentTo('policy_evaluation_endpoint').length, before + 2)
  })

  it('is one that is bound to the key of this process, and no other', async () => {
    for (const token_type of ['Bearer', 'N_A', undefined]) {
      const token = () => Response.json({ access_token: 'anybody', token_type, expires_in: 300 })
      const { fetch, sentTo } = issuerWith({ token })
      await unavailable(pointAt(fetch), /no token that is bound to our key/)
      assert.equal(sentTo('policy_evaluation_endpoint').length, 0)
    }
  })
})

describe('an issuer that does not answer', () => {
  it('lets nobody in; only its error code is told', async () => {
    const secret = { error: 'invalid_client', error_description: 'secret-text' }
    const { fetch } = issuerWith({ token: () => Response.json(secret, { status: 401 }) })
    await unavailable(pointAt(fetch), /^the issuer gave no token to ask with: 401 invalid_client$/)
    const odd = issuerWith({ token: () => Response.json({ error: 'Odd Text' }, { status: 400 }) })
    await unavailable(pointAt(odd.fetch), /^the issuer gave no token to ask with: 400$/)
  })

  it('without its scope, without its endpoint, or without metadata, too', async () => {
    const forbidden = issuerWith({ evaluation: () => new Response('', { status: 403 }) })
    await unavailable(pointAt(forbidden.fetch), /does not answer this client: 403/)
    const older = issuerWith({ metadata: { token_endpoint: endpoints.token_endpoint } })
    await unavailable(pointAt(older.fetch), /no endpoint for questions about calls/)
    const nowhere: Fetch = () => Promise.reject(new Error('down'))
    await unavailable(pointAt(nowhere), /metadata of the issuer is not at hand/)
  })

  it('is not waited for longer than said, whatever it is that does not answer', async () => {
    const never = (init: FetchInit): Promise<Response> =>
      new Promise((_done, fail) => init.signal.addEventListener('abort', () => fail(init.signal.reason)))
    for (const part of ['token', 'evaluation'] as const) {
      const { fetch } = issuerWith({ [part]: never })
      const begun = performance.now()
      await unavailable(pointAt(fetch, { timeoutMs: 30 }), /did not answer/)
      assert.ok(performance.now() - begun < 1000)
    }
  })

  it('is not asked any more when the token comes too late: it would record what nobody used', async () => {
    monotonicMs = 0
    const { fetch, sentTo } = issuerWith()
    const point = pointAt(fetch, { timeoutMs: 500 })
    const late: Fetch = async (url, init) => {
      const answer = await fetch(url, init)
      if (url === endpoints.token_endpoint) monotonicMs += 500
      return answer
    }
    await unavailable(pointAt(late, { timeoutMs: 500 }), /too late to ask/)
    assert.equal(sentTo('policy_evaluation_endpoint').length, 0)
    accepted(await decided(point))
  })

  it('is left alone after a few failures; a question that it does not take is denied', async () => {
    const { fetch, sentTo, behaviour } = issuerWith({ evaluation: () => new Response('', { status: 500 }) })
    const point = pointAt(fetch, { failuresMax: 2, pauseMs: 1000 })
    for (let count = 0; count < 2; count++) await unavailable(point, /did not answer/)
    await unavailable(point, /left alone/)
    assert.equal(sentTo('policy_evaluation_endpoint').length, 2)
    monotonicMs += 1000
    behaviour.evaluation = () => new Response('', { status: 400 })
    for (let count = 0; count < 3; count++) refused(await decided(point), 403, 'decision.denied')
  })

  it('is asked over https only, and nobody else is shown its token', () => {
    const { fetch } = issuerWith()
    for (const url of ['https://pdp.example/access/v1/evaluation', 'http://as.example/access', 'nowhere'])
      assert.throws(() => pointAt(fetch, { url }), /is not at the issuer/)
    assert.throws(() => pointAt(fetch, { issuer: 'http://as.example' }), /not https/)
    assert.throws(() => pointAt(fetch, { issuer: 'nowhere' }), /not https/)
    assert.throws(() => pointAt(fetch, { timeoutMs: 0 }), /outside/)
  })
})
