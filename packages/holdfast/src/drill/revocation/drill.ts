import type { RevocationDrillOptions } from '@holdfast/cli'
import type { FeedStatus } from '@holdfast/resource-server'
import { defaultKeyTimes } from '@holdfast/server/keys/life.ts'
import { Caller } from '../caller.ts'
import { resources } from '../configs.ts'
import { failuresByPlace, type LoadReport, startLoad } from '../load.ts'
import { type CpuSeconds, cpuSecondsOf } from '../part.ts'
import { startSystem } from '../system.ts'
import { type CutReport, cutFeed, statedBoundMs } from './cut.ts'
import { cast } from './endings.ts'
import { measure, type Propagation } from './measure.ts'

export interface RevocationReport {
  readonly drill: 'revocation'
  readonly system: string
  readonly propagation: Propagation
  readonly load: LoadReport
  /** What the APIs measured themselves, from the commit to the refusal. */
  readonly toldByApis: readonly (FeedStatus['propagation'] & { readonly api: string })[]
  readonly cuts: readonly CutReport[]
  readonly cpuSeconds: CpuSeconds
  /** What was not as it must be; empty when all was. */
  readonly failures: readonly string[]
}

/** Two nodes, two APIs, two gateways: how long an ended access is let in, under load and without the feed. */
export async function drillRevocation(plan: RevocationDrillOptions): Promise<RevocationReport> {
  const { postgres, count, atOnce, load: requestsPerSecond, onProgress } = plan
  onProgress('starting two nodes over PostgreSQL, two APIs and two gateways')
  const system = await startSystem({ postgres, issuers: 1, keyTimes: defaultKeyTimes, cast, resources })
  const caller = new Caller(system)
  const load = startLoad({
    ...{ system, caller, issuers: system.issuers, requestsPerSecond },
    tokenAgeMaxMs: 120_000,
  })
  try {
    const step = Math.max(1, Math.floor(count / 10))
    const propagation = await measure({
      ...{ system, caller, count, atOnce },
      onProgress: done => {
        if (done % step === 0) onProgress(`${done} of ${count} ended`)
      },
    })
    const loaded = await load.stop()
    const toldByApis = await Promise.all(
      system.parts
        .filter(({ name }) => name.startsWith('api-'))
        .map(async part => {
          const [status] = (await part.ask('feed')) as readonly FeedStatus[]
          if (status === undefined) throw new TypeError('an API hears one feed of each issuer')
          return { api: part.name, ...status.propagation }
        }),
    )
    const cuts: CutReport[] = []
    for (const stays of ['introspection', 'nothing'] as const) {
      if (plan.cut === 0) continue
      onProgress(`the network of every place goes dead; ${stays} stays`)
      cuts.push(await cutFeed(system, caller, stays, plan.cut))
    }
    const cpuSeconds = await cpuSecondsOf(system.parts)
    const report = { propagation, load: loaded, toldByApis, cuts, cpuSeconds }
    return {
      ...{ drill: 'revocation', system: '2 nodes on PostgreSQL, 2 APIs, 2 gateways, 1 machine', ...report },
      failures: failuresOf(plan, report),
    }
  } finally {
    await load.stop()
    caller.close()
    await system.close()
  }
}

/** What was not as it must be. */
export function failuresOf(
  { aimP99Ms, aimMaxMs }: Pick<RevocationDrillOptions, 'aimP99Ms' | 'aimMaxMs'>,
  { propagation, load, cuts }: Pick<RevocationReport, 'propagation' | 'load' | 'cuts'>,
): readonly string[] {
  const { places, never, letInAgain } = propagation
  return [
    ...Object.entries(places).flatMap(([place, { p99Ms, maxMs }]) => [
      ...(p99Ms < aimP99Ms ? [] : [`${place}: p99 is ${p99Ms} ms, not below ${aimP99Ms}`]),
      ...(maxMs < aimMaxMs ? [] : [`${place}: the longest was ${maxMs} ms, not below ${aimMaxMs}`]),
    ]),
    ...(never === 0 ? [] : [`${never} were let in for as long as anybody waited`]),
    ...(letInAgain === 0 ? [] : [`${letInAgain} were let in after they had been refused`]),
    ...(load.refusedCount === 0
      ? []
      : [`${load.refusedCount} honest requests were refused: ${failuresByPlace(load)}`]),
    ...cuts.flatMap(({ stays, lastLetInMs, letInAgain: again, honest }) => [
      ...(lastLetInMs <= statedBoundMs
        ? []
        : [`feed cut, ${stays} stays: let in ${lastLetInMs} ms after the end, not within ${statedBoundMs}`]),
      ...(again === 0 ? [] : [`feed cut, ${stays} stays: ${again} were let in after they had been refused`]),
      ...(stays === 'introspection' && Object.keys(honest).some(status => status !== '200')
        ? [`feed cut, introspection stays: good tokens were answered ${JSON.stringify(honest)}`]
        : []),
    ]),
  ]
}
