import { type ClientKeys, newKeys } from './client-kit.ts'
import { type Contender, cpuMicroseconds, type Floor } from './contender.ts'
import type { RequestForm } from './form.ts'
import { openPool } from './load.ts'
import { type Operation, type Prepared, prepare } from './operations.ts'
import type { RawCosts } from './raw-signatures.ts'

/** What one contender did in one turn. */
export interface Slice {
  readonly cpuUs: number
  readonly perSecond: number
  readonly p99Ms: number
}

/** One round: the same work for each contender, one after the other, and the raw signatures beside them. */
export interface Turn {
  readonly slices: ReadonlyMap<Contender, Slice>
  readonly raw: RawCosts
}

export interface TurnPlan {
  readonly contenders: readonly Contender[]
  readonly floor: Floor
  readonly keys: ClientKeys
  readonly form: RequestForm
  readonly connections: number
  /**
   * Operations per contender before anything is counted, in slices like those that are: both compilers must have seen
   * enough, and also what a missing nonce is answered and how people sign in, which undoes what they had settled on.
   */
  readonly warmUps: number
  /** Operations per slice. */
  readonly slice: number
  readonly turns: number
}

/**
 * Turns in alternation, so that a noisy neighbour slows everybody alike; who goes first changes with every turn. The
 * raw signatures are measured while this process signs the next slice: with a neighbour as busy as under load.
 */
export async function takeTurns(operation: Operation, plan: TurnPlan): Promise<readonly Turn[]> {
  const { contenders, floor, keys, form, connections } = plan
  const places = contenders.map(contender => ({
    contender,
    setting: {
      contender,
      keys,
      form,
      proofKeys: newKeys(),
      pool: openPool(contender.issuer, connections),
    },
  }))
  for (const { setting } of places)
    for (let done = 0; done < plan.warmUps; done += plan.slice) {
      const warm = await prepare(operation, setting, plan.slice)
      await warm.run(connections)
    }
  const turns: Turn[] = []
  for (let turn = 0; turn < plan.turns; turn++) {
    const slices = new Map<Contender, Slice>()
    const raws: RawCosts[] = []
    const order = turn % 2 === 0 ? places : places.toReversed()
    for (const { contender, setting } of order) {
      const [raw, ready] = await Promise.all([floor.raw(), prepare(operation, setting, plan.slice)])
      raws.push(raw)
      slices.set(contender, await measured(operation, ready, contender, plan))
    }
    const raw = middle(raws)
    const shown = [...slices].map(([{ name }, { cpuUs }]) => `${name} ${cpuUs.toFixed(0)}`).join(', ')
    process.stderr.write(`  turn ${turn + 1}: ${shown}; one verification ${raw.verifyUs.toFixed(0)} µs\n`)
    turns.push({ slices, raw })
  }
  await Promise.all(places.map(({ setting }) => setting.pool.destroy()))
  return turns
}

async function measured(
  operation: Operation,
  ready: Prepared,
  { child, name }: Contender,
  { slice, connections }: TurnPlan,
): Promise<Slice> {
  const before = await cpuMicroseconds(child)
  const { failures, sample, seconds, p99Ms } = await ready.run(connections)
  const cpu = (await cpuMicroseconds(child)) - before
  if (failures > 0) throw new Error(`${name}: ${operation.name}: ${failures} failed: ${sample}`)
  return { cpuUs: cpu / slice, perSecond: slice / seconds, p99Ms }
}

function middle(raws: readonly RawCosts[]): RawCosts {
  return {
    signUs: median(raws.map(({ signUs }) => signUs)),
    verifyUs: median(raws.map(({ verifyUs }) => verifyUs)),
  }
}

export function median(list: readonly number[]): number {
  return list.toSorted((left, right) => left - right)[Math.floor(list.length / 2)] ?? Number.NaN
}
