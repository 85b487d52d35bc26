import type { KeyObject, X509Certificate } from 'node:crypto'
import type { Attributes, RemoteVerdict, TokenQuestion } from '@holdfast/policy'
import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import type { CertificateRevocation } from '@holdfast/protocol/specs/rfc8705-mtls/revocation-rules.ts'
import type { Geography } from './data/risk/geography.ts'
import type { AttributeSource, Snapshot } from './snapshot/snapshot.ts'
import type { Store } from './store/store.ts'

/** Server time. Lifetimes and windows use `now`; intervals use `monotonicMs`. */
export interface Clock {
  readonly now: () => EpochSeconds
  readonly monotonicMs: () => number
  /** The same time in milliseconds, only to measure with; whole seconds where a clock has none. */
  readonly epochMs?: () => number
}

export interface Entropy {
  /** @param count number of bytes, at least 16 (I35) */
  readonly bytes: (count: number) => Buffer
}

/** Signs with the active key of an issuer; private keys never leave the ring. */
export interface Keys {
  /**
   * @returns compact JWS with `kid` and `alg` set
   * @throws Fault `keys.unavailable` when no active key for `alg` exists
   */
  readonly sign: (
    issuer: string,
    alg: JwsAlg,
    typ: string,
    claims: Readonly<Record<string, unknown>>,
  ) => Promise<string>
  /** JWKS document of an issuer, as prepared bytes with a strong ETag. */
  readonly published: (issuer: string) => { readonly body: Buffer; readonly etag: string }
  readonly algs: (issuer: string) => readonly JwsAlg[]
  /**
   * Which keys are published, and a signature of each that signs or will, for verifiers to check; those that custody
   * does not sign with are left out. And how soon a verifier is to report again.
   */
  readonly checks: (issuer: string) => Promise<{
    readonly kids: readonly string[]
    readonly signed: readonly string[]
    readonly reportAfterSeconds: number
  }>
  /** Whether custody signed with every key of the issuer that signs, when it was asked last. */
  readonly signs: (issuer: string) => boolean
  /** A token that names this key does not verify: worth a check of our own, however often it is said. */
  readonly doubt: (issuer: string, kid: string) => void
  /**
   * Key for a named purpose that is the same on every node, e.g. `dpop-nonce`, `csrf`.
   * @returns 32 bytes, as an imported key: a digest over raw bytes imports them, at six times its own cost
   */
  readonly secret: (issuer: string, purpose: string) => KeyObject
  /**
   * Seals a secret that stands in a record of the store (I30). It opens only with the same issuer, purpose and place.
   * @param place what the secret belongs to, e.g. the id of its record
   */
  readonly seal: (issuer: string, purpose: string, place: string, clear: Buffer) => Buffer
  /** @throws Fault `keys.sealed` when the value was altered, moved, or sealed under another key */
  readonly open: (issuer: string, purpose: string, place: string, sealed: Buffer) => Buffer
}

/** The one guarded way out: public addresses only, no redirects, bounded in time and size (I31). */
export interface Outbound {
  /** @throws Fault `outbound.refused` or `outbound.failed` */
  readonly getJson: (url: string, limits: { bytesMax: number; timeoutMs: number }) => Promise<unknown>
  /**
   * Reads a text of this media type and no other.
   * @throws Fault `outbound.refused` or `outbound.failed`
   */
  readonly getText: (
    url: string,
    limits: { bytesMax: number; timeoutMs: number; mediaType: string },
  ) => Promise<string>
  /**
   * Posts a form; nothing of the answer but its status is read.
   * @throws Fault `outbound.refused`, or `outbound.failed` when there was no answer
   */
  readonly postForm: (
    url: string,
    form: Readonly<Record<string, string>>,
    limits: { timeoutMs: number },
  ) => Promise<{ readonly status: number }>
  /**
   * Posts a form and reads the JSON of the answer.
   * @throws Fault `outbound.refused`, or `outbound.failed` also for any other status than 200
   */
  readonly postFormForJson: (
    url: string,
    form: Readonly<Record<string, string>>,
    limits: { bytesMax: number; timeoutMs: number },
  ) => Promise<unknown>
  /**
   * Posts JSON with a bearer token of the receiver's own; nothing of the answer but its status is read.
   * @throws Fault `outbound.refused`, or `outbound.failed` when there was no answer
   */
  readonly postJson: (
    url: string,
    body: Readonly<Record<string, string>>,
    options: { readonly bearer: string; readonly timeoutMs: number },
  ) => Promise<{ readonly status: number }>
}

/** What services of the operator's own need of the guarded way out. */
export interface ServiceOutbound {
  /** As `postText`, without a body. */
  readonly askText: (
    url: string,
    request: {
      readonly headers: Readonly<Record<string, string>>
      readonly bytesMax: number
      readonly timeoutMs: number
    },
  ) => Promise<{ readonly status: number; readonly text: string }>
}

/** What a custody in another place needs of the guarded way out. */
export interface KeyServiceOutbound {
  /**
   * Posts a text with these headers and reads the text of the answer, whatever its status.
   * @throws Fault `outbound.refused` or `outbound.failed`
   */
  readonly postText: (
    url: string,
    request: {
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      readonly bytesMax: number
      readonly timeoutMs: number
    },
  ) => Promise<{ readonly status: number; readonly text: string }>
}

/** Engines elsewhere that policies ask by name (docs/decisions/0075). */
export interface RemoteEngines {
  /**
   * Asks one of them, for at most its deadline. Never throws: what breaks, and an engine that is not there, is a verdict.
   * @param from the issuer that asks, and the id of the request for which
   */
  readonly ask: (
    engine: string,
    question: TokenQuestion,
    from: { readonly issuer: string; readonly requestId: string },
  ) => Promise<RemoteVerdict>
}

/** What sources say about users and clients (docs/decisions/0076). */
export interface AttributeSources {
  /**
   * Asks one source about one key, or remembers what it said. Never throws.
   * @param key a subject, a username or a client id, as the source is keyed
   */
  readonly find: (issuer: string, source: AttributeSource, key: string) => Promise<FoundAttributes>
}

export type FoundAttributes =
  /** Undefined: the source knows nobody of that name. */
  | { readonly ok: true; readonly attributes: Attributes | undefined }
  | { readonly ok: false; readonly message: string }

/** argon2id in a bounded pool, never on the request loop. */
export interface Passwords {
  /** @throws Fault `passwords.overloaded` when the queue is full */
  readonly verify: (password: string, encoded: string) => Promise<boolean>
  readonly hash: (password: string) => Promise<string>
  /** Takes as long as `verify`: for accounts that do not exist. */
  readonly verifyNothing: (password: string) => Promise<false>
}

/** Structured, redacted at the source: `fields` never hold a credential, token, code or cookie. */
export interface Log {
  readonly info: (event: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly warn: (event: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly error: (event: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** Counters with capped label sets. */
export interface Metrics {
  readonly count: (name: MetricName, labels?: Readonly<Record<string, string>>) => void
}

export type MetricName =
  | 'requests_total'
  | 'refusals_total'
  | 'tokens_issued_total'
  | 'replays_detected_total'
  | 'faults_total'
  | 'client_jwks_fetch_failures_total'
  | 'logout_notices_total'
  | 'ciba_pings_total'
  | 'key_events_total'
  | 'key_custody_failures_total'
  | 'remote_engine_answers_total'
  | 'attribute_source_answers_total'
  | 'client_certificates_unchecked_total'

/** Lists of revoked client certificates, as they were read last. */
export interface CertificateLists {
  /** @param anchor that signed the certificate */
  readonly standing: (
    issuer: string,
    anchor: X509Certificate,
    certificate: X509Certificate,
    now: EpochSeconds,
  ) => CertificateRevocation
}

/** Nobody looks. */
export const noCertificateLists: CertificateLists = {
  standing: () => ({ policy: 'off', standing: 'unknown' }),
}

/** Everything impure, in one list. */
export interface Ports {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly store: Store
  readonly keys: Keys
  readonly outbound: Outbound
  readonly remoteEngines: RemoteEngines
  readonly attributeSources: AttributeSources
  readonly passwords: Passwords
  /** Where addresses are, as far as the operator's data says. */
  readonly geography: Geography
  /** What authorities say of certificates they gave. */
  readonly certificateLists: CertificateLists
  readonly log: Log
  readonly metrics: Metrics
  /** The compiled revision being served. Immutable; a new one replaces it whole. */
  readonly snapshot: () => Snapshot
  /** Takes up what was committed to the revision, by this node or another; never throws. */
  readonly refreshSnapshot: () => Promise<void>
}

/** The world broke: disk, network, key custody, a deadline. Fails closed; keeps its cause. */
export class Fault extends Error {
  readonly code: string
  constructor(code: string, options?: { cause?: unknown; detail?: string }) {
    super(options?.detail === undefined ? code : `${code}: ${options.detail}`, { cause: options?.cause })
    this.name = 'Fault'
    this.code = code
  }
}
