import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { type Fetched, fetchAnswer } from './fetch-json.ts'
import type { Clock, Entropy, Fetch } from './ports.ts'

export interface BoundClientPorts {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly entropy: Entropy
}

export interface BoundRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Made for each try: what is in it may be good once. */
  readonly body: () => string
  /** Access token that is presented; undefined where one is asked for. */
  readonly token?: string
  readonly bytesMax: number
  /** Asked before each try; throws when it is too late for one. */
  readonly timeoutMs: () => number
}

/** The nonce a server gave (RFC 9449 section 8.1); what is longer is none. */
const nonceForm = /^[\x21\x23-\x5B\x5D-\x7E]{1,512}$/

/**
 * A client of the issuer whose tokens work with its key alone (RFC 9449). The key is made here, stands in no file and
 * leaves this process in no form: a stolen token is good for nothing.
 */
export class BoundClient {
  readonly #ports: BoundClientPorts
  readonly #key: KeyObject
  readonly #header: Readonly<Record<string, unknown>>
  #nonce: string | undefined

  constructor(ports: BoundClientPorts) {
    this.#ports = ports
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    this.#header = { typ: 'dpop+jwt', jwk: publicKey.export({ format: 'jwk' }) }
  }

  /** One POST with a proof of its own; once more when the server wants its nonce in it. */
  async post(request: BoundRequest): Promise<Fetched> {
    const sent = this.#nonce
    const answer = await this.#try(request)
    const wantsNonce = (answer.status === 400 || answer.status === 401) && this.#nonce !== sent
    return wantsNonce ? await this.#try(request) : answer
  }

  async #try({ url, headers, body, token, bytesMax, timeoutMs }: BoundRequest): Promise<Fetched> {
    const answer = await fetchAnswer({
      ...{ fetch: this.#ports.fetch, url, method: 'POST', bytesMax, timeoutMs: timeoutMs() },
      headers: {
        ...headers,
        dpop: this.#proof(url, token),
        ...(token !== undefined && { authorization: `DPoP ${token}` }),
      },
      body: body(),
    })
    const nonce = answer.headers?.get('dpop-nonce')
    if (typeof nonce === 'string' && nonceForm.test(nonce)) this.#nonce = nonce
    return answer
  }

  #proof(url: string, token: string | undefined): string {
    const { clock, entropy } = this.#ports
    const claims = {
      ...{ jti: entropy.bytes(16).toString('base64url'), htm: 'POST', htu: url, iat: clock.now() },
      ...(token !== undefined && { ath: createHash('sha256').update(token).digest('base64url') }),
      ...(this.#nonce !== undefined && { nonce: this.#nonce }),
    }
    return signJws(this.#header, claims, this.#key, 'ES256')
  }
}
