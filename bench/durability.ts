import { parseArgs } from 'node:util'
import { newKeys } from './client-kit.ts'
import { type Contender, cpuMicroseconds, startHoldfast } from './contender.ts'
import { openPool } from './load.ts'
import { operations, prepare, type Setting } from './operations.ts'
import { compared, printTable, quotient, takeRounds } from './rounds.ts'
import { median } from './turns.ts'

/** What waiting for the disk costs: `synchronous=FULL`, as we ship it, beside NORMAL. */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '1500' },
    'warm-up': { type: 'string', default: '20000' },
    connections: { type: 'string', default: '64' },
  },
})
const [rounds, requests, connections] = [values.rounds, values.requests, values.connections].map(Number) as [
  number,
  number,
  number,
]

const keys = newKeys()
const durable = await startHoldfast(keys)
process.env.NODE_OPTIONS = `--import ${new URL('./less-durable.ts', import.meta.url).href}`
const normal = { ...(await startHoldfast(keys)), name: 'holdfast, synchronous=NORMAL' }
delete process.env.NODE_OPTIONS

const token = operations.find(({ name }) => name === 'token')
if (token === undefined) throw new Error('there is no operation `token`')
const settings = new Map<Contender, Setting>(
  [durable, normal].map(contender => [
    contender,
    {
      ...{ contender, keys, proofKeys: newKeys(), pool: openPool(contender.issuer, connections) },
      form: { tokens: 'opaque', hasProofAtPar: false },
    },
  ]),
)
/** Milliseconds a request took of the clock, in the rounds of the CPU. */
const clockUs = new Map<Contender, number[]>([durable, normal].map(contender => [contender, []]))

async function costOf(contender: Contender): Promise<number> {
  const setting = settings.get(contender)
  if (setting === undefined || token === undefined) throw new Error('no such contender')
  const ready = await prepare(token, setting, requests)
  const before = await cpuMicroseconds(contender.child)
  const { failures, sample, seconds } = await ready.run(connections)
  if (failures > 0) throw new Error(`${contender.name}: ${failures} failed: ${sample}`)
  clockUs.get(contender)?.push((seconds * 1e6) / requests)
  return ((await cpuMicroseconds(contender.child)) - before) / requests
}

try {
  const warmUps = Math.ceil(Number(values['warm-up']) / requests)
  const costs = await takeRounds([durable, normal], { warmUps, rounds }, costOf)
  const clocks = new Map([...clockUs].map(([contender, all]) => [contender, all.slice(warmUps)]))
  printTable(
    ['store', 'CPU µs a token', 'µs of the clock'],
    [durable, normal].map(one => [
      one.name,
      ...[costs, clocks].map(measured => median(measured.get(one) ?? [])),
    ]),
  )
  const [cpu, clock] = [costs, clocks].map(measured => compared(measured, durable, normal, quotient))
  process.stdout.write(`\nFULL ÷ NORMAL: ${cpu?.toFixed(2)} of CPU, ${clock?.toFixed(2)} of the clock\n`)
} finally {
  for (const { pool } of settings.values()) await pool.destroy()
  await Promise.all([durable, normal].map(({ close }) => close()))
}
