/** Requests inside rooms, over all listeners of the process: for shedding and for the drain. */
export class InFlight {
  readonly #most: number
  #count = 0
  #isDraining = false
  #whenEmpty: (() => void) | undefined

  constructor(most: number) {
    this.#most = most
  }

  get isFull(): boolean {
    return this.#count >= this.#most
  }

  /** From now on every answer closes its connection. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  enter(): void {
    this.#count++
  }

  leave(): void {
    this.#count--
    if (this.#count === 0) this.#whenEmpty?.()
  }

  /** Resolves when the last request has left, or after `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    if (this.#count === 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, deadlineMs)
      this.#whenEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
