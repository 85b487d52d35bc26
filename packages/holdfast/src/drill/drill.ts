import { cpus } from 'node:os'
import type { DrillPlan, DrillReport } from '@holdfast/cli'
import { columns } from '@holdfast/cli/terminal.ts'
import type { Figures } from './figures.ts'
import type { LoadReport } from './load.ts'
import { drillRevocation, type RevocationReport } from './revocation/drill.ts'
import { drillRotation, type RotationReport } from './rotation/drill.ts'

/** Runs one, and says in a few lines what it saw. */
export async function drill(plan: DrillPlan): Promise<DrillReport> {
  const startedAt = new Date().toISOString()
  const report = plan.drill === 'revocation' ? await drillRevocation(plan) : await drillRotation(plan)
  const { onProgress: _onProgress, postgres: _postgres, ...asked } = plan
  const machine = { node: process.version, platform: process.platform, processors: cpus().length }
  return {
    evidence: { startedAt, endedAt: new Date().toISOString(), machine, asked, ...report },
    lines: report.drill === 'revocation' ? linesOfRevocation(report) : linesOfRotation(report),
    failures: report.failures,
  }
}

function linesOfRevocation({ propagation, load, cuts }: RevocationReport): readonly string[] {
  const { count, seconds, places, kinds, lastLetInMs } = propagation
  const row = ([name, figures]: readonly [string, Figures]): readonly string[] => [
    ...[name, String(figures.count)],
    ...[figures.p50Ms, figures.p99Ms, figures.maxMs].map(ms => ms.toFixed(1)),
  ]
  const head = ['REFUSALS', 'P50 MS', 'P99 MS', 'MAX MS']
  return [
    `${count} ended in ${seconds} s; the last answer that let one in came ${lastLetInMs} ms after its end`,
    ...columns([['PLACE', ...head], ...Object.entries(places).map(row)]),
    ...columns([['ENDED', ...head], ...Object.entries(kinds).map(row)]),
    lineOfLoad(load),
    ...cuts.map(
      ({ stays, ended, lastLetInMs: last, recoveredMs }) =>
        `feed cut, ${stays} stays: ${ended} ended, let in for ${last} ms at most; mended after ${recoveredMs} ms`,
    ),
  ]
}

function linesOfRotation(report: RotationReport): readonly string[] {
  const { rotations, seconds, load, stale, broken, removals } = report
  return [
    `${rotations.count} rotations in ${seconds} s; one took ${rotations.p50Ms} ms, the longest ${rotations.maxMs} ms`,
    lineOfLoad(load),
    `a verifier that never refreshes: the key waited ${stale.waitedMs} ms, and signed ${stale.promotedAfterMs} ms after it refreshed`,
    ...stale.because.map(why => `  ${why}`),
    `a broken key: the one before it signed again after ${broken.rolledBackMs} ms`,
    ...removals.map(({ cut, places, replacedMs }) => {
      const dead = cut.length === 0 ? '' : `, the network of ${cut.join(' and ')} dead`
      const taken = Object.entries(places).map(([place, { refusedMs }]) => `${place} ${refusedMs} ms`)
      return `a key taken back${dead}: refused after ${taken.join(', ')}; new tokens are let in after ${replacedMs} ms`
    }),
  ]
}

function lineOfLoad({ tokens, requests, refusedCount, unansweredCount, took }: LoadReport): string {
  const good = `${requests} requests with ${tokens} tokens, p99 ${took.p99Ms} ms`
  return `beside it ${good}; ${refusedCount} refused, ${unansweredCount} without an answer`
}
