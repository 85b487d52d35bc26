import { parseArgs } from 'node:util'
import { freePort } from '../test/product/start.ts'
import { newKeys } from './client-kit.ts'
import { type Contender, type Floor, startFloor, startHoldfast, startPeer } from './contender.ts'
import { formOf, formOptions } from './form.ts'
import { type Operation, operations } from './operations.ts'
import { median, type Slice, type Turn, takeTurns } from './turns.ts'

/** CPU per operation of Holdfast and of its peer, beside the raw signatures each request needs. See README.md. */

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: operations.map(({ name }) => name).join(',') },
    turns: { type: 'string', default: '15' },
    requests: { type: 'string', default: '400' },
    'warm-up': { type: 'string', default: '4000' },
    connections: { type: 'string', default: '64' },
    ...formOptions,
    'without-peer': { type: 'boolean', default: false },
  },
})
const only = values.only.split(',')
const form = formOf(values)
const keys = newKeys()
const ours = await startHoldfast(keys)
const peer = values['without-peer']
  ? undefined
  : await startPeer({ port: await freePort(), ...ours.tls, clientJwk: keys.jwk })
const floor = await startFloor({ port: await freePort(), ...ours.tls })

function turnsOf(operation: Operation): Promise<readonly Turn[]> {
  process.stderr.write(`${operation.name}\n`)
  const each = (count: string): number => Math.ceil(Number(count) / operation.requestsEach)
  return takeTurns(operation, {
    contenders: [ours, ...(peer ? [peer] : []), ...(operation.name === 'token' ? [floor] : [])],
    floor,
    keys,
    form,
    connections: Number(values.connections),
    warmUps: each(values['warm-up']),
    slice: each(values.requests),
    turns: Number(values.turns),
  })
}

interface Summary {
  readonly cpuUs: number
  readonly perSecond: number
  readonly p99Ms: number
}

function summaryOf(turns: readonly Turn[], contender: Contender): Summary {
  const over = (value: (slice: Slice) => number): number =>
    median(turns.flatMap(({ slices }) => slices.get(contender) ?? []).map(value))
  return {
    cpuUs: over(({ cpuUs }) => cpuUs),
    perSecond: over(({ perSecond }) => perSecond),
    p99Ms: over(({ p99Ms }) => p99Ms),
  }
}

/** The median of the quotients within one turn, not the quotient of the medians. */
function ratio(turns: readonly Turn[], over: (turn: Turn) => number): number {
  return median(turns.map(turn => over(turn) / (turn.slices.get(ours)?.cpuUs ?? Number.NaN)))
}

function floorUs({ verifies, signs }: Operation, { raw }: Turn): number {
  return verifies(form) * raw.verifyUs + signs(form) * raw.signUs
}

function rowOf(operation: Operation, turns: readonly Turn[]): string {
  const us = summaryOf(turns, ours)
  const them = peer && summaryOf(turns, peer)
  const cells = [
    operation.name,
    us.cpuUs.toFixed(0),
    us.perSecond.toFixed(0),
    us.p99Ms.toFixed(1),
    them?.cpuUs.toFixed(0),
    them?.perSecond.toFixed(0),
    peer && ratio(turns, ({ slices }) => slices.get(peer)?.cpuUs ?? Number.NaN).toFixed(2),
    median(turns.map(turn => floorUs(operation, turn))).toFixed(0),
    (1 / ratio(turns, turn => floorUs(operation, turn))).toFixed(2),
  ]
  return `| ${cells.map(cell => cell ?? '–').join(' | ')} |`
}

function floorLine(turns: readonly Turn[], bare: Floor): string {
  const signUs = median(turns.map(({ raw }) => raw.signUs)).toFixed(0)
  const verifyUs = median(turns.map(({ raw }) => raw.verifyUs)).toFixed(0)
  const { cpuUs } = summaryOf(turns, bare)
  const edge = Number.isNaN(cpuUs) ? '' : `, bare HTTPS POST ${cpuUs.toFixed(0)} µs`
  return `raw ES256: sign ${signUs} µs, verify ${verifyUs} µs (CPU, node:crypto, cached key)${edge}`
}

try {
  const floors: string[] = []
  process.stdout.write(
    '| operation | holdfast µs | /s | p99 ms | oidc-provider µs | /s | peer ÷ ours | floor µs | ours ÷ floor |\n' +
      '|---|---|---|---|---|---|---|---|---|\n',
  )
  for (const operation of operations.filter(({ name }) => only.includes(name))) {
    const turns = await turnsOf(operation)
    process.stdout.write(`${rowOf(operation, turns)}\n`)
    floors.push(`${operation.name}: ${floorLine(turns, floor)}`)
  }
  process.stdout.write(`\n${floors.join('\n')}\n`)
} finally {
  await Promise.all([ours, peer, floor].map(contender => contender?.close()))
}
