import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import type { TestKey } from '@holdfast/resource-server/testing.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { freePort } from '../packages/gateway/src/testing/bed.ts'
import { bindings, credentialsOf } from './checks.ts'
import { asked, cpuMicroseconds, forkScript, startFloor, stopScript } from './contender.ts'
import type { Listener, Ready } from './gateway-process.ts'
import { openPool, sendAll } from './load.ts'
import type { RawCosts } from './raw-signatures.ts'
import { compared, difference, printTable, quotient, takeRounds } from './rounds.ts'
import { median } from './turns.ts'

/**
 * CPU microseconds a GET costs the gateway, read from the operating system's account of its process, beside plain proxies
 * in that same process: the same TLS edge, the same way to the same API, with nothing checked or with a library that
 * checks. Clients and API are processes of their own; proofs are signed before the clock starts, and connections are kept.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '11' },
    'warm-ups': { type: 'string', default: '8' },
    connections: { type: 'string', default: '16' },
    only: { type: 'string', default: '' },
  },
})
const connections = Number(values.connections)
const requests = Number(values.requests)

const folder = mkdtempSync(join(tmpdir(), 'hf-bench-gateway-'))
const ca = await openDevelopmentCa(folder, systemClock.now())
const apiPort = await freePort()
const api = await startFloor({ port: apiPort, certFile: ca.server.certPath, keyFile: ca.server.keyPath })
const { child, ready } = await forkScript<Ready>('./gateway-process.ts', {
  apiUrl: `https://localhost:${apiPort}`,
  apiCaPem: ca.caPem,
  folder,
})
const key = keyOf(ready.clientKeyJwk)
const pools = new Map(
  ready.listeners.map(listener => {
    const shown = listener.binding === 'certificate' ? { cert: ready.certPem, key: ready.keyPem } : {}
    return [listener, openPool(`https://localhost:${listener.port}`, connections, shown)]
  }),
)

/** Signs the requests. @returns sends them */
function prepare(listener: Listener, count: number): () => Promise<void> {
  const { binding, port, token } = listener
  const url = `https://localhost:${port}/accounts`
  const prepared = Array.from({ length: count }, () => {
    const now = systemClock.now()
    const headers = binding === 'none' ? {} : credentialsOf(binding, { key, url, token, now })
    return { method: 'GET' as const, path: '/accounts', headers }
  })
  const pool = pools.get(listener)
  if (pool === undefined) throw new TypeError('there is no pool')
  return async () => {
    const { statuses, lastBody } = await sendAll(pool, prepared, connections)
    if (statuses.get(200) !== count) throw new Error(`${[...statuses]}: ${lastBody}`)
  }
}

const chosen = ready.listeners.filter(({ name, binding }) =>
  values.only === '' ? true : binding === 'none' || `${binding} ${name}`.includes(values.only),
)
const costs = await takeRounds<Listener | 'floor'>(
  ['floor', ...chosen],
  { warmUps: Number(values['warm-ups']), rounds: Number(values.rounds) },
  async one => {
    if (one === 'floor') return (await asked<{ raw: RawCosts }>(child, 'raw')).raw.verifyUs
    // A connection that ended meanwhile is opened again outside the clock.
    const open = prepare(one, connections)
    const run = prepare(one, requests)
    await open()
    const before = await cpuMicroseconds(child)
    await run()
    return ((await cpuMicroseconds(child)) - before) / requests
  },
)

const plain = chosen.find(({ binding }) => binding === 'none')
if (plain === undefined) throw new TypeError('there is no plain proxy')
const floorUs = median(costs.get('floor') ?? [])
printTable(
  ['binding', 'who', 'CPU µs', 'requests per CPU second', '÷ plain', 'added µs', 'added ÷ one verification'],
  [
    ['none', 'one raw verification', floorUs, 1_000_000 / floorUs, '', '', 1],
    ...(['none', ...bindings] as const)
      .flatMap(binding => chosen.filter(listener => listener.binding === binding))
      .map(listener => {
        const us = median(costs.get(listener) ?? [])
        const added = compared(costs, listener, plain, difference)
        return [
          ...[listener.binding, listener.name, us, 1_000_000 / us],
          ...[compared(costs, listener, plain, quotient), added, added / floorUs],
        ]
      }),
  ],
)
await Promise.all([...pools.values()].map(pool => pool.destroy()))
await Promise.all([stopScript(child), api.close()])
rmSync(folder, { recursive: true })

function keyOf(privateJwk: Ready['clientKeyJwk']): TestKey {
  const { d: _, ...jwk } = privateJwk
  const privateKey = createPrivateKey({ format: 'jwk', key: privateJwk as never })
  return { alg: 'ES256', privateKey, jwk, thumbprint: jwkThumbprint(jwk) }
}
