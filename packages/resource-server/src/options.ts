import {
  headerAlgs,
  type JwsAlg,
  type SecurityProfile,
  type SenderConstraintMethod,
} from '@holdfast/protocol'
import type { TokenScheme } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { checkStepUpRequirement } from '@holdfast/protocol/specs/rfc9470-step-up/rules.ts'
import {
  isResourceIdentifier,
  resourceMetadataUrl,
} from '@holdfast/protocol/specs/rfc9728-resource-metadata/rules.ts'
import type { AuditSink } from './audit.ts'
import type { Decide } from './decide.ts'
import { type TrustedGateway, trustedGatewayOf } from './forwarded.ts'
import { type HttpSignatureOptions, type HttpSignatureSettings, httpSignaturesOf } from './http-signatures.ts'
import type { IntrospectionOptions } from './introspection.ts'
import { type Nonces, openNonces } from './nonce.ts'
import {
  type Clock,
  type Entropy,
  type Fetch,
  requestIdsOf,
  systemClock,
  systemEntropy,
  systemFetch,
} from './ports.ts'
import { inMemoryReplayMemory, type ReplayMemory } from './replay.ts'
import type { ApiRequest } from './request.ts'
import { RevocationFeed, type RevocationFeedOptions } from './revocation-feed.ts'
import { staleSecondsMax } from './status-list.ts'
import { settingsOfTier, signedByTier } from './tier.ts'

export interface TokenOptions {
  /** Accept RFC 9068 JWTs, verified here. */
  readonly jwt?: boolean
  /** Accept opaque tokens, and ask the issuer about them. */
  readonly introspection?: IntrospectionOptions
  /**
   * How a revoked JWT is found out. `introspection`, the default where it is set up, asks about JWTs too. `status-list`
   * looks into the status list of the issuer, and takes no JWT that names none. `feed` believes JWTs while
   * `revocationFeed` is heard and says nothing against them, and otherwise asks, or refuses where introspection is not set
   * up. `lifetime` trusts JWTs until they expire. Without a word and without introspection, a JWT that names a status list
   * is looked up, any other is trusted.
   */
  readonly jwtRevocation?: 'introspection' | 'status-list' | 'feed' | 'lifetime'
  /**
   * How many seconds a status list may be used longer than it says while the issuer does not answer, 0 to 50; never past
   * its `exp`. With the default 0 no answer is a 503.
   */
  readonly statusStaleSeconds?: number
  /**
   * Hear of revocations as they happen; while it is silent no remembered answer is used. Several APIs of one process may
   * share a subscription of `openRevocationFeed`, which whoever opened it closes.
   */
  readonly revocationFeed?: RevocationFeedOptions | RevocationFeed
  /** Accept what this gateway verified and signed for. */
  readonly gateway?: GatewayTrust
}

/** The gateway an API stands behind. Its requests carry no token of a client: a phantom token and evidence instead. */
export interface GatewayTrust {
  /** Name of the gateway: `iss` of its evidence. */
  readonly issuer: string
  /** Name of this API behind the gateway: `aud` of the evidence meant for it. */
  readonly audience: string
  /** Public JWKs of the gateway, two while it changes its key. */
  readonly keys: readonly unknown[]
  /** Thumbprints (`x5t#S256`) of the certificates the gateway connects with; without them the signature stands alone. */
  readonly peers?: readonly string[]
  /** Whether the gateway may hand on the JWT of a split token, joined; otherwise only the issuer's signed answer. */
  readonly splitTokens?: boolean
  /**
   * Remembers which evidence was used. The default is the API's own; evidence from before it began to remember is
   * answered 503 for a few seconds after a start.
   */
  readonly replayMemory?: ReplayMemory
}

export interface ResourceServerOptions {
  /** Issuer identifier of the one authorization server this API trusts. */
  readonly issuer: string
  /** Resource identifier of this API: what `aud` must name. */
  readonly audience: string
  /**
   * URL under which clients see this API, without trailing slash, when it is not the origin of `audience`. Proofs are
   * judged against it; no request header is ever asked.
   */
  readonly externalUrl?: string
  /** `jwt`, or which forms of tokens are accepted. */
  readonly tokens: 'jwt' | TokenOptions
  /**
   * The tier of this API: the same record that its ResourceServer document names, e.g. of `profiles` by name. It says
   * algorithms, sender constraint, ages and lifetimes; the options beside it may only be stricter.
   */
  readonly profile?: SecurityProfile
  /** Algorithms of JWT access tokens and, but for ML-DSA, DPoP proofs. */
  readonly algs?: readonly JwsAlg[]
  /** `required`: a token without a binding is refused. */
  readonly senderConstraint?: 'required' | 'allowed'
  readonly senderConstraintMethods?: readonly SenderConstraintMethod[]
  /**
   * Whether proofs must carry a nonce of this API. A secret of at least 32 bytes serves several nodes; with `isRequired`
   * false a nonce is asked for only while the replay memory is young.
   */
  readonly dpopNonce?: 'off' | 'required' | { readonly secret: Uint8Array; readonly isRequired?: boolean }
  readonly replayMemory?: ReplayMemory
  /** The tenant of a request, from its route and never from a free parameter; undefined from the function denies. */
  readonly tenant?: string | ((request: ApiRequest) => string | undefined)
  /** Clients that may use this API. */
  readonly clients?: readonly string[]
  /** `terminated`: only a proxy that ends TLS can reach this process. */
  readonly transport?: 'tls' | 'terminated'
  /** Object-level decision for every route; a route may add its own. */
  readonly decide?: Decide
  readonly decisionTimeoutMs?: number
  readonly audit?: AuditSink
  /** Told when the issuer or introspection does not answer. The message holds no credential. */
  readonly onAlarm?: (alarm: string, cause: unknown) => void
  /** Oldest accepted proof. */
  readonly proofAgeSeconds?: number
  /** How far ahead `iat` and `nbf` may lie. */
  readonly futureSeconds?: number
  /** How long after `exp` a slow clock is forgiven. */
  readonly expirySkewSeconds?: number
  /**
   * For APIs of FAPI 1.0: every answer carries `x-fapi-interaction-id`, the client's own or a new one, and `Date`, and
   * the audit event names the id. Off unless said.
   */
  readonly fapiInteraction?: boolean
  /**
   * Signed requests and answers (RFC 9421), as the draft FAPI 2.0 Http Signatures profiles them. Off unless said; then
   * bodies are held in memory, and an API that streams cannot have it.
   */
  readonly httpSignatures?: HttpSignatureOptions
  /** Name of this API for people, in its metadata. */
  readonly name?: string
  /** Scopes this API knows, for its metadata. */
  readonly scopes?: readonly string[]
  /** Types of authorization details this API knows, for its metadata. */
  readonly authorizationDetailsTypes?: readonly string[]
  /** Development: answers say which rule refused, and why. */
  readonly explain?: boolean
  readonly fetch?: Fetch
  readonly clock?: Clock
  readonly entropy?: Entropy
}

/** What one route asks beyond a valid token. */
export interface Requirements<Native = unknown> {
  /** All of them. */
  readonly scopes?: readonly string[]
  /** One of them, the preferred first. */
  readonly acrValues?: readonly string[]
  readonly maxAgeSeconds?: number
  readonly decide?: Decide<Native>
  /** Name of the action, for the audit. */
  readonly action?: string
}

/** Options with every default filled in and checked. */
export interface Settings {
  readonly issuer: string
  readonly audience: string
  readonly externalUrl: string
  readonly resourceMetadataUrl: string
  readonly tokens: TokenOptions
  readonly gateway: TrustedGateway | undefined
  readonly algs: readonly JwsAlg[]
  /** Those of `algs` a DPoP proof may have. */
  readonly proofAlgs: readonly JwsAlg[]
  readonly senderConstraint: 'required' | 'allowed'
  readonly methods: readonly SenderConstraintMethod[]
  readonly offered: readonly TokenScheme[]
  readonly nonces: Nonces
  readonly isNonceRequired: boolean
  readonly replayMemory: ReplayMemory
  readonly tenant: ResourceServerOptions['tenant']
  readonly clients: readonly string[] | undefined
  readonly isTerminated: boolean
  readonly decide: Decide | undefined
  readonly decisionTimeoutMs: number
  readonly audit: AuditSink | undefined
  readonly onAlarm: (alarm: string, cause: unknown) => void
  readonly proofAgeSeconds: number
  readonly futureSeconds: number
  readonly expirySkewSeconds: number
  readonly lifetimeSecondsMax: number
  /** Longest time since the user signed in, on every route; undefined: no tier says. */
  readonly tierMaxAgeSeconds: number | undefined
  readonly hasInteractionId: boolean
  readonly signatures: HttpSignatureSettings | undefined
  readonly explain: boolean
  readonly fetch: Fetch
  readonly clock: Clock
  readonly entropy: Entropy
  readonly requestIds: () => string
}

/** @throws TypeError that names the option, when the options cannot protect anything */
export function settingsOf(options: ResourceServerOptions): Settings {
  const { issuer, audience, clock = systemClock, entropy = systemEntropy } = options
  if (!isResourceIdentifier(issuer) || issuer.includes('?'))
    bad('issuer', `\`${issuer}\` is not an https URL`)
  if (!isResourceIdentifier(audience)) bad('audience', `\`${audience}\` is not an https URL without fragment`)
  const externalUrl = options.externalUrl ?? new URL(audience).origin
  if (!isResourceIdentifier(externalUrl) || externalUrl.includes('?') || externalUrl.endsWith('/'))
    bad('externalUrl', `\`${externalUrl}\` is not an https URL without query and trailing slash`)
  const tier = settingsOfTier(options)
  const { methods, senderConstraint, algs } = tier
  if (methods.length === 0 && senderConstraint === 'required') bad('senderConstraintMethods', 'none is left')
  if (algs.length === 0) bad('algs', 'none is left')
  const proofAlgs = headerAlgs(algs)
  if (methods.includes('dpop') && proofAlgs.length === 0) bad('algs', 'none is left for DPoP proofs')
  const { replayMemory, nonces } = memoryOf(options, clock, entropy)
  const { fetch = systemFetch } = options
  const onAlarm = unfailing(options.onAlarm)
  return {
    issuer,
    audience,
    externalUrl,
    resourceMetadataUrl: resourceMetadataUrl(audience),
    tokens: tokensOf(options),
    gateway: trustedGatewayOf(options.tokens, replayMemory),
    algs,
    proofAlgs,
    senderConstraint,
    methods,
    offered: offeredOf(methods, senderConstraint),
    nonces,
    isNonceRequired: isNonceRequired(options.dpopNonce),
    replayMemory,
    tenant: options.tenant,
    clients: options.clients,
    isTerminated: options.transport === 'terminated',
    decide: options.decide,
    decisionTimeoutMs: within('decisionTimeoutMs', options.decisionTimeoutMs ?? 2000, 1, 10_000),
    audit: options.audit,
    onAlarm,
    proofAgeSeconds: within('proofAgeSeconds', tier.proofAgeSeconds, 10, 60),
    futureSeconds: within('futureSeconds', tier.futureSeconds, 10, 60),
    lifetimeSecondsMax: tier.lifetimeSecondsMax,
    tierMaxAgeSeconds: tier.tierMaxAgeSeconds,
    expirySkewSeconds: within('expirySkewSeconds', options.expirySkewSeconds ?? 10, 0, 60),
    hasInteractionId: options.fapiInteraction ?? false,
    signatures: httpSignaturesOf(options, { fetch, clock, onAlarm }),
    explain: options.explain ?? false,
    fetch,
    clock,
    entropy,
    requestIds: requestIdsOf(entropy),
  }
}

function memoryOf(
  { audience, dpopNonce, replayMemory }: ResourceServerOptions,
  clock: Clock,
  entropy: Entropy,
): Pick<Settings, 'nonces' | 'replayMemory'> {
  const shared = typeof dpopNonce === 'object' ? dpopNonce.secret : undefined
  // With a secret that outlives this process, a nonce no longer proves that a proof is younger than our memory.
  if (shared !== undefined && replayMemory === undefined)
    bad('dpopNonce', 'a shared secret needs a shared replayMemory')
  const memory = replayMemory ?? inMemoryReplayMemory({ completeSince: clock.now() })
  return {
    nonces: openNonces(shared ?? entropy.bytes(32), audience, () => memory.epoch ?? ''),
    replayMemory: memory,
  }
}

function isNonceRequired(dpopNonce: ResourceServerOptions['dpopNonce']): boolean {
  return typeof dpopNonce === 'object' ? (dpopNonce.isRequired ?? true) : dpopNonce === 'required'
}

function tokensOf({ tokens, profile, issuer }: ResourceServerOptions): TokenOptions {
  const chosen: TokenOptions = tokens === 'jwt' ? { jwt: true } : signedByTier(tokens, profile)
  const { jwt, introspection, gateway } = chosen
  if (jwt !== true && introspection === undefined && gateway === undefined)
    bad('tokens', 'no form of token is accepted')
  if (chosen.jwtRevocation === 'introspection' && chosen.introspection === undefined)
    bad('tokens.jwtRevocation', 'introspection is not set up')
  within('tokens.statusStaleSeconds', chosen.statusStaleSeconds ?? 0, 0, staleSecondsMax)
  const { revocationFeed } = chosen
  if (revocationFeed instanceof RevocationFeed && revocationFeed.issuerUrl !== issuer)
    bad('tokens.revocationFeed', `it is of \`${revocationFeed.issuerUrl}\`, not of \`${issuer}\``)
  if (chosen.jwtRevocation === 'feed' && chosen.revocationFeed === undefined)
    bad('jwtRevocation', '`feed` needs `revocationFeed`')
  return chosen
}

function offeredOf(
  methods: readonly SenderConstraintMethod[],
  senderConstraint: 'required' | 'allowed',
): readonly TokenScheme[] {
  const offered: TokenScheme[] = []
  if (methods.includes('dpop')) offered.push('DPoP')
  if (methods.includes('mtls') || senderConstraint === 'allowed') offered.push('Bearer')
  return offered
}

/** Requirements with every default filled in and checked. */
export interface RouteSettings<Native> {
  readonly scopes: readonly string[]
  readonly acrValues: readonly string[]
  readonly maxAgeSeconds: number | undefined
  readonly decide: Decide<Native> | undefined
  readonly action: string | undefined
}

/** @throws TypeError when a requirement cannot be put into a challenge */
export function routeSettingsOf<Native>(requirements: Requirements<Native>): RouteSettings<Native> {
  const { scopes = [], acrValues = [], maxAgeSeconds, decide, action } = requirements
  for (const scope of scopes)
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) bad('scopes', `\`${scope}\` is not a scope token`)
  checkStepUpRequirement(acrValues, maxAgeSeconds)
  return { scopes, acrValues, maxAgeSeconds, decide, action }
}

/** The alarm is for people: what goes wrong with it must not change what a request is told. */
function unfailing(onAlarm: ResourceServerOptions['onAlarm']): Settings['onAlarm'] {
  return (alarm, cause) => {
    try {
      onAlarm?.(alarm, cause)
    } catch {
      // Nobody is left to tell.
    }
  }
}

function within(option: string, value: number, least: number, most: number): number {
  return Number.isSafeInteger(value) && value >= least && value <= most
    ? value
    : bad(option, `\`${value}\` is outside ${least} to ${most}`)
}

function bad(option: string, why: string): never {
  throw new TypeError(`${option}: ${why}`)
}
