import type { AttributeValue, Deciding } from '@holdfast/policy'
import type {
  AuthenticationLevel,
  AuthenticationMethod,
  ClientAuthenticationMethod,
  EpochSeconds,
  JwsAlg,
  Outcome,
  ResponseType,
  SecurityProfile,
} from '@holdfast/protocol'
import type { ContentEncryptionAlg, KeyManagementAlg } from '@holdfast/protocol/jose/encrypt.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import type { MacAlg } from '@holdfast/protocol/jose/mac.ts'
import type { DeliveryMode } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { EncryptedResponse } from '@holdfast/protocol/specs/rfc7516-jwe/rules.ts'
import type { ClientMetadata } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import type { RegistrationPolicy } from '@holdfast/protocol/specs/rfc7591-registration/policy.ts'
import type { StatementTrust } from '@holdfast/protocol/specs/rfc7591-registration/statement-rules.ts'
import type { AuthorizationDetail, DetailType } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Write } from '../store/writes.ts'
import type { Locale } from './locale.ts'
import type { CompiledPolicies, Decide } from './policy-engines/engine.ts'
import type { RiskRules } from './risk-rules.ts'

/** The compiled revision: what the data plane reads. Immutable and versioned. */
export interface Snapshot {
  readonly revision: number
  /** By issuer identifier (URL). */
  readonly issuers: ReadonlyMap<string, IssuerSnapshot>
}

/** One issuer: its own keys, floor, clients and users (the isolation boundary). */
export interface IssuerSnapshot {
  /** Issuer identifier, https, no query or fragment, no trailing slash. */
  readonly url: string
  /** Origin of the mutual-TLS listener; endpoint paths are the same. */
  readonly mtlsUrl: string
  readonly tenantId: string
  readonly environment: 'development' | 'production'
  readonly floor: SecurityProfile
  readonly clients: ReadonlyMap<string, Client>
  /** By resource identifier (audience URI). */
  readonly resourceServers: ReadonlyMap<string, ResourceServer>
  readonly scopes: ReadonlyMap<string, Scope>
  /** Types of `authorization_details`, by name. */
  readonly detailTypes: ReadonlyMap<string, AuthorizationDetailsType>
  /** Highest tier of the operations that a scope, or a type of details, lets into; what no catalogue names is not here. */
  readonly operationTiers: OperationTiers
  /** `meet(floor, client, everything asked for)`; memoised. Names that the issuer does not know tighten nothing. */
  readonly effectiveProfile: (client: Client, asked: AskedFor) => Outcome<SecurityProfile>
  /** PEM certificates that may sign `tls_client_auth` client certificates; empty = method unusable. */
  readonly clientTrustAnchors: readonly string[]
  /** What `acr` values mean here, the weakest first. */
  readonly authenticationLevels: readonly AuthenticationLevel[]
  /** Who may vouch for client instances, by name; empty = methods unusable. */
  readonly attesters: ReadonlyMap<string, Attester>
  /** By name of the trust domain; empty = method unusable. */
  readonly spiffeTrustDomains: ReadonlyMap<string, SpiffeTrustDomain>
  /** The client that this workload is. */
  readonly clientOfSpiffeId: (spiffeId: string) => Client | undefined
  /** Whose assertions about our users are good for tokens (RFC 7523), by their `iss`. */
  readonly trustedIssuers: ReadonlyMap<string, TrustedIssuer>
  /** Where else users may sign in, by document name. */
  readonly identityProviders: ReadonlyMap<string, IdentityProvider>
  /** What answers AuthZEN requests; undefined: there is no decision point here. */
  readonly decisionPoint: Deciding | undefined
  /** Who tells more about users and clients, by document name. */
  readonly attributeSources: ReadonlyMap<string, AttributeSource>
  /** Whether clients may register themselves. */
  readonly registration: 'off' | 'initial-access-token'
  /** Clients that did, by id; also suspended and deleted ones. Active and suspended ones stand in `clients` too. */
  readonly registered: ReadonlyMap<string, RegisteredClient>
  /** Whose software statements count, by `iss`. */
  readonly statementIssuers: ReadonlyMap<string, StatementIssuer>
  readonly registrar: Registrar
  /** What clients have for a time; see `snapshot-at.ts`. */
  readonly scopeEndings: readonly ScopeEnding[]
  /** What onboardings give for a time; see `snapshot-at.ts`. */
  readonly onboardingEndings: readonly OnboardingEnding[]
  /** What decides at each moment. */
  readonly policies: ActivePolicies
  /** What signals of risk weigh, for policies that read them. */
  readonly risk: RiskRules
}

/** Governed scopes and types that a client has until a second. */
export interface ScopeEnding {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly authorizationDetailsTypes: readonly string[]
  /** From then on it does not. */
  readonly at: EpochSeconds
}

/** The end of an onboarding, or of a key that a newer one replaced. */
export interface OnboardingEnding {
  readonly clientId: string
  /** From then on the client is not served, or has not that key. */
  readonly at: EpochSeconds
}

/** Why a client is not served although it is registered. */
export interface Withheld {
  readonly kind: 'none' | 'suspended' | 'retired' | 'ended' | 'changed'
  /** What the client is or lacks, as the end of a sentence. */
  readonly reason: string
}

/** One version of a set of policies, ready to be asked. */
export interface Policies {
  /** Of its document; `shipped` for those every issuer begins with. */
  readonly name: string
  /** Hash of its content. */
  readonly version: string
  readonly decide: Decide
  /** Whether they look at `context.risk`: nothing is found out, counted or remembered where nobody does. */
  readonly readsRisk: boolean
  /** Whether they look at `context.attributes` before a client may act for a user: no source is asked where nobody does. */
  readonly readsAttributesAtAuthorize: boolean
  /** Whether what each flow brings anew cannot change the answer to a question: only then memory may answer it. */
  readonly ignoresPassing: CompiledPolicies['ignoresPassing']
}

export interface ActivePolicies extends Policies {
  /** Asked the same questions beside them; decides nothing. */
  readonly shadow?: Policies
}

/** A client that registered itself, as it stands in its document. */
export interface RegisteredClient {
  readonly clientId: string
  readonly metadata: ClientMetadata
  readonly localized: Readonly<Record<string, string>>
  readonly status: 'active' | 'suspended' | 'deleted'
  readonly policy: RegistrationPolicy
  /** Id of the initial access token. */
  readonly token: string
  readonly registeredAt: EpochSeconds
  readonly softwareStatement: string | undefined
}

export interface StatementIssuer extends StatementTrust {
  readonly keys: readonly PublicKey[]
}

/** What is stored of a new secret. */
export interface StoredSecret {
  readonly id: string
  readonly mac: string
  /** Only of clients that sign with it. */
  readonly sealed?: string
  readonly createdAt: EpochSeconds
  readonly expiresAt?: EpochSeconds
}

/** Brings one client that registers itself into the revision, by the way every document goes. */
export interface Registrar {
  /**
   * What makes `client` part of the revision after `revision`, or the first thing that contradicts what is served.
   * @param secrets instead of those it has; undefined: they stay
   */
  readonly prepare: (
    revision: number,
    client: RegisteredClient,
    secrets: readonly StoredSecret[] | undefined,
  ) => Outcome<PreparedClient>
}

export interface PreparedClient {
  /** In the order in which they must stand; the first is the guard of the revision. */
  readonly writes: readonly Write[]
  /** As it will be served; undefined when it was deleted. */
  readonly client: Client | undefined
}

/** What a request is for, in all the ways that may carry a profile. */
export interface AskedFor {
  /** Resource identifiers. */
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  readonly details: readonly Pick<AuthorizationDetail, 'type'>[]
}

export type GrantTypeName =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'
  | 'urn:ietf:params:oauth:grant-type:device_code'
  | 'urn:openid:params:grant-type:ciba'
  | 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A registered client, compiled. Wire names of RFC 7591 / OIDC / FAPI in camelCase. */
export interface Client {
  readonly clientId: string
  readonly clientName: string
  readonly status: 'active' | 'suspended'
  /** Why its onboarding does not let it be served; its status is then `suspended`. */
  readonly withheld?: Withheld
  /** Who answers for it in law, as people approved it: of a client that is served by an active onboarding. */
  readonly legalName?: string
  readonly isPublic: boolean
  /** `meet(floor, client's own profile)`. */
  readonly profile: SecurityProfile
  readonly redirectUris: readonly string[]
  /** Exact URIs the browser may be sent to after a logout. */
  readonly postLogoutRedirectUris: readonly string[]
  /** Where the client is told that a session of its user ended. */
  readonly backchannelLogoutUri: string | undefined
  /** Loaded in a frame of the page after a logout; with the origin of a redirect URI. */
  readonly frontchannelLogoutUri: string | undefined
  readonly grantTypes: readonly GrantTypeName[]
  /** Response types the client may ask for; all of them work under its profile. */
  readonly responseTypes: readonly ResponseType[]
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod
  /** A MAC with `client_secret_jwt`, a signature with `private_key_jwt`. */
  readonly tokenEndpointAuthSigningAlg: JwsAlg | MacAlg | undefined
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
  readonly jwksUri: string | undefined
  readonly tlsClientAuth: TlsClientSubject | undefined
  /** For `client_secret_basic`, `client_secret_post` and `client_secret_jwt`; never the secrets themselves. */
  readonly secrets: readonly ClientSecret[]
  /** Whose word counts for instances of this client. */
  readonly attesters: readonly Attester[]
  /** For `spiffe_jwt`: one workload, or with a trailing `/*` all below a path. */
  readonly spiffeId: string | undefined
  readonly dpopBoundAccessTokens: boolean
  readonly tlsClientCertificateBoundAccessTokens: boolean
  readonly requirePushedAuthorizationRequests: boolean
  /** Scopes this client may ask for. */
  readonly scopes: readonly string[]
  /** Resource identifiers this client may ask for. */
  readonly resources: readonly string[]
  /** Types of authorization details this client may ask for. */
  readonly authorizationDetailsTypes: readonly string[]
  /** What it may be given in its own name. */
  readonly ownAuthorizationDetails: readonly AuthorizationDetail[]
  /** Which of these scopes and types only a grant gives it, and until when. */
  readonly scopeEndings: readonly ScopeEnding[]
  /** The end of its onboarding; undefined where it needs none. */
  readonly servedUntil: EpochSeconds | undefined
  readonly idTokenSignedResponseAlg: JwsAlg
  /** Undefined: userinfo answers JSON. */
  readonly userinfoSignedResponseAlg: JwsAlg | undefined
  /** What is encrypted for the client after it was signed, and how; a kind that is not there is not. */
  readonly encryptedResponses: Readonly<Partial<Record<EncryptedResponse, ResponseEncryption>>>
  readonly requestObjectSigningAlg: JwsAlg | undefined
  /** From where its request objects may be fetched, exactly as registered. */
  readonly requestUris: readonly string[]
  readonly requireSignedRequestObject: boolean
  readonly authorizationSignedResponseAlg: JwsAlg
  /** Response modes the client may ask for; undefined: any. */
  readonly responseModes: readonly string[] | undefined
  readonly introspectionSignedResponseAlg: JwsAlg
  /** How a client of the CIBA grant learns that its user answered; undefined for every other. */
  readonly backchannelTokenDeliveryMode: DeliveryMode | undefined
  /** Where a client that is pinged listens. */
  readonly backchannelClientNotificationEndpoint: string | undefined
  readonly backchannelAuthenticationRequestSigningAlg: JwsAlg | undefined
  readonly requireAuthTime: boolean
  readonly defaultMaxAgeSeconds: number | undefined
  /** Origins a browser client calls from (CORS); exact, never `*` or `null`. */
  readonly allowedOrigins: readonly string[]
  /** Resource identifiers this client may introspect tokens for; empty for ordinary clients. */
  readonly introspects: readonly string[]
  /** Pushed requests that may be neither completed nor expired at one time, on each node. */
  readonly outstandingRequestsMax: number
  /** Whose tokens it may exchange without proving their key; a client that says nothing, nobody's (RFC 8693). */
  readonly exchanges: ExchangePolicy
  /** The only client that may act with tokens of this one: `may_act` (RFC 8693 section 4.4). */
  readonly mayAct: string | undefined
  /** Host whose clients know users by the same pairwise subjects; undefined: subjects are public. */
  readonly sector: string | undefined
}

/** How an answer is encrypted (RFC 7516). */
export interface ResponseEncryption {
  readonly alg: KeyManagementAlg
  readonly enc: ContentEncryptionAlg
}

/** What a client may exchange besides its own tokens. */
export interface ExchangePolicy {
  /** Client ids that the tokens were issued to. */
  readonly tokensOf: readonly string[]
  /** Resource identifiers that the tokens are for. */
  readonly tokensFor: readonly string[]
}

/** Vouches for instances of clients (attestation-based client authentication). */
export interface Attester {
  readonly name: string
  readonly keys: readonly PublicKey[]
}

/** Another issuer whose word about a user buys a token (RFC 7523), and how far it goes. */
export interface TrustedIssuer {
  /** Of its document. */
  readonly name: string
  /** Its `iss`. */
  readonly issuer: string
  /** Where its keys are; undefined: `keys` are all. */
  readonly jwksUri: string | undefined
  readonly keys: readonly PublicKey[]
  readonly algs: readonly JwsAlg[]
  /** What its `sub` is here: a subject or a username of ours, or one of a list. */
  readonly subjects: 'subject' | 'username' | ReadonlyMap<string, string>
  /** Client ids that may use its assertions. */
  readonly clients: readonly string[]
  readonly scopes: readonly string[]
  /** Resource identifiers. */
  readonly resources: readonly string[]
  readonly assertionLifetimeSeconds: number
}

/** A SPIFFE trust domain whose workloads may be clients. */
export interface SpiffeTrustDomain {
  /** Of its document. */
  readonly name: string
  readonly trustDomain: string
  /** For JWT-SVIDs; empty when they are fetched. */
  readonly keys: readonly PublicKey[]
  readonly bundleEndpoint: string | undefined
}

/** Another OpenID Provider where users sign in; we are its client. */
export interface IdentityProvider {
  /** Of its document, and of the callback address. */
  readonly name: string
  readonly displayName: string
  /** Its `iss`. */
  readonly issuer: string
  /** What it calls us. */
  readonly clientId: string
  readonly clientAssertionAlg: JwsAlg
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly jwksUri: string
  /** Of its ID tokens. */
  readonly signingAlgs: readonly JwsAlg[]
  readonly scopes: readonly string[]
  /** Whether its answers always carry `iss` (RFC 9207). */
  readonly sendsIss: boolean
  /** Its `sub` to our usernames; `created`: a new one becomes a user of ours. */
  readonly users: 'created' | ReadonlyMap<string, string>
  /** What an authentication there counts as here, by its `acr`. */
  readonly methodsByAcr: ReadonlyMap<string, readonly AuthenticationMethod[]>
  /** For any other; undefined: it counts as nothing. */
  readonly otherMethods: readonly AuthenticationMethod[] | undefined
}

/** A connection of the configuration that documents may name. */
export interface NamedConnection {
  readonly name: string
  readonly kind: 'http' | 'postgres' | 'ldap'
  /** Names of the issuers that it serves; every one when absent. */
  readonly issuers?: readonly string[]
}

/** Who tells more about a user or a client than a grant does. */
export interface AttributeSource {
  /** Of its document. */
  readonly name: string
  /** Of its content: what was remembered of another one does not count. */
  readonly digest: string
  readonly keyedBy: 'subject' | 'username' | 'client'
  /** Whether it is asked before every token, for policies. */
  readonly isForPolicies: boolean
  /** By name of the claim. */
  readonly attributes: ReadonlyMap<string, SourcedAttribute>
  /** What becomes of a token when it fails. */
  readonly onFailure: 'deny' | 'omit'
  readonly deadlineMs: number
  /** Zero: nothing is remembered. */
  readonly cacheSeconds: number
  readonly unknownCacheSeconds: number
  readonly of: SourceOf
}

export interface SourcedAttribute {
  readonly type: 'string' | 'integer' | 'boolean' | 'strings'
  readonly isRequired: boolean
}

export type SourceName = SourceOf['source']

/** Where it finds them; the places by name of the claim. */
export type SourceOf =
  | {
      readonly source: 'static'
      /** By key, then by claim. */
      readonly entries: ReadonlyMap<string, ReadonlyMap<string, AttributeValue>>
    }
  | {
      readonly source: 'directory'
      readonly keyedBy: 'subject' | 'username'
      readonly claims: ReadonlyMap<string, string>
    }
  | {
      readonly source: 'http'
      readonly connection: string
      readonly path: string
      readonly pointers: ReadonlyMap<string, string>
    }
  | {
      readonly source: 'ldap'
      readonly connection: string
      readonly base: string
      /** The attribute that the key is a value of. */
      readonly match: string
      readonly objectClass: string
      readonly places: ReadonlyMap<
        string,
        { readonly attribute: string; readonly type: SourcedAttribute['type'] }
      >
    }
  | {
      readonly source: 'sql'
      readonly connection: string
      readonly query: string
      readonly columns: ReadonlyMap<string, string>
    }

/** What is kept of a secret: HMAC-SHA-256 under a salt of its own. */
export interface ClientSecret {
  readonly id: string
  readonly salt: Buffer
  readonly mac: Buffer
  /** Of a client that signs with it; opens only with the key-encryption key, for this client and id. */
  readonly sealed?: Buffer
  /** Undefined: never. */
  readonly expiresAt: EpochSeconds | undefined
}

/** RFC 8705 section 2.1.2: exactly one of the registered subject forms. */
export interface TlsClientSubject {
  readonly kind: 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email'
  readonly value: string
}

export interface ResourceServer {
  /** Resource identifier (RFC 8707): absolute https URI without fragment. */
  readonly audience: string
  readonly displayName: string
  readonly scopes: readonly string[]
  /** `split`: a JWT of which the client gets the signature only. */
  readonly accessTokenFormat: 'opaque' | 'jwt' | 'split'
  readonly accessTokenSigningAlg: JwsAlg
  /** Whether its JWTs name a place in a status list. */
  readonly hasStatusList: boolean
  readonly profile: SecurityProfile | undefined
  /** Attributes that may reach its tokens; absent: none. */
  readonly attributes?: readonly string[]
  /** Least level of authentication of the users whose tokens it takes; undefined: any. */
  readonly acr?: string | undefined
  /** Longest time since they authenticated. */
  readonly maxAuthenticationAgeSeconds?: number | undefined
}

export interface ScopeWords {
  readonly title: string
  readonly description: string
}

export interface Scope {
  readonly name: string
  /** Short plain words for the consent page, e.g. `See your accounts`. */
  readonly title: string
  /** What exactly it lets the application do. */
  readonly description: string
  /** The same in other languages of the pages. */
  readonly translations?: Readonly<Partial<Record<Exclude<Locale, 'en'>, ScopeWords | undefined>>>
  /** Userinfo and ID token claims it releases (OIDC Core 5.4). */
  readonly claims: readonly string[]
  /** Least level of authentication of the user who allows it; undefined: any. */
  readonly acr?: string | undefined
  /** Longest time since that user authenticated. */
  readonly maxAuthenticationAgeSeconds?: number | undefined
  /** What asking for it tightens a request to; absent: nothing. */
  readonly profile?: SecurityProfile | undefined
}

export interface OperationTiers {
  readonly scopes: ReadonlyMap<string, number>
  readonly detailTypes: ReadonlyMap<string, number>
}

/** A type of `authorization_details` with what asking for it tightens a request to. */
export interface AuthorizationDetailsType extends DetailType {
  readonly profile: SecurityProfile | undefined
}
