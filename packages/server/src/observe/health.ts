import type { Ports } from '../ports.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
}

export interface Health {
  readonly ready: boolean
  readonly checks: readonly Check[]
}

/** A store that does not answer in this time does not answer. */
const storeDeadlineMs = 2000
/** A node looks for a new revision every second; one that serves an old one for longer could not compile it. */
const behindMsMax = 15_000

/**
 * Whether this process should get traffic: it is not draining, the store answers, every issuer has a snapshot
 * and at least one signing key, and what is served is what was applied last.
 */
export async function readiness(
  ports: Ports,
  issuerUrls: readonly string[],
  isDraining: boolean,
): Promise<Health> {
  const { issuers } = ports.snapshot()
  const revision = await storedRevision(ports)
  const checks: readonly Check[] = [
    { name: 'not-draining', ok: !isDraining },
    { name: 'store', ok: revision !== undefined },
    { name: 'revision', ok: !isBehind(ports, revision) },
    { name: 'snapshot', ok: issuerUrls.every(url => issuers.has(url)) },
    { name: 'custody', ok: issuerUrls.every(url => ports.keys.signs(url)) },
    { name: 'keys', ok: issuerUrls.every(url => ports.keys.algs(url).length > 0) },
  ]
  return { ready: checks.every(check => check.ok), checks }
}

/** Which revision a process still served when it was first seen behind, and when. */
const seenBehind = new WeakMap<Ports, { readonly served: number; readonly sinceMs: number }>()

function isBehind(ports: Ports, stored: number | undefined): boolean {
  const { revision: served } = ports.snapshot()
  if (stored === undefined || served >= stored) {
    seenBehind.delete(ports)
    return false
  }
  const nowMs = ports.clock.monotonicMs()
  const seen = seenBehind.get(ports)
  if (seen?.served === served) return nowMs - seen.sinceMs > behindMsMax
  seenBehind.set(ports, { served, sinceMs: nowMs })
  return false
}

/** Undefined when the store does not answer in time. */
async function storedRevision(ports: Ports): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), storeDeadlineMs)
  })
  const asked = ports.store.revision().catch(() => undefined)
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
