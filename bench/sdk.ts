import { parseArgs } from 'node:util'
import { audited, type SdkContender, sdkContenders } from './sdk-contenders.ts'
import { median } from './turns.ts'

/**
 * CPU microseconds that checking one request costs an API, user and system time of all threads; tokens and proofs are
 * signed before the clock starts. One process, short turns, so that all contenders meet the same machine. A quotient is
 * taken within a turn, then its median over all turns. The SDK remembers proofs and tells its audit; the peers remember
 * neither a token nor a proof.
 */
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '250' }, turns: { type: 'string', default: '24' } },
})
const requests = Number(values.requests)
/** The first turns warm up compilers, caches and connections. */
const warmUpTurns = 8

async function measure({ prepare }: SdkContender): Promise<number> {
  const work = prepare(requests)
  const before = process.cpuUsage()
  for (const one of work) await one()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

const seen = new Map<SdkContender, number[]>(sdkContenders.map(contender => [contender, []]))
for (let turn = 0; turn < warmUpTurns + Number(values.turns); turn++)
  for (const [contender, list] of seen) {
    const microseconds = await measure(contender)
    if (turn >= warmUpTurns) list.push(microseconds)
  }
if (audited.count === 0) throw new Error('the audit saw nothing')

const floors = seen.values().next().value ?? []
const row = (...cells: readonly (string | number)[]): void =>
  void process.stdout.write(`| ${cells.join(' | ')} |\n`)
row('binding', 'who checks', 'CPU µs', 'requests per CPU second', '÷ one verification')
row('---', '---', '---', '---', '---')
for (const [{ group, name }, list] of seen) {
  const us = median(list)
  const quotient = median(list.map((one, turn) => one / (floors[turn] ?? Number.NaN)))
  row(group, name, us.toFixed(1), Math.round(1_000_000 / us), quotient.toFixed(2))
}
