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

/**
 * Whether this process should get traffic: it is not draining, the store answers, every issuer has a snapshot
 * and at least one signing key.
 */
export async function readiness(
  ports: Ports,
  issuerUrls: readonly string[],
  isDraining: boolean,
): Promise<Health> {
  const { issuers } = ports.snapshot()
  const checks: readonly Check[] = [
    { name: 'not-draining', ok: !isDraining },
    { name: 'store', ok: await storeAnswers(ports) },
    { name: 'snapshot', ok: issuerUrls.every(url => issuers.has(url)) },
    { name: 'keys', ok: issuerUrls.every(url => ports.keys.algs(url).length > 0) },
  ]
  return { ready: checks.every(check => check.ok), checks }
}

async function storeAnswers(ports: Ports): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), storeDeadlineMs)
  })
  const asked = ports.store.revision().then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
