import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** Every response mode there is; `jwt` is the signed form of what the response type has without `response_mode`. */
export const responseModes = [
  'query',
  'fragment',
  'form_post',
  'query.jwt',
  'fragment.jwt',
  'form_post.jwt',
  'jwt',
] as const

export type ResponseModeName = (typeof responseModes)[number]

export function isResponseMode(name: string | undefined): name is ResponseModeName {
  return responseModes.some(mode => mode === name)
}

/** Whether the response is one signed JWT. */
export function isSignedMode(mode: ResponseModeName): boolean {
  return mode === 'jwt' || mode.endsWith('.jwt')
}

/** What the absent parameter means: an ID token never goes where servers on the way would log it. */
export function usualMode(responseType: string | undefined): 'query' | 'fragment' {
  return responseType === 'code id_token' ? 'fragment' : 'query'
}

/** The mode in which a response leaves, `jwt` resolved. */
export function modeOf(
  responseMode: ResponseModeName | undefined,
  responseType: string | undefined,
): Exclude<ResponseModeName, 'jwt'> {
  if (responseMode === undefined) return usualMode(responseType)
  return responseMode === 'jwt' ? `${usualMode(responseType)}.jwt` : responseMode
}

/** Whether a mode puts the response into the query of the redirect. */
export function isQueryMode(mode: ResponseModeName, responseType: string | undefined): boolean {
  return modeOf(mode, responseType).startsWith('query')
}

/** Whether a response is signed: as one JWT, or by the ID token that stands beside the code. */
export function isSignedResponse(
  signed: SecurityProfile['signedAuthorizationResponses'],
  responseMode: ResponseModeName | undefined,
  responseType: string | undefined,
): boolean {
  if (responseMode !== undefined && isSignedMode(responseMode)) return true
  return signed === 'allowed' || (signed === 'detached' && responseType === 'code id_token')
}

/** How the client wants its answer. */
export interface ResponseModeInput {
  readonly profile: Pick<SecurityProfile, 'signedAuthorizationResponses'>
  readonly responseType: string | undefined
  readonly responseMode: string | undefined
  /** `response_modes` of the client; undefined: any. */
  readonly clientResponseModes: readonly string[] | undefined
  readonly redirectUri: string
}

export const responseModeRules: readonly Rule<ResponseModeInput>[] = [
  {
    id: 'response-mode.supported',
    clauses: ['OIDC-3.1.2.1-response_mode', 'JARM-2.3'],
    level: 'MUST',
    title: 'response_mode is absent or one this server does',
    check: ({ responseMode }) =>
      responseMode === undefined || isResponseMode(responseMode)
        ? pass
        : fail('invalid_request', 'this response mode is not supported'),
  },
  {
    id: 'response-mode.registered',
    clauses: ['FAPI2-MS-FINAL-5.3.3'],
    level: 'MUST',
    title:
      'the response mode is one the client registered, if it did; an absent one is that of the response type',
    check: ({ responseType, responseMode = usualMode(responseType), clientResponseModes }) =>
      clientResponseModes === undefined || clientResponseModes.includes(responseMode)
        ? pass
        : fail('invalid_request', 'the client is not registered for this response mode'),
  },
  {
    id: 'response-mode.signed',
    clauses: ['FAPI2-MS-FINAL-5.4.1-1', 'FAPI1-ADV-5.2.2-2'],
    level: 'MUST',
    title: 'where the profile requires signed responses, the request asks for one',
    check: ({ profile: { signedAuthorizationResponses: signed }, responseMode, responseType }) =>
      isSignedResponse(signed, isResponseMode(responseMode) ? responseMode : undefined, responseType)
        ? pass
        : fail('invalid_request', '`response_mode` must be `jwt` or end in `.jwt`'),
  },
  {
    id: 'response-mode.token-in-query',
    clauses: ['JARM-2.3.1-2', 'OIDC-3.3.2.5'],
    level: 'MUST',
    title: 'no ID token is answered in a query',
    check: ({ responseMode, responseType }) =>
      responseType === 'code id_token' &&
      isResponseMode(responseMode) &&
      isQueryMode(responseMode, responseType)
        ? fail('invalid_request', '`code id_token` is not answered in a query')
        : pass,
  },
  {
    id: 'response-mode.form-target',
    clauses: ['FORM-POST-2-target'],
    level: 'OURS',
    title: 'a form is only posted to a web address',
    check: ({ responseMode, redirectUri }) =>
      responseMode?.startsWith('form_post') === true && !/^https?:/i.test(redirectUri)
        ? fail('invalid_request', 'a form cannot be posted to a redirect URI of this scheme')
        : pass,
  },
]
