import {
  type ResponseType,
  type ResponseTypeFields,
  responseTypesOf,
  type SecurityProfile,
} from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { isLoopback, matchesRegistered } from './redirect-uri.ts'

/** Longest accepted values, in bytes (threat model section 6). */
export const requestLimits = {
  redirectUriBytesMax: 2048,
  stateBytesMax: 2048,
  scopesMax: 50,
  scopeBytesMax: 256,
} as const

/** Who asks, and where the answer would go: judged before anything may be redirected. */
export interface RedirectTargetInput {
  readonly profile: Pick<SecurityProfile, 'redirectUriParameter' | 'unregisteredRedirectUris'>
  /** Undefined when the issuer does not know the `client_id`. */
  readonly clientStatus: 'active' | 'suspended' | undefined
  readonly isPublic: boolean
  readonly registeredRedirectUris: readonly string[]
  /** As sent; undefined when absent. */
  readonly redirectUri: string | undefined
  /** Whether the request came through PAR from an authenticated client. */
  readonly pushed: boolean
}

/** A refusal by one of these is shown to the user and never redirected (RFC 6749 4.1.2.1, I11). */
export const redirectTargetRules: readonly Rule<RedirectTargetInput>[] = [
  {
    id: 'authorization.client',
    clauses: ['RFC6749-4.1.2.1', 'RFC9126-7.4'],
    level: 'MUST',
    title: 'the client is registered and active',
    check: ({ clientStatus }) =>
      clientStatus === 'active'
        ? pass
        : fail('unauthorized_client', `the client is ${clientStatus ?? 'not registered'}`),
  },
  {
    id: 'redirect-uri.present',
    clauses: ['RFC6749-3.1.2.3', 'FAPI2-SP-FINAL-5.3.2.2-6', 'FAPI1-BASE-5.2.2-9'],
    level: 'MUST',
    title: 'redirect_uri is present unless the profile lets the single registered one stand for it',
    check: ({ profile, redirectUri, registeredRedirectUris }) =>
      redirectUri === undefined &&
      (profile.redirectUriParameter === 'required' || registeredRedirectUris.length !== 1)
        ? fail('invalid_request', '`redirect_uri` is missing')
        : pass,
  },
  {
    id: 'redirect-uri.form',
    clauses: ['RFC6749-3.1.2'],
    level: 'MUST',
    title: 'a redirect URI is an absolute URI of printable ASCII without fragment and user information',
    check: ({ redirectUri }) => {
      if (redirectUri === undefined) return pass
      if (redirectUri.length > requestLimits.redirectUriBytesMax)
        return fail('invalid_request', '`redirect_uri` is too long', { length: redirectUri.length })
      if (!/^[\x21-\x7e]+$/.test(redirectUri) || !URL.canParse(redirectUri))
        return fail('invalid_request', '`redirect_uri` is not an absolute URI')
      const { username, password } = new URL(redirectUri)
      return redirectUri.includes('#') || username !== '' || password !== ''
        ? fail('invalid_request', '`redirect_uri` has a fragment or user information')
        : pass
    },
  },
  {
    id: 'redirect-uri.scheme',
    clauses: ['FAPI2-SP-FINAL-5.3.2.2-8', 'RFC9700-2.6'],
    level: 'MUST',
    title: 'https, http on a literal loopback address, or a private-use scheme in reverse-domain form',
    check: ({ redirectUri }) => {
      if (redirectUri === undefined) return pass
      const { protocol } = new URL(redirectUri)
      const allowed =
        protocol === 'https:' ||
        (protocol === 'http:' && isLoopback(redirectUri)) ||
        /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol)
      return allowed
        ? pass
        : fail('invalid_request', `a redirect URI of scheme \`${protocol}\` is not allowed`)
    },
  },
  {
    id: 'redirect-uri.registered',
    clauses: ['RFC9700-2.1-1', 'RFC6749-3.1.2.4', 'RFC9126-2.4', 'FAPI1-BASE-5.2.2-8', 'FAPI1-BASE-5.2.2-10'],
    level: 'MUST',
    title: 'redirect_uri equals a registered one as a string; only a loopback port may vary',
    check: ({ profile, redirectUri, registeredRedirectUris, pushed, isPublic }) => {
      if (redirectUri === undefined) return pass
      if (registeredRedirectUris.some(registered => matchesRegistered(registered, redirectUri))) return pass
      return pushed && !isPublic && profile.unregisteredRedirectUris === 'allowed'
        ? pass
        : fail('invalid_request', '`redirect_uri` is not registered for this client')
    },
  },
]

/** The core of a request, once its redirect target is trusted. */
export interface AuthorizationInput {
  readonly profile: ResponseTypeFields
  readonly grantTypes: readonly string[]
  /** As `readResponseType` has it. */
  readonly responseType: string | undefined
  /** `response_types` of the client. */
  readonly clientResponseTypes: readonly ResponseType[]
  readonly state: string | undefined
  /** Undefined when absent. Space-separated on the wire. */
  readonly scopes: readonly string[] | undefined
  /** Whether the issuer defines a scope of this name. */
  readonly isDefined: (scope: string) => boolean
  /** What the client registered for. */
  readonly allowedScopes: readonly string[]
  /** Whether the request says in `authorization_details` what it is for (RFC 9396). */
  readonly hasDetails: boolean
}

/** Refusals by these go back to the client: as JSON from PAR, by redirect from the authorization endpoint. */
export const authorizationRules: readonly Rule<AuthorizationInput>[] = [
  {
    id: 'state.form',
    clauses: ['RFC6749-A.5'],
    level: 'MUST',
    title: 'state is printable ASCII of at most 2 KiB; it comes back unchanged or is refused',
    check: ({ state }) =>
      isSoundState(state)
        ? pass
        : fail('invalid_request', '`state` is longer than 2048 characters or not printable ASCII'),
  },
  {
    id: 'response-type.present',
    clauses: ['RFC6749-3.1.1'],
    level: 'MUST',
    title: 'response_type is present',
    check: ({ responseType }) =>
      responseType === undefined ? fail('invalid_request', '`response_type` is missing') : pass,
  },
  {
    id: 'response-type.code',
    clauses: [
      'RFC6749-3.1.1',
      'RFC6749-4.1.2.1',
      'FAPI2-SP-FINAL-5.3.2.2-1',
      'RFC9700-2.1.2-1',
      'FAPI1-ADV-5.2.2-2',
      'FAPI1-BASE-5.2.2-23',
    ],
    level: 'MUST',
    title: 'response_type is code, or code id_token where the profile has it',
    check: ({ profile, responseType }) =>
      responseTypesOf(profile).some(usable => usable === responseType)
        ? pass
        : fail('unsupported_response_type', 'the profile does not have this response type'),
  },
  {
    id: 'response-type.registered',
    clauses: ['RFC6749-4.1.2.1', 'RFC7591-2.1'],
    level: 'MUST',
    title: 'response_type is one the client registered',
    check: ({ clientResponseTypes, responseType }) =>
      clientResponseTypes.some(registered => registered === responseType)
        ? pass
        : fail('unauthorized_client', 'the client is not registered for this response type'),
  },
  {
    id: 'authorization.grant-type',
    clauses: ['RFC6749-4.1.2.1'],
    level: 'MUST',
    title: 'the client is registered for the authorization code grant',
    check: ({ grantTypes }) =>
      grantTypes.includes('authorization_code')
        ? pass
        : fail('unauthorized_client', 'the client is not registered for `authorization_code`'),
  },
  {
    id: 'scope.present',
    clauses: ['RFC6749-3.3'],
    level: 'MUST',
    title:
      'a scope or authorization details are asked for: there is no default that grants something unasked',
    check: ({ scopes = [], hasDetails }) =>
      scopes.length === 0 && !hasDetails ? fail('invalid_scope', '`scope` is missing') : pass,
  },
  {
    id: 'scope.form',
    clauses: ['RFC6749-3.3'],
    level: 'MUST',
    title: 'scope is a list of at most 50 tokens of the scope alphabet',
    check: ({ scopes = [] }) =>
      scopes.length <= requestLimits.scopesMax &&
      scopes.every(
        scope => scope.length <= requestLimits.scopeBytesMax && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope),
      )
        ? pass
        : fail('invalid_scope', '`scope` has more than 50 entries or a character outside the scope alphabet'),
  },
  {
    id: 'scope.allowed',
    clauses: ['RFC6749-3.3', 'FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'MUST',
    title: 'every scope is defined by the issuer and registered for the client',
    check: ({ scopes = [], isDefined, allowedScopes }) => {
      const unfit = scopes.find(scope => !isDefined(scope) || !allowedScopes.includes(scope))
      return unfit === undefined
        ? pass
        : fail('invalid_scope', `scope \`${unfit}\` is unknown or not registered`)
    },
  },
]

/** `response_type` is a set of words: their order says nothing (OAuth 2.0 Multiple Response Types section 3). */
export function readResponseType(sent: string | undefined): string | undefined {
  return sent === 'id_token code' ? 'code id_token' : sent
}

/** Whether a state may be sent back as it came. */
export function isSoundState(state: string | undefined): boolean {
  return state === undefined || (state.length <= requestLimits.stateBytesMax && /^[\x20-\x7e]*$/.test(state))
}
