import {
  accept,
  type EpochSeconds,
  type JwsAlg,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import { Breaker } from '@holdfast/protocol/breaker.ts'
import { Gate } from '@holdfast/protocol/gate.ts'
import { introspectionJwtMediaType } from '@holdfast/protocol/specs/rfc9701-introspection-jwt/rules.ts'
import { BoundedCache, SingleFlight } from './cache.ts'
import { clientParameters, type IntrospectionAuthentication } from './client-authentication.ts'
import { fetchText, type JsonRequest, jsonObjectIn, UnwantedStatus } from './fetch-json.ts'
import type { Issuer } from './issuer.ts'
import type { Clock, Entropy, Fetch } from './ports.ts'
import { answerBytesMax, judgeIntrospected, judgeSignedAnswer } from './signed-answer.ts'
import { judgeSplitToken } from './split-token.ts'
import type { TokenFacts } from './token.ts'

export interface IntrospectionOptions {
  readonly authentication: IntrospectionAuthentication
  /** How long an active answer is used again, 0 to 10 s; never past `exp`. */
  readonly cacheSeconds?: number
  /** How long an inactive answer is used again, 0 to 2 s. */
  readonly negativeCacheSeconds?: number
  /** Most answers kept. */
  readonly entriesMax?: number
  readonly timeoutMs?: number
  /**
   * `required`: ask for the answer as a signed JWT (RFC 9701) and take no other, as FAPI 2.0 Message Signing has it.
   * The default `off` trusts TLS alone.
   */
  readonly signedAnswers?: 'required' | 'off'
}

export const cacheSecondsMax = 10
export const negativeCacheSecondsMax = 2
const atOnceMax = 32
const waitingMax = 1000
/** An issuer that answers nobody for a second is left alone, and asked by one request each second. */
const failuresMax = 5
const failingMsMin = 1000
const pauseMs = 1000
/** Statuses of an answer to this one question: whoever sends an odd token must not close the way for everybody. */
const ofQuestion: ReadonlySet<number> = new Set([400, 413])

export interface IntrospectorPorts {
  readonly issuer: Issuer
  readonly issuerUrl: string
  readonly audience: string
  /** Algorithms of signed answers. */
  readonly algs: readonly JwsAlg[]
  readonly futureSeconds: number
  readonly fetch: Fetch
  readonly clock: Clock
  readonly entropy: Entropy
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

/** Asks the issuer about tokens: one question per token at a time, answers kept for seconds, no answer means no. */
export class Introspector {
  readonly #options: IntrospectionOptions
  readonly #ports: IntrospectorPorts
  readonly #cache: BoundedCache<Outcome<TokenFacts>>
  readonly #flight = new SingleFlight<Outcome<TokenFacts>>()
  readonly #gate = new Gate(atOnceMax, waitingMax)
  readonly #monotonicMs: () => number
  readonly #breaker: Breaker
  /** Raised by every eviction: an answer that was asked for before it is not kept. */
  #evictions = 0

  constructor(options: IntrospectionOptions, ports: IntrospectorPorts) {
    const { cacheSeconds = cacheSecondsMax, negativeCacheSeconds = negativeCacheSecondsMax } = options
    if (!(cacheSeconds >= 0 && cacheSeconds <= cacheSecondsMax))
      throw new TypeError(`cacheSeconds is \`${cacheSeconds}\`, outside 0 to ${cacheSecondsMax}`)
    if (!(negativeCacheSeconds >= 0 && negativeCacheSeconds <= negativeCacheSecondsMax))
      throw new TypeError(
        `negativeCacheSeconds is \`${negativeCacheSeconds}\`, outside 0 to ${negativeCacheSecondsMax}`,
      )
    this.#options = options
    this.#ports = ports
    this.#cache = new BoundedCache(options.entriesMax ?? 10_000)
    this.#monotonicMs = ports.clock.monotonicMs ?? (() => performance.now())
    this.#breaker = new Breaker({ failuresMax, failingMsMin, pauseMs, monotonicMs: this.#monotonicMs })
  }

  /**
   * @param tokenHash base64url SHA-256 of the token; the token itself is never kept
   * @param isBelieved whether what was answered earlier may still be used
   */
  async introspect(
    token: string,
    tokenHash: string,
    isBelieved: (facts: TokenFacts) => boolean,
  ): Promise<Outcome<TokenFacts>> {
    const kept = this.#cache.get(tokenHash, this.#ports.clock.now())
    if (kept !== undefined && (!kept.ok || isBelieved(kept.value))) return kept
    return this.#flight.run(tokenHash, () => this.#ask(token, tokenHash))
  }

  /** What is being asked right now is not shared: something ended since. */
  forgetFlights(): void {
    this.#flight.forget()
  }

  /** Forgets what matches; what is being asked right now is neither kept nor shared. @returns how many were forgotten */
  evict(matches: (facts: TokenFacts) => boolean): number {
    this.#evictions++
    this.#flight.forget()
    return this.#cache.deleteWhere(outcome => outcome.ok && matches(outcome.value))
  }

  async #ask(token: string, tokenHash: string): Promise<Outcome<TokenFacts>> {
    const { clock } = this.#ports
    const evictionsBefore = this.#evictions
    const answer = await this.#gate.run(() => this.#answer(token))
    if (answer === undefined) return unavailable('too many introspection requests wait')
    if (!answer.ok && answer.error === 'temporarily_unavailable') return answer
    if (evictionsBefore === this.#evictions) this.#keep(tokenHash, answer, clock.now())
    return answer
  }

  #keep(tokenHash: string, answer: Outcome<TokenFacts>, now: EpochSeconds): void {
    const { cacheSeconds = cacheSecondsMax, negativeCacheSeconds = negativeCacheSecondsMax } = this.#options
    const expiresAt = answer.ok
      ? Math.min(now + cacheSeconds, answer.value.expiresAt)
      : now + negativeCacheSeconds
    if (expiresAt > now) this.#cache.set(tokenHash, answer, now, expiresAt)
  }

  async #answer(token: string): Promise<Outcome<TokenFacts>> {
    const { issuer, issuerUrl, fetch, clock, entropy, onAlarm } = this.#ports
    const known = await issuer.ready()
    if (!known.ok) return known
    const { introspectionEndpoint, mtlsIntrospectionEndpoint } = known.value.metadata
    const isMtls = this.#options.authentication.method !== 'private_key_jwt'
    const url = isMtls ? (mtlsIntrospectionEndpoint ?? introspectionEndpoint) : introspectionEndpoint
    if (url === undefined) return unavailable('the issuer publishes no introspection endpoint')
    // Here and not before the gate: what waited there while the issuer failed waits no longer.
    if (!this.#breaker.mayAsk()) return unavailable('introspection failed lately and is left alone')
    const askedMs = this.#monotonicMs()
    try {
      const isSigned = this.#options.signedAnswers === 'required'
      const request: JsonRequest = {
        fetch,
        url,
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(isSigned && { accept: introspectionJwtMediaType }),
        },
        body: new URLSearchParams({
          token,
          token_type_hint: 'access_token',
          ...clientParameters(this.#options.authentication, issuerUrl, clock, entropy),
        }).toString(),
        bytesMax: answerBytesMax,
        timeoutMs: this.#options.timeoutMs ?? 3000,
      }
      const text = await fetchText(request)
      this.#breaker.saw(true)
      if (!isSigned) return await this.#judge(token, jsonObjectIn(text, url))
      const response = await judgeSignedAnswer(text, this.#ports, this.#ports.clock.now())
      if (!response.ok) {
        onAlarm('introspection.unsigned', new Error(response.reason))
        return response
      }
      const facts = await this.#judge(token, response.value)
      return facts.ok ? accept({ ...facts.value, signedAnswer: text }) : facts
    } catch (cause) {
      this.#breaker.saw(cause instanceof UnwantedStatus && ofQuestion.has(cause.status), askedMs)
      onAlarm('introspection.failed', cause)
      return unavailable('introspection did not answer')
    }
  }

  async #judge(token: string, response: Readonly<Record<string, unknown>>): Promise<Outcome<TokenFacts>> {
    const { issuerUrl, audience, onAlarm } = this.#ports
    const facts = judgeIntrospected(response, issuerUrl, audience)
    if (!facts.ok) return facts
    const signingInput = await judgeSplitToken(token, response, this.#ports)
    if (signingInput.ok) return accept({ ...facts.value, signingInput: signingInput.value })
    onAlarm('introspection.split', new Error(`${signingInput.ruleId}: ${signingInput.reason}`))
    return signingInput
  }
}

function unavailable(reason: string): Refusal {
  return refuse('introspection.unavailable', [], 'temporarily_unavailable', reason)
}
