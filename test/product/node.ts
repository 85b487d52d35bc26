import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@holdfast/server/clock.ts'
import { apply } from '@holdfast/server/control/apply.ts'
import { openRevision } from '@holdfast/server/control/revision.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import type { EdgeLimits } from '@holdfast/server/http/limits.ts'
import type { KeyCustody } from '@holdfast/server/keys/custody/key-custody.ts'
import type { KeyTimes } from '@holdfast/server/keys/life.ts'
import { type RunningServer, startServer } from '@holdfast/server/main.ts'
import { allowLoopbackForTests, openOutbound } from '@holdfast/server/outbound/client.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import type { Clock, Log } from '@holdfast/server/ports.ts'
import type { IssuerBinding } from '@holdfast/server/snapshot/compile.ts'
import { openPostgresStore } from '@holdfast/server/store/drivers/postgres.ts'
import { openSqliteStore } from '@holdfast/server/store/drivers/sqlite.ts'
import type { Store } from '@holdfast/server/store/store.ts'

export type StoreKind = 'sqlite' | 'postgres'

/** Where PostgreSQL is for tests; every product takes a schema of its own. */
export const postgresUrl: string =
  process.env.HOLDFAST_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'

/** What one node of a product must know; plain data, so that it can be handed to another process. */
export interface NodeConfig {
  readonly issuer: string
  readonly mtlsUrl: string
  readonly publicPort: number
  readonly mtlsPort: number
  readonly store: StoreKind
  /** Data folder: the SQLite file, and `tls/` with CA and server certificate. */
  readonly folder: string
  readonly schema: string
  readonly keyEncryptionKeyHex: string
  /** Looser than the defaults only where a test sends thousands of bad credentials on purpose. */
  readonly limits?: Partial<EdgeLimits>
  /** Whether requests to clients may go to this machine, where a test answers them. */
  readonly reachesLoopback?: boolean
  /** Stations of the life of signing keys, where a test cannot wait for the usual ones. */
  readonly keyTimes?: KeyTimes
}

export interface RunningNode {
  readonly store: Store
  readonly keys: RunningServer['keys']
  /** Serves what was changed in the store, as a node does after each command of an operator. */
  readonly refresh: () => Promise<void>
  readonly close: () => Promise<void>
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }

export function bindingOf(config: NodeConfig): IssuerBinding {
  return {
    name: 'main',
    url: config.issuer,
    mtlsUrl: config.mtlsUrl,
    environment: 'development',
    clientTrustAnchors: [readFileSync(join(config.folder, 'tls/ca.pem'), 'utf8')],
  }
}

export async function openStore(config: NodeConfig): Promise<Store> {
  return config.store === 'sqlite'
    ? await openSqliteStore({ path: join(config.folder, 'holdfast.db'), clock: systemClock })
    : await openPostgresStore({
        connectionString: postgresUrl,
        schema: config.schema,
        clock: systemClock,
      })
}

/** Brings a fresh store to what the documents say. */
export async function applyDocuments(config: NodeConfig, documents: readonly string[]): Promise<void> {
  const entropy = openEntropy()
  const store = await openStore(config)
  const passwords = openPasswords({ entropy })
  const applied = await apply(
    { files: [{ path: 'test.yaml', text: documents.join('\n---\n') }], dryRun: false, prune: false },
    {
      store,
      clock: systemClock,
      entropy,
      passwords,
      issuers: [bindingOf(config)],
      newReference: () => randomBytes(8).toString('hex'),
    },
  )
  passwords.close()
  await store.close()
  if (!applied.ok) throw new Error(JSON.stringify(applied.problems, undefined, 1))
}

/** One node over a store that holds the documents already. */
export async function startNode(
  config: NodeConfig,
  keyCustody?: KeyCustody,
  clock?: Clock,
): Promise<RunningNode> {
  const store = await openStore(config)
  const passwords = openPasswords({ entropy: openEntropy() })
  const revision = await openRevision({ store, issuers: [bindingOf(config)], log: silent })
  if (!revision.ok) throw new Error(JSON.stringify(revision.problems))
  const outbound = config.reachesLoopback
    ? openOutbound({
        loosened: allowLoopbackForTests(),
        caPem: readFileSync(join(config.folder, 'tls/ca.pem'), 'utf8'),
      })
    : undefined
  const server = await startServer({
    issuerUrls: [config.issuer],
    listeners: {
      public: { host: '127.0.0.1', port: config.publicPort },
      mtls: { host: '127.0.0.1', port: config.mtlsPort },
      management: undefined,
    },
    tls: {
      certPem: readFileSync(join(config.folder, 'tls/server.pem'), 'utf8'),
      keyPem: readFileSync(join(config.folder, 'tls/server.key'), 'utf8'),
    },
    store,
    snapshot: revision.value.snapshot,
    refreshSnapshot: revision.value.refresh,
    keyEncryptionKey: Buffer.from(config.keyEncryptionKeyHex, 'hex'),
    passwords,
    log: silent,
    ...(config.limits && { limits: config.limits }),
    ...(config.keyTimes && { keyTimes: config.keyTimes }),
    ...(keyCustody && { keyCustody }),
    ...(outbound && { outbound }),
    ...(clock && { clock }),
  })
  return {
    store,
    keys: server.keys,
    refresh: revision.value.refresh,
    close: async () => {
      await server.close()
      await outbound?.close()
      revision.value.close()
      passwords.close()
      await store.close()
    },
  }
}
