/** What a client's answer to a ping means for us (section 10.2). */
export type PingDelivery = 'delivered' | 'try-again' | 'give-up'

/** Too early, too many, or broken for the moment: another try may succeed. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * A 401 is not tried again and a redirect is not followed (FAPI-CIBA conformance): the client still polls.
 * @param status of the answer; undefined when there was none
 */
export function judgePingAnswer(status: number | undefined): PingDelivery {
  if (status === undefined) return 'try-again'
  if (status >= 200 && status < 300) return 'delivered'
  return passing.has(status) || (status >= 500 && status !== 501) ? 'try-again' : 'give-up'
}
