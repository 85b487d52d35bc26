import type { GatewayAnswer } from '../refused.ts'

/** How long a question may be asked again. A proxy that lost a connection asks within moments. */
const secondsMax = 5
const decisionsMax = 10_000

export interface CheckAnswer extends GatewayAnswer {
  readonly isAllowed: boolean
}

interface Kept {
  readonly answer: Promise<CheckAnswer>
  readonly at: number
}

/**
 * What was allowed a moment ago, by question. Proxies repeat themselves: a subrequest for each internal redirect, a
 * second try over a connection that just closed. The proof was spent by the first; the answer is the same.
 */
export class Decisions {
  readonly #kept = new Map<string, Kept>()
  readonly #monotonicMs: () => number

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** @param key everything the proxy said, so that nothing else gets the answer @returns the answer and whether it is old */
  async decide(
    key: string,
    judge: () => Promise<CheckAnswer>,
  ): Promise<{ readonly answer: CheckAnswer; readonly isRepeated: boolean }> {
    const now = this.#monotonicMs()
    for (const [old, { at }] of this.#kept) {
      if (now - at < secondsMax * 1000 && this.#kept.size < decisionsMax) break
      this.#kept.delete(old)
    }
    const known = this.#kept.get(key)
    if (known !== undefined) return { answer: await known.answer, isRepeated: true }
    const answer = judge()
    this.#kept.set(key, { answer, at: now })
    const forget = (): void => void this.#kept.delete(key)
    answer.then(({ isAllowed }) => isAllowed || forget(), forget)
    return { answer: await answer, isRepeated: false }
  }
}
