import type { EpochSeconds } from '@holdfast/protocol'
import { eventStreamMediaType, type RevocationTopic } from '@holdfast/protocol/revocation-event.ts'
import { isJsonObject, parseJson } from '@holdfast/protocol/wire/json.ts'
import { clientParameters, type IntrospectionAuthentication } from './client-authentication.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import type { Issuer } from './issuer.ts'
import type { Clock, Entropy, Fetch } from './ports.ts'
import { Propagation, type PropagationFigures } from './propagation.ts'
import { type JudgedFacts, Revoked, type Standing } from './revoked.ts'

export interface RevocationFeedOptions {
  readonly authentication: IntrospectionAuthentication
  /**
   * How old the feed's word may be, 1500 to 5000 ms; default 3000. Older, and nothing remembered is believed: opaque
   * tokens and JWTs are asked about each time, or refused where introspection is not set up.
   */
  readonly silenceBoundMs?: number
  /** Most announcements remembered, 1000 to 1 000 000. */
  readonly entriesMax?: number
}

export interface FeedStatus {
  /** Whether remembered answers are believed at this moment. */
  readonly isTrusted: boolean
  /** New announcements since the start, without repeats. */
  readonly received: number
  /** Connections made since the start. */
  readonly connections: number
  /** From the commit at the issuer to the refusal here, by the two machines' clocks. */
  readonly propagation: PropagationFigures
}

export interface FeedPorts {
  readonly issuer: Issuer
  readonly issuerUrl: string
  readonly fetch: Fetch
  readonly clock: Clock
  readonly entropy: Entropy
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

/** Who remembers something that the feed may end. */
export interface FeedListener {
  /** Told of every announcement that is new, after it counts. */
  readonly onRevoked: (topic: RevocationTopic) => void
  /** Told when nothing that is remembered may be believed any more. */
  readonly onResync: () => void
}

export const silenceBoundMsMin = 1500
export const silenceBoundMsMax = 5000
const retryMsMin = 50
const retryMsMax = 2000

/** A standing subscription to what ended. Whatever goes wrong with it only makes this API ask more often. */
export class RevocationFeed {
  readonly #options: RevocationFeedOptions
  readonly #ports: FeedPorts
  readonly #silenceBoundMs: number
  readonly #revoked: Revoked
  readonly #propagation = new Propagation()
  readonly #listeners: FeedListener[] = []
  readonly #monotonicMs: () => number
  #lastEventId: string | undefined
  /** Moment, on the monotonic clock, of which everything that had ended by then is known. */
  #knownToMs = Number.NEGATIVE_INFINITY
  #received = 0
  #connections = 0
  #isClosed = false
  #abort: AbortController | undefined
  #wake: (() => void) | undefined

  constructor(options: RevocationFeedOptions, ports: FeedPorts) {
    const { silenceBoundMs = 3000, entriesMax } = options
    if (!(silenceBoundMs >= silenceBoundMsMin && silenceBoundMs <= silenceBoundMsMax))
      throw new TypeError(
        `silenceBoundMs is \`${silenceBoundMs}\`, outside ${silenceBoundMsMin} to ${silenceBoundMsMax}`,
      )
    if (entriesMax !== undefined && !(entriesMax >= 1000 && entriesMax <= 1_000_000))
      throw new TypeError(`entriesMax is \`${entriesMax}\`, outside 1000 to 1000000`)
    this.#options = options
    this.#ports = ports
    this.#silenceBoundMs = silenceBoundMs
    this.#monotonicMs = ports.clock.monotonicMs ?? (() => performance.now())
    this.#revoked = new Revoked(ports.issuerUrl, this.#monotonicMs, entriesMax)
  }

  get issuerUrl(): string {
    return this.#ports.issuerUrl
  }

  /** Several APIs of one process share a subscription. */
  listen(listener: FeedListener): void {
    this.#listeners.push(listener)
  }

  /** Whether everything that ended up to `silenceBoundMs` ago is known here. */
  get isTrusted(): boolean {
    return this.#monotonicMs() - this.#knownToMs <= this.#silenceBoundMs && this.#revoked.isComplete
  }

  standingOf(facts: JudgedFacts): Standing {
    return this.#revoked.standingOf(facts)
  }

  isKeyRevoked(thumbprint: string): boolean {
    return this.#revoked.isKeyRevoked(thumbprint)
  }

  status(): FeedStatus {
    const { isTrusted } = this
    return {
      isTrusted,
      received: this.#received,
      connections: this.#connections,
      propagation: this.#propagation.figures(),
    }
  }

  /** Reads until `close`. */
  async run(): Promise<void> {
    let waitMs = retryMsMin
    while (!this.#isClosed) {
      const connectionsBefore = this.#connections
      try {
        await this.#read()
      } catch (cause) {
        if (!this.#isClosed) this.#ports.onAlarm('revocations.disconnected', cause)
      }
      waitMs = this.#connections > connectionsBefore ? retryMsMin : Math.min(waitMs * 2, retryMsMax)
      await this.#rest(waitMs)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#abort?.abort()
    this.#wake?.()
  }

  /** Half of the wait to one and a half: APIs that lost the same node do not come back in step. */
  async #rest(waitMs: number): Promise<void> {
    if (this.#isClosed) return
    const jitter = 0.5 + (this.#ports.entropy.bytes(1)[0] ?? 0) / 256
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, waitMs * jitter)
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #read(): Promise<void> {
    const { issuer, issuerUrl, fetch, clock, entropy } = this.#ports
    const { authentication } = this.#options
    const known = await issuer.ready()
    if (!known.ok) throw new Error(known.reason)
    const { revocationEventsEndpoint, mtlsRevocationEventsEndpoint } = known.value.metadata
    const isMtls = authentication.method !== 'private_key_jwt'
    const url = isMtls ? (mtlsRevocationEventsEndpoint ?? revocationEventsEndpoint) : revocationEventsEndpoint
    if (url === undefined) throw new Error('the issuer publishes no revocation feed')
    if (new URL(url).protocol !== 'https:') throw new Error(`\`${url}\` is not https`)
    const abort = new AbortController()
    this.#abort = abort
    // A network that swallows everything is silent too: nobody waits for it longer than the bound.
    const watch = { timer: setTimeout(() => abort.abort(), this.#silenceBoundMs) }
    // The issuer counts from when the request came in, which is later: what it says is never younger than it is.
    const openedMs = this.#monotonicMs()
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          accept: eventStreamMediaType,
          'content-type': 'application/x-www-form-urlencoded',
          ...(this.#lastEventId !== undefined && { 'last-event-id': this.#lastEventId }),
        },
        body: new URLSearchParams(clientParameters(authentication, issuerUrl, clock, entropy)).toString(),
        redirect: 'error',
        signal: abort.signal,
      })
      if (response.status !== 200 || response.body === null)
        throw new Error(`\`${url}\` answered ${response.status}`)
      this.#connections++
      for await (const event of readEvents(response.body)) {
        clearTimeout(watch.timer)
        watch.timer = setTimeout(() => abort.abort(), this.#silenceBoundMs)
        this.#take(event, openedMs)
      }
    } finally {
      clearTimeout(watch.timer)
      abort.abort()
    }
  }

  /** @throws Error when it is not what the feed says; the connection starts anew */
  #take({ id, event, data }: StreamEvent, openedMs: number): void {
    const said = parseJson(data)
    if (!isJsonObject(said)) throw new Error('an event of the feed is not a JSON object')
    if (event === 'revoked') this.#takeRevocation(said)
    else if (event === 'heartbeat') this.#takeHeartbeat(said, openedMs)
    else if (event === 'resync') {
      // What was known is of another store: nothing is believed until all that matters was told again.
      this.#knownToMs = Number.NEGATIVE_INFINITY
      for (const { onResync } of this.#listeners) onResync()
    }
    if (id !== undefined && /^[\d.]{1,40}$/.test(id)) this.#lastEventId = id
  }

  #takeRevocation({ topic, digest, at, committed_ms: committedMs }: Readonly<Record<string, unknown>>): void {
    if (!isTopic(topic) || typeof digest !== 'string' || !/^[\w-]{43}$/.test(digest))
      throw new Error('an announcement of the feed is malformed')
    if (!Number.isSafeInteger(at)) throw new Error('an announcement of the feed has no time')
    if (!this.#revoked.add({ topic, digest, at: at as EpochSeconds })) return
    this.#received++
    // What was told to catch up says how long this API was away, and nothing about the way it came.
    if (this.isTrusted && typeof committedMs === 'number')
      this.#propagation.add((this.#ports.clock.epochMs?.() ?? Date.now()) - committedMs)
    for (const { onRevoked } of this.#listeners) onRevoked(topic)
  }

  #takeHeartbeat({ elapsed_ms: elapsedMs }: Readonly<Record<string, unknown>>, openedMs: number): void {
    if (typeof elapsedMs !== 'number' || !(elapsedMs >= 0))
      throw new Error('a heartbeat of the feed is malformed')
    // Never later than now, whatever the issuer's clock did.
    this.#knownToMs = Math.max(this.#knownToMs, Math.min(openedMs + elapsedMs, this.#monotonicMs()))
  }
}

const topics: ReadonlySet<unknown> = new Set<RevocationTopic>([
  'token',
  'grant',
  'subject',
  'client',
  'key',
  'issuer',
])

function isTopic(value: unknown): value is RevocationTopic {
  return topics.has(value)
}
