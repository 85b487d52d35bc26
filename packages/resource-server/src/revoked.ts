import type { EpochSeconds } from '@holdfast/protocol'
import { type RevocationTopic, revocationDigest } from '@holdfast/protocol/revocation-event.ts'
import type { TokenFacts } from './token.ts'

/**
 * How long an announcement is remembered, counted on a clock that never steps: as long as the issuer keeps it, which
 * is longer than any access token lives. A JWT that says it lives longer is never believed on the feed's word.
 */
export const rememberedSeconds = 3660
export const revokedEntriesMax = 100_000
/** Who ended a user's access and who issued a token may have clocks that differ by so much. */
const clockSkewSeconds = 10

export interface Revocation {
  readonly topic: RevocationTopic
  readonly digest: string
  readonly at: EpochSeconds
}

/**
 * - `revoked`: this very token or its grant ended, or all that its issuer gave until after it, for ever.
 * - `doubtful`: its user or client lost access, or its issuer ended everything, about then or later; only the issuer
 *   knows what came after.
 */
export type Standing = 'good' | 'doubtful' | 'revoked'

/** What of a token is asked about. */
export type JudgedFacts = Pick<TokenFacts, 'jti' | 'subject' | 'clientId' | 'issuedAt' | 'claims'>

interface Entry {
  readonly at: EpochSeconds
  readonly untilMs: number
}

interface Digests {
  readonly exact: readonly string[]
  readonly broad: readonly string[]
  readonly isExchanged: boolean
}

/** What the feed said ended. Bounded: what has no room makes everything doubtful until its time is over. */
export class Revoked {
  readonly #issuer: string
  readonly #monotonicMs: () => number
  readonly #entriesMax: number
  readonly #entries = new Map<string, Entry>()
  readonly #digests = new WeakMap<JudgedFacts, Digests>()
  #lostUntilMs = Number.NEGATIVE_INFINITY
  /** The latest end of any client: a token that was exchanged does not name all clients it came through. */
  #clientEndedAt = Number.NEGATIVE_INFINITY
  /** The latest end of everything the issuer gave; never moved back, never forgotten. */
  #issuerEndedAt = Number.NEGATIVE_INFINITY

  constructor(issuer: string, monotonicMs: () => number, entriesMax = revokedEntriesMax) {
    this.#issuer = issuer
    this.#monotonicMs = monotonicMs
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether nothing was dropped that could still matter. */
  get isComplete(): boolean {
    return this.#monotonicMs() >= this.#lostUntilMs
  }

  /** Takes an announcement; the same one again, or an older one later, changes nothing. @returns whether it was new */
  add({ topic, digest, at }: Revocation): boolean {
    if (topic === 'issuer') return this.#addIssuer(digest, at)
    const now = this.#monotonicMs()
    const key = `${topic} ${digest}`
    const known = this.#entries.get(key)
    if (known !== undefined && known.at >= at) return false
    if (topic === 'client') this.#clientEndedAt = Math.max(this.#clientEndedAt, at)
    this.#entries.delete(key)
    this.#prune(now)
    this.#entries.set(key, { at, untilMs: now + rememberedSeconds * 1000 })
    return true
  }

  standingOf(facts: JudgedFacts): Standing {
    if (facts.issuedAt < this.#issuerEndedAt) return 'revoked'
    const digests = this.#digestsOf(facts)
    if (digests.exact.some(digest => this.#entries.has(digest))) return 'revoked'
    const isAfter = (at: number): boolean => facts.issuedAt > at + clockSkewSeconds
    const isTouched = digests.broad.some(digest => {
      const entry = this.#entries.get(digest)
      return entry !== undefined && !isAfter(entry.at)
    })
    const isDoubtful =
      isTouched || !isAfter(this.#issuerEndedAt) || (digests.isExchanged && !isAfter(this.#clientEndedAt))
    return isDoubtful ? 'doubtful' : 'good'
  }

  isKeyRevoked(thumbprint: string): boolean {
    return this.#entries.has(`key ${revocationDigest('key', this.#issuer, thumbprint)}`)
  }

  #addIssuer(digest: string, at: EpochSeconds): boolean {
    // Of another issuer: nothing this feed is asked about.
    if (digest !== revocationDigest('issuer', this.#issuer, this.#issuer)) return false
    if (at <= this.#issuerEndedAt) return false
    this.#issuerEndedAt = at
    return true
  }

  #prune(now: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > now && this.#entries.size < this.#entriesMax) break
      if (untilMs > now) this.#lostUntilMs = Math.max(this.#lostUntilMs, untilMs)
      this.#entries.delete(key)
    }
  }

  #digestsOf(facts: JudgedFacts): Digests {
    const known = this.#digests.get(facts)
    if (known !== undefined) return known
    const digest = (topic: RevocationTopic, name: string): string =>
      `${topic} ${revocationDigest(topic, this.#issuer, name)}`
    const { txn, act } = facts.claims
    const digests = {
      exact: [digest('token', facts.jti), ...(typeof txn === 'string' ? [digest('grant', txn)] : [])],
      broad: [
        digest('subject', facts.subject),
        digest('client', facts.clientId),
        digest('client', facts.subject),
      ],
      isExchanged: act !== undefined,
    }
    this.#digests.set(facts, digests)
    return digests
  }
}
