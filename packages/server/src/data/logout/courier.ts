import { secondsAfter } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { LogoutNoticeRecord } from '../../store/records.ts'
import { claimAndPing } from '../ciba/ping.ts'
import { deliver, noticeLeaseSeconds } from './notice.ts'

/** Notices tried side by side: half of what may be on its way out at all. */
export const noticesAtOnceMax = 16
const lookMs = 1000
/** Rounds one look takes before it lets others have a turn. */
const roundsMax = 8

/** Delivers what no request delivered: pings, retries, and what a process that died left behind. */
export interface Courier {
  /** @returns notices tried */
  readonly deliverDue: () => Promise<number>
  /** Looks every second; failures are logged. @returns ends it, once the tries under way have ended */
  readonly start: () => () => Promise<void>
}

export function openCourier(ports: Ports): Courier {
  const deliverDue = async (): Promise<number> => {
    let tried = 0
    const { store, clock } = ports
    for (const issuer of ports.snapshot().issuers.keys()) {
      tried += await drain(
        () => store.listDueLogoutNotices(issuer, clock.now(), noticesAtOnceMax),
        notice => claimAndDeliver(notice, ports),
      )
      tried += await drain(
        () => store.listDuePings(issuer, clock.now(), noticesAtOnceMax),
        ping => claimAndPing(ping, ports),
      )
    }
    return tried
  }
  return {
    deliverDue,
    start: () => {
      let running: Promise<unknown> | undefined
      const look = setInterval(() => {
        running ??= deliverDue()
          .catch((thrown: unknown) => ports.log.warn('logout.courier-failed', { cause: thrown }))
          .finally(() => {
            running = undefined
          })
      }, lookMs)
      return async () => {
        clearInterval(look)
        await running
      }
    },
  }
}

/** @returns how many were tried */
async function drain<T>(
  listDue: () => Promise<readonly T[]>,
  attempt: (due: T) => Promise<void>,
): Promise<number> {
  let tried = 0
  for (let round = 0; round < roundsMax; round++) {
    const due = await listDue()
    tried += due.length
    await Promise.all(due.map(attempt))
    if (due.length < noticesAtOnceMax) break
  }
  return tried
}

/** Of several nodes one gets the claim. */
async function claimAndDeliver(notice: LogoutNoticeRecord, ports: Ports): Promise<void> {
  const { id, version } = notice
  const at = ports.clock.now()
  const dueAt = secondsAfter(at, noticeLeaseSeconds)
  const { committed } = await ports.store.commit([{ kind: 'claim-logout-notice', id, version, at, dueAt }])
  if (committed) await deliver({ ...notice, version: version + 1 }, ports)
}
