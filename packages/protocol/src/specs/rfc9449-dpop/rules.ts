import type { EpochSeconds } from '../../brand.ts'
import { sha256 } from '../../jose/hash.ts'
import type { PublicKey } from '../../jose/keys.ts'
import type { JwsAlg } from '../../profile.ts'
import type { Outcome } from '../../refusal.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { normaliseHtu } from '../../wire/htu.ts'

/** Longest proof and longest `jti` (RFC 9449 section 11.1). */
export const proofBytesMax = 8192
export const jtiLengthMax = 256

/** The values of all `DPoP` header fields of one request. */
export interface ProofField {
  readonly proofs: readonly string[]
}

/** Checked before the proof is decoded. */
export const proofFieldRules: readonly Rule<ProofField>[] = [
  {
    id: 'dpop.field',
    clauses: ['RFC9449-4.3-1', 'RFC9449-4.3-2', 'RFC9449-4.1'],
    level: 'MUST',
    title: 'there is one DPoP header field with one JWT',
    check: ({ proofs }) => {
      if (proofs.length === 0) return reject('DPoP proof is missing')
      if (proofs.length > 1) return reject('there is more than one DPoP header field')
      return proofs[0]?.includes(',') ? reject('the DPoP header field holds more than one value') : pass
    },
  },
]

/** How the server's nonces stand to this request. */
export interface NonceDemand {
  /** Whether a proof without nonce is refused. */
  readonly required: boolean
  /** Whether `nonce` is one of ours and not yet too old. */
  readonly isCurrent: (nonce: string) => boolean
}

/** A decoded proof and what it must fit; no signature has been checked. */
export interface ProofClaims {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly method: string
  /** Absolute request URL as clients see it, from configuration. */
  readonly externalUrl: string
  readonly algs: readonly JwsAlg[]
  readonly now: EpochSeconds
  readonly ageSeconds: number
  readonly futureSeconds: number
  readonly nonce: NonceDemand
  readonly accessToken?: string | undefined
  /** Base64url SHA-256 of `accessToken`, when the caller has it already. */
  readonly accessTokenHash?: string | undefined
}

const reject = (reason: string): Verdict => fail('invalid_dpop_proof', reason)

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Everything that can be refused without cryptography. Nonce last: it is asked for only of a proof that is sound. */
export const proofClaimRules: readonly Rule<ProofClaims>[] = [
  {
    id: 'dpop.typ',
    clauses: ['RFC9449-4.3-4', 'RFC9449-4.2', 'RFC8725-3.11'],
    level: 'MUST',
    title: '`typ` is `dpop+jwt`',
    check: ({ header: { typ } }) =>
      typ === 'dpop+jwt' || (typeof typ === 'string' && /^(?:application\/)?dpop\+jwt$/i.test(typ))
        ? pass
        : reject('proof `typ` is not `dpop+jwt`'),
  },
  {
    id: 'dpop.alg',
    clauses: ['RFC9449-4.3-5', 'RFC8725-3.1', 'RFC8725-3.2', 'FAPI2-SP-FINAL-5.4.1-1'],
    level: 'MUST',
    title: '`alg` is one of the asymmetric algorithms that are allowed here',
    check: ({ header: { alg }, algs }) =>
      algs.some(allowed => allowed === alg) ? pass : reject('proof `alg` is not allowed here'),
  },
  {
    id: 'dpop.jwk',
    clauses: ['RFC9449-4.3-3', 'RFC9449-4.2'],
    level: 'MUST',
    title: 'the header carries a key',
    check: ({ header: { jwk } }) =>
      typeof jwk === 'object' && jwk !== null && !Array.isArray(jwk)
        ? pass
        : reject('proof header has no `jwk`'),
  },
  {
    id: 'dpop.jti',
    clauses: ['RFC9449-4.3-3', 'RFC9449-4.2', 'RFC9449-11.1'],
    level: 'MUST',
    title: '`jti` is there and has at most 256 characters',
    check: ({ claims: { jti } }) => {
      if (!isFilled(jti)) return reject('proof has no `jti`')
      return jti.length > jtiLengthMax
        ? reject(`proof \`jti\` is longer than ${jtiLengthMax} characters`)
        : pass
    },
  },
  {
    id: 'dpop.htm',
    clauses: ['RFC9449-4.3-8', 'RFC9449-4.2'],
    level: 'MUST',
    title: '`htm` is the method of the request, in the same case',
    check: ({ claims: { htm }, method }) =>
      htm === method ? pass : reject('proof `htm` is not the method of the request'),
  },
  {
    id: 'dpop.htu',
    clauses: ['RFC9449-4.3-9', 'RFC9449-4.2'],
    level: 'MUST',
    title: '`htu` is the URL of the request without query and fragment, after normalisation',
    check: ({ claims: { htu }, externalUrl }) => {
      if (!isFilled(htu)) return reject('proof has no `htu`')
      if (htu.length > proofBytesMax) return reject('proof `htu` is too long')
      const expected = normaliseHtu(externalUrl)
      return expected !== undefined && (htu === expected || normaliseHtu(htu) === expected)
        ? pass
        : reject('proof `htu` is not the URL of the request')
    },
  },
  {
    id: 'dpop.ath',
    clauses: ['RFC9449-4.3-12', 'RFC9449-7.1'],
    level: 'MUST',
    title: '`ath` is the hash of the access token that came with the proof',
    check: ({ claims: { ath }, accessToken, accessTokenHash }) => {
      if (accessToken === undefined) return pass
      if (!isFilled(ath)) return reject('proof has no `ath`')
      return ath === (accessTokenHash ?? sha256(accessToken))
        ? pass
        : reject('proof `ath` is not the hash of the access token')
    },
  },
  {
    id: 'dpop.iat',
    clauses: ['RFC9449-4.3-3', 'RFC9449-4.2'],
    level: 'MUST',
    title: '`iat` is there, in whole seconds',
    check: ({ claims: { iat } }) => (isTime(iat) ? pass : reject('proof has no `iat` in whole seconds')),
  },
  {
    id: 'dpop.age',
    clauses: ['RFC9449-4.3-11', 'RFC9449-11.1'],
    level: 'MUST',
    title: 'the proof is not older than the window',
    check: ({ claims: { iat }, now, ageSeconds }) =>
      isTime(iat) && iat < now - ageSeconds
        ? fail('invalid_dpop_proof', `proof is older than ${ageSeconds} seconds`, { age: now - iat })
        : pass,
  },
  {
    id: 'dpop.future',
    clauses: ['RFC9449-4.3-11', 'FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: '`iat` is not further ahead than clocks may differ',
    check: ({ claims: { iat }, now, futureSeconds }) =>
      isTime(iat) && iat > now + futureSeconds
        ? fail('invalid_dpop_proof', `proof \`iat\` is more than ${futureSeconds} seconds ahead`, {
            ahead: iat - now,
          })
        : pass,
  },
  {
    id: 'dpop.expiry',
    clauses: ['RFC7519-4.1.4', 'RFC7519-4.1.5'],
    level: 'MUST',
    title: '`exp` and `nbf`, which a proof need not have, hold when it has them',
    check: ({ claims: { exp, nbf }, now, futureSeconds }) => {
      if (exp !== undefined && !(isTime(exp) && exp > now)) return reject('proof `exp` has passed')
      if (nbf !== undefined && !(isTime(nbf) && nbf <= now + futureSeconds))
        return reject('proof `nbf` is ahead')
      return pass
    },
  },
  {
    id: 'dpop.nonce-required',
    clauses: ['RFC9449-8', 'RFC9449-9', 'RFC9449-4.3-10'],
    level: 'MUST',
    title: 'the proof carries a nonce where one is demanded',
    check: ({ claims, nonce }) =>
      nonce.required && claims.nonce === undefined ? fail('use_dpop_nonce', 'proof has no `nonce`') : pass,
  },
  {
    id: 'dpop.nonce',
    clauses: ['RFC9449-8', 'RFC9449-9', 'RFC9449-4.3-10'],
    level: 'MUST',
    title: 'a nonce in the proof is ours and current',
    check: ({ claims, nonce }) => {
      if (claims.nonce === undefined) return pass
      return isFilled(claims.nonce) && claims.nonce.length <= 512 && nonce.isCurrent(claims.nonce)
        ? pass
        : fail('use_dpop_nonce', 'proof `nonce` is not current')
    },
  },
]

/** What cryptography has found out. */
export interface ProofKey {
  /** The imported `jwk`, or the refusal of importing it. */
  readonly key: Outcome<PublicKey>
  /** Runs the signature check; called at most once, and only when the key is acceptable. */
  readonly isSigned: (key: PublicKey) => boolean
  readonly expectedJkt: string | undefined
}

/** The key and the signature. Dearest last. */
export const proofKeyRules: readonly Rule<ProofKey>[] = [
  {
    id: 'dpop.key',
    clauses: ['RFC9449-4.3-7', 'RFC9449-4.2', 'FAPI2-SP-FINAL-5.4.1-2'],
    level: 'MUST',
    title: '`jwk` is a public key of sufficient strength, without private members',
    check: ({ key }) => (key.ok ? pass : reject(`proof \`jwk\` is refused: ${key.reason}`)),
  },
  {
    id: 'dpop.signature',
    clauses: ['RFC9449-4.3-6'],
    level: 'MUST',
    title: 'the proof is signed with the key in its header',
    check: ({ key, isSigned }) =>
      key.ok && isSigned(key.value) ? pass : reject('proof signature does not verify with its `jwk`'),
  },
  {
    id: 'dpop.binding',
    clauses: ['RFC9449-4.3-12', 'RFC9449-7.1'],
    level: 'MUST',
    title: 'the key of the proof is the key the token is bound to',
    check: ({ key, expectedJkt }) =>
      expectedJkt === undefined || (key.ok && key.value.thumbprint === expectedJkt)
        ? pass
        : fail('invalid_token', 'proof is signed with another key than the token is bound to'),
  },
]
