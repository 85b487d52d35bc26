interface Entry {
  readonly dueMs: number
  missed: (() => void) | undefined
}

/** How late a deadline may be noticed. */
const graceMs = 100

/**
 * The deadline of every request in flight. All have the same length, so they end in the order they began: one timer
 * watches the front of a queue, where a timer per request would cost more than the rest of its bookkeeping.
 */
export class Deadlines {
  readonly #lengthMs: number
  readonly #monotonicMs: () => number
  #queue: Entry[] = []
  #front = 0
  #timer: NodeJS.Timeout | undefined

  constructor(lengthMs: number, monotonicMs: () => number) {
    this.#lengthMs = lengthMs
    this.#monotonicMs = monotonicMs
  }

  /** @returns ends the watch: `missed` is not called any more */
  watch(missed: () => void): () => void {
    const entry: Entry = { dueMs: this.#monotonicMs() + this.#lengthMs, missed }
    this.#queue.push(entry)
    this.#arm()
    return () => {
      entry.missed = undefined
    }
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#front === this.#queue.length) return
    this.#timer = setTimeout(() => this.#look(), Math.min(this.#lengthMs, graceMs))
    // A process that has closed its listeners is not kept alive by a room that hangs.
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = this.#monotonicMs()
    for (let entry = this.#queue[this.#front]; entry !== undefined; entry = this.#queue[this.#front]) {
      if (entry.missed !== undefined && entry.dueMs > now) break
      this.#front++
      entry.missed?.()
    }
    // What has left is let go of, at most once per look.
    this.#queue = this.#queue.slice(this.#front)
    this.#front = 0
    this.#arm()
  }
}
