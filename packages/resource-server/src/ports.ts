import { randomBytes } from 'node:crypto'
import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'

/** Server time. */
export interface Clock {
  readonly now: () => EpochSeconds
  /** Milliseconds that never step; the process's own unless given. */
  readonly monotonicMs?: () => number
  /** The same time as `now` in milliseconds, only to measure with. */
  readonly epochMs?: () => number
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
  /** Needed where this API presents a token of its own: the issuer gives nonces there. */
  readonly headers?: { readonly get: (name: string) => string | null }
}

export const systemClock: Clock = { now: () => epochSeconds(Math.floor(Date.now() / 1000)) }

export const systemEntropy: Entropy = { bytes: count => randomBytes(count) }

/** How many ids one draw serves: drawing 16 bytes costs as much as drawing a kilobyte. */
const idsPerDraw = 64
const idBytes = 16

/** Unguessable reference ids of 128 bits; every byte of the entropy is used once. */
export function requestIdsOf(entropy: Entropy): () => string {
  let drawn: Buffer = Buffer.alloc(0)
  let offset = 0
  return () => {
    if (offset + idBytes > drawn.length) {
      drawn = entropy.bytes(idsPerDraw * idBytes)
      offset = 0
    }
    offset += idBytes
    return drawn.toString('base64url', offset - idBytes, offset)
  }
}

export const systemFetch: Fetch = (url, init) => fetch(url, init)
