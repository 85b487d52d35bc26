import { parseArgs } from 'node:util'
import { freePort } from '../test/product/start.ts'
import { newKeys } from './client-kit.ts'
import { startAnother, startFloor, startHoldfast } from './contender.ts'
import { formOf, formOptions } from './form.ts'
import { operations } from './operations.ts'
import { median, takeTurns } from './turns.ts'

/**
 * This checkout against another one, both running, in slices by turns: what a change costs or saves. Prints the
 * quotient of CPU, this over the other, with the quartiles of its turns and how far its median can be trusted.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: 'token' },
    turns: { type: 'string', default: '15' },
    requests: { type: 'string', default: '500' },
    'warm-up': { type: 'string', default: '6000' },
    connections: { type: 'string', default: '64' },
    ...formOptions,
  },
})
const [folder] = positionals
if (folder === undefined) throw new Error('usage: node bench/against.ts <folder of another checkout>')

const keys = newKeys()
const here = await startHoldfast(keys)
const there = await startAnother(folder, keys)
const floor = await startFloor({ port: await freePort(), ...here.tls })

/** Quartile of a sorted list. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
}

try {
  process.stdout.write(
    '| operation | here µs | there µs | here ÷ there | quartiles | ± |\n|---|---|---|---|---|---|\n',
  )
  for (const operation of operations.filter(({ name }) => values.only.split(',').includes(name))) {
    const each = (count: string): number => Math.ceil(Number(count) / operation.requestsEach)
    const turns = await takeTurns(operation, {
      contenders: [here, there],
      floor,
      keys,
      form: formOf(values),
      connections: Number(values.connections),
      warmUps: each(values['warm-up']),
      slice: each(values.requests),
      turns: Number(values.turns),
    })
    const costs = turns.map(({ slices }) => ({
      ours: slices.get(here)?.cpuUs ?? Number.NaN,
      theirs: slices.get(there)?.cpuUs ?? Number.NaN,
    }))
    const quotients = costs.map(({ ours, theirs }) => ours / theirs).toSorted((one, two) => one - two)
    // 1.57 standard errors of a median, from the middle half: two medians that far apart differ.
    const trust = (1.57 * (at(quotients, 0.75) - at(quotients, 0.25))) / Math.sqrt(quotients.length)
    const cells = [
      operation.name,
      median(costs.map(({ ours }) => ours)).toFixed(0),
      median(costs.map(({ theirs }) => theirs)).toFixed(0),
      median(quotients).toFixed(3),
      `${at(quotients, 0.25).toFixed(3)} to ${at(quotients, 0.75).toFixed(3)}`,
      trust.toFixed(3),
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
} finally {
  await Promise.all([here, there, floor].map(contender => contender.close()))
}
