import type { OpenMetrics } from '../../observe/metrics.ts'
import type { Log } from '../../ports.ts'
import type { ControlPorts } from '../apply.ts'
import type { DueItem } from './api.ts'
import { dueOnboardings } from './due.ts'

export interface OnboardingWatch {
  readonly ports: Pick<ControlPorts, 'store' | 'issuers' | 'clock'>
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<OpenMetrics, 'set'>
}

/** How far ahead it looks. */
const dueDays = 30
/** How often the metric is brought up to date. */
const lookMs = 10 * 60_000
/** How often the log says it: often enough to be seen, rarely enough to be read. */
const tellSeconds = 86_400
/** Items named in one line; the count beside them is whole. */
const namedMax = 20

const kinds: readonly DueItem['what'][] = [
  ...(['onboarding', 'certification', 'review', 'key', 'certificate', 'secret', 'registration'] as const),
]

/** Keeps the metric of what is due, and says it in the log once a day. @returns ends it */
export function watchOnboardings(watch: OnboardingWatch): () => void {
  let toldAt: number | undefined
  const look = async (): Promise<void> => {
    toldAt = await lookOnce(watch, toldAt)
  }
  const failed = (cause: unknown): void => watch.log.warn('onboarding.watch-failed', { cause: String(cause) })
  const timer = setInterval(() => void look().catch(failed), lookMs).unref()
  void look().catch(failed)
  return () => clearInterval(timer)
}

/** @returns when the log was told last, in seconds since the epoch */
export async function lookOnce(
  { ports, log, metrics }: OnboardingWatch,
  toldAt: number | undefined,
): Promise<number | undefined> {
  const answer = await dueOnboardings({ days: dueDays }, ports)
  if (!answer.ok) return toldAt
  const items = answer.value
  for (const what of kinds)
    metrics.set('onboarding_due', { what }, items.filter(item => item.what === what).length)
  const now = ports.clock.now()
  if (items.length === 0 || (toldAt !== undefined && now - toldAt < tellSeconds)) return toldAt
  log.warn('onboarding.due', {
    count: items.length,
    items: items.slice(0, namedMax).map(({ client, what, at }) => `${what} of ${client} at ${at}`),
  })
  return now
}
