import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

export { spiffeIdRules } from './spiffe-id.ts'

/** Longest JWT-SVID that is read. */
export const svidBytesMax = 8192

/** How long after `exp` it is still taken, for clocks that differ. */
export const svidSkewSeconds = 10

/** Of those the standard lists, the ones we have; EdDSA and ML-DSA are not among them. */
export const svidAlgs: readonly JwsAlg[] = ['ES256', 'PS256', 'RS256']

/** A decoded JWT-SVID that a key of its trust domain signed, and what it must fit. */
export interface SvidInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly issuer: string
  readonly profile: Pick<SecurityProfile, 'signingAlgs' | 'futureSeconds' | 'assertionLifetimeSeconds'>
  readonly now: EpochSeconds
}

const reject = (reason: string): Verdict => fail('invalid_client', reason)
const headerNames: readonly string[] = ['alg', 'kid', 'typ']
const types: readonly unknown[] = [undefined, 'JWT', 'JOSE']

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Which of an `alg` header's values may verify an SVID under a profile; undefined: none. */
export function svidAlgOf(
  alg: unknown,
  { signingAlgs }: Pick<SecurityProfile, 'signingAlgs'>,
): JwsAlg | undefined {
  return svidAlgs.find(known => known === alg && signingAlgs.includes(known))
}

/** Everything about a JWT-SVID but its subject and its signature. */
export const svidRules: readonly Rule<SvidInput>[] = [
  {
    id: 'svid.alg',
    clauses: ['JWT-SVID-2.1', 'JWT-SVID-4-alg'],
    level: 'MUST',
    title: '`alg` is one that JWT-SVIDs may have and the profile allows',
    check: ({ header: { alg }, profile }) =>
      svidAlgOf(alg, profile) === undefined ? reject('`alg` of the JWT-SVID is not allowed here') : pass,
  },
  {
    id: 'svid.header',
    clauses: ['JWT-SVID-2'],
    level: 'MUST',
    title: 'the header has `alg`, `kid`, `typ` and nothing else',
    check: ({ header }) => {
      const stray = Object.keys(header).find(name => !headerNames.includes(name))
      return stray === undefined ? pass : reject('the header of the JWT-SVID has a member it must not have')
    },
  },
  {
    id: 'svid.typ',
    clauses: ['JWT-SVID-2.3', 'SPIFFE-CLIENT-AUTH-8.1-confusion'],
    level: 'MUST',
    title: '`typ` is absent, `JWT` or `JOSE`, so no other kind of JWT is taken for one',
    check: ({ header: { typ } }) =>
      types.includes(typ) ? pass : reject('`typ` is that of another kind of JWT'),
  },
  {
    id: 'svid.aud',
    clauses: ['JWT-SVID-3.2', 'SPIFFE-CLIENT-AUTH-3.1-3'],
    level: 'MUST',
    title: '`aud` is this issuer alone, as a string or a list of one',
    check: ({ claims: { aud }, issuer }) =>
      aud === issuer || (Array.isArray(aud) && aud.length === 1 && aud[0] === issuer)
        ? pass
        : reject('`aud` of the JWT-SVID is not this issuer alone'),
  },
  {
    id: 'svid.exp',
    clauses: ['JWT-SVID-3.3', 'SPIFFE-CLIENT-AUTH-3.1-2'],
    level: 'MUST',
    title: '`exp` is there and has not passed',
    check: ({ claims: { exp }, now }) => {
      if (!isTime(exp)) return reject('the JWT-SVID has no `exp` in whole seconds')
      return now < exp + svidSkewSeconds ? pass : reject('the JWT-SVID has expired')
    },
  },
  {
    id: 'svid.ahead',
    clauses: ['JWT-SVID-4-jwt'],
    level: 'MUST',
    title: '`iat` and `nbf`, when they are there, are not further ahead than clocks may differ',
    check: ({ claims: { iat, nbf }, now, profile: { futureSeconds } }) =>
      [iat, nbf].every(time => time === undefined || (isTime(time) && time <= now + futureSeconds))
        ? pass
        : reject('`iat` or `nbf` of the JWT-SVID lies ahead or is no time'),
  },
  {
    id: 'svid.lifetime',
    clauses: ['JWT-SVID-3.3'],
    level: 'OURS',
    title: 'it does not live longer than the profile lets assertions live',
    check: ({ claims: { iat, exp }, now, profile: { assertionLifetimeSeconds } }) =>
      isTime(exp) && exp - (isTime(iat) ? iat : now) > assertionLifetimeSeconds
        ? reject(`the JWT-SVID lives longer than ${assertionLifetimeSeconds} seconds`)
        : pass,
  },
]
