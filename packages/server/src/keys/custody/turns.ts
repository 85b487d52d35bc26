import { Fault } from '../../ports.ts'

/** So many calls of a device run at once, so many wait; who comes then is told that custody is busy. */
export class Turns {
  readonly #atOnceMax: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnceMax: number, waitingMax: number) {
    this.#atOnceMax = atOnceMax
    this.#waitingMax = waitingMax
  }

  /** @throws Fault `keys.custody` when too many wait */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running++
    else {
      if (this.#waiting.length >= this.#waitingMax)
        throw new Fault('keys.custody', { detail: 'too many wait' })
      // Whoever leaves hands the turn over, so `#running` stays as it is.
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
