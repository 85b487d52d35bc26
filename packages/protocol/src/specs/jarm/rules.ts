import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** Every response mode there is for `code`; `jwt` is `query.jwt` then. */
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

/** How the client wants its answer. */
export interface ResponseModeInput {
  readonly profile: Pick<SecurityProfile, 'signedAuthorizationResponses'>
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
    title: 'the response mode is one the client registered, if it did; without the parameter it is query',
    check: ({ responseMode = 'query', clientResponseModes }) =>
      clientResponseModes === undefined || clientResponseModes.includes(responseMode)
        ? pass
        : fail('invalid_request', 'the client is not registered for this response mode'),
  },
  {
    id: 'response-mode.signed',
    clauses: ['FAPI2-MS-FINAL-5.4.1-1'],
    level: 'MUST',
    title: 'where the profile requires signed responses, the request asks for one',
    check: ({ profile, responseMode }) =>
      profile.signedAuthorizationResponses === 'required' &&
      !(isResponseMode(responseMode) && isSignedMode(responseMode))
        ? fail('invalid_request', '`response_mode` must be `jwt` or end in `.jwt`')
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
