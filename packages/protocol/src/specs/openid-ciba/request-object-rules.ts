import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { requestObjectJtiBytesMax, requestObjectSecondsMax } from '../rfc9101-jar/rules.ts'

/** `alg`, before any key is looked for. */
export interface SignedCibaAlgInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly profile: Pick<SecurityProfile, 'signingAlgs'>
  /** `backchannel_authentication_request_signing_alg` of the client. */
  readonly registeredAlg: JwsAlg | undefined
}

const bad = (reason: string): Verdict => fail('invalid_request', reason)

export const signedCibaAlgRules: readonly Rule<SignedCibaAlgInput>[] = [
  {
    id: 'ciba-object.alg',
    clauses: ['CIBA-7.1.1-3', 'RFC8725-3.1'],
    level: 'MUST',
    title: '`alg` is one the profile allows: asymmetric, never `none`',
    check: ({ header: { alg }, profile }) =>
      profile.signingAlgs.some(allowed => allowed === alg)
        ? pass
        : bad('`alg` of the signed request is not allowed by the profile'),
  },
  {
    id: 'ciba-object.registered-alg',
    clauses: ['CIBA-4-signing-alg'],
    level: 'MUST',
    title: '`alg` is the one the client registered; a client that registered none sends no signed requests',
    check: ({ header: { alg }, registeredAlg }) =>
      alg === registeredAlg ? pass : bad('`alg` of the signed request is not the one the client registered'),
  },
]

/** A signed request whose signature is good. */
export interface SignedCibaInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly clientId: string
  readonly issuer: string
  readonly profile: Pick<SecurityProfile, 'futureSeconds'>
  readonly now: EpochSeconds
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const acceptedTyp = /^(?:JWT|(?:application\/)?oauth-authz-req\+jwt)$/i
/** What only an authorization request has: an object signed for PAR is no request for another device. */
const foreignParameters = ['response_type', 'redirect_uri', 'code_challenge', 'request', 'request_uri']

export const signedCibaRules: readonly Rule<SignedCibaInput>[] = [
  {
    id: 'ciba-object.typ',
    clauses: ['RFC8725-3.11'],
    level: 'OURS',
    title: '`typ` is absent, `JWT` or `oauth-authz-req+jwt`',
    check: ({ header: { typ } }) =>
      typ === undefined || (typeof typ === 'string' && acceptedTyp.test(typ))
        ? pass
        : bad('`typ` of the signed request is that of another kind of JWT'),
  },
  {
    id: 'ciba-object.kind',
    clauses: ['RFC8725-3.11'],
    level: 'OURS',
    title: 'the claims are those of no authorization request and no client assertion',
    check: ({ claims, clientId }) => {
      const foreign = foreignParameters.find(name => claims[name] !== undefined)
      if (foreign !== undefined) return bad(`the signed request holds \`${foreign}\``)
      return claims.sub === clientId ? bad('`sub` of the signed request is the client') : pass
    },
  },
  {
    id: 'ciba-object.iss',
    clauses: ['CIBA-7.1.1-iss'],
    level: 'MUST',
    title: '`iss`, and `client_id` where it is there, is the client',
    check: ({ claims: { iss, client_id: inside }, clientId }) =>
      iss === clientId && (inside === undefined || inside === clientId)
        ? pass
        : bad('`iss` or `client_id` of the signed request is not the client'),
  },
  {
    id: 'ciba-object.aud',
    clauses: ['CIBA-7.1.1-aud'],
    level: 'MUST',
    title: '`aud` is this issuer or a list with it',
    check: ({ claims: { aud }, issuer }) =>
      aud === issuer || (Array.isArray(aud) && aud.includes(issuer))
        ? pass
        : bad('`aud` of the signed request does not name this issuer'),
  },
  {
    id: 'ciba-object.nbf',
    clauses: ['CIBA-7.1.1-nbf', 'FAPI-CIBA-5.2.2-9'],
    level: 'MUST',
    title: '`nbf` is there and has passed, at most 60 minutes ago',
    check: ({ claims: { nbf }, now, profile }) => {
      if (!isTime(nbf)) return bad('the signed request has no `nbf` in whole seconds')
      if (nbf > now + profile.futureSeconds)
        return bad(`\`nbf\` of the signed request is more than ${profile.futureSeconds} seconds ahead`)
      return now - nbf > requestObjectSecondsMax
        ? bad(`\`nbf\` of the signed request is more than ${requestObjectSecondsMax} seconds old`)
        : pass
    },
  },
  {
    id: 'ciba-object.exp',
    clauses: ['CIBA-7.1.1-exp', 'FAPI-CIBA-5.2.2-9'],
    level: 'MUST',
    title: '`exp` is there, has not passed, and lies at most 60 minutes after `nbf`',
    check: ({ claims: { exp, nbf }, now }) => {
      if (!isTime(exp)) return bad('the signed request has no `exp` in whole seconds')
      if (now >= exp) return bad('the signed request has expired')
      return exp - (isTime(nbf) ? nbf : now) > requestObjectSecondsMax
        ? bad(`the signed request lives longer than ${requestObjectSecondsMax} seconds`)
        : pass
    },
  },
  {
    id: 'ciba-object.iat',
    clauses: ['CIBA-7.1.1-iat'],
    level: 'MUST',
    title: '`iat` is there and not further ahead than clocks may differ',
    check: ({ claims: { iat }, now, profile }) =>
      isTime(iat) && iat <= now + profile.futureSeconds
        ? pass
        : bad('`iat` of the signed request is not a time that has passed'),
  },
  {
    id: 'ciba-object.jti',
    clauses: ['CIBA-7.1.1-jti'],
    level: 'MUST',
    title: `\`jti\` is there and has at most ${requestObjectJtiBytesMax} bytes`,
    check: ({ claims: { jti } }) =>
      typeof jti === 'string' && jti !== '' && Buffer.byteLength(jti) <= requestObjectJtiBytesMax
        ? pass
        : bad(`the signed request has no \`jti\` of 1 to ${requestObjectJtiBytesMax} bytes`),
  },
  {
    id: 'ciba-object.parameters',
    clauses: ['CIBA-7.1.1-parameters'],
    level: 'MUST',
    title:
      'parameters are text; `requested_expiry` may be a number, `request_context` and `authorization_details` are JSON',
    check: ({ claims }) => {
      const unfit = Object.keys(claims).find(name => cibaParameterOf(name, claims[name]) === undefined)
      return unfit === undefined
        ? pass
        : bad(`parameter \`${unfit.slice(0, 64).replace(/[^\w.:-]/g, '?')}\` has the wrong JSON type`)
    },
  },
]

const jwtClaims: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])

/** A claim as the values of a parameter; undefined when it cannot be one. A claim of the JWT itself is none. */
function cibaParameterOf(name: string, value: unknown): readonly string[] | undefined {
  if (jwtClaims.has(name) || value === '') return []
  if (typeof value === 'string') return value.includes('\0') ? undefined : [value]
  if (name === 'request_context' || name === 'authorization_details') return [JSON.stringify(value)]
  if (name === 'requested_expiry' && typeof value === 'number') return [String(value)]
  const isList = name === 'resource' && Array.isArray(value) && value.every(item => typeof item === 'string')
  return isList ? value.filter(item => item !== '') : undefined
}

/** The parameters of a signed request that was judged, by name; nothing else of the request is ever consulted. */
export function cibaParametersOf(
  claims: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(claims).map(([name, value]) => [name, cibaParameterOf(name, value) ?? []]))
}
