import type { SecurityProfile, SenderConstraintMethod } from '@holdfast/protocol'
import type {
  AuditSink,
  Clock,
  DecisionPoint,
  Entropy,
  Fetch,
  IntrospectionAuthentication,
  ReplayMemory,
} from '@holdfast/resource-server'
import type { CheckOptions } from './check/options.ts'
import type { RouteDecision } from './decisions.ts'
import type { EvidenceKey } from './evidence.ts'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './ports.ts'

/** Where an API really is. */
export interface UpstreamOptions {
  /** Origin, https. */
  readonly url: string
  /** The only authority that may have signed its certificate. */
  readonly caPem: string
  /** With what the gateway proves itself. */
  readonly certPem: string
  readonly keyPem: string
  /** Name in the certificate, when it is not the host of `url`. */
  readonly serverName?: string
  readonly connectTimeoutMs?: number
  /** From the sent request to the first byte of the answer. */
  readonly answerTimeoutMs?: number
  /** Longest silence within an answer. */
  readonly idleTimeoutMs?: number
  /** Requests to this API at one time; more are shed with 503, so that one slow API does not take the gateway along. */
  readonly inFlightMax?: number
}

/** One API behind the gateway: a resource server with its own audience and its own rules. */
export interface ProtectedApi {
  readonly name: string
  /** Resource identifier: what `aud` of the client's token must name. */
  readonly audience: string
  /** Name of the API behind the gateway: `aud` of the evidence made for it. */
  readonly evidenceAudience: string
  /** Needed when the gateway itself forwards. */
  readonly upstream?: UpstreamOptions
  /** The tier of the API, as its ResourceServer document names it; what stands beside it may only be stricter. */
  readonly profile?: SecurityProfile
  readonly senderConstraint?: 'required' | 'allowed'
  readonly senderConstraintMethods?: readonly SenderConstraintMethod[]
  readonly dpopNonce?: 'off' | 'required'
  /** How long an answer of the issuer is used again, 0 to 10 s. */
  readonly cacheSeconds?: number
  readonly clients?: readonly string[]
  readonly tenant?: string
  /** Further request fields this API reads, lower case. */
  readonly requestFields?: readonly string[]
  /** Whether the API also gets the client's certificate in `Client-Cert` (RFC 9440). */
  readonly clientCert?: boolean
}

/** What may be called, and what it takes. What no route names does not exist. */
export interface RouteOptions {
  /** Name of a `ProtectedApi`. */
  readonly api: string
  readonly methods: readonly string[]
  /** `/accounts`, `/accounts/{id}`, and at the end `/files/{rest...}` for one segment or more. */
  readonly path: string
  readonly scopes?: readonly string[]
  readonly acrValues?: readonly string[]
  readonly maxAgeSeconds?: number
  /** A tier for this route; the stricter of it and the API's holds, field by field. */
  readonly profile?: SecurityProfile
  /** Name of what is done, for the audit. */
  readonly action?: string
  /** Who decides about each request whose token holds; without it the API alone does. */
  readonly decision?: RouteDecision
  /** Longest body, bytes. */
  readonly bodyBytesMax?: number
  /** Requests per client and minute; then 429. */
  readonly requestsPerMinute?: number
  /** Whether a GET here may become a WebSocket. */
  readonly webSocket?: boolean
}

/** How the gateway hears of revocations. */
export interface GatewayFeed {
  /** How old the word of the feed may be, 1500 to 4500 ms; 3000 unless said. Older, and every token is asked about. */
  readonly silenceBoundMs?: number
}

/** Where proofs are remembered by more than one. */
export interface SharedReplay {
  /** PostgreSQL. */
  readonly connectionString: string
  /** At least 32 bytes, the same at every gateway. */
  readonly nonceSecret: Uint8Array
}

export interface GatewayOptions {
  /** Origin under which clients see the gateway, https. Proofs are judged against it, and it is the `iss` of evidence. */
  readonly externalUrl: string
  /** Where clients connect; absent when another gateway stands there and only asks. */
  readonly address?: { readonly host: string; readonly port: number }
  readonly check?: CheckOptions
  readonly management?: { readonly host: string; readonly port: number }
  readonly tls: { readonly certPem: string; readonly keyPem: string }
  readonly issuer: string
  /** How the gateway proves to the issuer who it is; its client answers for every API here. */
  readonly introspection: IntrospectionAuthentication
  readonly evidenceKey: EvidenceKey
  /**
   * On unless `off`. For an issuer that has no feed: then an ended token is let in until its remembered answer is
   * `cacheSeconds` old, and streams go on until their token expires.
   */
  readonly revocationFeed?: GatewayFeed | 'off'
  readonly apis: readonly ProtectedApi[]
  readonly routes: readonly RouteOptions[]
  /** Whom routes ask, by name. */
  readonly decisionPoints?: ReadonlyMap<string, DecisionPoint>
  /** Thumbprints of certificates of proxies whose `Client-Cert` and `X-Forwarded-For` are believed. */
  readonly trustedProxies?: readonly string[]
  /** Takes every decision before its answer leaves; when it fails, nobody is let in. */
  readonly audit: AuditSink
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
  /** Development: refusals name their rule. */
  readonly explain?: boolean
  /** Proofs are remembered together with other gateways and nodes of the APIs; otherwise in this process. */
  readonly replay?: SharedReplay
  /** A memory that was opened elsewhere, in place of `replay`. */
  readonly replayMemory?: ReplayMemory
  readonly fetch?: Fetch
  readonly clock?: Clock
  readonly entropy?: Entropy
}
