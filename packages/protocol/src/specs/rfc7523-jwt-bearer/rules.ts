import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import type { ProvenSender } from '../rfc6749-token/rules.ts'

export const jwtBearerGrantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Longest assertion and longest `jti` that are read. */
export const grantAssertionBytesMax = 8192
export const grantAssertionJtiBytesMax = 256

/** What the form says, before the assertion is opened. */
export interface JwtBearerRequestInput {
  readonly assertion: string | undefined
  readonly isPublic: boolean
  readonly profile: Pick<SecurityProfile, 'name' | 'jwtBearerGrant'>
}

export const jwtBearerRequestRules: readonly Rule<JwtBearerRequestInput>[] = [
  {
    id: 'jwt-bearer.profile',
    clauses: [],
    level: 'OURS',
    title: 'the profile of the client allows tokens on the word of another issuer',
    check: ({ profile }) =>
      profile.jwtBearerGrant === 'allowed'
        ? pass
        : fail('unauthorized_client', 'the profile forbids the JWT bearer grant', { profile: profile.name }),
  },
  {
    id: 'jwt-bearer.confidential',
    clauses: ['RFC7521-4.1-client'],
    level: 'OURS',
    title: 'only a client that authenticates uses an assertion: to hold one is not enough',
    check: ({ isPublic }) =>
      isPublic ? fail('unauthorized_client', 'a public client cannot use the JWT bearer grant') : pass,
  },
  {
    id: 'jwt-bearer.assertion-missing',
    clauses: ['RFC7523-2.1'],
    level: 'MUST',
    title: '`assertion` is present',
    check: ({ assertion }) =>
      assertion === undefined ? fail('invalid_request', '`assertion` is missing') : pass,
  },
]

/** What the issuer's document says about whoever signed the assertion. */
export interface AssertionTrust {
  readonly algs: readonly JwsAlg[]
  /** Client ids that may use its assertions. */
  readonly clients: readonly string[]
  readonly assertionLifetimeSeconds: number
}

/** A decoded assertion and what it must fit. */
export interface JwtBearerInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Undefined: nobody trusts this `iss`. */
  readonly trust: AssertionTrust | undefined
  readonly isSigned: boolean
  readonly clientId: string
  readonly issuer: string
  readonly profile: Pick<SecurityProfile, 'signingAlgs' | 'assertionAudience' | 'futureSeconds'>
  readonly sender: ProvenSender
  readonly now: EpochSeconds
}

const reject = (reason: string): Verdict => fail('invalid_grant', reason)

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const acceptedTyp = /^(?:application\/)?(?:jwt|authorization-grant\+jwt|oauth-id-jag\+jwt)$/i

const signatureRules: readonly Rule<JwtBearerInput>[] = [
  {
    id: 'jwt-bearer.iss',
    clauses: ['RFC7523-3-iss'],
    level: 'MUST',
    title: '`iss` is an issuer that a document of this issuer trusts',
    check: ({ trust }) =>
      trust === undefined ? reject('no trusted issuer has the `iss` of the assertion') : pass,
  },
  {
    id: 'jwt-bearer.alg',
    clauses: ['RFC7523-3-signature', 'RFC8725-3.1', 'RFC8725-3.2'],
    level: 'MUST',
    title: '`alg` is one that the trusted issuer uses and the profile of the client allows',
    check: ({ header: { alg }, trust, profile }) =>
      trust?.algs.some(allowed => allowed === alg && profile.signingAlgs.includes(allowed)) === true
        ? pass
        : reject('assertion `alg` is not allowed'),
  },
  {
    id: 'jwt-bearer.signature',
    clauses: ['RFC7523-3-signature'],
    level: 'MUST',
    title: 'a key of the trusted issuer signed the assertion',
    check: ({ isSigned }) => (isSigned ? pass : reject('no key of the trusted issuer signed the assertion')),
  },
]

const claimRules: readonly Rule<JwtBearerInput>[] = [
  {
    id: 'jwt-bearer.typ',
    clauses: ['RFC8725-3.11', 'RFC8725-3.12'],
    level: 'OURS',
    title: '`typ` is absent, `JWT` or that of an authorization grant, so that no other kind of JWT is one',
    check: ({ header: { typ } }) =>
      typ === undefined || (typeof typ === 'string' && acceptedTyp.test(typ))
        ? pass
        : reject('assertion `typ` is that of another kind of JWT'),
  },
  {
    id: 'jwt-bearer.aud',
    clauses: ['RFC7523-3-aud', 'RFC8725-3.9'],
    level: 'MUST',
    title: '`aud` is this issuer alone, as a string where the profile says so',
    check: ({ claims: { aud }, issuer, profile }) => {
      if (aud === issuer) return pass
      const isSole = Array.isArray(aud) && aud.length === 1 && aud[0] === issuer
      return isSole && profile.assertionAudience === 'issuer-sole'
        ? pass
        : reject('assertion `aud` is not this issuer alone')
    },
  },
  {
    id: 'jwt-bearer.client',
    clauses: ['RFC7521-4.1-client'],
    level: 'OURS',
    title: 'the trusted issuer’s document names the client, and so does the assertion if it names one',
    check: ({ claims, trust, clientId }) => {
      if (trust?.clients.includes(clientId) !== true)
        return reject('the document of the trusted issuer does not name this client')
      return [claims.client_id, claims.azp].every(named => named === undefined || named === clientId)
        ? pass
        : reject('the assertion was made for another client')
    },
  },
  {
    id: 'jwt-bearer.exp',
    clauses: ['RFC7523-3-exp', 'RFC7523-3.1'],
    level: 'MUST',
    title: '`exp` is there and has not passed',
    // No tolerance: the token lives as long as the assertion does, and must live at all.
    check: ({ claims: { exp }, now }) => {
      if (!isTime(exp)) return reject('assertion has no `exp` in whole seconds')
      return now < exp ? pass : reject('assertion has expired')
    },
  },
  {
    id: 'jwt-bearer.iat',
    clauses: ['RFC7523-3-iat', 'FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'OURS',
    title:
      '`iat` is there and not further ahead than clocks may differ: what is from before this store is refused',
    check: ({ claims: { iat }, now, profile }) =>
      isTime(iat) ? judgeAhead('iat', iat, now, profile.futureSeconds) : reject('assertion has no `iat`'),
  },
  {
    id: 'jwt-bearer.nbf',
    clauses: ['RFC7523-3-nbf', 'FAPI2-SP-FINAL-5.3.2.1-13'],
    level: 'MUST',
    title: '`nbf`, when it is there, is not further ahead than clocks may differ',
    check: ({ claims: { nbf }, now, profile }) =>
      nbf === undefined ? pass : judgeAhead('nbf', nbf, now, profile.futureSeconds),
  },
  {
    id: 'jwt-bearer.lifetime',
    clauses: ['RFC7523-3-exp'],
    level: 'OURS',
    title: 'the assertion does not live longer than the trusted issuer’s document allows',
    check: ({ claims: { iat, exp }, trust }) =>
      isTime(exp) && isTime(iat) && exp - iat > (trust?.assertionLifetimeSeconds ?? 0)
        ? reject(`assertion lives longer than ${trust?.assertionLifetimeSeconds} seconds`)
        : pass,
  },
  {
    id: 'jwt-bearer.jti',
    clauses: ['RFC7523-3-jti'],
    level: 'OURS',
    title: '`jti` is there and has at most 256 bytes',
    check: ({ claims: { jti } }) => {
      if (typeof jti !== 'string' || jti === '') return reject('assertion has no `jti`')
      return Buffer.byteLength(jti) > grantAssertionJtiBytesMax
        ? reject(`assertion \`jti\` is longer than ${grantAssertionJtiBytesMax} bytes`)
        : pass
    },
  },
  {
    id: 'jwt-bearer.sub',
    clauses: ['RFC7523-3-sub'],
    level: 'MUST',
    title: '`sub` is there',
    check: ({ claims: { sub } }) =>
      typeof sub === 'string' && sub !== '' ? pass : reject('assertion has no `sub`'),
  },
]

/** Claims that limit what an assertion is good for. */
const bindingRules: readonly Rule<JwtBearerInput>[] = [
  {
    id: 'jwt-bearer.cnf',
    clauses: [],
    level: 'OURS',
    title: 'an assertion with `cnf` is used by who proves that key or certificate',
    check: ({ claims: { cnf }, sender }) => {
      if (cnf === undefined) return pass
      const bound = boundTo(cnf)
      if (bound === undefined) return reject('assertion `cnf` is of a kind that is not known')
      return (bound.jkt === undefined || bound.jkt === sender.jkt) &&
        (bound.x5tS256 === undefined || bound.x5tS256 === sender.x5tS256)
        ? pass
        : reject('the request does not prove the key the assertion is bound to')
    },
  },
  {
    id: 'jwt-bearer.limits',
    clauses: [],
    level: 'OURS',
    title: 'an assertion says nothing that the token would have to say too and cannot',
    check: ({ claims }) => {
      const unknown = ['authorization_details', 'act', 'may_act'].find(name => claims[name] !== undefined)
      if (unknown !== undefined) return reject(`assertion claim \`${unknown}\` is not supported`)
      return isText(claims.scope) && isListOfText(claims.resource)
        ? pass
        : reject('assertion `scope` or `resource` is malformed')
    },
  },
]

/** Who signed first: an assertion of nobody we trust is judged no further. */
export const jwtBearerRules: readonly Rule<JwtBearerInput>[] = [
  ...signatureRules,
  ...claimRules,
  ...bindingRules,
]

/** Who the assertion is about, and what it may buy. */
export interface JwtBearerSubjectInput {
  readonly isUserActive: boolean
  /** Asked for; undefined when the parameter is absent. */
  readonly scopes: readonly string[] | undefined
  readonly allowedScopes: readonly string[]
  /** Resources left that client, trusted issuer and assertion all allow. */
  readonly allowedResources: readonly string[]
}

export const jwtBearerSubjectRules: readonly Rule<JwtBearerSubjectInput>[] = [
  {
    id: 'jwt-bearer.user',
    clauses: ['RFC7523-3-sub'],
    level: 'MUST',
    title: '`sub` is, by the mapping of the trusted issuer’s document, an enabled user',
    check: ({ isUserActive }) =>
      isUserActive ? pass : reject('the subject of the assertion is no enabled user'),
  },
  {
    id: 'jwt-bearer.target',
    clauses: ['RFC8707-2-2'],
    level: 'MUST',
    title: 'there is a resource that client, trusted issuer and assertion allow',
    check: ({ allowedResources }) =>
      allowedResources.length > 0 ? pass : fail('invalid_target', 'no resource is allowed to all of them'),
  },
  {
    id: 'jwt-bearer.scope',
    clauses: ['RFC7521-4.1-scope'],
    level: 'MUST',
    title: 'every scope is one that client, trusted issuer and assertion allow, and one is left',
    check: ({ scopes, allowedScopes }) =>
      allowedScopes.length > 0 && (scopes ?? []).every(scope => allowedScopes.includes(scope))
        ? pass
        : fail('invalid_scope', 'a scope goes beyond the assertion, its issuer or the client'),
  },
]

/** What `cnf` binds to; undefined when it says anything but a thumbprint of a key or of a certificate. */
export function boundTo(cnf: unknown): ProvenSender | undefined {
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return undefined
  const { jkt, 'x5t#S256': x5tS256, ...others } = cnf as Readonly<Record<string, unknown>>
  const known = [jkt, x5tS256].filter(value => value !== undefined)
  if (Object.keys(others).length > 0 || known.length === 0) return undefined
  if (!known.every(value => typeof value === 'string')) return undefined
  return {
    ...(typeof jkt === 'string' && { jkt }),
    ...(typeof x5tS256 === 'string' && { x5tS256 }),
  }
}

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'

const isListOfText = (value: unknown): boolean =>
  isText(value) || (Array.isArray(value) && value.every(one => typeof one === 'string'))

function judgeAhead(name: 'iat' | 'nbf', value: unknown, now: EpochSeconds, futureSeconds: number): Verdict {
  if (!isTime(value)) return reject(`assertion \`${name}\` is not in whole seconds`)
  return value > now + futureSeconds
    ? fail('invalid_grant', `assertion \`${name}\` is more than ${futureSeconds} seconds ahead`, {
        ahead: value - now,
      })
    : pass
}
