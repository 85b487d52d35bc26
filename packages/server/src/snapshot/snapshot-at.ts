import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock } from '../ports.ts'
import { withoutEnded } from './compile-registered.ts'
import type { IssuerSnapshot, Snapshot } from './snapshot.ts'

/** A snapshot as it is at this second: what ended by time is not in it. The same object when nothing ended. */
export function snapshotAt(snapshot: Snapshot, now: EpochSeconds): Snapshot {
  const issuers = [...snapshot.issuers.values()]
  if (issuers.every(issuer => endsAt(issuer) > now)) return snapshot
  const after = issuers.map(issuer => (endsAt(issuer) > now ? issuer : withoutEnded(issuer, now)))
  return { ...snapshot, issuers: new Map(after.map(issuer => [issuer.url, issuer])) }
}

function endsAt({ scopeEndings, onboardingEndings }: IssuerSnapshot): number {
  return [...scopeEndings, ...onboardingEndings].reduce(
    (least, { at }) => Math.min(least, at),
    Number.POSITIVE_INFINITY,
  )
}

/**
 * The snapshot that is served, as it is whenever it is asked for. Costs one comparison until something ends.
 * @param served the compiled revision
 */
export function keptCurrent(served: () => Snapshot, { now }: Pick<Clock, 'now'>): () => Snapshot {
  let compiled: Snapshot | undefined
  let current: Snapshot | undefined
  let [since, until] = [0, 0]
  return () => {
    const latest = served()
    const time = now()
    // A clock that goes back gives back what it took: nothing is remembered past the time it was worked out for.
    if (current !== undefined && latest === compiled && time >= since && time < until) return current
    current = snapshotAt(latest, time)
    compiled = latest
    since = time
    until = Math.min(...[...current.issuers.values()].map(endsAt))
    return current
  }
}
