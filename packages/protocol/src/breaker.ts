export interface BreakerOptions {
  /** After so many failures in a row nobody is asked for a while. */
  readonly failuresMax: number
  /** How long the first of them must have been asked ago: a node that restarts breaks many questions in one moment. */
  readonly failingMsMin?: number
  readonly pauseMs: number
  readonly monotonicMs: () => number
}

/** Leaves alone for a while what keeps failing: who waits for it in vain holds up everybody behind. */
export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  /** When the first question of the failures in a row was asked. */
  #failingSinceMs = 0
  #isOpen = false
  #restUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** After a pause one question goes through; the pause begins anew for all others until it is answered. */
  mayAsk(): boolean {
    if (!this.#isOpen) return true
    const now = this.#options.monotonicMs()
    if (now < this.#restUntilMs) return false
    this.#restUntilMs = now + this.#options.pauseMs
    return true
  }

  /**
   * @param askedMs when the question was asked, on the monotonic clock; needed with `failingMsMin`
   * @returns what it became by this; undefined when it is what it was
   */
  saw(isAnswered: boolean, askedMs = this.#options.monotonicMs()): 'opened' | 'closed' | undefined {
    const wasOpen = this.#isOpen
    if (isAnswered) {
      this.#failures = 0
      this.#isOpen = false
      return wasOpen ? 'closed' : undefined
    }
    const { failuresMax, failingMsMin = 0, pauseMs, monotonicMs } = this.#options
    this.#failingSinceMs = this.#failures === 0 ? askedMs : Math.min(this.#failingSinceMs, askedMs)
    this.#failures++
    const now = monotonicMs()
    if (this.#failures < failuresMax || now - this.#failingSinceMs < failingMsMin) return undefined
    this.#isOpen = true
    this.#restUntilMs = now + pauseMs
    return wasOpen ? undefined : 'opened'
  }
}
