import type { RotationDrillOptions } from '@holdfast/cli'
import type { KeyTimes } from '@holdfast/server/keys/life.ts'
import { Caller } from '../caller.ts'
import { type Figures, figuresOf } from '../figures.ts'
import { failuresByPlace, type LoadReport, startLoad } from '../load.ts'
import { type CpuSeconds, cpuSecondsOf } from '../part.ts'
import { startSystem } from '../system.ts'
import {
  type BrokenReport,
  type RemovalReport,
  type StaleReport,
  withBrokenKey,
  withRemoval,
  withStaleVerifier,
} from './incidents.ts'
import { rotateAll } from './rotate.ts'

export interface RotationReport {
  readonly drill: 'rotation'
  readonly system: string
  readonly keyTimes: KeyTimes
  readonly rotations: Figures
  readonly seconds: number
  readonly load: LoadReport
  readonly stale: StaleReport
  readonly broken: BrokenReport
  /** With the whole network, and with that of two places dead. */
  readonly removals: readonly RemovalReport[]
  readonly cpuSeconds: CpuSeconds
  readonly failures: readonly string[]
}

/**
 * Announced for longer than nodes take to see who lacks it, and to say so in the store; published for a little longer than the drill uses a
 * token. The waiting for verifiers is what is drilled and has room. At most eight keys of an algorithm are published.
 */
export const drillKeyTimes: KeyTimes = {
  announceSeconds: 7,
  keptSeconds: 30,
  rotateAfterSeconds: undefined,
  waitSecondsMax: 600,
  reportSeconds: 2,
}
const tokenAgeMaxMs = 25_000
const removalMsMax = 10_000
const rollBackMsMax = 10_000
/** A roll-back is looked for by taking tokens on both nodes, which takes a moment itself. */
const lookMsMax = 1000

/** Two nodes, two APIs, two gateways: keys change all the time and nobody honest notices; then three keys go wrong. */
export async function drillRotation(plan: RotationDrillOptions): Promise<RotationReport> {
  const { postgres, rotations, issuers: count, load: requestsPerSecond, onProgress } = plan
  onProgress(`starting two nodes over PostgreSQL with ${count} issuers, two APIs and two gateways`)
  const keyTimes = drillKeyTimes
  const system = await startSystem({
    ...{ postgres, issuers: count, keyTimes, cast: { shops: [], users: [] } },
    // JWTs: an API checks them with the keys that rotate, a gateway the signed answers about them.
    resources: ['ledger'],
  })
  const caller = new Caller(system)
  const { issuers, places } = system
  const load = startLoad({ system, caller, issuers, requestsPerSecond, tokenAgeMaxMs })
  try {
    const startMs = performance.now()
    const step = Math.max(1, Math.floor(rotations / 10))
    const took = await rotateAll(system, issuers, rotations, done => {
      if (done % step === 0) onProgress(`${done} of ${rotations} rotations`)
    })
    const seconds = Math.round((performance.now() - startMs) / 100) / 10
    const loaded = await load.stop()
    const [first, second] = issuers
    if (first === undefined || second === undefined) throw new TypeError('a drill has two issuers')
    onProgress('a verifier that never refreshes')
    const stale = await withStaleVerifier(system, first, keyTimes)
    onProgress('a key that breaks')
    const broken = await withBrokenKey(system, caller, second)
    onProgress('keys that are taken back')
    const removals = [
      await withRemoval(system, caller, second, []),
      await withRemoval(
        system,
        caller,
        second,
        places.slice(0, 2).map(({ name }) => name),
      ),
    ]
    const cpuSeconds = await cpuSecondsOf(system.parts)
    const report = { rotations: figuresOf(took), seconds, load: loaded, stale, broken, removals, cpuSeconds }
    const described = `2 nodes on PostgreSQL with ${count} issuers, 2 APIs, 2 gateways, 1 machine`
    return { drill: 'rotation', system: described, keyTimes, ...report, failures: failuresOf(plan, report) }
  } finally {
    await load.stop()
    caller.close()
    await system.close()
  }
}

type Seen = Pick<RotationReport, 'rotations' | 'load' | 'stale' | 'broken' | 'removals'>

/** What was not as it must be. */
export function failuresOf(
  plan: Pick<RotationDrillOptions, 'rotations'>,
  { rotations, load, stale, broken, removals }: Seen,
): readonly string[] {
  return [
    ...(rotations.count >= plan.rotations ? [] : [`${rotations.count} rotations, not ${plan.rotations}`]),
    ...(load.refusedCount === 0
      ? []
      : [`${load.refusedCount} honest requests were refused: ${failuresByPlace(load)}`]),
    ...(stale.because.some(why => why.startsWith('stale/'))
      ? []
      : ['the list does not say whom it waits for']),
    ...(broken.rolledBackMs <= rollBackMsMax + lookMsMax
      ? []
      : [`a broken key signed for ${broken.rolledBackMs} ms`]),
    ...removals.flatMap(({ places }) =>
      Object.entries(places)
        .filter(([, { letInMs }]) => letInMs >= removalMsMax)
        .map(
          ([place, { letInMs }]) => `${place} let in what a key signed ${letInMs} ms after it was taken back`,
        ),
    ),
  ]
}
