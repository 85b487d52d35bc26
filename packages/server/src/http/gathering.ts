/** Further turns of the event loop requests may wait for company; each ends at once when nothing arrives. */
const turnsMax = 3
/** Requests that go on together: bounds how long the event loop does nothing else. */
const requestsMax = 256

/**
 * Requests that arrive in the same turn of the event loop go through their rooms side by side: all forms are parsed,
 * then all assertions verified, and so on, and what they write shares one commit. Each step then finds its code in the
 * processor's caches, where the request before left it. One by one, a request drives out what its neighbour is about to
 * need, and that costs a fifth of its time.
 */
export class Gathering {
  #count = 0
  #together: PromiseWithResolvers<void> | undefined

  /** Resolves when this turn is over, and those right after it that each brought more requests. */
  turn(): Promise<void> {
    this.#count++
    if (this.#together === undefined) {
      this.#together = Promise.withResolvers<void>()
      setImmediate(this.#look, 1, turnsMax)
    }
    return this.#together.promise
  }

  readonly #look = (before: number, turnsLeft: number): void => {
    if (turnsLeft > 0 && this.#count > before && this.#count < requestsMax) {
      setImmediate(this.#look, this.#count, turnsLeft - 1)
      return
    }
    const together = this.#together
    this.#count = 0
    this.#together = undefined
    together?.resolve()
  }
}
