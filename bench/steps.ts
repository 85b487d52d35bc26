import { parseArgs } from 'node:util'
import { freePort } from '../test/product/start.ts'
import type { FlowStep } from './browser.ts'
import { newKeys } from './client-kit.ts'
import { type Contender, cpuMicroseconds, startAnother, startHoldfast, startPeer } from './contender.ts'
import { flowKinds, formOf, formOptions, oneOf } from './form.ts'
import { openPool } from './load.ts'
import { flowsInStep, type Setting } from './operations.ts'
import { printTable } from './rounds.ts'
import { median } from './turns.ts'

/**
 * What each request of the code flow costs, ours and the peer's: many people go through it in step, and the server's CPU is
 * read after each request of all of them.
 */

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '64' },
    'warm-up': { type: 'string', default: '60' },
    rounds: { type: 'string', default: '30' },
    flow: { type: 'string', default: 'asked' },
    ...formOptions,
    against: { type: 'string' },
    'without-peer': { type: 'boolean', default: false },
  },
})
const people = Number(values.people)
const form = formOf(values)
const kind = oneOf(flowKinds, values.flow)
const keys = newKeys()
const ours = await startHoldfast(keys)
const another = values.against === undefined ? undefined : await startAnother(values.against, keys)
const peer = values['without-peer']
  ? undefined
  : await startPeer({ port: await freePort(), ...ours.tls, clientJwk: keys.jwk })
const contenders = [ours, another, peer].filter(contender => contender !== undefined)

/** One request of everybody: what it was, and what it cost each, in CPU microseconds of the server. */
interface Measured extends FlowStep {
  readonly cpuUs: number
}

async function round(
  { child, name }: Contender,
  flows: Awaited<ReturnType<Awaited<ReturnType<typeof flowsInStep>>>>,
): Promise<readonly Measured[]> {
  const steps: Measured[] = []
  for (;;) {
    const before = await cpuMicroseconds(child)
    const answers = await Promise.all(flows.map(flow => flow.next()))
    const cpuUs = ((await cpuMicroseconds(child)) - before) / flows.length
    const [first] = answers
    if (first === undefined || first.done === true) return steps
    for (const answer of answers)
      if (answer.done === true || answer.value.name !== first.value.name || answer.value.status >= 400)
        throw new Error(`${name}: ${JSON.stringify(answer.value)} beside ${first.value.name}`)
    steps.push({ ...first.value, cpuUs })
  }
}

function printSteps({ name }: Contender, rounds: readonly (readonly Measured[])[]): void {
  const over = (value: (steps: readonly Measured[]) => number): number => median(rounds.map(value))
  const rows = (rounds[0] ?? []).map((step, index) => [
    step.name,
    String(step.status),
    String(step.bytes),
    over(steps => steps[index]?.cpuUs ?? Number.NaN),
  ])
  const all = over(steps => steps.reduce((sum, { cpuUs }) => sum + cpuUs, 0))
  process.stdout.write(`\n${name}\n\n`)
  printTable(['request', 'status', 'bytes', 'CPU µs'], [...rows, ['all', '', '', all]])
}

const nobody = contenders.map(contender => ({ contender, rounds: [] as (readonly Measured[])[] }))
try {
  const places = await Promise.all(
    nobody.map(async place => {
      const pool = openPool(place.contender.issuer, people)
      const setting: Setting = { contender: place.contender, keys, proofKeys: newKeys(), pool, form }
      return { ...place, pool, start: await flowsInStep(setting, people, kind) }
    }),
  )
  for (let turn = -Number(values['warm-up']); turn < Number(values.rounds); turn++)
    for (const { contender, rounds, start } of turn % 2 === 0 ? places : places.toReversed()) {
      const steps = await round(contender, await start())
      if (turn >= 0) rounds.push(steps)
    }
  for (const { contender, rounds, pool } of places) {
    printSteps(contender, rounds)
    await pool.destroy()
  }
} finally {
  await Promise.all(contenders.map(contender => contender.close()))
}
