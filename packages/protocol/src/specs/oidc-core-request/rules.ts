import { fail, pass, type Rule } from '../../rule.ts'

/** Longest accepted values (threat model section 6; the others ours). */
export const oidcRequestLimits = { nonceBytesMax: 512, loginHintBytesMax: 320, listMax: 20 } as const

/** The parameters OpenID Connect adds to an authorization request. */
export interface OidcRequestInput {
  readonly nonce: string | undefined
  readonly prompt: readonly string[]
  readonly maxAge: string | undefined
  readonly acrValues: readonly string[]
  readonly uiLocales: readonly string[]
  readonly loginHint: string | undefined
  readonly registration: string | undefined
}

export const oidcRequestRules: readonly Rule<OidcRequestInput>[] = [
  {
    id: 'oidc.registration',
    clauses: ['OIDC-7.2.1'],
    level: 'MUST',
    title: 'the registration parameter is refused',
    check: ({ registration }) =>
      registration === undefined
        ? pass
        : fail('registration_not_supported', 'the `registration` parameter is not supported'),
  },
  {
    id: 'oidc.nonce',
    clauses: ['OIDC-3.1.2.1-nonce', 'FAPI2-SP-FINAL-5.3.2.2-14'],
    level: 'MUST',
    title: 'a nonce of up to 512 bytes is taken whole; a longer one is refused, never cut',
    check: ({ nonce = '' }) =>
      Buffer.byteLength(nonce) <= oidcRequestLimits.nonceBytesMax
        ? pass
        : fail('invalid_request', '`nonce` is longer than 512 bytes'),
  },
  {
    id: 'oidc.prompt-none',
    clauses: ['OIDC-3.1.2.1-prompt'],
    level: 'MUST',
    title: 'prompt=none stands alone',
    check: ({ prompt }) =>
      prompt.includes('none') && prompt.length > 1
        ? fail('invalid_request', '`prompt=none` with another value')
        : pass,
  },
  {
    id: 'oidc.max-age',
    clauses: ['OIDC-3.1.2.1-max_age'],
    level: 'MUST',
    title: 'max_age is a non-negative integer of at most nine digits',
    check: ({ maxAge }) =>
      maxAge === undefined || /^(0|[1-9][0-9]{0,8})$/.test(maxAge)
        ? pass
        : fail('invalid_request', '`max_age` is not a non-negative integer'),
  },
  {
    id: 'oidc.lists',
    clauses: [],
    level: 'OURS',
    title: 'acr_values, ui_locales, prompt and login_hint are bounded',
    check: ({ acrValues, uiLocales, prompt, loginHint = '' }) =>
      [acrValues, uiLocales, prompt].every(list => list.length <= oidcRequestLimits.listMax) &&
      Buffer.byteLength(loginHint) <= oidcRequestLimits.loginHintBytesMax
        ? pass
        : fail('invalid_request', '`acr_values`, `ui_locales`, `prompt` or `login_hint` is too long'),
  },
]

/** What the browser's session can do for a request. */
export interface SessionInput {
  readonly prompt: readonly string[]
  /** Whether the user must authenticate now: no session, `prompt=login`, `max_age` exceeded. */
  readonly needsLogin: boolean
  /** Whether anything else than a login or a consent must be shown, such as that others have to approve. */
  readonly needsInteraction: boolean
  readonly needsConsent: boolean
}

/** For `prompt=none`, which may show nothing: what would have been shown is the error. */
export const silentRules: readonly Rule<SessionInput>[] = [
  {
    id: 'oidc.login-required',
    clauses: ['OIDC-3.1.2.1-prompt', 'OIDC-3.1.2.6'],
    level: 'MUST',
    title: 'prompt=none without a fitting session is login_required',
    check: ({ prompt, needsLogin }) =>
      prompt.includes('none') && needsLogin
        ? fail('login_required', 'the user would have to log in and `prompt` is `none`')
        : pass,
  },
  {
    id: 'oidc.interaction-required',
    clauses: ['OIDC-3.1.2.1-prompt', 'OIDC-3.1.2.6'],
    level: 'MUST',
    title:
      'prompt=none where something must be shown that is neither login nor consent is interaction_required',
    check: ({ prompt, needsInteraction }) =>
      prompt.includes('none') && needsInteraction
        ? fail('interaction_required', 'something would have to be shown and `prompt` is `none`')
        : pass,
  },
  {
    id: 'oidc.consent-required',
    clauses: ['OIDC-3.1.2.1-prompt', 'OIDC-3.1.2.6'],
    level: 'MUST',
    title: 'prompt=none without consent is consent_required',
    check: ({ prompt, needsConsent }) =>
      prompt.includes('none') && needsConsent
        ? fail('consent_required', 'the user would have to consent and `prompt` is `none`')
        : pass,
  },
]

/** When a session's authentication is too old for a request, or the request wants a fresh one. */
export interface FreshnessInput {
  readonly prompt: readonly string[]
  readonly maxAgeSeconds: number | undefined
  readonly authTime: number
  readonly now: number
}

/** `max_age=0` means the same as `prompt=login`: always older than allowed. */
export function isStale({ prompt, maxAgeSeconds, authTime, now }: FreshnessInput): boolean {
  if (prompt.includes('login') || prompt.includes('select_account')) return true
  if (maxAgeSeconds === undefined) return false
  return maxAgeSeconds === 0 || now - authTime > maxAgeSeconds
}
