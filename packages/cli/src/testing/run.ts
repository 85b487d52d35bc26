import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { adminOver } from '@holdfast/server/control/admin.ts'
import type { AdminApi, Answer } from '@holdfast/server/control/admin-api.ts'
import { serveAdminSocket } from '@holdfast/server/control/admin-socket.ts'
import { adminSocketPath } from '@holdfast/server/control/admin-socket-path.ts'
import type { ControlPorts } from '@holdfast/server/control/apply.ts'
import { binding, fileOf } from '@holdfast/server/control/testing/documents.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { openSqliteStore } from '@holdfast/server/store/drivers/sqlite.ts'
import { adminOverSocket } from '../admin-client.ts'
import type { Composition } from '../composition.ts'
import { runCommandLine } from '../program.ts'
import { openTerminal } from '../terminal.ts'

export interface Ran {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** For tests: one command line, and what it wrote. @param parts of the process; it has no others */
export async function run(args: readonly string[], parts: Partial<Composition> = {}): Promise<Ran> {
  const texts = { out: '', err: '' }
  const terminal = openTerminal(
    { isTTY: false, write: text => (texts.out += text) },
    { write: text => (texts.err += text) },
    {},
  )
  const unused = async () => assert.fail('asks a server')
  const composition: Composition = {
    version: '9.9.9',
    env: {},
    adminDocuments: () => undefined,
    ...{ serve: unused, gateway: unused, drill: unused, admin: unused },
    configuration: () => assert.fail('reads the configuration'),
    ...parts,
  }
  return { exitCode: await runCommandLine(args, composition, terminal), ...texts }
}

/** One command line against the answers that the test makes up, and no others. */
export function runWith(args: readonly string[], answers: Partial<AdminApi> = {}): Promise<Ran> {
  const api = new Proxy({} as AdminApi, {
    get: (_target, name) =>
      answers[name as keyof AdminApi] ?? (() => assert.fail(`asks for ${String(name)}`)),
  })
  return run(args, { admin: async () => ({ api, via: 'store', close: async () => undefined }) })
}

const refused = (title: string, status: number): Answer<never> => ({
  ok: false,
  problem: { type: 'about:blank', title, status },
})
/** Answers of a server that says no, and of one that cannot. */
export const no = refused('the documents are not valid', 422)
export const broken = refused('the store is away', 503)

export interface Administered {
  readonly run: (...args: readonly string[]) => Promise<Ran>
  readonly ports: ControlPorts
  readonly pass: (seconds: number) => void
}

/** Commands against the admin API over its socket, over a store of its own with these documents. */
export async function administered(t: TestContext, documents: readonly string[]): Promise<Administered> {
  const dataFolder = temporaryFolder(t)
  let now = 1_700_000_000
  const clock = { now: () => now as never, monotonicMs: () => 0 }
  const entropy = openEntropy()
  const store = await openSqliteStore({ path: ':memory:', clock })
  let count = 0
  const ports = {
    ...{ store, clock, entropy, passwords: openPasswords({ entropy }), issuers: [binding] },
    newReference: () => `reference-${++count}`,
  }
  const api = adminOver({
    ...{ ports, snapshot: undefined, keys: undefined, startedAt: clock.now() },
    onApplied: async () => undefined,
    outbound: { getJson: () => assert.fail('fetches') },
  })
  const nothing = () => undefined
  const log = { info: nothing, warn: nothing, error: nothing }
  const socket = await serveAdminSocket({ dataFolder, cwd: process.cwd(), api, log })
  t.after(async () => {
    await socket.close()
    await store.close()
  })
  const overSocket = adminOverSocket(adminSocketPath(dataFolder, process.cwd()))
  const applied = await overSocket.apply({ files: [fileOf(...documents)], dryRun: false, prune: false })
  assert.ok(applied.ok, JSON.stringify(applied))
  const pass = (seconds: number): void => {
    now += seconds
  }
  const connect = async () => ({ api: overSocket, via: 'server' as const, close: async () => undefined })
  return { run: (...args) => run(args, { admin: connect }), ports, pass }
}

export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}
