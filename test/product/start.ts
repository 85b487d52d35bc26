import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@holdfast/server/clock.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import pg from 'pg'
import { audience, makeClients, user } from './clients.ts'
import { applyDocuments, type NodeConfig, postgresUrl, type StoreKind, startNode } from './node.ts'
import type { Product } from './product.ts'

export type { StoreKind } from './node.ts'

/** A store with its documents, certificates and clients, before any node runs over it. */
export interface PreparedProduct {
  readonly config: NodeConfig
  readonly product: Omit<Product, 'close'>
  /** Removes the folder and the schema. */
  readonly remove: () => Promise<void>
}

export async function prepareProduct(
  store: StoreKind,
  more: {
    readonly documents?: readonly string[]
    readonly limits?: NodeConfig['limits']
    readonly reachesLoopback?: boolean
    /** Floor of the issuer; every client must fit on it. */
    readonly floor?: string
    /** What else the issuer says. */
    readonly issuer?: object
  } = {},
): Promise<PreparedProduct> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-product-'))
  const [publicPort, mtlsPort] = await Promise.all([freePort(), freePort()])
  const ca = await openDevelopmentCa(join(folder, 'tls'), systemClock.now())
  const config: NodeConfig = {
    issuer: `https://localhost:${publicPort}`,
    mtlsUrl: `https://localhost:${mtlsPort}`,
    publicPort,
    mtlsPort,
    store,
    folder,
    schema: `t${randomBytes(8).toString('hex')}`,
    keyEncryptionKeyHex: randomBytes(32).toString('hex'),
    ...(more.limits && { limits: more.limits }),
    ...(more.reachesLoopback && { reachesLoopback: true }),
  }
  const clients = await makeClients(ca, more.floor, more.issuer)
  await applyDocuments(config, [...clients.documents, ...(more.documents ?? [])])
  return {
    config,
    product: {
      issuer: new URL(config.issuer),
      mtlsOrigin: config.mtlsUrl,
      caPem: ca.caPem,
      clients: clients.byKind,
      introspector: clients.introspector,
      device: clients.device,
      pointOfSale: clients.pointOfSale,
      signedIntrospector: clients.signedIntrospector,
      attested: clients.attested,
      partner: clients.partner,
      trustedIssuer: clients.trustedIssuer,
      audience,
      user,
    },
    remove: async () => {
      rmSync(folder, { recursive: true, force: true })
      if (store === 'postgres') await dropSchema(config.schema)
    },
  }
}

/** For harnesses that replay credentials by the thousand: the edge would rightly stop them after a hundred. */
export const withoutFailureLimits: NodeConfig['limits'] = {
  clientFailuresPerMinute: 1e9,
  prefixFailuresPerMinute: 1e9,
  unbackedPagesPerMinute: 1e9,
  unbackedTokensPerMinute: 1e9,
}

/** The product as an operator runs it: TLS, two listeners, a real store, documents applied. */
export async function startProduct(store: StoreKind): Promise<Product> {
  const prepared = await prepareProduct(store)
  const node = await startNode(prepared.config)
  return {
    ...prepared.product,
    close: async () => {
      await node.close()
      await prepared.remove()
    },
  }
}

const nodeProcess = fileURLToPath(new URL('./node-process.ts', import.meta.url))

/** A node in a process of its own; resolves when it serves. */
export async function forkNode(config: NodeConfig): Promise<ChildProcess> {
  const child = fork(nodeProcess, [JSON.stringify(config)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the node ended before it served')))
  ended.catch(() => undefined)
  await Promise.race([once(child, 'message'), ended])
  return child
}

/** A further node over the same store, on ports of its own. */
export async function anotherNode(config: NodeConfig): Promise<NodeConfig> {
  const [publicPort, mtlsPort] = await Promise.all([freePort(), freePort()])
  return { ...config, publicPort, mtlsPort }
}

/** @param child undefined: it was never started */
export async function stopNode(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.send('stop')
  await ended
}

async function dropSchema(schema: string): Promise<void> {
  const connection = new pg.Client({ connectionString: postgresUrl })
  await connection.connect()
  await connection.query(`drop schema if exists ${schema} cascade`)
  await connection.end()
}

/** Whether a PostgreSQL server answers; its tests are counted as skipped when none does. */
export async function postgresAnswers(): Promise<boolean> {
  const connection = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
  try {
    await connection.connect()
    await connection.end()
    return true
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
