import type { Attributes } from '@holdfast/policy'
import type { EpochSeconds, HandleHash, JwsAlg, MethodTimes, ResponseType } from '@holdfast/protocol'
import type { GrantAction } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { ResponseModeName } from '@holdfast/protocol/specs/jarm/rules.ts'
import type { ClaimsRequest } from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import type { RegistrationPolicy } from '@holdfast/protocol/specs/rfc7591-registration/policy.ts'
import type { Actor } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'

/** How a token is bound (RFC 7800 `cnf`). Both may be set; then both must be proven. */
export interface Binding {
  readonly jkt?: string
  readonly x5tS256?: string
  /** Of the instance key of a client attestation: binds what the client keeps, is no part of `cnf`. */
  readonly instanceJkt?: string
}

/** The parts of a `remember-jti`. */
export interface RememberedJti {
  readonly key: HandleHash
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** The approved content of an authorization request, after parsing; nothing else is ever consulted (I10). */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly redirectUri: string
  /** Whether `redirect_uri` stood in the request (RFC 6749 4.1.3 compares only then). */
  readonly redirectUriSent: boolean
  readonly responseType: ResponseType
  /** As asked for; undefined is the mode of the response type. */
  readonly responseMode: ResponseModeName | undefined
  /** Set when it came as a signed request object; `timed` when that had `nbf` and `exp`. */
  readonly requestObject: 'timed' | 'untimed' | undefined
  /** What is remembered when the request is answered, so that its object opens no second one (JAR-14). */
  readonly requestObjectJti: RememberedJti | undefined
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Absent: none were asked for. */
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  readonly state: string | undefined
  readonly nonce: string | undefined
  readonly codeChallenge: string | undefined
  readonly dpopJkt: string | undefined
  /** Of the client instance that pushed it, when it attested itself. */
  readonly instanceJkt?: string
  readonly prompt: readonly string[]
  readonly maxAgeSeconds: number | undefined
  readonly acrValues: readonly string[]
  readonly loginHint: string | undefined
  readonly uiLocales: readonly string[]
  /** What the client asked for by name, in its `claims` parameter. */
  readonly claims?: ClaimsRequest
  /** Subject of the `id_token_hint`; never the token. */
  readonly hintedSubject?: string
  /** What becomes of which grant of the client; absent: a grant that it does not manage. */
  readonly grantManagement?: GrantManagement
}

/** `grant_management_action` with its `grant_id`: none for `create`. */
export interface GrantManagement {
  readonly action: GrantAction
  readonly grantId: string | undefined
}

export interface PushedRequestRecord {
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  readonly request: AuthorizationRequest
  /** Transaction id from PAR to domain decision. */
  readonly txn: string
  readonly issuedAt: EpochSeconds
  /**
   * Until when it may be spent: its lifetime as a request URI, which the profile says and the authorization
   * endpoint judges from `issuedAt`, and then the time of the interaction it opened.
   */
  readonly expiresAt: EpochSeconds
}

export interface InteractionRecord {
  /** Hash of the interaction id in the URL. */
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  /** Hash of the browser cookie: only the browser that started it may finish it (I12). */
  readonly browserHash: HandleHash
  readonly request: AuthorizationRequest
  /** Set when the request was pushed: spent when the code is issued. */
  readonly pushedHash: HandleHash | undefined
  readonly txn: string
  /** Set when a device waits for the answer instead of a redirect. */
  readonly device?: { readonly hash: HandleHash; readonly source: string; readonly isConfirmed: boolean }
  /** Set when no client sent the user here: they came to answer what waits for them (CIBA). */
  readonly approvals?: true
  /** Session the user authenticated in, once known. */
  readonly sessionHash: HandleHash | undefined
  /** What this interaction itself had the user do, and when (for `prompt=login`, `max_age`). */
  readonly proven?: MethodTimes
  /** Levels that policies want before the user may allow it; any of them will do. */
  readonly policyAcrs?: readonly string[]
  /** Set when the user would rather go on without the stronger level that was only wished for. */
  readonly isStepUpDeclined?: boolean
  /** Set while the user is away at another provider. */
  readonly upstream?: UpstreamAttempt | undefined
  /** Set when no client waits: the page of ours, below the issuer, that the user goes on to. */
  readonly account?: string
  /** Raised by each step; a guard against two steps racing. */
  readonly version: number
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** One sign-in at another provider that has no answer yet; a newer one takes its place. */
export interface UpstreamAttempt {
  /** Name of its document. */
  readonly provider: string
  readonly stateHash: HandleHash
  /** Whether the user had to authenticate anew. */
  readonly mustBeFresh: boolean
  readonly startedAt: EpochSeconds
}

export interface SessionRecord {
  /** Hash of the cookie value. A new one at each privilege change. */
  readonly hash: HandleHash
  readonly issuer: string
  /** Public session id (`sid`), stable over cookie changes. */
  readonly sid: string
  readonly subject: string
  readonly authTime: EpochSeconds
  readonly acr: string
  readonly amr: readonly string[]
  /** When each method was last used; absent in a session older than this field: a password, at `authTime`. */
  readonly methods?: MethodTimes
  readonly issuedAt: EpochSeconds
  readonly idleExpiresAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** A client that a user signed in to during a session: told when the session ends. */
export interface ParticipantRecord {
  readonly sid: string
  readonly clientId: string
  readonly expiresAt: EpochSeconds
}

/** One client that must still be told of one logout. The token is signed for each try: it lives two minutes. */
export interface LogoutNoticeRecord {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  readonly sid: string
  /** Of the request that ended the session, so that its reference finds what became of the notice. */
  readonly requestId: string
  /** Raised by each claim: what came of a try counts only for who still holds the claim. */
  readonly version: number
  /** Tries that failed. A claim whose process died is none of them. */
  readonly failures: number
  readonly dueAt: EpochSeconds
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** What a subject allowed a client. INVARIANT: every user token points at one; revoking it needs no token scan. */
export interface GrantRecord {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Details about the user that the consent page named one by one, and where they may be told. */
  readonly claims?: ClaimsRequest
  /** Word for word what the consent page showed; absent: none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  /** Undefined, like the two below, when the user did not sign in here for it. */
  readonly sid: string | undefined
  readonly authTime: EpochSeconds | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly txn: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  /** How the sign-in looked to the user's signals of risk; absent: nobody wanted to know. */
  readonly risk?: { readonly signals: readonly string[]; readonly unknown: readonly string[] }
  /** Present when the client manages it: the id that outlives each record, and when the first was made. */
  readonly managed?: { readonly id: string; readonly createdAt: EpochSeconds }
}

export interface CodeRecord {
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  readonly grantId: string
  readonly redirectUri: string
  readonly redirectUriSent: boolean
  readonly codeChallenge: string | undefined
  readonly dpopJkt: string | undefined
  readonly instanceJkt?: string
  readonly nonce: string | undefined
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** A device that waits for a user to decide elsewhere (RFC 8628). */
export interface DeviceCodeRecord {
  readonly hash: HandleHash
  /** Keyed hash of what the user types: short, so the store must not tell it. */
  readonly userCodeHash: HandleHash
  readonly issuer: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  /** Of the first request that proved a key; undefined as long as none did. */
  readonly binding: string | undefined
  /** Seconds the device must wait between polls; grows when it does not. */
  readonly intervalSeconds: number
  /** Network the device asked from, for the user to recognise. */
  readonly source: string
  readonly txn: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** A client that waits for a user who answers elsewhere (OpenID Connect CIBA). */
export interface BackchannelRequestRecord {
  /** Of the `auth_req_id`. */
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  /** The user who was hinted at: nobody else may answer. */
  readonly subject: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  readonly bindingMessage: string | undefined
  readonly grantManagement?: GrantManagement
  /** As asked for; absent: none were. */
  readonly acrValues?: readonly string[]
  /** The place that its prompt takes. */
  readonly promptKey: HandleHash
  /** For a client that is pinged: `auth_req_id` and its token, sealed. */
  readonly sealedPing: string | undefined
  /** Of the first request that proved a key; undefined as long as none did. */
  readonly binding: string | undefined
  /** Seconds the client must wait between polls; grows when it does not. */
  readonly intervalSeconds: number
  readonly txn: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** One client that must be told that its user has answered. */
export interface PingRecord {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  readonly txn: string
  /** The backchannel request it is about. */
  readonly requestHash: HandleHash
  readonly sealedPing: string
  /** Of the request that carried the answer, so that its reference finds what became of the ping. */
  readonly requestId: string
  /** Raised by each claim: what came of a try counts only for who still holds the claim. */
  readonly version: number
  /** Tries that failed. A claim whose process died is none of them. */
  readonly failures: number
  readonly dueAt: EpochSeconds
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

export interface AccessTokenRecord {
  /** Hash of the opaque handle, of `jti` when the token is a JWT, or of the client's half when it is split. */
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  /** Undefined for client credentials: the client's own authority. */
  readonly grantId: string | undefined
  readonly subject: string
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  /** Those of its audience only; absent: none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  readonly binding: Binding
  readonly jti: string
  readonly authTime: EpochSeconds | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly txn: string
  /** Who acts with an exchanged token; absent for every other. */
  readonly act?: Actor
  /** The only client that may act with it. */
  readonly mayAct?: string
  /** What policies had it say; an exchanged token asks them anew. */
  readonly policyClaims?: Readonly<Record<string, string>>
  /** What attribute sources told of its subject or client; an exchanged or refreshed token asks them anew. */
  readonly attributeClaims?: Attributes
  /** Whose pairwise subject it tells; absent: the subject itself. Exchanged tokens keep it. */
  readonly sector?: string
  /** Head and payload of a split token, without which the signature says nothing; absent for every other. */
  readonly signingInput?: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** What an access token says that its client must have a right to. */
export type SaidRights = Pick<AccessTokenRecord, 'audience' | 'scopes' | 'authorizationDetails'>

/** Where the status of a token stands (Token Status List section 6.2). */
export interface StatusEntryRecord {
  readonly issuer: string
  /** Last segment of the URI of its list. */
  readonly list: string
  readonly index: number
  /** What its list is signed with: what the token was. */
  readonly alg: JwsAlg
  readonly tokenHash: HandleHash
  readonly clientId: string
  readonly subject: string
  readonly grantId: string | undefined
  /** As the token has it: its list is judged without a look at the token's record. */
  readonly said: SaidRights
  /** Of the token. */
  readonly expiresAt: EpochSeconds
}

export interface RefreshTokenRecord {
  readonly hash: HandleHash
  readonly issuer: string
  readonly clientId: string
  readonly grantId: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /**
   * Of the first access token. A public client must prove the same key again; a confidential client, whose refresh
   * token is bound to the client, may prove another, but never none: bound stays bound.
   */
  readonly binding: Binding
  readonly issuedAt: EpochSeconds
  readonly idleExpiresAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** Lets its holder register clients, so many and no more, that can never be more than its policy says. */
export interface InitialAccessTokenRecord {
  readonly hash: HandleHash
  /** What operators and the audit call it. */
  readonly id: string
  readonly issuer: string
  /** How many clients it may register in all. */
  readonly uses: number
  readonly policy: RegistrationPolicy
  /** What for, in the operator's words; empty when they gave none. */
  readonly note: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

export interface UserRecord {
  readonly issuer: string
  /** Stable identifier, namespaced so that it is never a `client_id`. */
  readonly subject: string
  readonly username: string
  readonly passwordHash: string
  readonly status: 'active' | 'disabled'
  /** OIDC standard claims about the user. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Whose approvals the user may give; absent: none. */
  readonly groups?: readonly string[]
}

/** A way of a user to authenticate besides the password. */
export type AuthenticatorRecord = PasskeyRecord | TotpRecord

export interface PasskeyRecord {
  readonly kind: 'passkey'
  readonly id: HandleHash
  readonly issuer: string
  readonly subject: string
  /** Base64url, as the browser names it. */
  readonly credentialId: string
  /** COSE key, base64url. */
  readonly publicKey: string
  readonly transports: readonly string[]
  /** What the user calls it. */
  readonly name: string
  readonly createdAt: EpochSeconds
}

export interface TotpRecord {
  readonly kind: 'totp'
  /** The same for every secret of a user: there is one at most. */
  readonly id: HandleHash
  readonly issuer: string
  readonly subject: string
  /** The secret, sealed with the key-encryption key; base64url. */
  readonly sealed: string
  readonly createdAt: EpochSeconds
}

/** A security decision, as evidence. No credential, token, code, cookie or proof stands in it (I29). */
export interface AuditRecord {
  readonly at: EpochSeconds
  readonly issuer: string
  /** Dotted name, e.g. `token.issued`, `request.refused`. */
  readonly event: string
  readonly outcome: 'accepted' | 'refused' | 'alert'
  readonly requestId: string
  readonly txn?: string
  readonly clientId?: string
  readonly subject?: string
  readonly ruleId?: string
  readonly clauses?: readonly string[]
  readonly error?: string
  readonly reason?: string
  readonly facts: Facts
  /** Facts that other records have, too; written among `facts`, and read back as some of them. */
  readonly commonFacts?: CommonFacts
}

type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Facts of many records, written out once for all of them. */
export interface CommonFacts {
  readonly facts: Facts
  /** The JSON of all up to each fact that a record has for itself, and the name of that. */
  readonly parts: readonly { readonly text: string; readonly own: string }[]
  /** The rest of it. */
  readonly end: string
}

/** An audit record with its place in its writer's hash chain. */
export interface ChainedAuditRecord extends AuditRecord {
  /** Name of the chain: one per store writer, so that nodes never wait for each other. */
  readonly chain: string
  readonly sequence: number
  readonly previousHash: string
  readonly hash: string
}

/** What may be seen again: of a user a browser, a network, a country, an hour of the day, a place; of a client a key. */
export type SightingKind = 'device' | 'network' | 'country' | 'hour' | 'place' | 'key'

/** Which sighting of whom. */
export interface SightingName {
  readonly issuer: string
  /** Subject or client id. */
  readonly owner: string
  readonly what: SightingKind
  /** A keyed hash; of an hour its number, of a place nothing. Never an address or the value of a cookie. */
  readonly item: string
}

/** Where somebody was, to the degree. */
export interface CoarsePlace {
  readonly latitude: number
  readonly longitude: number
}

/** Something that was seen of a user or a client, so that it is known when it is seen again. */
export interface SightingRecord extends SightingName {
  readonly place?: CoarsePlace
  /** Whether a second factor or a passkey stood behind it. One that did once always did. */
  readonly isConfirmed: boolean
  readonly seenAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

export type FoundSighting = Pick<SightingRecord, 'what' | 'item' | 'place' | 'isConfirmed'> & {
  readonly count: number
  readonly firstAt: EpochSeconds
  readonly lastAt: EpochSeconds
}

/** A process that verifies with our keys, as it last reported itself. */
export interface VerifierRecord {
  readonly issuer: string
  readonly clientId: string
  /** Random name the process gave itself. */
  readonly instance: string
  /** RFC 7638 thumbprints of the keys it holds, sorted. */
  readonly keys: readonly string[]
  /** Since when it holds exactly these. */
  readonly since: EpochSeconds
  readonly seenAt: EpochSeconds
  /** Keys whose signature it checked and found good, and found bad. */
  readonly verified: readonly string[]
  readonly unverified: readonly string[]
  /** From when on it no longer counts as live. */
  readonly expiresAt: EpochSeconds
}
