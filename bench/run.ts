import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { documentOf } from '../test/product/clients.ts'
import { forkNode, freePort, prepareProduct, stopNode } from '../test/product/start.ts'
import { type ClientKeys, newKeys } from './client-kit.ts'
import { type Contender, cpuMicroseconds, startPeer } from './contender.ts'
import { openPool } from './load.ts'
import { operations, prepare } from './operations.ts'
import { measureRawSignatures } from './raw-signatures.ts'

/** CPU per operation of Holdfast and of its peer, beside the raw signatures each request needs. See README.md. */

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: operations.map(({ name }) => name).join(',') },
    requests: { type: 'string', default: '3000' },
    connections: { type: 'string', default: '64' },
  },
})
const only = values.only.split(',')
const connections = Number(values.connections)
const keys = newKeys()
const raw = measureRawSignatures()

interface Measured {
  readonly cpuUs: number
  readonly perSecond: number
  readonly p99Ms: number
}

async function measureAll(contender: Contender): Promise<ReadonlyMap<string, Measured>> {
  const measured = new Map<string, Measured>()
  const pool = openPool(contender.issuer, connections)
  for (const operation of operations.filter(({ name }) => only.includes(name))) {
    process.stderr.write(`${contender.name}: ${operation.name}\n`)
    const count = Math.ceil(Number(values.requests) / operation.requestsEach)
    const setting = { contender, keys, proofKeys: newKeys(), pool }
    const warm = await prepare(operation, setting, Math.ceil(count / 5))
    await warm.run(connections)
    const ready = await prepare(operation, setting, count)
    const before = await cpuMicroseconds(contender.child)
    const result = await ready.run(connections)
    const cpu = (await cpuMicroseconds(contender.child)) - before
    if (result.failures > 0)
      throw new Error(
        `${contender.name}: ${operation.name}: ${result.failures} of ${count} failed: ${result.sample}`,
      )
    measured.set(operation.name, {
      cpuUs: cpu / count,
      perSecond: count / result.seconds,
      p99Ms: result.p99Ms,
    })
  }
  await pool.destroy()
  return measured
}

async function startHoldfast(
  clientKeys: ClientKeys,
): Promise<Contender & { readonly tls: { certFile: string; keyFile: string } }> {
  const jwks = { keys: [clientKeys.jwk] }
  const metadata = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: ['https://client.example/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid accounts offline_access',
    id_token_signed_response_alg: 'ES256',
  }
  const prepared = await prepareProduct('sqlite', {
    documents: [
      documentOf('Client', 'bench', { resources: ['accounts'], introspects: ['accounts'], metadata }),
    ],
  })
  const child = await forkNode(prepared.config)
  return {
    name: 'holdfast, durable',
    issuer: prepared.config.issuer,
    clientId: 'bench',
    redirectUri: 'https://client.example/callback',
    audience: prepared.product.audience,
    paths: { token: '/token', par: '/par', introspect: '/introspect', authorize: '/authorize' },
    introspectorId: 'bench',
    child,
    tls: {
      certFile: join(prepared.config.folder, 'tls/server.pem'),
      keyFile: join(prepared.config.folder, 'tls/server.key'),
    },
    close: async () => {
      await stopNode(child)
      await prepared.remove()
    },
  }
}

const ours = await startHoldfast(keys)
const peer = await startPeer({ port: await freePort(), ...ours.tls, clientJwk: keys.jwk })
try {
  const us = await measureAll(ours)
  const them = await measureAll(peer)
  process.stdout.write(
    `\nraw ES256: sign ${raw.signUs.toFixed(0)} µs, verify ${raw.verifyUs.toFixed(0)} µs (CPU, node:crypto, cached key)\n\n`,
  )
  process.stdout.write(
    '| operation | holdfast µs | /s | p99 ms | oidc-provider µs | /s | peer ÷ ours | floor µs | ours ÷ floor |\n',
  )
  process.stdout.write('|---|---|---|---|---|---|---|---|---|\n')
  for (const operation of operations) {
    const left = us.get(operation.name)
    const right = them.get(operation.name)
    if (left === undefined || right === undefined) continue
    const floor = operation.verifies * raw.verifyUs + operation.signs * raw.signUs
    const cells = [
      operation.name,
      left.cpuUs.toFixed(0),
      left.perSecond.toFixed(0),
      left.p99Ms.toFixed(1),
      right.cpuUs.toFixed(0),
      right.perSecond.toFixed(0),
      (right.cpuUs / left.cpuUs).toFixed(2),
      floor.toFixed(0),
      (left.cpuUs / floor).toFixed(2),
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
} finally {
  await Promise.all([ours.close(), peer.close()])
}
