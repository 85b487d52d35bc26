import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** An ID token of another provider is never longer. */
export const upstreamIdTokenBytesMax = 16_384
/** Of `code` and `iss` in the answer of another provider. */
export const upstreamParameterBytesMax = 4096
/** Longest time since a user authenticated at another provider: as long as a session of ours may live. */
export const upstreamMaxAgeSeconds = 43_200
const skewSeconds = 60
const futureSeconds = 10

/** The answer in the browser, beside what this interaction is waiting for. */
export interface UpstreamAnswer {
  /** Whether `state` is the one that this interaction sent last, and nobody answered since. */
  readonly isStateExpected: boolean
  /** Name of the provider the user was sent to, and of the one whose callback address this is. */
  readonly sentTo: string | undefined
  readonly cameTo: string
  readonly issuer: string
  /** Whether the provider always says who it is. */
  readonly sendsIss: boolean
  readonly iss: string | undefined
  readonly error: string | undefined
  readonly code: string | undefined
}

export const upstreamAnswerRules: readonly Rule<UpstreamAnswer>[] = [
  {
    id: 'upstream.state',
    clauses: ['OIDC-3.1.2.5'],
    level: 'MUST',
    title: 'the state is the one this interaction sent, and was not answered yet',
    check: ({ isStateExpected }) =>
      isStateExpected ? pass : fail('invalid_request', 'nobody waits for an answer with this state'),
  },
  {
    id: 'upstream.mix-up',
    clauses: ['OIDC-3.1.2.7'],
    level: 'OURS',
    title: 'the answer comes to the callback of the provider that was asked',
    check: ({ sentTo, cameTo }) =>
      sentTo === cameTo
        ? pass
        : fail('invalid_request', 'the answer came to the callback of another provider'),
  },
  {
    id: 'upstream.iss',
    clauses: ['RFC9207-2.4'],
    level: 'MUST',
    title: '`iss` of the answer is the provider that was asked; absent only where it never sends one',
    check: ({ iss, issuer, sendsIss }) =>
      iss === issuer || (iss === undefined && !sendsIss)
        ? pass
        : fail('invalid_request', 'the answer names another issuer than the one that was asked, or none'),
  },
  {
    id: 'upstream.error',
    clauses: ['OIDC-3.1.2.7'],
    level: 'MUST',
    title: 'the provider did not refuse',
    check: ({ error }) =>
      error === undefined
        ? pass
        : fail('access_denied', 'the other provider refused', {
            upstream_error: /^[a-z_]{1,64}$/.test(error) ? error : 'not a word',
          }),
  },
  {
    id: 'upstream.code',
    clauses: ['OIDC-3.1.2.7'],
    level: 'MUST',
    title: 'there is a code, of bounded length',
    check: ({ code }) =>
      code !== undefined && Buffer.byteLength(code) <= upstreamParameterBytesMax
        ? pass
        : fail('invalid_request', 'the answer has no code, or one that is too long'),
  },
]

export interface UpstreamIdToken {
  readonly claims: Readonly<Record<string, unknown>>
  /** Whether a key of the provider made the signature with an algorithm its document names. */
  readonly isSigned: boolean
  readonly issuer: string
  readonly clientId: string
  readonly nonce: string
  /** Whether the user had to authenticate for this very request. */
  readonly mustBeFresh: boolean
  /** When the user was sent there. */
  readonly startedAt: EpochSeconds
  readonly now: EpochSeconds
}

export const upstreamIdTokenRules: readonly Rule<UpstreamIdToken>[] = [
  {
    id: 'upstream.signature',
    clauses: ['OIDC-3.1.3.7-6', 'OIDC-3.1.3.7-7'],
    level: 'MUST',
    title: 'a key of the provider signed the ID token with an algorithm that its document names',
    check: ({ isSigned }) =>
      isSigned ? pass : fail('access_denied', 'no key of the provider made the signature of the ID token'),
  },
  {
    id: 'upstream.id-token-iss',
    clauses: ['OIDC-3.1.3.7-2'],
    level: 'MUST',
    title: '`iss` of the ID token is the provider, character by character',
    check: ({ claims, issuer }) =>
      claims.iss === issuer ? pass : fail('access_denied', 'the ID token is of another issuer'),
  },
  {
    id: 'upstream.audience',
    clauses: ['OIDC-3.1.3.7-3'],
    level: 'MUST',
    title: 'the ID token is for us and for nobody else',
    check: ({ claims: { aud }, clientId }) =>
      (Array.isArray(aud) ? aud.length === 1 && aud[0] === clientId : aud === clientId)
        ? pass
        : fail('access_denied', 'the ID token is for another client, or for more than one'),
  },
  {
    id: 'upstream.azp',
    clauses: ['OIDC-3.1.3.7-4', 'OIDC-3.1.3.7-5'],
    level: 'SHOULD',
    title: '`azp`, when present, is us',
    check: ({ claims: { azp }, clientId }) =>
      azp === undefined || azp === clientId
        ? pass
        : fail('access_denied', 'the ID token was issued to another client'),
  },
  {
    id: 'upstream.expiry',
    clauses: ['OIDC-3.1.3.7-9'],
    level: 'MUST',
    title: 'the ID token has not expired',
    check: ({ claims: { exp }, now }) =>
      isTime(exp) && now < exp ? pass : fail('access_denied', 'the ID token has expired, or never does'),
  },
  {
    id: 'upstream.issued',
    clauses: ['OIDC-3.1.3.7-10'],
    level: 'MUST',
    title: 'the ID token was issued since the user was sent there',
    check: ({ claims: { iat }, startedAt, now }) =>
      isTime(iat) && iat >= startedAt - skewSeconds && iat <= now + futureSeconds
        ? pass
        : fail('access_denied', 'the ID token is older than the request for it, or of the future'),
  },
  {
    id: 'upstream.nonce',
    clauses: ['OIDC-3.1.3.7-11'],
    level: 'MUST',
    title: '`nonce` is the one of this request',
    check: ({ claims, nonce }) =>
      claims.nonce === nonce ? pass : fail('access_denied', 'the ID token was made for another request'),
  },
  {
    id: 'upstream.auth-time',
    clauses: ['OIDC-3.1.3.7-13'],
    level: 'MUST',
    title: 'the ID token says when the user authenticated, and that is recent enough',
    check: ({ claims: { auth_time: at }, mustBeFresh, startedAt, now }) => {
      const earliest = mustBeFresh ? startedAt - futureSeconds : now - upstreamMaxAgeSeconds
      return isTime(at) && at >= earliest && at <= now + futureSeconds
        ? pass
        : fail('access_denied', 'the user authenticated too long ago, or the ID token does not say when')
    },
  },
  {
    id: 'upstream.sub',
    clauses: ['OIDC-3.1.3.5'],
    level: 'MUST',
    title: '`sub` is 1 to 255 ASCII characters',
    check: ({ claims: { sub } }) =>
      typeof sub === 'string' && /^[\x20-\x7e]{1,255}$/.test(sub)
        ? pass
        : fail('access_denied', 'the ID token names nobody'),
  },
]

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Who the other provider's user is here. */
export interface UpstreamUser {
  /** Undefined: nobody is linked to them. */
  readonly status: 'active' | 'disabled' | undefined
  /** Whether their authentication counts as anything here. */
  readonly hasMethods: boolean
}

export const upstreamUserRules: readonly Rule<UpstreamUser>[] = [
  {
    id: 'upstream.assurance',
    clauses: ['OIDC-3.1.2.7'],
    level: 'OURS',
    title: 'the way the user authenticated there counts as something here',
    check: ({ hasMethods }) =>
      hasMethods
        ? pass
        : fail('access_denied', 'the document of the provider does not say what its `acr` is worth'),
  },
  {
    id: 'upstream.linked',
    clauses: ['OIDC-5.7'],
    level: 'MUST',
    title: 'a user of ours is linked to `iss` and `sub`',
    check: ({ status }) =>
      status === undefined ? fail('access_denied', 'no user is linked to this account') : pass,
  },
  {
    id: 'upstream.user',
    clauses: ['OIDC-3.1.2.7'],
    level: 'OURS',
    title: 'the linked user is active',
    check: ({ status }) => (status === 'active' ? pass : fail('access_denied', 'the user is disabled')),
  },
]
