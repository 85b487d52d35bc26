import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** Where the answer would go, next to what the profile allows. */
export interface HttpsRedirectInput {
  readonly profile: Pick<SecurityProfile, 'redirectUriSchemes'>
  /** As sent; undefined when absent. */
  readonly redirectUri: string | undefined
}

/** A refusal is shown to the user and never redirected, like every other one about the target. */
export const httpsRedirectRules: readonly Rule<HttpsRedirectInput>[] = [
  {
    id: 'redirect-uri.https',
    clauses: ['FAPI1-BASE-5.2.2-20', 'FAPI1-BASE-7.5-1', 'FAPI1-BASE-7.5-2'],
    level: 'MUST',
    title: 'where the profile wants https, a redirect goes to no loopback address and no private-use scheme',
    check: ({ profile, redirectUri }) =>
      profile.redirectUriSchemes === 'https' && redirectUri !== undefined && !isHttps(redirectUri)
        ? fail('invalid_request', '`redirect_uri` is not https')
        : pass,
  },
]

/** What ties an answer to its request. */
export interface NonceOrStateInput {
  readonly profile: Pick<SecurityProfile, 'nonceOrState'>
  readonly scopes: readonly string[] | undefined
  readonly nonce: string | undefined
  readonly state: string | undefined
}

export const nonceOrStateRules: readonly Rule<NonceOrStateInput>[] = [
  {
    id: 'nonce.required',
    clauses: ['FAPI1-BASE-5.2.2.2-1', 'OIDC-3.3.2.11'],
    level: 'MUST',
    title: 'where the profile requires it, a request for `openid` has a nonce',
    check: ({ profile, scopes = [], nonce }) =>
      profile.nonceOrState === 'required' && scopes.includes('openid') && nonce === undefined
        ? fail('invalid_request', '`nonce` is missing')
        : pass,
  },
  {
    id: 'state.required',
    clauses: ['FAPI1-BASE-5.2.2.3-1'],
    level: 'MUST',
    title: 'where the profile requires it, a request without `openid` has a state',
    check: ({ profile, scopes = [], state }) =>
      profile.nonceOrState === 'required' && !scopes.includes('openid') && state === undefined
        ? fail('invalid_request', '`state` is missing')
        : pass,
  },
]

/** By the text: a scheme in another case was never registered as it is. */
export function isHttps(uri: string): boolean {
  return uri.startsWith('https://')
}
