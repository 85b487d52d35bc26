import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { joinedToken, signingInputMember } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { testKey, testProof } from '@holdfast/resource-server/testing.ts'
import { type Bed, type BedOptions, openBed, proofFor, send } from './testing/bed.ts'

/** The client holds the signature, the issuer gives the gateway the rest, and the API gets the whole. */

async function withBed(use: (bed: Bed) => Promise<void>, options: BedOptions = {}): Promise<void> {
  const bed = await openBed(options)
  try {
    await use(bed)
  } finally {
    await bed.close()
  }
}

const scope = 'accounts:read payments:write'
const halfFor = (bed: Bed, claims: Readonly<Record<string, unknown>> = {}): string =>
  bed.issuer.mintSplit({ cnf: { jkt: bed.key.thumbprint }, scope, ...claims })

const toldOf = (bed: Bed, half: string): Readonly<Record<string, unknown>> =>
  bed.issuer.introspection.get(half) ?? {}
const wholeOf = (bed: Bed, half: string): string =>
  joinedToken(half, String(toldOf(bed, half)[signingInputMember])) ?? ''

/** Behind the gateway stands an API with the SDK. */
function serveWithSdk(bed: Bed): void {
  bed.api.listener = protect(
    bed.api.sdk,
    { scopes: ['accounts:read'] },
    (_request, response, { form, clientId, binding, jti }) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ form, clientId, binding, jti }))
    },
  )
}

describe('a split token at the gateway', () => {
  test('the API behind the gateway gets the joined JWT, bound to what the gateway proved', () =>
    withBed(async bed => {
      serveWithSdk(bed)
      const token = halfFor(bed, { jti: 'one' })
      for (let round = 0; round < 2; round++) {
        const answer = await send(bed, { token })
        assert.equal(answer.status, 200, answer.text)
        const { form, clientId, jti, binding } = answer.json
        assert.deepEqual([form, clientId, jti], ['jwt', 'client-1', 'one'])
        assert.deepEqual(binding, { jkt: bed.key.thumbprint })
      }
      const { headers } = bed.received[0] ?? {}
      assert.equal(headers?.['holdfast-token'], wholeOf(bed, token))
      assert.equal(headers?.authorization, undefined)
      assert.ok(!JSON.stringify(bed.lines).includes(token.slice(9)), 'no log has the signature')
      assert.ok(!JSON.stringify([bed.events, bed.apiEvents]).includes(token.slice(9)), 'nor has an audit')
    }))

  const wrong: Readonly<Record<string, (half: string, whole: string) => string>> = {
    'the whole JWT': (_half, whole) => whole,
    'head and payload': (_half, whole) => whole.slice(0, whole.lastIndexOf('.')),
    'the bare signature': half => half.slice(9),
    'the half under another prefix': half => `at_${half.slice(3)}`,
    'the half with one character more': half => `${half}A`,
  }
  for (const [what, spoil] of Object.entries(wrong))
    test(`${what} opens nothing`, () =>
      withBed(async bed => {
        const half = halfFor(bed)
        const token = spoil(half, wholeOf(bed, half))
        const answer = await send(bed, { token })
        assert.equal(answer.status, 401, answer.text)
        assert.equal(answer.json.error, 'invalid_token')
        assert.equal(bed.received.length, 0)
      }))

  const lies: Readonly<Record<string, [ruleId: string, lie: (bed: Bed) => object]>> = {
    'no head': ['split-token.halves', () => ({ [signingInputMember]: undefined })],
    'the head of another token': [
      'split-token.signature',
      bed => ({ [signingInputMember]: toldOf(bed, halfFor(bed))[signingInputMember] }),
    ],
    'the binding of another key': ['split-token.claims', () => ({ cnf: { jkt: testKey().thumbprint } })],
    'no binding': ['split-token.claims', () => ({ cnf: undefined })],
    'another client': ['split-token.claims', () => ({ client_id: 'client-2' })],
    'more scope': ['split-token.claims', () => ({ scope: 'admin' })],
  }
  for (const [what, [ruleId, lie]] of Object.entries(lies))
    test(`an issuer that answers with ${what} lets nobody in`, () =>
      withBed(async bed => {
        const half = halfFor(bed)
        bed.issuer.introspection.set(half, { ...toldOf(bed, half), ...lie(bed) })
        const answer = await send(bed, { token: half })
        assert.equal(answer.status, 503, answer.text)
        assert.equal(bed.events.at(-1)?.ruleId, ruleId)
        assert.equal(bed.received.length, 0)
        assert.ok(bed.lines.some(({ fields }) => fields.alarm === 'introspection.split'))
      }))

  test('a head that comes for an opaque token lets nobody in', () =>
    withBed(async bed => {
      const token = bed.token()
      bed.issuer.introspection.set(token, { ...toldOf(bed, token), [signingInputMember]: 'a.b' })
      assert.equal((await send(bed, { token })).status, 503)
      assert.equal(bed.events.at(-1)?.ruleId, 'split-token.halves')
    }))

  test('a proof must cover the half, be of its key, and comes once', () =>
    withBed(async bed => {
      const token = halfFor(bed)
      const ofWhole = proofFor(bed, { token: wholeOf(bed, token) })
      assert.equal((await send(bed, { token, proof: ofWhole })).status, 401)
      const now = systemClock.now()
      const thief = testProof({ key: testKey(), method: 'GET', url: `${bed.origin}/accounts`, token, now })
      assert.equal((await send(bed, { token, proof: thief })).status, 401)
      assert.equal((await send(bed, { token, scheme: 'Bearer' })).status, 401)
      const proof = proofFor(bed, { token })
      assert.equal((await send(bed, { token, proof })).status, 200)
      assert.equal((await send(bed, { token, proof })).status, 401)
      assert.equal(bed.received.length, 1)
    }))

  test('expired, revoked, and of a key that was withdrawn, it is refused', () =>
    withBed(async bed => {
      const now = systemClock.now()
      const expired = halfFor(bed, { iat: now - 60, exp: now })
      assert.equal((await send(bed, { token: expired })).status, 401)
      const revoked = halfFor(bed, { jti: 'one' })
      assert.equal((await send(bed, { token: revoked })).status, 200)
      bed.issuer.introspection.delete(revoked)
      await bed.feed.end('token', 'one')
      assert.equal((await send(bed, { token: revoked })).status, 401)
      assert.equal(bed.received.length, 1)
      const [withdrawn] = bed.issuer.keys
      const late = halfFor(bed)
      bed.issuer.keys.splice(0, 1, testKey())
      await bed.feed.end('key', withdrawn?.thumbprint ?? '')
      const answer = await send(bed, { token: late })
      assert.ok(answer.status === 401 || answer.status === 503, answer.text)
      assert.equal(bed.received.length, 1)
    }))

  test('what came through the gateway is not taken from a client', () =>
    withBed(async bed => {
      serveWithSdk(bed)
      const token = halfFor(bed)
      assert.equal((await send(bed, { token })).status, 200)
      const jwt = wholeOf(bed, token)
      const now = systemClock.now()
      const proof = testProof({
        key: bed.key,
        method: 'GET',
        url: `${bed.issuer.audience}/accounts`,
        token: jwt,
        now,
      })
      const headers = new Map([
        ['authorization', `DPoP ${jwt}`],
        ['dpop', proof],
      ])
      const answer = await bed.api.sdk.guard()({
        ...{ method: 'GET', target: '/accounts', isSecure: true, isTokenInBody: false, native: undefined },
        headers: name => [headers.get(name) ?? []].flat(),
        peerCertificate: undefined,
      })
      assert.ok(!answer.ok)
      assert.equal(answer.status, 401)
    }))
})
