import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

export const cibaGrantType = 'urn:openid:params:grant-type:ciba'

/** Seconds between polls to begin with, and what is added when a client does not wait (section 11). */
export const cibaIntervalSeconds = 5
export const cibaSlowDownSeconds = 5

/** How long a user has: what nobody asks for, and the most that `requested_expiry` gets. */
export const cibaLifetimeSeconds = 300
export const cibaLifetimeSecondsMax = 600

/** Prompts of one user that are neither allowed nor old: three, each for five minutes or as long as it waits. */
export const promptsMax = 3
export const promptSeconds = 300

export const bindingMessageLengthMax = 64
export const notificationTokenLengthMax = 1024
/** Characters of base64url that can hold 128 bits. */
export const notificationTokenLengthMin = 22
export const requestContextBytesMax = 4096

/** How a client learns that its user has answered. `push` is not built. */
export const deliveryModes = ['poll', 'ping'] as const
export type DeliveryMode = (typeof deliveryModes)[number]

/** Parameters of an authentication request (section 7.1, FAPI-CIBA 5.3, RFC 9396, grant management): inside a signed request, or else outside. */
export const cibaParameters = [
  'scope',
  'client_notification_token',
  'acr_values',
  'login_hint_token',
  'id_token_hint',
  'login_hint',
  'binding_message',
  'user_code',
  'requested_expiry',
  'request_context',
  'resource',
  'authorization_details',
  'grant_management_action',
  'grant_id',
] as const

const bad = (reason: string): Verdict => fail('invalid_request', reason)

/** How a request came. */
export interface CibaCarrierInput {
  readonly request: string | undefined
  /** Names of the parameters outside of a signed request. */
  readonly names: readonly string[]
}

export const cibaCarrierRules: readonly Rule<CibaCarrierInput>[] = [
  {
    id: 'ciba.signed-alone',
    clauses: ['CIBA-7.1.1-1'],
    level: 'MUST',
    title: 'beside a signed request stands nothing but client authentication',
    check: ({ request, names }) => {
      const beside = names.find(name => cibaParameters.some(parameter => parameter === name))
      return request === undefined || beside === undefined
        ? pass
        : bad(`\`${beside}\` stands outside of the signed request`)
    },
  },
]

/** Whether a client may ask at all: judged when it asks, when its user answers, and when it fetches its tokens. */
export interface CibaAccessInput {
  readonly grantTypes: readonly string[]
  readonly isPublic: boolean
  /** `meet` of floor, client and the requested resources. */
  readonly profile: Pick<SecurityProfile, 'backchannelAuthentication'>
  readonly scopes: readonly string[] | undefined
  readonly isDefined: (scope: string) => boolean
  readonly allowedScopes: readonly string[]
}

export const cibaAccessRules: readonly Rule<CibaAccessInput>[] = [
  {
    id: 'ciba.registered',
    clauses: ['CIBA-4-2'],
    level: 'MUST',
    title: 'the client registered the CIBA grant',
    check: ({ grantTypes }) =>
      grantTypes.includes(cibaGrantType)
        ? pass
        : fail('unauthorized_client', 'the client is not registered for the CIBA grant'),
  },
  {
    id: 'ciba.confidential',
    clauses: ['FAPI-CIBA-5.2.2-1'],
    level: 'MUST',
    title: 'the client is confidential',
    check: ({ isPublic }) =>
      isPublic ? fail('unauthorized_client', 'a public client may not ask for a user elsewhere') : pass,
  },
  {
    id: 'ciba.profile',
    clauses: [],
    level: 'OURS',
    title: 'the profile of client and resources allows backchannel authentication',
    check: ({ profile }) =>
      profile.backchannelAuthentication === 'allowed'
        ? pass
        : fail('unauthorized_client', 'the profile does not allow backchannel authentication'),
  },
  {
    id: 'ciba.scope',
    clauses: ['CIBA-7.1-scope'],
    level: 'MUST',
    title: 'the request names scopes, `openid` among them, and every one is one the client may ask for',
    check: ({ scopes, isDefined, allowedScopes }) => {
      if (scopes === undefined || !scopes.includes('openid'))
        return fail('invalid_scope', '`scope` lacks `openid`')
      return scopes.every(scope => allowedScopes.includes(scope) && (scope === 'openid' || isDefined(scope)))
        ? pass
        : fail('invalid_scope', 'a scope is unknown or not allowed for the client')
    },
  },
]

/** The rest of a request, from wherever its parameters came. */
export interface CibaRequestInput {
  readonly profile: Pick<SecurityProfile, 'signedBackchannelRequests' | 'bindingMessage'>
  readonly isSigned: boolean
  /** `backchannel_authentication_request_signing_alg` of the client. */
  readonly registeredAlg: string | undefined
  readonly deliveryMode: DeliveryMode | undefined
  readonly loginHint: string | undefined
  readonly loginHintToken: string | undefined
  readonly idTokenHint: string | undefined
  readonly bindingMessage: string | undefined
  readonly clientNotificationToken: string | undefined
  readonly requestedExpiry: string | undefined
  readonly userCode: string | undefined
  readonly requestContext: string | undefined
}

/** Letters, marks, digits, punctuation, symbols and plain spaces: nothing a page would not show as it is. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u
/** RFC 6750 section 2.1. */
const bearerToken = /^[A-Za-z0-9._~+/-]+=*$/

export const cibaRequestRules: readonly Rule<CibaRequestInput>[] = [
  {
    id: 'ciba.signed-required',
    clauses: ['CIBA-7.1.1-2', 'FAPI-CIBA-5.2.2-6'],
    level: 'MUST',
    title:
      'where the profile requires it or the client registered an algorithm for it, the request is signed',
    check: ({ profile, isSigned, registeredAlg }) =>
      !isSigned && (profile.signedBackchannelRequests === 'required' || registeredAlg !== undefined)
        ? bad('this request must be signed')
        : pass,
  },
  {
    id: 'ciba.one-hint',
    clauses: ['CIBA-7.1-hint'],
    level: 'MUST',
    title: 'exactly one hint says who the user is',
    check: ({ loginHint, loginHintToken, idTokenHint }) => {
      const sent = [loginHint, loginHintToken, idTokenHint].filter(hint => hint !== undefined).length
      return sent === 1 ? pass : bad(`${sent} hints are sent, not one`)
    },
  },
  {
    id: 'ciba.hint-kind',
    clauses: ['CIBA-7.1-hint-token'],
    level: 'OURS',
    title: 'the hint is a user name or an ID token of ours; nobody else’s tokens are taken for users',
    check: ({ loginHintToken }) =>
      loginHintToken === undefined ? pass : bad('`login_hint_token` is not supported'),
  },
  {
    id: 'ciba.binding-message',
    clauses: ['CIBA-7.1-binding-message'],
    level: 'MUST',
    title: `\`binding_message\` has at most ${bindingMessageLengthMax} characters, all of them printable`,
    check: ({ bindingMessage: message }) =>
      message === undefined ||
      ([...message].length <= bindingMessageLengthMax && printable.test(message) && message.trim() !== '')
        ? pass
        : fail('invalid_binding_message', '`binding_message` cannot be shown as it is'),
  },
  {
    id: 'ciba.binding-message-required',
    clauses: ['FAPI-CIBA-5.2.2-2'],
    level: 'MUST',
    title: 'where the profile requires it, `binding_message` ties the two devices together',
    check: ({ profile, bindingMessage }) =>
      profile.bindingMessage === 'required' && bindingMessage === undefined
        ? bad('`binding_message` is missing')
        : pass,
  },
  {
    id: 'ciba.notification-token',
    clauses: ['CIBA-7.1-notification-token'],
    level: 'MUST',
    title:
      'a client that is pinged sends a bearer token for it: ' +
      `${notificationTokenLengthMin} to ${notificationTokenLengthMax} characters`,
    check: ({ deliveryMode, clientNotificationToken: token }) => {
      if (deliveryMode !== 'ping') return pass
      if (token === undefined) return bad('`client_notification_token` is missing')
      const isLong = token.length >= notificationTokenLengthMin && token.length <= notificationTokenLengthMax
      return isLong && bearerToken.test(token)
        ? pass
        : bad('`client_notification_token` is no bearer token of 128 bits and at most 1024 characters')
    },
  },
  {
    id: 'ciba.requested-expiry',
    clauses: ['CIBA-7.1-requested-expiry'],
    level: 'MUST',
    title: '`requested_expiry` is a positive whole number of seconds',
    check: ({ requestedExpiry }) =>
      requestedExpiry === undefined || /^[1-9]\d{0,9}$/.test(requestedExpiry)
        ? pass
        : bad('`requested_expiry` is no positive whole number'),
  },
  {
    id: 'ciba.user-code',
    clauses: ['CIBA-7.1-user-code'],
    level: 'OURS',
    title: 'no `user_code` is sent: nothing would check it',
    check: ({ userCode }) => (userCode === undefined ? pass : bad('`user_code` is not supported')),
  },
  {
    id: 'ciba.request-context',
    clauses: ['FAPI-CIBA-5.3'],
    level: 'MAY',
    title: `\`request_context\` is a JSON object of at most ${requestContextBytesMax} bytes`,
    check: ({ requestContext: context }) =>
      context === undefined || (Buffer.byteLength(context) <= requestContextBytesMax && isJsonObject(context))
        ? pass
        : bad('`request_context` is no JSON object, or too large'),
  },
]

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** Seconds that a request lives, given what was asked for. */
export function lifetimeOf(requestedExpiry: string | undefined): number {
  return requestedExpiry === undefined
    ? cibaLifetimeSeconds
    : Math.min(Number(requestedExpiry), cibaLifetimeSecondsMax)
}

/** An ID token that is offered to say who the user is; its signature was found to be ours, its end does not matter. */
export interface CibaHintInput {
  readonly issuer: string
  readonly clientId: string
  readonly typ: unknown
  readonly claims: Readonly<Record<string, unknown>>
}

export const cibaHintRules: readonly Rule<CibaHintInput>[] = [
  {
    id: 'ciba.id-token-hint',
    clauses: ['CIBA-7.1-id-token-hint', 'RFC8725-3.11'],
    level: 'MUST',
    title: '`id_token_hint` is an ID token of this issuer, issued to this client, about a user',
    check: ({ issuer, clientId, typ, claims: { iss, aud, sub, events } }) =>
      typ === 'JWT' && events === undefined && iss === issuer && aud === clientId && typeof sub === 'string'
        ? pass
        : bad('`id_token_hint` is no ID token that this issuer issued to this client'),
  },
]

/** Who is meant, as the directory has them. */
export interface CibaUserInput {
  readonly user: { readonly isActive: boolean } | undefined
}

export const cibaUserRules: readonly Rule<CibaUserInput>[] = [
  {
    id: 'ciba.user',
    clauses: ['CIBA-13-unknown-user'],
    level: 'MUST',
    title: 'the hint means a user who may act',
    check: ({ user }) =>
      user?.isActive === true ? pass : fail('unknown_user_id', 'the hint means no active user'),
  },
]
