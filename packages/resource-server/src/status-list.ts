import { inflateSync } from 'node:zlib'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  type StatusReference,
  statusClaimRules,
  statusListHeaderRules,
  statusListRules,
  statusReferenceOf,
  statusRules,
} from '@holdfast/protocol/specs/token-status-list/rules.ts'
import {
  type StatusBits,
  statusAt,
  statusListMediaType,
} from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import { decodeBase64url } from '@holdfast/protocol/wire/base64url.ts'
import { BoundedCache, SingleFlight } from './cache.ts'
import { fetchText } from './fetch-json.ts'
import type { Issuer } from './issuer.ts'
import type { Clock, Fetch } from './ports.ts'
import { signingKeyOf } from './signing-key.ts'

/** Most seconds a list may be used beyond its `ttl` while the issuer does not answer. */
export const staleSecondsMax = 50
/** Longest `ttl` that is honoured, and what a list without one gets. */
export const listKeptSecondsMax = 60
/** Bytes of an answer, and of the list inside it when it is inflated: eight million entries of one bit. */
export const listAnswerBytesMax = 1_500_000
export const listBytesMax = 1_048_576
const listsMax = 64
const timeoutMs = 3000
/** How long nobody asks again for a list that could not be had. */
const coolDownSeconds = 1

export interface StatusListPorts {
  readonly issuer: Issuer
  readonly issuerUrl: string
  readonly algs: readonly JwsAlg[]
  readonly futureSeconds: number
  readonly staleSeconds: number
  /** Whether a token must name a list. */
  readonly isRequired: boolean
  readonly fetch: Fetch
  readonly clock: Clock
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

/** A list that was found good, and until when it is. */
interface KnownList {
  readonly bytes: Uint8Array
  readonly bits: StatusBits
  /** With this key: a key that the issuer withdrew takes its lists with it. */
  readonly keyThumbprint: string
  readonly freshUntil: number
  readonly usableUntil: number
}

/**
 * Looks tokens up in the status lists of their issuer (Token Status List section 8.3): lists are few, each is fetched
 * once for all who wait, kept for its `ttl`, and inflated only so far. No list means no.
 */
export class StatusLists {
  readonly #ports: StatusListPorts
  readonly #lists = new BoundedCache<KnownList>(listsMax)
  readonly #failedAt = new BoundedCache<Refusal>(listsMax)
  readonly #flight = new SingleFlight<Outcome<KnownList>>()

  constructor(ports: StatusListPorts) {
    this.#ports = ports
  }

  /**
   * @param status claim of a token that is good in every other way
   * @returns undefined when the token has not ended; at once where the list is at hand
   */
  judge(status: unknown, now: EpochSeconds): Refusal | undefined | Promise<Refusal | undefined> {
    const { issuerUrl, isRequired } = this.#ports
    const unfit = firstRefusal(statusClaimRules, { status, issuer: issuerUrl, isRequired })
    if (unfit !== undefined) return unfit
    const reference = statusReferenceOf(status)
    if (reference === undefined) return undefined
    const known = this.#current(reference.uri, now)
    if (known !== undefined && now < known.freshUntil) return judgeEntry(known, reference)
    return this.#renewed(reference, now)
  }

  async #renewed(reference: StatusReference, now: EpochSeconds): Promise<Refusal | undefined> {
    const { uri } = reference
    const failed = this.#failedAt.get(uri, now)
    const list = failed ?? (await this.#flight.run(uri, () => this.#fetch(uri)))
    if (list.ok) return judgeEntry(list.value, reference)
    // Time has passed since: what is used now must be usable now.
    const known = this.#current(uri, this.#ports.clock.now())
    return known === undefined ? list : judgeEntry(known, reference)
  }

  /** What is kept and may be used, if need be longer than it says. */
  #current(uri: string, now: EpochSeconds): KnownList | undefined {
    const known = this.#lists.get(uri, now)
    if (known === undefined || now >= known.usableUntil) return undefined
    return this.#ports.issuer.current()?.thumbprints.has(known.keyThumbprint) === false ? undefined : known
  }

  async #fetch(uri: string): Promise<Outcome<KnownList>> {
    const { fetch, clock, onAlarm } = this.#ports
    // Before it is asked for: a slow answer is not younger than its question.
    const askedAt = clock.now()
    let text: string
    try {
      const accepts = { accept: statusListMediaType }
      text = await fetchText({
        ...{ fetch, url: uri, method: 'GET', headers: accepts },
        ...{ bytesMax: listAnswerBytesMax, timeoutMs },
      })
    } catch (cause) {
      onAlarm('status-list.fetch-failed', cause)
      return this.#failed(uri, unavailable('the status list could not be fetched'))
    }
    const list = await this.#verified(text.trim(), uri, askedAt)
    if (!list.ok) {
      onAlarm('status-list.refused', new Error(`${list.ruleId}: ${list.reason}`))
      return this.#failed(uri, list)
    }
    this.#lists.set(uri, list.value, askedAt, list.value.usableUntil)
    return list
  }

  #failed(uri: string, refusal: Refusal): Refusal {
    const now = this.#ports.clock.now()
    this.#failedAt.set(uri, refusal, now, now + coolDownSeconds)
    return refusal
  }

  async #verified(text: string, uri: string, askedAt: EpochSeconds): Promise<Outcome<KnownList>> {
    const { issuer, issuerUrl, algs, futureSeconds, staleSeconds, clock } = this.#ports
    const jws = parseCompactJws(text, listAnswerBytesMax, 'temporarily_unavailable')
    if (!jws.ok) return jws
    const { header, claims } = jws.value
    const unfit = firstRefusal(statusListHeaderRules, { header, algs })
    if (unfit !== undefined) return unfit
    const key = await signingKeyOf(jws.value, issuer, algs)
    if (!key.ok || key.value === undefined)
      return refuse(
        'status-list.signature',
        ['STATUS-LIST-8.3-2'],
        'temporarily_unavailable',
        'the status list is not signed by the issuer',
      )
    const input = { claims, uri, issuer: issuerUrl, now: clock.now(), futureSeconds }
    const wrong = firstRefusal(statusListRules, input)
    if (wrong !== undefined) return wrong
    const { bits, lst } = claims.status_list as { readonly bits: StatusBits; readonly lst: string }
    const bytes = inflated(lst)
    if (bytes === undefined)
      return refuse(
        'status-list.bytes',
        ['STATUS-LIST-4.1'],
        'temporarily_unavailable',
        'the status list cannot be inflated, or is too large',
      )
    const exp = claims.exp as number
    const ttl = Math.min((claims.ttl as number | undefined) ?? listKeptSecondsMax, listKeptSecondsMax)
    const freshUntil = Math.min(exp, askedAt + ttl)
    const usableUntil = Math.min(exp, askedAt + ttl + staleSeconds)
    const { thumbprint: keyThumbprint } = key.value
    return accept({ bytes, bits, keyThumbprint, freshUntil, usableUntil })
  }
}

function judgeEntry({ bytes, bits }: KnownList, { index }: StatusReference): Refusal | undefined {
  return firstRefusal(statusRules, { status: statusAt(bytes, bits, index) })
}

/** Stops at the bound, however little there was to begin with. */
function inflated(lst: string): Buffer | undefined {
  const compressed = decodeBase64url(lst)
  if (compressed === undefined) return undefined
  try {
    return inflateSync(compressed, { maxOutputLength: listBytesMax })
  } catch {
    return undefined
  }
}

function unavailable(reason: string): Refusal {
  return refuse('status-list.unavailable', [], 'temporarily_unavailable', reason)
}
