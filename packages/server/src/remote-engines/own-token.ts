import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Clock, KeyServiceOutbound } from '../ports.ts'

/** Where this server gets a token of its own, which an engine asks for (RFC 6749 section 4.4). */
export interface TokenRequest {
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly scope: string
}

/** Bytes of the answer of a token endpoint. */
const answerBytesMax = 16_384
const timeoutMs = 3000
/** Seconds before its end at which a token is used no more. */
const marginSeconds = 10

interface OwnToken {
  readonly value: string
  readonly refreshAtMs: number
  readonly endsAtMs: number
}

/**
 * Tokens by client credentials, the client authenticated by its certificate: each is used until two thirds of its life,
 * the next one is got meanwhile, and many questions share one request.
 */
export class OwnTokens {
  readonly #request: TokenRequest
  readonly #outbound: Pick<KeyServiceOutbound, 'postText'>
  readonly #clock: Clock
  #token: OwnToken | undefined
  #underWay: Promise<OwnToken> | undefined

  constructor(request: TokenRequest, outbound: Pick<KeyServiceOutbound, 'postText'>, clock: Clock) {
    this.#request = request
    this.#outbound = outbound
    this.#clock = clock
  }

  async get(): Promise<string> {
    const now = this.#clock.monotonicMs()
    const token = this.#token
    if (token === undefined || now >= token.endsAtMs) return (await this.#next()).value
    // Whoever asks now is not kept waiting; should it fail, the next one tries again.
    if (now >= token.refreshAtMs) this.#next().catch(() => undefined)
    return token.value
  }

  /** The engine did not take it. */
  drop(): void {
    this.#token = undefined
  }

  #next(): Promise<OwnToken> {
    this.#underWay ??= this.#fetch().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #fetch(): Promise<OwnToken> {
    const { tokenEndpoint, clientId, scope } = this.#request
    const begun = this.#clock.monotonicMs()
    const form = { grant_type: 'client_credentials', client_id: clientId, scope }
    const { status, text } = await this.#outbound.postText(tokenEndpoint, {
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
      ...{ bytesMax: answerBytesMax, timeoutMs },
    })
    const { access_token: value, token_type: type, expires_in: seconds } = parseJsonObject(text) ?? {}
    const isBearer = typeof type === 'string' && type.toLowerCase() === 'bearer'
    if (status !== 200 || !isBearer || typeof value !== 'string' || !/^[\x21-\x7E]{1,8192}$/.test(value))
      throw new Error(`its token endpoint gave no bearer token, status ${status}`)
    const life = Number.isSafeInteger(seconds) ? Math.max(0, Number(seconds) - marginSeconds) * 1000 : 0
    const token = { value, refreshAtMs: begun + (life * 2) / 3, endsAtMs: begun + life }
    this.#token = token
    return token
  }
}
