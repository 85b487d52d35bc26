import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '@holdfast/server/clock.ts'
import type { ControlPorts } from '@holdfast/server/control/apply.ts'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import type { BusChoice } from '@holdfast/server/control/bootstrap/bus.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { newRequestId } from '@holdfast/server/http/request-id.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { type Entropy, Fault, type Log } from '@holdfast/server/ports.ts'
import type { Bus } from '@holdfast/server/signals/bus.ts'
import { storeOverBus } from '@holdfast/server/signals/store-over-bus.ts'
import { openSqliteStore } from '@holdfast/server/store/drivers/sqlite.ts'
import type { Store } from '@holdfast/server/store/store.ts'
import { type DevelopmentCa, openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'

/** What stands before any listener: the data folder, the authority, the store and the ports of the control plane. */
export interface Ground {
  readonly bootstrap: Bootstrap
  readonly control: ControlPorts
  /** Undefined when the operator brings certificates. */
  readonly authority: DevelopmentCa | undefined
  readonly close: () => Promise<void>
}

const keyBytes = 32

export async function openGround(bootstrap: Bootstrap, log: Log): Promise<Ground> {
  const { dataFolder, environment, tls } = bootstrap
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const entropy = openEntropy()
  const [authority, store] = await Promise.all([
    tls === undefined ? openDevelopmentCa(join(dataFolder, 'tls'), systemClock.now()) : undefined,
    openStore(bootstrap, log),
  ])
  // The development authority signs client certificates too, so that `tls_client_auth` can be tried at once.
  const issuers = bootstrap.issuers.map(issuer =>
    authority === undefined || environment === 'production'
      ? issuer
      : { ...issuer, clientTrustAnchors: [...issuer.clientTrustAnchors, authority.caPem] },
  )
  const passwords = openPasswords({ entropy })
  const newReference = (): string => newRequestId(systemClock, entropy)
  const control = { store, clock: systemClock, entropy, passwords, issuers, newReference }
  const close = async (): Promise<void> => {
    passwords.close()
    await store.close()
  }
  return { bootstrap, control, authority, close }
}

async function openStore({ store }: Bootstrap, log: Log): Promise<Store> {
  if (store.driver === 'sqlite')
    return await openSqliteStore({
      path: store.path,
      clock: systemClock,
      onFence: fault => {
        // A failed write leaves no ground to stand on: end, and recover from the log at the next start.
        log.error('store.fenced', { cause: fault })
        process.exit(3)
      },
    })
  // PostgreSQL is only paid for where it is used.
  const { openPostgresStore } = await import('@holdfast/server/store/drivers/postgres.ts')
  const { connectionString, schema, bus } = store
  const opened = await openPostgresStore({
    connectionString,
    clock: systemClock,
    fencedClock: systemClock,
    ...(schema !== undefined && { schema }),
  })
  return bus === undefined ? opened : storeOverBus(opened, await openBus(bus, log))
}

async function openBus({ servers, subject, credentialsFile, caFile }: BusChoice, log: Log): Promise<Bus> {
  const { openNatsBus } = await import('@holdfast/server/signals/nats-bus.ts')
  return openNatsBus({
    ...{ servers, subject, log },
    ...(credentialsFile !== undefined && { credentials: readFileSync(credentialsFile, 'utf8') }),
    ...(caFile !== undefined && { caPem: readFileSync(caFile, 'utf8') }),
  })
}

/**
 * The key that seals all others. A development server makes one at first start.
 * @throws Fault `keys.encryption-key` when it is missing, weak, or, in production, open to everybody on the machine
 */
export function readKeyEncryptionKey(
  { keyEncryptionKeyFile: path, environment }: Bootstrap,
  entropy: Entropy,
): Buffer {
  if (!existsSync(path)) {
    if (environment === 'production')
      throw new Fault('keys.encryption-key', {
        detail: `there is no file \`${path}\` (keyEncryptionKeyFile)`,
      })
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${entropy.bytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  }
  const text = readFileSync(path, 'utf8').replaceAll(/\s/g, '')
  const key = Buffer.from(text, 'base64')
  const problem =
    key.toString('base64') === text ? weaknessOf(key) : 'is not base64 of random bytes, and nothing else'
  const isOpen = environment === 'production' && (statSync(path).mode & 0o007) !== 0
  if (problem === undefined && !isOpen) return key
  const detail = problem ?? `can be used by everybody on this machine; \`chmod o-rwx\` it`
  throw new Fault('keys.encryption-key', { detail: `\`${path}\` ${detail}` })
}

/** What a good key never is. */
function weaknessOf(key: Buffer): string | undefined {
  if (key.length < keyBytes) return `holds fewer than ${keyBytes} bytes of base64`
  return new Set(key).size === 1 ? 'is not random: it holds one byte over and over' : undefined
}
