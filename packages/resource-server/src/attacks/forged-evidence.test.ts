import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CertificateThumbprint, epochSeconds } from '@holdfast/protocol'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import type { CertificateEvidence } from '@holdfast/protocol/sender/mtls.ts'
import type { GatewayTrust } from '../options.ts'
import { inMemoryReplayMemory } from '../replay.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from '../test-bed.ts'
import { type TestKey, testKey } from '../testing.ts'

/** A neighbour on the internal network sends what it likes: only what the gateway signed for this request counts. */

const gatewayKey = testKey('ES256')
const peer: CertificateEvidence = {
  x5tS256: 'gateway-thumbprint' as CertificateThumbprint,
  notBefore: epochSeconds(0),
  notAfter: epochSeconds(4e9),
}

function bedBehind(
  trust: Partial<GatewayTrust> = {},
  more: Partial<Parameters<typeof testBed>[0]> = {},
): TestBed {
  const gateway: GatewayTrust = {
    issuer: 'https://gw.example',
    audience: 'urn:api',
    keys: [gatewayKey.jwk],
    peers: [peer.x5tS256],
    ...trust,
  }
  return testBed({ tokens: { gateway }, ...more })
}

interface Forged {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: TestKey
  readonly phantom?: string
  readonly evidenceOf?: string
}

function phantomOf(
  bed: TestBed,
  changes: Readonly<Record<string, unknown>> = {},
  key = bed.issuer.keys[0],
): string {
  assert.ok(key)
  const { issuer, clock } = bed
  const { cnf = { jkt: bed.key.thumbprint }, ...rest } = changes
  const claims = {
    iss: issuer.issuer,
    aud: [issuer.audience, 'gateway'],
    iat: clock.now(),
    token_introspection: { active: true, ...issuer.claims({ cnf, ...rest }) },
  }
  return signJws({ typ: 'token-introspection+jwt', kid: key.thumbprint }, claims, key.privateKey, key.alg)
}

function forwarded(bed: TestBed, forged: Forged = {}): Record<string, string> {
  const phantom = forged.phantom ?? phantomOf(bed)
  const now = bed.clock.now()
  const claims = {
    iss: 'https://gw.example',
    aud: 'urn:api',
    iat: now,
    exp: now + 30,
    jti: `jti-${Math.trunc(performance.now() * 1e6)}`,
    rid: 'reference-1',
    htm: 'GET',
    target: '/payments/7',
    pth: sha256(forged.evidenceOf ?? phantom),
    cnf: { jkt: bed.key.thumbprint },
    ...forged.claims,
  }
  const { key = gatewayKey, header = {} } = forged
  return {
    'holdfast-token': phantom,
    'holdfast-evidence': signJws(
      { typ: 'holdfast-evidence+jwt', ...header },
      claims,
      key.privateKey,
      key.alg,
    ),
  }
}

const send = (bed: TestBed, headers: Record<string, string>, more: object = {}) =>
  call(bed, { headers, peerCertificate: peer, ...more })

describe('evidence', () => {
  test('of the gateway, with the answer of the issuer, makes the same verified token as the client itself', async () => {
    const bed = bedBehind()
    const token = accepted(await send(bed, forwarded(bed)))
    assert.deepEqual(token.binding, { jkt: bed.key.thumbprint })
    assert.equal(token.requestId, 'reference-1')
    assert.equal(token.form, 'opaque')
    assert.equal(bed.events[0]?.requestId, 'reference-1')
    assert.equal(bed.events[0]?.constraint, 'dpop')
  })

  test('is used once, also by sixteen at a time', async () => {
    const bed = bedBehind()
    const headers = forwarded(bed)
    const answers = await Promise.all(Array.from({ length: 16 }, () => send(bed, headers)))
    assert.equal(answers.filter(answer => answer.ok).length, 1)
    refused(answers.find(answer => !answer.ok) ?? (await send(bed, headers)), 401, 'evidence.replay')
    assert.ok(bed.events.some(({ outcome, ruleId }) => outcome === 'alert' && ruleId === 'evidence.replay'))
  })

  test('for another request, API, gateway or time lets nobody in', async () => {
    const bed = bedBehind()
    const now = bed.clock.now()
    const cases: readonly (readonly [Forged, string])[] = [
      [{ claims: { target: '/payments/8' } }, 'evidence.target'],
      [{ claims: { htm: 'POST' } }, 'evidence.method'],
      [{ claims: { aud: 'urn:other' } }, 'evidence.aud'],
      [{ claims: { iss: 'https://other.example' } }, 'evidence.iss'],
      [{ claims: { iat: now - 31, exp: now - 1 } }, 'evidence.time'],
      [{ evidenceOf: 'another phantom' }, 'evidence.token'],
      [{ header: { typ: 'at+jwt' } }, 'evidence.typ'],
      [{ key: testKey('ES256') }, 'evidence.signature'],
    ]
    for (const [forged, ruleId] of cases) refused(await send(bed, forwarded(bed, forged)), 401, ruleId)
  })

  test('expires at its second and not before', async () => {
    const bed = bedBehind()
    const first = forwarded(bed)
    const second = forwarded(bed)
    bed.clock.advance(29)
    accepted(await send(bed, first))
    bed.clock.advance(1)
    refused(await send(bed, second), 401, 'evidence.time')
  })

  test('for another key than that of the token lets nobody in', async () => {
    const bed = bedBehind()
    refused(
      await send(bed, forwarded(bed, { claims: { cnf: { jkt: testKey().thumbprint } } })),
      401,
      'cnf.jkt',
    )
    refused(await send(bed, forwarded(bed, { claims: { cnf: {} } })), 401, 'cnf.jkt')
    const certified = phantomOf(bed, { cnf: { 'x5t#S256': 'a'.repeat(43) } })
    refused(await send(bed, forwarded(bed, { phantom: certified })), 401, 'cnf.x5t')
    const unbound = phantomOf(bed, { cnf: undefined })
    const both = phantomOf(bed, { cnf: { jkt: bed.key.thumbprint, 'x5t#S256': 'a'.repeat(43) } })
    refused(await send(bed, forwarded(bed, { phantom: both })), 401, 'cnf.x5t')
    assert.ok((await send(bed, forwarded(bed, { phantom: unbound }))).ok, 'the default of the helper binds')
  })

  test('with an answer that the issuer did not sign for this API lets nobody in', async () => {
    const bed = bedBehind()
    const stranger = forwarded(bed, { phantom: phantomOf(bed, {}, testKey()) })
    assert.equal((await send(bed, stranger)).ok, false)
    const elsewhere = forwarded(bed, { phantom: phantomOf(bed, { aud: 'https://other.example' }) })
    refused(await send(bed, elsewhere), 401, 'access-token.aud')
    const accessToken = forwarded(bed, { phantom: bed.boundToken() })
    refused(await send(bed, accessToken), 503, 'introspection-jwt.typ')
    const inactive = forwarded(bed, { phantom: phantomOf(bed, { active: false }) })
    assert.equal((await send(bed, inactive)).ok, false)
  })

  test('with the JWT of a split token is judged as an access token, where the API takes them', async () => {
    const bed = bedBehind({ splitTokens: true })
    const token = accepted(await send(bed, forwarded(bed, { phantom: bed.boundToken() })))
    assert.deepEqual([token.form, token.binding], ['jwt', { jkt: bed.key.thumbprint }])
    accepted(await send(bed, forwarded(bed)))
    const now = bed.clock.now()
    const wrong: Readonly<Record<string, string>> = {
      'access-token.aud': bed.boundToken({ aud: 'https://other.example' }),
      'access-token.iss': bed.boundToken({ iss: 'https://evil.example' }),
      'access-token.expired': bed.boundToken({ iat: now - 60, exp: now - 11 }),
      'cnf.jkt': bed.boundToken({ cnf: { jkt: testKey().thumbprint } }),
    }
    for (const [ruleId, phantom] of Object.entries(wrong))
      refused(await send(bed, forwarded(bed, { phantom })), 401, ruleId)
    const stranger = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, testKey())
    refused(await send(bed, forwarded(bed, { phantom: stranger })), 401, 'access-token.key')
    const otherKind = bed.boundToken({}, { typ: 'dpop+jwt' })
    refused(await send(bed, forwarded(bed, { phantom: otherKind })), 503, 'introspection-jwt.typ')
    const [whole] = [bed.boundToken()]
    accepted(await send(bed, forwarded(bed, { phantom: whole })))
    refused(await send(bed, dpopHeaders(bed, whole)), 401, 'evidence.required')
  })

  test('that is old in its phantom token only is refused too', async () => {
    const bed = bedBehind()
    const phantom = phantomOf(bed)
    bed.clock.advance(61)
    refused(await send(bed, forwarded(bed, { phantom })), 503, 'introspection-jwt.iat')
  })

  test('needs the connection of the gateway, and TLS', async () => {
    const bed = bedBehind()
    refused(await send(bed, forwarded(bed), { peerCertificate: undefined }), 401, 'evidence.peer')
    const other = { ...peer, x5tS256: 'another' as CertificateThumbprint }
    refused(await send(bed, forwarded(bed), { peerCertificate: other }), 401, 'evidence.peer')
    refused(await send(bed, forwarded(bed), { isSecure: false }), 401, 'evidence.tls')
  })

  test('does not come with credentials of a client, nor twice', async () => {
    const bed = bedBehind()
    const token = bed.boundToken()
    refused(await send(bed, { ...forwarded(bed), ...dpopHeaders(bed, token) }), 401, 'evidence.alone')
    const { 'holdfast-token': _left, ...alone } = forwarded(bed)
    refused(await send(bed, alone), 401, 'evidence.one')
  })

  test('that is longer than it can be is not read', async () => {
    const bed = bedBehind()
    const long = forwarded(bed, { claims: { more: 'x'.repeat(4096) } })
    assert.equal((await send(bed, long)).ok, false)
    const phantom = phantomOf(bed, { more: 'x'.repeat(8192) })
    refused(await send(bed, forwarded(bed, { phantom })), 401, 'evidence.phantom-size')
  })

  test('means nothing to an API without a gateway', async () => {
    const bed = testBed()
    refused(await send(bed, forwarded(bed)), 401, 'bearer.credentials-missing')
  })

  test('is needed where no other form of token is accepted', async () => {
    const bed = bedBehind()
    refused(await send(bed, dpopHeaders(bed, bed.boundToken())), 401, 'evidence.required')
  })

  test('stands beside tokens of clients when both are accepted', async () => {
    const gateway = { issuer: 'https://gw.example', audience: 'urn:api', keys: [gatewayKey.jwk] }
    const bed = testBed({ tokens: { jwt: true, gateway } })
    accepted(await send(bed, forwarded(bed)))
    accepted(await send(bed, dpopHeaders(bed, bed.boundToken())))
  })

  test('asks for scope, assurance and policy like every other request', async () => {
    const bed = bedBehind()
    const requirements = { scopes: ['admin'] }
    refused(await send(bed, forwarded(bed), { requirements }), 403, 'bearer.scope')
    const stepUp = { acrValues: ['urn:mfa'] }
    refused(await send(bed, forwarded(bed), { requirements: stepUp }), 401, 'step-up.acr')
  })

  test('from before the memory began is answered 503 until it cannot have been used', async () => {
    const bed = bedBehind(
      {},
      { replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(1_800_000_000) }) },
    )
    bed.clock.advance(5)
    refused(await send(bed, forwarded(bed)), 503, 'evidence.memory-young')
    bed.clock.advance(1)
    accepted(await send(bed, forwarded(bed)))
  })

  test('is refused when the memory fails, is full, or throws', async () => {
    for (const remember of [
      () => 'full' as const,
      () => {
        throw new Error('down')
      },
    ]) {
      const bed = bedBehind({ replayMemory: { completeSince: epochSeconds(0), remember } })
      refused(await send(bed, forwarded(bed)), 503, 'evidence.memory')
    }
  })

  test('cannot be trusted by options that name no key or no name', () => {
    const gateway = { issuer: 'g', audience: 'a', keys: [gatewayKey.jwk] }
    for (const spoilt of [
      { ...gateway, keys: [] },
      { ...gateway, issuer: '' },
      { ...gateway, audience: '' },
      { ...gateway, keys: [{ kty: 'oct', k: 'AAAA' }] },
    ])
      assert.throws(() => testBed({ tokens: { gateway: spoilt } }), TypeError)
  })
})
