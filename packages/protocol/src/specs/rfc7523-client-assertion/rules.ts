import type { EpochSeconds } from '../../brand.ts'
import type { MacAlg } from '../../jose/mac.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** Longest assertion and longest `jti` that are read. */
export const assertionBytesMax = 8192
export const assertionJtiBytesMax = 256

/** How long after `exp` an assertion is still taken, for clocks that differ. */
export const assertionSkewSeconds = 10

/** Most names an `aud` is read with. */
export const audiencesMax = 5

/** A decoded client assertion and what it must fit; no signature has been checked. */
export interface AssertionClaims {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly clientId: string
  readonly issuer: string
  /** URLs of the token endpoint and of the endpoint asked, which clients of older profiles put into `aud`. */
  readonly endpoints: readonly string[]
  readonly profile: SecurityProfile
  /** Of the method, under the profile: signatures, or MACs, never both. */
  readonly algs: readonly (JwsAlg | MacAlg)[]
  /** `token_endpoint_auth_signing_alg` of the client. */
  readonly registeredAlg?: JwsAlg | MacAlg | undefined
  readonly now: EpochSeconds
}

const reject = (reason: string): Verdict => fail('invalid_client', reason)

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const acceptedTyp = /^(?:application\/)?(?:jwt|client-authentication\+jwt)$/i

/** Everything about a client assertion that needs no key. */
export const assertionRules: readonly Rule<AssertionClaims>[] = [
  {
    id: 'assertion.typ',
    clauses: ['RFC8725-3.11', 'RFC8725-3.12'],
    level: 'OURS',
    title:
      '`typ` is absent, `JWT` or `client-authentication+jwt`, so no other kind of JWT authenticates a client',
    check: ({ header: { typ } }) =>
      typ === undefined || (typeof typ === 'string' && acceptedTyp.test(typ))
        ? pass
        : reject('assertion `typ` is that of another kind of JWT'),
  },
  {
    id: 'assertion.alg',
    clauses: ['FAPI2-SP-FINAL-5.4.1-1', 'RFC8725-3.1', 'RFC8725-3.2', 'RFC7523-3-9', 'FAPI1-ADV-8.6-1'],
    level: 'MUST',
    title: '`alg` is one of the authentication method that the profile allows',
    check: ({ header: { alg }, algs, profile }) =>
      algs.some(allowed => allowed === alg)
        ? pass
        : fail('invalid_client', 'assertion `alg` is not allowed by the profile', { profile: profile.name }),
  },
  {
    id: 'assertion.registered-alg',
    clauses: ['RFC8725-3.1'],
    level: 'MUST',
    title: '`alg` is the one the client registered, if it did',
    check: ({ header: { alg }, registeredAlg }) =>
      registeredAlg === undefined || alg === registeredAlg
        ? pass
        : reject('assertion `alg` is not the one the client registered'),
  },
  {
    id: 'assertion.iss',
    clauses: ['RFC7523-3-1'],
    level: 'MUST',
    title: '`iss` is the client',
    check: ({ claims: { iss }, clientId }) =>
      iss === clientId ? pass : reject('assertion `iss` is not the client'),
  },
  {
    id: 'assertion.sub',
    clauses: ['RFC7523-3-2', 'RFC8725-3.8'],
    level: 'MUST',
    title: '`sub` is the client',
    check: ({ claims: { sub }, clientId }) =>
      sub === clientId ? pass : reject('assertion `sub` is not the client'),
  },
  {
    id: 'assertion.aud',
    clauses: ['RFC7523-3-3', 'FAPI2-SP-FINAL-5.3.2.1-8', 'RFC8725-3.9'],
    level: 'MUST',
    title:
      '`aud` is this issuer alone, as a string where the profile says so, or where it says so our endpoints',
    check: ({ claims: { aud }, issuer, endpoints, profile: { assertionAudience } }) => {
      if (aud === issuer) return pass
      const isSole = Array.isArray(aud) && aud.length === 1 && aud[0] === issuer
      if (isSole && assertionAudience !== 'issuer-string') return pass
      if (assertionAudience === 'issuer-or-endpoint' && areOurs(aud, [issuer, ...endpoints])) return pass
      return reject(isSole ? 'assertion `aud` is not a string' : 'assertion `aud` is not this issuer alone')
    },
  },
  {
    id: 'assertion.exp',
    clauses: ['RFC7523-3-4'],
    level: 'MUST',
    title: '`exp` is there and has not passed',
    check: ({ claims: { exp }, now }) => {
      if (!isTime(exp)) return reject('assertion has no `exp` in whole seconds')
      return now < exp + assertionSkewSeconds ? pass : reject('assertion has expired')
    },
  },
  {
    id: 'assertion.iat',
    clauses: ['RFC7523-3-6', 'FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: '`iat`, when it is there, is not further ahead than clocks may differ',
    check: ({ claims: { iat }, now, profile }) => judgeAhead('iat', iat, now, profile.futureSeconds),
  },
  {
    id: 'assertion.nbf',
    clauses: ['RFC7523-3-5', 'FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: '`nbf`, when it is there, is not further ahead than clocks may differ',
    check: ({ claims: { nbf }, now, profile }) => judgeAhead('nbf', nbf, now, profile.futureSeconds),
  },
  {
    id: 'assertion.lifetime',
    clauses: ['RFC7523-3-4'],
    level: 'OURS',
    title: 'the assertion does not live longer than the profile allows',
    // From `iat`, so that a client whose clock is ahead by what is tolerated may use the whole lifetime.
    check: ({ claims: { iat, exp }, now, profile }) =>
      isTime(exp) && exp - (isTime(iat) ? iat : now) > profile.assertionLifetimeSeconds
        ? reject(`assertion lives longer than ${profile.assertionLifetimeSeconds} seconds`)
        : pass,
  },
  {
    id: 'assertion.jti',
    clauses: ['RFC7523-3-7', 'OIDCC-9'],
    level: 'MUST',
    title: '`jti` is there and has at most 256 bytes',
    check: ({ claims: { jti } }) => {
      if (typeof jti !== 'string' || jti === '') return reject('assertion has no `jti`')
      return Buffer.byteLength(jti) > assertionJtiBytesMax
        ? reject(`assertion \`jti\` is longer than ${assertionJtiBytesMax} bytes`)
        : pass
    },
  },
]

/** Every one of them: an assertion that names another server too was made to be used there. */
function areOurs(aud: unknown, ours: readonly string[]): boolean {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return named.length > 0 && named.length <= audiencesMax && named.every(one => ours.some(own => own === one))
}

function judgeAhead(name: 'iat' | 'nbf', value: unknown, now: EpochSeconds, futureSeconds: number): Verdict {
  if (value === undefined) return pass
  if (!isTime(value)) return reject(`assertion \`${name}\` is not in whole seconds`)
  return value > now + futureSeconds
    ? fail('invalid_client', `assertion \`${name}\` is more than ${futureSeconds} seconds ahead`, {
        ahead: value - now,
      })
    : pass
}
