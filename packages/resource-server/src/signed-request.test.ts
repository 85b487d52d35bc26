import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import type { HttpSignatureOptions } from './http-signatures.ts'
import type { ResourceServerOptions } from './options.ts'
import { inMemoryReplayMemory } from './replay.ts'
import {
  accepted,
  type CallOptions,
  call,
  headerOf,
  refused,
  requestOf,
  type TestBed,
  testBed,
} from './test-bed.ts'
import { digestOf, type SignOptions, signedHeaders } from './testing/signatures.ts'
import { testClock, testKey, testProof } from './testing.ts'

const clientKey = testKey('EdDSA')
const body = Buffer.from('{"amount":"10.00"}')
const jwkOf = (key = clientKey) => ({ ...key.jwk, kid: key.thumbprint })
const clients = { 'client-1': { jwks: { keys: [jwkOf()] } } }

function signingBed(options: Partial<ResourceServerOptions> & Partial<HttpSignatureOptions> = {}): TestBed {
  const { requests = { clients }, bodyBytesMax, ...more } = options
  const httpSignatures = { requests, ...(bodyBytesMax !== undefined && { bodyBytesMax }) }
  return testBed({ clock: testClock(), ...more, httpSignatures } as Parameters<typeof testBed>[0])
}

interface Change extends Partial<SignOptions> {
  /** Changes after the signature was made. */
  readonly after?: Partial<CallOptions>
  readonly isBearer?: boolean
  readonly isDigestLeftOut?: boolean
}

/** A payment, signed over everything. */
async function payment(bed: TestBed, change: Change = {}): Promise<CallOptions> {
  const { after = {}, isBearer = false, isDigestLeftOut = false, ...signing } = change
  const { clock, issuer, key } = bed
  const target = '/payments?draft=1'
  const url = `${issuer.audience}/payments`
  const token = isBearer ? issuer.mint() : bed.boundToken()
  const headers: Record<string, string> = {
    authorization: `${isBearer ? 'Bearer' : 'DPoP'} ${token}`,
    ...(!isBearer && { dpop: testProof({ key, method: 'POST', url, token, now: clock.now() }) }),
    ...(!isDigestLeftOut && { 'content-digest': digestOf(body) }),
  }
  const request = { method: 'POST', url: issuer.audience + target, headers }
  const signed = await signedHeaders(request, { key: clientKey, now: clock.now(), ...signing })
  return { method: 'POST', target, body, headers: { ...signed, ...after.headers }, ...without(after) }
}

const without = ({ headers: _, ...rest }: Partial<CallOptions>): Partial<CallOptions> => rest

describe('a signed request', () => {
  test('is let in, and token and audit say whose key signed it', async () => {
    const bed = signingBed()
    const token = accepted(await call(bed, await payment(bed)))
    assert.equal(token.signedBy, clientKey.thumbprint)
    assert.equal(bed.events[0]?.signedBy, clientKey.thumbprint)
    assert.equal(bed.events[0]?.category, undefined)
  })

  test('may be signed with ES256, and name its algorithm', async () => {
    const key = testKey('ES256')
    const bed = signingBed({ requests: { clients: { 'client-1': { jwks: { keys: [jwkOf(key)] } } } } })
    const named = await payment(bed, { key, more: { alg: 'ecdsa-p256-sha256' } })
    accepted(await call(bed, named))
    const misnamed = await payment(bed, { key, more: { alg: 'ed25519' } })
    refused(await call(bed, misnamed), 401, 'http-signature.alg')
  })

  test('who signs nothing is told what to sign', async () => {
    const bed = signingBed()
    const { headers = {}, ...rest } = await payment(bed)
    const { Signature: _, 'Signature-Input': __, ...plain } = headers
    const answer = refused(await call(bed, { ...rest, headers: plain }), 401, 'http-signature.fields')
    const wanted = 'sig=("@method" "@target-uri" "authorization");created;keyid;tag="fapi-2-request"'
    assert.equal(headerOf(answer, 'accept-signature'), wanted)
    assert.match(headerOf(answer, 'www-authenticate') ?? '', /^DPoP error="invalid_request"/)
    assert.equal(bed.events[0]?.category, 'signature')
  })

  const whole = ['@method', '@target-uri', 'authorization', 'dpop', 'content-digest']
  const ruleOf = (name: string): string =>
    name === 'dpop'
      ? 'fapi-http-signature.proof'
      : `fapi-http-signature.${name === 'content-digest' ? 'content' : 'components'}`
  for (const name of whole)
    test(`that does not cover ${name} is refused`, async () => {
      const bed = signingBed()
      const signed = await payment(bed, { covered: whole.filter(one => one !== name) })
      refused(await call(bed, signed), 401, ruleOf(name))
    })

  test('of another tag, of 61 s ago, or from the future is refused', async () => {
    const bed = signingBed()
    const now = bed.clock.now()
    refused(await call(bed, await payment(bed, { tag: 'other' })), 401, 'http-signature.tag')
    refused(await call(bed, await payment(bed, { now: now - 61 })), 401, 'fapi-http-signature.created')
    accepted(await call(bed, await payment(bed, { now: now - 60 })))
    const { futureSeconds } = bed.api.settings
    accepted(await call(bed, await payment(bed, { now: now + futureSeconds })))
    const ahead = await payment(bed, { now: now + futureSeconds + 1 })
    refused(await call(bed, ahead), 401, 'fapi-http-signature.created')
    const ended = await payment(bed, { more: { expires: new Date(now * 1000) } })
    refused(await call(bed, ended), 401, 'http-signature.expires')
  })

  test('that was made for another target, method, token or digest is refused', async () => {
    const bed = signingBed()
    const elsewhere = await payment(bed, { after: { target: '/payments?draft=0' } })
    refused(await call(bed, elsewhere), 401, 'http-signature.signature')
    assert.equal(bed.events.at(-1)?.outcome, 'alert')
    const digest = await payment(bed, { after: { headers: { 'content-digest': digestOf('x') } } })
    refused(await call(bed, digest), 401, 'http-signature.signature')
    const first = await payment(bed, { isBearer: true })
    const { authorization } = (await payment(bed, { isBearer: true })).headers ?? {}
    const lent = { ...first, headers: { ...first.headers, authorization: authorization ?? '' } }
    const bearers = signingBed({ senderConstraint: 'allowed', fetch: bed.issuer.fetch })
    refused(await call(bearers, lent), 401, 'http-signature.signature')
  })

  test('whose body is another, is missing, or is too long is refused', async () => {
    const bed = signingBed()
    const swapped = await payment(bed, { after: { body: Buffer.from('{"amount":"99.00"}') } })
    refused(await call(bed, swapped), 401, 'content-digest.match')
    const gone = await payment(bed, { after: { body: new Uint8Array() } })
    refused(await call(bed, gone), 401, 'content-digest.match')
    const undigested = await payment(bed, { isDigestLeftOut: true })
    refused(await call(bed, undigested), 401, 'fapi-http-signature.content')
    const tight = signingBed({ bodyBytesMax: body.length })
    accepted(await call(tight, await payment(tight)))
    const tighter = signingBed({ bodyBytesMax: body.length - 1 })
    refused(await call(tighter, await payment(tighter)), 400, 'http-signature.body-size')
  })

  test('is refused where the adapter reads no body', async () => {
    const bed = signingBed()
    const { readBody: _, ...request } = requestOf(await payment(bed))
    refused(await bed.api.guard()(request), 503, 'verify.failed')
  })
})

describe('the key of a signed request', () => {
  test('a key that is not of the client of the token signs nothing', async () => {
    const other = testKey('EdDSA')
    const both = { ...clients, 'client-2': { jwks: { keys: [jwkOf(other)] } } }
    const bed = signingBed({ requests: { clients: both } })
    refused(await call(bed, await payment(bed, { key: other })), 401, 'http-signature.key')
    const posing = await payment(bed, { key: other, keyid: clientKey.thumbprint })
    refused(await call(bed, posing), 401, 'http-signature.signature')
    const unknown = signingBed({ requests: { clients: { 'client-2': both['client-2'] } } })
    refused(await call(unknown, await payment(unknown)), 401, 'http-signature.key')
    const inherited = signingBed({ requests: { clients: Object.create(clients) } })
    refused(await call(inherited, await payment(inherited)), 401, 'http-signature.key')
  })

  test('needs a name only where there are several', async () => {
    const bed = signingBed()
    accepted(await call(bed, await payment(bed, { keyid: null })))
    const keys = [jwkOf(), jwkOf(testKey('EdDSA'))]
    const two = signingBed({ requests: { clients: { 'client-1': { jwks: { keys } } } } })
    refused(await call(two, await payment(two, { keyid: null })), 401, 'http-signature.key')
    accepted(await call(two, await payment(two)))
  })

  test('of an algorithm that the API does not take signs nothing', async () => {
    const bed = signingBed({ algs: ['ES256'] })
    refused(await call(bed, await payment(bed)), 401, 'http-signature.key-alg')
  })

  test('is fetched, found again when it is new, and used for ten minutes when its place is down', async () => {
    const clock = testClock()
    let published: unknown = { keys: [jwkOf()] }
    let asked = 0
    const jwksUri = 'https://client.example/jwks'
    const issuerFetch: { fetch?: TestBed['issuer']['fetch'] } = {}
    const bed = signingBed({
      clock,
      requests: { clients: { 'client-1': { jwksUri } } },
      fetch: async (url, init) => {
        if (url !== jwksUri) return await (issuerFetch.fetch ?? assert.fail())(url, init)
        asked++
        if (published === undefined) throw new Error('down')
        return Response.json(published)
      },
    })
    issuerFetch.fetch = bed.issuer.fetch
    for (let time = 0; time < 2; time++) accepted(await call(bed, await payment(bed)))
    assert.equal(asked, 1)
    const next = testKey('EdDSA')
    published = { keys: [jwkOf(), jwkOf(next)] }
    refused(await call(bed, await payment(bed, { key: next })), 401, 'http-signature.key')
    assert.equal(asked, 1)
    clock.advance(30)
    accepted(await call(bed, await payment(bed, { key: next })))
    assert.equal(asked, 2)
    published = undefined
    clock.advance(599)
    accepted(await call(bed, await payment(bed)))
    assert.deepEqual([asked, bed.alarms], [3, ['client-keys.fetch-failed']])
    clock.advance(1)
    refused(await call(bed, await payment(bed)), 503, 'http-signature.keys-unavailable')
  })
})

describe('a signature that no proof makes unique', () => {
  const bearers = (options: Parameters<typeof signingBed>[0] = {}) =>
    signingBed({ senderConstraint: 'allowed', ...options })

  test('is taken once; a nonce makes another of the same request', async () => {
    const bed = bearers()
    const once = await payment(bed, { isBearer: true })
    accepted(await call(bed, once))
    refused(await call(bed, once), 401, 'http-signature.replay')
    assert.equal(bed.events.at(-1)?.outcome, 'alert')
    bed.clock.advance(60)
    refused(await call(bed, once), 401, 'http-signature.replay')
    accepted(await call(bed, await payment(bed, { isBearer: true, more: { nonce: 'a' } })))
  })

  test('is refused while the memory is young, full or gone', async () => {
    const clock = testClock()
    const young = bearers({ clock, replayMemory: inMemoryReplayMemory({ completeSince: clock.now() }) })
    refused(await call(young, await payment(young, { isBearer: true })), 503, 'http-signature.memory')
    const memory = { completeSince: epochSeconds(0), remember: () => 'full' as const }
    const full = bearers({ clock, replayMemory: memory })
    refused(await call(full, await payment(full, { isBearer: true })), 503, 'http-signature.memory')
    const gone = bearers({
      clock,
      replayMemory: { ...memory, remember: () => Promise.reject(new Error('gone')) },
    })
    refused(await call(gone, await payment(gone, { isBearer: true })), 503, 'http-signature.memory')
    assert.deepEqual([full.alarms, gone.alarms], [['replay-memory.full'], ['replay-memory.failed']])
  })
})

describe('options of signatures that cannot protect anything', () => {
  const key = testKey('EdDSA')
  const answers = { privateKey: key.privateKey, alg: 'EdDSA', kid: 'k' } as const
  const wrong: readonly (readonly [why: RegExp, options: HttpSignatureOptions])[] = [
    [/neither/, {}],
    [/bodyBytesMax/, { answers, bodyBytesMax: 0 }],
    [/ageSeconds/, { requests: { clients, ageSeconds: 61 } }],
    [/jwksUri/, { answers: { ...answers, jwksUri: 'http://rs.example/jwks' } }],
    [/kid/, { answers: { ...answers, kid: '' } }],
    [/fields/, { answers: { ...answers, fields: ['Content-Type'] } }],
    [/fields/, { answers: { ...answers, fields: ['set-cookie'] } }],
    [/cannot sign ES256/, { answers: { ...answers, alg: 'ES256' } }],
    [/needs 1 to 20 keys/, { requests: { clients: { a: { jwks: { keys: [] } } } } }],
    [/keys of `a`/, { requests: { clients: { a: { jwks: { keys: [{ kty: 'oct', k: 'AA' }] } } } } }],
    [/not an https URL/, { requests: { clients: { a: { jwksUri: 'http://a.example/jwks' } } } }],
  ]
  for (const [why, httpSignatures] of wrong)
    test(`do not start: ${why.source}`, () => assert.throws(() => testBed({ httpSignatures }), why))

  test('do not start behind a gateway, whose requests no client signed', () => {
    const gateway = { issuer: 'https://gw.example', audience: 'urn:a', keys: [testKey().jwk] }
    assert.throws(() => signingBed({ tokens: { gateway } }), /not behind a gateway/)
  })
})
