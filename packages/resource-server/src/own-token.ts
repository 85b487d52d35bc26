import { accessEvaluationScope } from '@holdfast/protocol/specs/authzen/rules.ts'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { BoundClient } from './bound-client.ts'
import { SingleFlight } from './cache.ts'
import { DecisionUnavailable } from './decision-point.ts'

export interface OwnTokenPorts {
  readonly client: BoundClient
  /** The form parameters by which the client authenticates; made for each request, each good once. */
  readonly authenticate: () => Readonly<Record<string, string>>
  readonly monotonicMs: () => number
}

const answerBytesMax = 16_384
const timeoutMs = 3000
/** Seconds before its end at which a token is used no more. */
const marginSeconds = 10
/** Least time between two renewals that nobody waits for. */
const renewalPauseMs = 1000

interface Held {
  readonly value: string
  readonly renewAtMs: number
  readonly endsAtMs: number
}

/**
 * The token with which this API asks its issuer (RFC 6749 section 4.4), bound to the key of its client: used until two
 * thirds of its life, the next one is got meanwhile, and however many ask, one request at a time goes for it.
 */
export class OwnToken {
  readonly #ports: OwnTokenPorts
  readonly #flight = new SingleFlight<Held>()
  #held: Held | undefined
  #renewalNotBeforeMs = Number.NEGATIVE_INFINITY

  constructor(ports: OwnTokenPorts) {
    this.#ports = ports
  }

  /** @throws DecisionUnavailable when the issuer gives none */
  async get(tokenEndpoint: string): Promise<string> {
    const now = this.#ports.monotonicMs()
    const held = this.#held
    if (held === undefined || now >= held.endsAtMs) return (await this.#next(tokenEndpoint)).value
    if (now >= held.renewAtMs && now >= this.#renewalNotBeforeMs) {
      this.#renewalNotBeforeMs = now + renewalPauseMs
      // Nobody waits for it: this one is still good.
      this.#next(tokenEndpoint).catch(() => undefined)
    }
    return held.value
  }

  /** The issuer did not take it; one that was got meanwhile stays. */
  drop(value: string): void {
    if (this.#held?.value === value) this.#held = undefined
  }

  #next(tokenEndpoint: string): Promise<Held> {
    return this.#flight.run('token', () => this.#fetch(tokenEndpoint))
  }

  async #fetch(url: string): Promise<Held> {
    const { client, authenticate, monotonicMs } = this.#ports
    const begun = monotonicMs()
    const { status, text } = await client.post({
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: () =>
        new URLSearchParams({
          ...{ grant_type: 'client_credentials', scope: accessEvaluationScope },
          ...authenticate(),
        }).toString(),
      ...{ bytesMax: answerBytesMax, timeoutMs: () => timeoutMs },
    })
    const { access_token: value, token_type: type, expires_in: seconds, error } = parseJsonObject(text) ?? {}
    if (status !== 200)
      throw new DecisionUnavailable(`the issuer gave no token to ask with: ${status}${said(error)}`)
    // A token that anybody could use is none of ours.
    const isBound = typeof type === 'string' && type.toLowerCase() === 'dpop'
    if (!isBound || typeof value !== 'string' || !/^[\x21-\x7E]{1,8192}$/.test(value))
      throw new DecisionUnavailable('the issuer gave no token that is bound to our key')
    const lifeMs = Number.isSafeInteger(seconds) ? Math.max(0, Number(seconds) - marginSeconds) * 1000 : 0
    const held = { value, renewAtMs: begun + (lifeMs * 2) / 3, endsAtMs: begun + lifeMs }
    this.#held = held
    return held
  }
}

/** An error code, and nothing that could be anything else. */
function said(error: unknown): string {
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
}
