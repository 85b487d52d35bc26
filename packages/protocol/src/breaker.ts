export interface BreakerOptions {
  /** After so many failures in a row nobody asks any more. */
  readonly failuresMax: number
  /** How long then nobody does. After it one question goes through. */
  readonly pauseMs: number
  readonly monotonicMs: () => number
}

/** Leaves alone for a while what keeps failing: who waits for it in vain holds up everybody behind. */
export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  #restUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** Nothing but one question after each pause goes through. */
  get isOpen(): boolean {
    return this.#failures >= this.#options.failuresMax
  }

  /** After a pause one question goes through; the pause begins anew for all others until it is answered. */
  mayAsk(): boolean {
    if (!this.isOpen) return true
    const { monotonicMs, pauseMs } = this.#options
    const now = monotonicMs()
    if (now < this.#restUntilMs) return false
    this.#restUntilMs = now + pauseMs
    return true
  }

  saw(isAnswered: boolean): void {
    if (isAnswered) {
      this.#failures = 0
      return
    }
    this.#failures++
    if (this.isOpen) this.#restUntilMs = this.#options.monotonicMs() + this.#options.pauseMs
  }
}
