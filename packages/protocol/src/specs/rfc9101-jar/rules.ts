import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** Longest request object and longest `jti` that are read. */
export const requestObjectBytesMax = 49_152
export const requestObjectJtiBytesMax = 256

/** Oldest `nbf`, and longest time from `nbf`, or else from now, to `exp`: 60 minutes. */
export const requestObjectSecondsMax = 3600

/** How a request comes that is not made of plain parameters. */
export interface RequestCarrierInput {
  readonly request: string | undefined
  readonly requestUri: string | undefined
}

export const requestCarrierRules: readonly Rule<RequestCarrierInput>[] = [
  {
    id: 'request-object.one-carrier',
    clauses: ['RFC9101-5-2'],
    level: 'MUST',
    title: '`request` and `request_uri` do not stand together',
    check: ({ request, requestUri }) =>
      request !== undefined && requestUri !== undefined
        ? fail('invalid_request', 'both `request` and `request_uri` are sent')
        : pass,
  },
]

/** `alg`, before any key is looked for. */
export interface RequestObjectAlgInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly profile: Pick<SecurityProfile, 'signingAlgs'>
  /** `request_object_signing_alg` of the client. */
  readonly registeredAlg: JwsAlg | undefined
}

const reject = (reason: string): Verdict => fail('invalid_request_object', reason)

export const requestObjectAlgRules: readonly Rule<RequestObjectAlgInput>[] = [
  {
    id: 'request-object.alg',
    clauses: ['RFC9101-6.2', 'FAPI2-SP-FINAL-5.4.1-1', 'RFC8725-3.1', 'FAPI1-ADV-8.6-1', 'FAPI1-ADV-8.6-3'],
    level: 'MUST',
    title: '`alg` is one the profile allows, never `none`',
    check: ({ header: { alg }, profile }) =>
      profile.signingAlgs.some(allowed => allowed === alg)
        ? pass
        : reject('`alg` of the request object is not allowed by the profile'),
  },
  {
    id: 'request-object.registered-alg',
    clauses: ['RFC9101-6.2'],
    level: 'MUST',
    title: '`alg` is the one the client registered, if it did',
    check: ({ header: { alg }, registeredAlg }) =>
      registeredAlg === undefined || alg === registeredAlg
        ? pass
        : reject('`alg` of the request object is not the one the client registered'),
  },
]

/** A request object whose signature is good. */
export interface RequestObjectInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly clientId: string
  readonly issuer: string
  readonly profile: Pick<SecurityProfile, 'futureSeconds' | 'signedRequestObjects'>
  readonly now: EpochSeconds
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const acceptedTyp = /^(?:application\/)?oauth-authz-req\+jwt$/i

export const requestObjectRules: readonly Rule<RequestObjectInput>[] = [
  {
    id: 'request-object.typ',
    clauses: ['RFC9101-10.8', 'FAPI2-MS-FINAL-5.3.1-5', 'RFC8725-3.11'],
    level: 'MUST',
    title: '`typ` is absent or `oauth-authz-req+jwt`',
    check: ({ header: { typ } }) =>
      typ === undefined || (typeof typ === 'string' && acceptedTyp.test(typ))
        ? pass
        : reject('`typ` of the request object is that of another kind of JWT'),
  },
  {
    id: 'request-object.not-nested',
    clauses: ['RFC9101-4', 'RFC9126-2.1-3'],
    level: 'MUST',
    title: 'neither `request` nor `request_uri` stands inside',
    check: ({ claims }) =>
      claims.request === undefined && claims.request_uri === undefined
        ? pass
        : reject('the request object holds `request` or `request_uri`'),
  },
  {
    id: 'request-object.client',
    clauses: ['RFC9101-5', 'RFC9126-3'],
    level: 'MUST',
    title: '`client_id` inside is the client that sends the object',
    check: ({ claims: { client_id: inside }, clientId }) =>
      inside === clientId
        ? pass
        : reject('`client_id` of the request object is not the client that sends it'),
  },
  {
    id: 'request-object.iss',
    clauses: ['RFC9101-4-iss'],
    level: 'MUST',
    title: '`iss` is the client',
    check: ({ claims: { iss }, clientId }) =>
      iss === clientId ? pass : reject('`iss` of the request object is not the client'),
  },
  {
    id: 'request-object.sub',
    clauses: ['RFC9101-10.8'],
    level: 'MUST',
    title: '`sub` is not the client: a client assertion is no request object',
    check: ({ claims: { sub }, clientId }) =>
      sub === clientId ? reject('`sub` of the request object is the client') : pass,
  },
  {
    id: 'request-object.aud',
    clauses: ['RFC9101-4-iss', 'FAPI2-MS-FINAL-5.3.1-2', 'FAPI1-ADV-5.2.2-15'],
    level: 'MUST',
    title: '`aud` is this issuer or a list with it',
    check: ({ claims: { aud }, issuer }) =>
      aud === issuer || (Array.isArray(aud) && aud.includes(issuer))
        ? pass
        : reject('`aud` of the request object does not name this issuer'),
  },
  {
    id: 'request-object.nbf',
    clauses: ['FAPI2-MS-FINAL-5.3.1-3', 'RFC7519-4.1.5', 'FAPI1-ADV-5.2.2-17'],
    level: 'MUST',
    title: '`nbf` has passed, at most 60 minutes ago; the profile may require it',
    check: ({ claims: { nbf }, now, profile }) => {
      if (nbf === undefined)
        return profile.signedRequestObjects === 'required' ? reject('the request object has no `nbf`') : pass
      if (!isTime(nbf)) return reject('`nbf` of the request object is not in whole seconds')
      if (nbf > now + profile.futureSeconds)
        return reject(`\`nbf\` of the request object is more than ${profile.futureSeconds} seconds ahead`)
      return now - nbf > requestObjectSecondsMax
        ? reject(`\`nbf\` of the request object is more than ${requestObjectSecondsMax} seconds old`)
        : pass
    },
  },
  {
    id: 'request-object.exp',
    clauses: ['FAPI2-MS-FINAL-5.3.1-4', 'RFC7519-4.1.4', 'FAPI1-ADV-5.2.2-13'],
    level: 'MUST',
    title: '`exp` has not passed and lies at most 60 minutes after `nbf`; the profile may require it',
    check: ({ claims: { exp, nbf }, now, profile }) => {
      if (exp === undefined)
        return profile.signedRequestObjects === 'required' ? reject('the request object has no `exp`') : pass
      if (!isTime(exp)) return reject('`exp` of the request object is not in whole seconds')
      if (now >= exp) return reject('the request object has expired')
      return exp - (isTime(nbf) ? nbf : now) > requestObjectSecondsMax
        ? reject(`the request object lives longer than ${requestObjectSecondsMax} seconds`)
        : pass
    },
  },
  {
    id: 'request-object.iat',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: '`iat`, when it is there, is not further ahead than clocks may differ',
    check: ({ claims: { iat }, now, profile }) =>
      iat === undefined || (isTime(iat) && iat <= now + profile.futureSeconds)
        ? pass
        : reject('`iat` of the request object is not a time that has passed'),
  },
  {
    id: 'request-object.jti',
    clauses: ['RFC9101-10.8-jti'],
    level: 'OURS',
    title: '`jti` has at most 256 bytes, and an `exp` until which it can be remembered',
    check: ({ claims: { jti, exp } }) => {
      if (jti === undefined) return pass
      if (typeof jti !== 'string' || jti === '' || Buffer.byteLength(jti) > requestObjectJtiBytesMax)
        return reject(`\`jti\` of the request object is no text of 1 to ${requestObjectJtiBytesMax} bytes`)
      return exp === undefined ? reject('the request object has a `jti` but no `exp`') : pass
    },
  },
  {
    id: 'request-object.parameters',
    clauses: ['RFC9101-4-types'],
    level: 'MUST',
    title: 'parameters are text, numbers or truth values; `resource` may be a list of text, and two are JSON',
    check: ({ claims }) => {
      const unfit = Object.keys(claims).find(name => parameterOf(name, claims[name]) === undefined)
      return unfit === undefined
        ? pass
        : reject(`parameter \`${unfit.slice(0, 64).replace(/[^\w.:-]/g, '?')}\` has the wrong JSON type`)
    },
  },
]

/** Claims of the JWT itself, which are no parameters. */
const jwtClaims: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])
/** Parameters that are JSON also outside of a JWT. */
const jsonParameters: ReadonlySet<string> = new Set(['claims', 'authorization_details'])

/** A claim as the values of a parameter; undefined when it cannot be one. A claim of the JWT itself is none. */
function parameterOf(name: string, value: unknown): readonly string[] | undefined {
  if (jwtClaims.has(name)) return []
  if (value === '') return []
  if (typeof value === 'string') return value.includes('\0') ? undefined : [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  if (jsonParameters.has(name)) return [JSON.stringify(value)]
  const isList = name === 'resource' && Array.isArray(value) && value.every(item => typeof item === 'string')
  return isList ? value.filter(item => item !== '') : undefined
}

/** The parameters of a request object that was judged, by name; nothing else of the request is ever consulted. */
export function parametersOf(
  claims: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(claims).map(([name, value]) => [name, parameterOf(name, value) ?? []]))
}

/** Whether a request that need not have come signed did. */
export interface SignedRequestInput {
  readonly profile: Pick<SecurityProfile, 'signedRequestObjects'>
  /** `require_signed_request_object` of the client. */
  readonly clientRequiresSigned: boolean
  /** `timed`: signed, with `nbf` and `exp`. Undefined: plain parameters. */
  readonly requestObject: 'timed' | 'untimed' | undefined
}

export const signedRequestRules: readonly Rule<SignedRequestInput>[] = [
  {
    id: 'request-object.required',
    clauses: ['RFC9101-10.5', 'FAPI2-MS-FINAL-5.3.1-1', 'RFC9126-3-1', 'FAPI1-ADV-5.2.2-1'],
    level: 'MUST',
    title: 'where the profile or the client requires a signed request object, plain parameters are refused',
    check: ({ profile, clientRequiresSigned, requestObject }) =>
      requestObject === undefined && (clientRequiresSigned || profile.signedRequestObjects === 'required')
        ? fail('invalid_request', 'this request must be a signed request object')
        : pass,
  },
  {
    id: 'request-object.timed',
    clauses: ['FAPI2-MS-FINAL-5.3.1-3', 'FAPI2-MS-FINAL-5.3.1-4'],
    level: 'MUST',
    title: 'where a resource is what requires a signed request object, it too has `nbf` and `exp`',
    check: ({ profile, requestObject }) =>
      requestObject === 'untimed' && profile.signedRequestObjects === 'required'
        ? reject('the request object has no `nbf` or no `exp`')
        : pass,
  },
]
