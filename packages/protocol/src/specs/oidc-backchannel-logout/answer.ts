/** What a client's answer to a logout token means for us (OpenID Connect Back-Channel Logout 2.5, 2.8). */
export type Delivery = 'delivered' | 'try-again' | 'give-up'

/** Too early, too many, or broken for the moment: another try may succeed. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])

/** @param status of the answer; undefined when there was none */
export function judgeAnswer(status: number | undefined): Delivery {
  if (status === undefined) return 'try-again'
  // 204 comes from frameworks that know no empty 200.
  if (status === 200 || status === 204) return 'delivered'
  return passing.has(status) || (status >= 500 && status !== 501) ? 'try-again' : 'give-up'
}
