import type { EpochSeconds } from '@holdfast/protocol'

interface Entry<V> {
  readonly value: V
  readonly keptAt: EpochSeconds
  readonly expiresAt: number
}

/** Values with a lifetime, at most `entriesMax` of them: the oldest goes first. What is gone is asked for again. */
export class BoundedCache<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #entriesMax: number

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string, now: EpochSeconds): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // A clock that stepped back must not lengthen a life: what comes from its future is asked for again.
    if (now >= entry.keptAt && now < entry.expiresAt) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: V, keptAt: EpochSeconds, expiresAt: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#entriesMax) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#entries.delete(oldest.value)
    }
    this.#entries.set(key, { value, keptAt, expiresAt })
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** @returns how many were removed */
  deleteWhere(matches: (value: V, key: string) => boolean): number {
    let removed = 0
    for (const [key, { value }] of this.#entries)
      if (matches(value, key)) {
        this.#entries.delete(key)
        removed++
      }
    return removed
  }
}

/** Callers that ask for the same thing at the same time share one answer. */
export class SingleFlight<V> {
  readonly #flights = new Map<string, Promise<V>>()

  run(key: string, work: () => Promise<V>): Promise<V> {
    const flying = this.#flights.get(key)
    if (flying !== undefined) return flying
    const flight = work().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    this.#flights.set(key, flight)
    return flight
  }

  /** Lets nobody join what is under way: the next caller asks anew. */
  forget(): void {
    this.#flights.clear()
  }
}
