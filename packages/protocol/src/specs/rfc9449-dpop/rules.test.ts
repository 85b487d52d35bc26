import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EpochSeconds } from '../../brand.ts'
import { sha256 } from '../../jose/hash.ts'
import { signJws } from '../../jose/sign.ts'
import { jwkThumbprint } from '../../jose/thumbprint.ts'
import type { JwsAlg } from '../../profile.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import type { Refused } from '../../rule.ts'
import { judgeProof, type ProofInput, proofForgottenAt, replayPartsOf } from '../../sender/dpop.ts'

const now = 1_767_225_600 as EpochSeconds
const url = 'https://rs.example/payments/7'
const accessToken = 'at-fixture-0001'
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ed = generateKeyPairSync('ed25519')

type Members = Readonly<Record<string, unknown>>

interface Making {
  readonly header?: Members
  readonly claims?: Members
  readonly pair?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly alg?: JwsAlg
}

const goodClaims: Members = {
  jti: 'proof-0001',
  htm: 'POST',
  htu: url,
  iat: now,
  ath: sha256(accessToken),
  nonce: 'current',
}

/** A good proof with some members changed; `undefined` drops one. */
function proof({ header = {}, claims = {}, pair = ec, alg = 'ES256' }: Making = {}): string {
  const jwk = pair.publicKey.export({ format: 'jwk' })
  return signJws({ typ: 'dpop+jwt', jwk, ...header }, { ...goodClaims, ...claims }, pair.privateKey, alg)
}

/** The proof with its header replaced after signing, for what our signer would not write. */
function withHeader(made: string, header: Members): string {
  const [, payload, signature] = made.split('.')
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`
}

const good: ProofInput = {
  proofs: [proof()],
  method: 'POST',
  externalUrl: url,
  algs: fapi2Security.signingAlgs,
  now,
  ageSeconds: 60,
  futureSeconds: 30,
  nonce: { required: true, isCurrent: nonce => nonce === 'current' },
  accessToken,
  expectedJkt: jwkThumbprint(ec.publicKey.export({ format: 'jwk' })),
}

const jwk = ec.publicKey.export({ format: 'jwk' })
const sent = (...proofs: readonly string[]): ProofInput => ({ ...good, proofs })
const spoilt = (making: Making): ProofInput => sent(proof(making))
const unsignedHeader = (header: Members): ProofInput => sent(withHeader(proof(), header))

const refusals: readonly Refused<ProofInput>[] = [
  { name: 'no DPoP header field', input: sent(), ruleId: 'dpop.field' },
  { name: 'two DPoP header fields', input: sent(proof(), proof()), ruleId: 'dpop.field' },
  { name: 'two proofs joined by a comma', input: sent(`${proof()}, ${proof()}`), ruleId: 'dpop.field' },
  { name: 'an empty field', input: sent(''), ruleId: 'jws.form' },
  { name: 'no JWT', input: sent('abc'), ruleId: 'jws.form' },
  { name: 'four parts', input: sent(`${proof()}.AAAA`), ruleId: 'jws.form' },
  { name: 'an upper-cased JWT', input: sent(proof().toUpperCase()), ruleId: 'jws.header' },
  { name: 'more than 8192 bytes', input: spoilt({ claims: { more: 'a'.repeat(8192) } }), ruleId: 'jws.size' },

  { name: 'no `typ`', input: spoilt({ header: { typ: undefined } }), ruleId: 'dpop.typ' },
  { name: '`typ` JWT', input: spoilt({ header: { typ: 'JWT' } }), ruleId: 'dpop.typ' },
  { name: '`typ` at+jwt', input: spoilt({ header: { typ: 'at+jwt' } }), ruleId: 'dpop.typ' },
  {
    name: '`typ` with something after it',
    input: spoilt({ header: { typ: 'dpop+jwt ' } }),
    ruleId: 'dpop.typ',
  },

  { name: 'no `alg`', input: unsignedHeader({ typ: 'dpop+jwt', jwk }), ruleId: 'jws.alg' },
  { name: '`alg` none', input: unsignedHeader({ typ: 'dpop+jwt', alg: 'none', jwk }), ruleId: 'dpop.alg' },
  { name: '`alg` HS256', input: unsignedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk }), ruleId: 'dpop.alg' },
  { name: '`alg` es256', input: unsignedHeader({ typ: 'dpop+jwt', alg: 'es256', jwk }), ruleId: 'dpop.alg' },
  { name: '`alg` RS256 under FAPI', input: spoilt({ pair: rsa, alg: 'RS256' }), ruleId: 'dpop.alg' },

  { name: 'no `jwk`', input: spoilt({ header: { jwk: undefined } }), ruleId: 'dpop.jwk' },
  { name: '`jwk` that is text', input: spoilt({ header: { jwk: 'key' } }), ruleId: 'dpop.jwk' },
  { name: '`jwk` that is a list', input: spoilt({ header: { jwk: [jwk] } }), ruleId: 'dpop.jwk' },

  { name: 'no `jti`', input: spoilt({ claims: { jti: undefined } }), ruleId: 'dpop.jti' },
  { name: 'an empty `jti`', input: spoilt({ claims: { jti: '' } }), ruleId: 'dpop.jti' },
  { name: '`jti` that is a number', input: spoilt({ claims: { jti: 1 } }), ruleId: 'dpop.jti' },
  {
    name: '`jti` of 257 characters',
    input: spoilt({ claims: { jti: 'a'.repeat(257) } }),
    ruleId: 'dpop.jti',
  },

  { name: 'no `htm`', input: spoilt({ claims: { htm: undefined } }), ruleId: 'dpop.htm' },
  { name: '`htm` of another method', input: spoilt({ claims: { htm: 'GET' } }), ruleId: 'dpop.htm' },
  { name: '`htm` in lower case', input: spoilt({ claims: { htm: 'post' } }), ruleId: 'dpop.htm' },

  { name: 'no `htu`', input: spoilt({ claims: { htu: undefined } }), ruleId: 'dpop.htu' },
  { name: '`htu` that is a list', input: spoilt({ claims: { htu: [url] } }), ruleId: 'dpop.htu' },
  { name: '`htu` of another path', input: spoilt({ claims: { htu: `${url}8` } }), ruleId: 'dpop.htu' },
  {
    name: '`htu` of another host',
    input: spoilt({ claims: { htu: 'https://evil.example/payments/7' } }),
    ruleId: 'dpop.htu',
  },
  {
    name: 'a request URL that has no normal form',
    input: { ...good, externalUrl: `${url}%` },
    ruleId: 'dpop.htu',
  },

  { name: 'no `ath` with a token', input: spoilt({ claims: { ath: undefined } }), ruleId: 'dpop.ath' },
  { name: '`ath` of another token', input: spoilt({ claims: { ath: sha256('other') } }), ruleId: 'dpop.ath' },
  { name: 'padded `ath`', input: spoilt({ claims: { ath: `${sha256(accessToken)}=` } }), ruleId: 'dpop.ath' },

  { name: 'no `iat`', input: spoilt({ claims: { iat: undefined } }), ruleId: 'dpop.iat' },
  { name: '`iat` as text', input: spoilt({ claims: { iat: String(now) } }), ruleId: 'dpop.iat' },
  { name: '`iat` with a fraction', input: spoilt({ claims: { iat: now + 0.5 } }), ruleId: 'dpop.iat' },
  { name: '`iat` below zero', input: spoilt({ claims: { iat: -1 } }), ruleId: 'dpop.iat' },
  { name: '`iat` 61 seconds ago', input: spoilt({ claims: { iat: now - 61 } }), ruleId: 'dpop.age' },
  { name: '`iat` an hour ago', input: spoilt({ claims: { iat: now - 3600 } }), ruleId: 'dpop.age' },
  { name: '`iat` 31 seconds ahead', input: spoilt({ claims: { iat: now + 31 } }), ruleId: 'dpop.future' },
  { name: '`iat` 61 seconds ahead', input: spoilt({ claims: { iat: now + 61 } }), ruleId: 'dpop.future' },
  { name: '`iat` an hour ahead', input: spoilt({ claims: { iat: now + 3600 } }), ruleId: 'dpop.future' },
  { name: '`exp` that is now', input: spoilt({ claims: { exp: now } }), ruleId: 'dpop.expiry' },
  { name: '`exp` as text', input: spoilt({ claims: { exp: 'never' } }), ruleId: 'dpop.expiry' },
  { name: '`nbf` 31 seconds ahead', input: spoilt({ claims: { nbf: now + 31 } }), ruleId: 'dpop.expiry' },

  {
    name: 'no nonce where one is demanded',
    input: spoilt({ claims: { nonce: undefined } }),
    ruleId: 'dpop.nonce-required',
  },
  { name: 'a nonce that is not ours', input: spoilt({ claims: { nonce: 'stale' } }), ruleId: 'dpop.nonce' },
  { name: 'an empty nonce', input: spoilt({ claims: { nonce: '' } }), ruleId: 'dpop.nonce' },
  { name: 'a nonce that is a list', input: spoilt({ claims: { nonce: ['current'] } }), ruleId: 'dpop.nonce' },
  {
    name: 'a stale nonce where none is demanded',
    input: { ...spoilt({ claims: { nonce: 'stale' } }), nonce: { required: false, isCurrent: () => false } },
    ruleId: 'dpop.nonce',
  },
  {
    name: 'a nonce of 513 characters, even if it were ours',
    input: {
      ...spoilt({ claims: { nonce: 'a'.repeat(513) } }),
      nonce: { required: true, isCurrent: () => true },
    },
    ruleId: 'dpop.nonce',
  },

  {
    name: 'a private key in `jwk`',
    input: spoilt({ header: { jwk: ec.privateKey.export({ format: 'jwk' }) } }),
    ruleId: 'dpop.key',
  },
  {
    name: 'an RSA key of 1024 bits',
    input: sent(
      withHeader(proof(), {
        typ: 'dpop+jwt',
        alg: 'PS256',
        jwk: weakRsa.publicKey.export({ format: 'jwk' }),
      }),
    ),
    ruleId: 'dpop.key',
  },
  {
    name: 'a key off its curve',
    input: spoilt({ header: { jwk: { ...jwk, y: jwk.x } } }),
    ruleId: 'dpop.key',
  },
  {
    name: 'another key in `jwk`',
    input: spoilt({ header: { jwk: otherEc.publicKey.export({ format: 'jwk' }) } }),
    ruleId: 'dpop.signature',
  },
  {
    name: 'a key of another type in `jwk`',
    input: spoilt({ header: { jwk: ed.publicKey.export({ format: 'jwk' }) } }),
    ruleId: 'dpop.signature',
  },
  {
    name: 'a key that is for encryption',
    input: spoilt({ header: { jwk: { ...jwk, use: 'enc' } } }),
    ruleId: 'dpop.signature',
  },
  { name: 'a flipped bit in the signature', input: sent(flipped(proof())), ruleId: 'dpop.signature' },
  {
    name: 'a header changed after signing',
    input: unsignedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, more: 1 }),
    ruleId: 'dpop.signature',
  },
  {
    name: 'another key than the token is bound to',
    input: spoilt({ pair: otherEc }),
    ruleId: 'dpop.binding',
  },
]

/** The same text with one bit of the first signature byte turned. */
function flipped(made: string): string {
  const dot = made.lastIndexOf('.')
  const signature = Buffer.from(made.slice(dot + 1), 'base64url')
  signature[0] = (signature[0] ?? 0) ^ 1
  return `${made.slice(0, dot + 1)}${signature.toString('base64url')}`
}

/** Vector V4 of our checklist: deterministic, so that every implementation makes the same bytes. */
const fixture =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkRFNBIiwiandrIjp7Imt0eSI6Ik9LUCIsImNydiI6IkVkMjU1MTkiLCJ4IjoiSklZS2VwR3EwYnFfS1pRQ3RhUzRnRXFfQmdaNU5wRVRkYWJINUlHa2h5dyJ9fQ.eyJqdGkiOiJwcm9vZi0wMDAxIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9ycy5leGFtcGxlL3BheW1lbnRzLzciLCJpYXQiOjE3NjcyMjU2MDAsImF0aCI6IlBieVYweTk5MlZheTZNdFJxTVk5YmFzUnU2RnZ0ZmVOdm5pb1Q1OC1iMzAifQ.A93SfIjPH5EYfz9JnKqppQKfgNa5ANFHet5JD-F3YE1OY7brdZ4yB_15yCRPMZjxsk-OFZZqqQdDL7rCtJxGDA'

function ruleOf(input: ProofInput): string {
  const judged = judgeProof(input)
  return judged.ok ? '' : judged.ruleId
}

function acceptedWith(input: ProofInput): void {
  const judged = judgeProof(input)
  assert.ok(judged.ok, judged.ok ? '' : `${judged.ruleId}: ${judged.reason}`)
}

const errors: Readonly<Record<string, string>> = {
  'dpop.nonce-required': 'use_dpop_nonce',
  'dpop.nonce': 'use_dpop_nonce',
  'dpop.binding': 'invalid_token',
}

describe('DPoP proof', () => {
  it('is taken when everything holds', () => {
    const judged = judgeProof(good)
    assert.deepEqual(judged, {
      ok: true,
      value: { jkt: good.expectedJkt, jti: 'proof-0001', htu: url, issuedAt: now, nonce: 'current' },
    })
  })

  for (const { name, input, ruleId } of refusals) {
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const judged = judgeProof(input)
      assert.ok(!judged.ok)
      assert.equal(judged.ruleId, ruleId)
      assert.equal(judged.error, errors[ruleId] ?? 'invalid_dpop_proof')
      assert.ok(judged.clauses.length > 0)
    })
  }

  for (const [name, making] of [
    ['`iat` now', { claims: { iat: now } }],
    ['`iat` 10 seconds ago', { claims: { iat: now - 10 } }],
    ['`iat` 59 seconds ago', { claims: { iat: now - 59 } }],
    ['`iat` 60 seconds ago', { claims: { iat: now - 60 } }],
    ['`iat` 8 seconds ahead', { claims: { iat: now + 8 } }],
    ['`iat` 10 seconds ahead', { claims: { iat: now + 10 } }],
    ['`iat` 29 seconds ahead', { claims: { iat: now + 29 } }],
    ['`iat` 30 seconds ahead', { claims: { iat: now + 30 } }],
    ['`exp` one second ahead', { claims: { exp: now + 1 } }],
    ['`nbf` 30 seconds ahead', { claims: { nbf: now + 30 } }],
    ['`jti` of 256 characters', { claims: { jti: 'a'.repeat(256) } }],
    ['`typ` in other case', { header: { typ: 'DPoP+JWT' } }],
    ['`typ` as a full media type', { header: { typ: 'application/dpop+jwt' } }],
    ['labels on the key', { header: { jwk: { ...jwk, use: 'sig', alg: 'ES256', key_ops: ['verify'] } } }],
    ['query and fragment in `htu`', { claims: { htu: `${url}?other=2#f` } }],
    ['`htu` in another spelling', { claims: { htu: 'HTTPS://RS.EXAMPLE:443/a/../%70ayments/7' } }],
  ] as const) {
    it(`is taken with ${name}`, () => acceptedWith(spoilt(making)))
  }

  for (const [alg, pair] of [
    ['ES256', ec],
    ['PS256', rsa],
    ['EdDSA', ed],
    ['Ed25519', ed],
  ] as const) {
    it(`is taken with ${alg} under FAPI`, () => {
      acceptedWith({
        ...spoilt({ alg, pair }),
        expectedJkt: jwkThumbprint(pair.publicKey.export({ format: 'jwk' })),
      })
    })
  }

  it('is taken with RS256 only where a profile lists it', () => {
    acceptedWith({ ...spoilt({ alg: 'RS256', pair: rsa }), algs: ['RS256'], expectedJkt: undefined })
  })

  it('is taken with unknown headers and claims, which are ignored', () => {
    acceptedWith(spoilt({ header: { foo: 1, x5c: ['a'] }, claims: { bar: { baz: 1 } } }))
  })

  it('needs no `ath` when no token came with it, and ignores one', () => {
    acceptedWith({ ...spoilt({ claims: { ath: undefined } }), accessToken: undefined })
    acceptedWith({ ...spoilt({ claims: { ath: 'x' } }), accessToken: undefined })
  })

  it('needs no nonce where none is demanded', () => {
    acceptedWith({
      ...spoilt({ claims: { nonce: undefined } }),
      nonce: { required: false, isCurrent: () => false },
    })
  })

  it('is not asked for a nonce when it is unsound anyway', () => {
    const judged = judgeProof(spoilt({ claims: { nonce: undefined, htm: 'GET' } }))
    assert.equal(judged.ok ? '' : judged.error, 'invalid_dpop_proof')
  })

  it('is remembered by key, URL in normal form and `jti`, until it can no longer be accepted', () => {
    const judged = judgeProof(spoilt({ claims: { htu: 'HTTPS://rs.example/payments/7?x' } }))
    assert.ok(judged.ok)
    assert.deepEqual(replayPartsOf(judged.value), [good.expectedJkt, url, 'proof-0001'])
    const forgottenAt = proofForgottenAt(judged.value, good.ageSeconds)
    assert.ok(judgeProof({ ...good, now: (forgottenAt - 1) as EpochSeconds }).ok)
    assert.ok(!judgeProof({ ...good, now: forgottenAt }).ok)
  })

  it('of the fixture verifies and its neighbour does not', () => {
    const input: ProofInput = {
      ...good,
      proofs: [fixture],
      method: 'GET',
      nonce: { required: false, isCurrent: () => false },
      expectedJkt: 'BN4fEISb2w43ICe8KidJAWerUcwXYmgZbCMT7uH7QEs',
    }
    acceptedWith(input)
    assert.equal(sha256(accessToken), 'PbyV0y992Vay6MtRqMY9basRu6FvtfeNvnioT58-b30')
    const tampered = judgeProof({ ...input, proofs: [flipped(fixture)] })
    assert.equal(tampered.ok ? '' : tampered.ruleId, 'dpop.signature')
  })

  it('of the fixture is what our signer makes from its seed', () => {
    const seed = Buffer.from('2e4c873941baec44ff4ecd374760e055a56e16f249e68df39661881d69848a2d', 'hex')
    const x = 'JIYKepGq0bq_KZQCtaS4gEq_BgZ5NpETdabH5IGkhyw'
    const key = createPrivateKey({
      key: { kty: 'OKP', crv: 'Ed25519', d: seed.toString('base64url'), x },
      format: 'jwk',
    })
    const made = signJws(
      { typ: 'dpop+jwt', alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x } },
      { jti: 'proof-0001', htm: 'GET', htu: url, iat: now, ath: sha256(accessToken) },
      key,
      'EdDSA',
    )
    assert.equal(made, fixture)
  })

  it('never throws and is never taken with a required member replaced, whatever stands there', () => {
    const place = fc.constantFrom('typ', 'alg', 'jwk', 'jti', 'htm', 'htu', 'iat', 'ath', 'nonce')
    fc.assert(
      fc.property(place, fc.jsonValue(), (name, value) => {
        const isHeader = name === 'typ' || name === 'alg' || name === 'jwk'
        const header = { typ: 'dpop+jwt', alg: 'ES256', jwk, ...(isHeader && { [name]: value }) }
        const changed = proof(isHeader ? {} : { claims: { [name]: value } })
        const judged = judgeProof(sent(isHeader ? withHeader(changed, header) : changed))
        // Only another `jti` leaves a proof good: it is the one member the client is free to choose.
        if (judged.ok) assert.deepEqual([name, judged.value.jti], ['jti', value])
      }),
      { numRuns: 300 },
    )
  })

  it('costs no more than its size when it is made to be slow', () => {
    const hostile = [
      `https://a/?${'#'.repeat(3000)}\u0001`,
      `https://${'a.'.repeat(1500)}\u0001`,
      `https://a${'/a'.repeat(1500)}\u0001`,
      `https://a/${'%2e%2e/'.repeat(400)}%`,
    ].map(htu => spoilt({ claims: { htu } }))
    const started = process.cpuUsage()
    for (const input of hostile) assert.equal(ruleOf(input), 'dpop.htu')
    const { user, system } = process.cpuUsage(started)
    assert.ok(user + system < 50_000, `${user + system} microseconds`)
  })
})
