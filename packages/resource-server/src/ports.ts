import { randomBytes } from 'node:crypto'
import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'

/** Server time. */
export interface Clock {
  readonly now: () => EpochSeconds
}

export interface Entropy {
  readonly bytes: (count: number) => Buffer
}

/**
 * The one way out, to the issuer. The built-in `fetch` fits; hand in another to trust a private CA or to present a
 * client certificate, e.g. `(url, init) => undici.fetch(url, { ...init, dispatcher })`.
 */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchedResponse>

export interface FetchInit {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Always `error`: a redirect is never followed (I31). */
  readonly redirect: 'error'
  readonly signal: AbortSignal
}

/** What is read of a response; a `Response` is one. */
export interface FetchedResponse {
  readonly status: number
  readonly body: AsyncIterable<Uint8Array> | null
}

export const systemClock: Clock = { now: () => epochSeconds(Math.floor(Date.now() / 1000)) }

/** Random bytes drawn this many at a time: a draw costs the same for 16 as for 4096. */
const drawBytes = 4096
let drawn = randomBytes(0)

/** Every byte is given out once. */
export const systemEntropy: Entropy = {
  bytes: count => {
    if (count > drawBytes) return randomBytes(count)
    if (drawn.length < count) drawn = randomBytes(drawBytes)
    const given = drawn.subarray(0, count)
    drawn = drawn.subarray(count)
    return given
  },
}

export const systemFetch: Fetch = (url, init) => fetch(url, init)
