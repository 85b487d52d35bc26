import { parseArgs } from 'node:util'
import { freePort } from '../test/product/start.ts'
import { newKeys } from './client-kit.ts'
import { type Contender, cpuMicroseconds, startFloor, startHoldfast } from './contender.ts'
import { openPool, sendAll } from './load.ts'
import { compared, printTable, quotient, takeRounds } from './rounds.ts'
import { median } from './turns.ts'

/** What published documents cost, beside a bare HTTPS server that sends as many bytes. */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '21' },
    requests: { type: 'string', default: '4000' },
    'warm-up': { type: 'string', default: '40000' },
    connections: { type: 'string', default: '64' },
  },
})
const [rounds, requests, connections] = [values.rounds, values.requests, values.connections].map(Number) as [
  number,
  number,
  number,
]

const ours = await startHoldfast(newKeys())
const floor = await startFloor({ port: await freePort(), ...ours.tls })
const pools = new Map([ours, floor].map(one => [one as Contender, openPool(one.issuer, connections)]))
const paths = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks']

async function bytesOf(path: string): Promise<number> {
  const answer = await pools.get(ours)?.request({ method: 'GET', path })
  if (answer?.statusCode !== 200) throw new Error(`${path} answered ${answer?.statusCode}`)
  return (await answer.body.arrayBuffer()).byteLength
}

async function costOf(contender: Contender, path: string): Promise<number> {
  const pool = pools.get(contender)
  if (pool === undefined) throw new Error('no such contender')
  const list = Array.from({ length: requests }, () => ({ method: 'GET' as const, path, headers: {} }))
  const before = await cpuMicroseconds(contender.child)
  const { statuses } = await sendAll(pool, list, connections)
  if (statuses.get(200) !== requests) throw new Error(`${contender.name}: ${path} failed`)
  return ((await cpuMicroseconds(contender.child)) - before) / requests
}

try {
  const rows: (readonly (string | number)[])[] = []
  for (const path of paths) {
    const bytes = await bytesOf(path)
    const warmUps = Math.ceil(Number(values['warm-up']) / requests)
    const costs = await takeRounds<Contender>([ours, floor], { warmUps, rounds }, contender =>
      costOf(contender, contender === floor ? `/${bytes}` : path),
    )
    const [us, bare] = [ours, floor].map(one => median(costs.get(one) ?? []))
    rows.push([path, bytes, us ?? Number.NaN, bare ?? Number.NaN, compared(costs, ours, floor, quotient)])
  }
  printTable(['document', 'bytes', 'CPU µs', 'bare GET µs', 'ours ÷ bare'], rows)
} finally {
  for (const pool of pools.values()) await pool.destroy()
  await Promise.all([ours, floor].map(({ close }) => close()))
}
