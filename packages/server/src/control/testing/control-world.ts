import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../../entropy.ts'
import { openPasswords } from '../../passwords.ts'
import type { Clock } from '../../ports.ts'
import { compileSnapshot } from '../../snapshot/compile.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { snapshotAt } from '../../snapshot/snapshot-at.ts'
import { postgresAbsence } from '../../store/drivers/postgres-for-tests.ts'
import { openEmptyPostgresStore } from '../../store/drivers/schemas-for-tests.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { apply, type ControlPorts } from '../apply.ts'
import { storedDocuments } from '../documents.ts'
import { binding, fileOf } from './documents.ts'

/** For tests: the control plane over a store of its own, with a clock that moves when told. */
export interface ControlWorld {
  readonly ports: ControlPorts
  readonly pass: (seconds: number) => void
}

export const startOfControlWorld = 1_700_000_000
export const day = 86_400

/** Both drivers, to run a group of tests on each. */
export const stores = [
  { name: 'SQLite', skip: false as const, open: openOnSqlite },
  { name: 'PostgreSQL', skip: await postgresAbsence(), open: openOnPostgres },
]

async function openOnSqlite(t: TestContext, clock: Clock): Promise<Store> {
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  return store
}

async function openOnPostgres(t: TestContext, clock: Clock): Promise<Store> {
  const store = await openEmptyPostgresStore({ clock, node: 'n0' })
  t.after(() => store.close())
  return store
}

export async function openControlWorld(
  t: TestContext,
  documents: readonly string[],
  open = openOnSqlite,
): Promise<ControlWorld> {
  let now = startOfControlWorld
  const clock: Clock = { now: () => now as EpochSeconds, monotonicMs: () => 0 }
  const entropy = openEntropy()
  let count = 0
  const ports = {
    ...{ store: await open(t, clock), clock, entropy, passwords: openPasswords({ entropy }) },
    ...{ issuers: [binding], newReference: () => `reference-${++count}` },
  }
  await done(applied(documents, ports))
  const pass = (seconds: number): void => {
    now += seconds
  }
  return { ports, pass }
}

export function applied(
  documents: readonly string[],
  ports: ControlPorts,
  prune = false,
): ReturnType<typeof apply> {
  return apply({ files: [fileOf(...documents)], dryRun: false, prune }, ports)
}

/** The issuer as it is served at this second, by what the store holds. */
export async function issuerNow({ ports: { store, clock } }: ControlWorld): Promise<IssuerSnapshot> {
  const documents = storedDocuments(await store.listDocuments())
  assert.ok(documents.ok)
  const compiled = compileSnapshot({ revision: 1, issuers: [binding], documents: documents.value })
  assert.ok(compiled.ok, JSON.stringify(compiled))
  const issuer = snapshotAt(compiled.value, clock.now()).issuers.get(binding.url)
  assert.ok(issuer)
  return issuer
}

/** Documents of one kind, as an export would hold them. */
export async function exported(kind: string, { ports: { store } }: ControlWorld): Promise<readonly string[]> {
  const all = await store.listDocuments()
  return all.filter(({ documentKind }) => documentKind === kind).map(({ body }) => body)
}

interface Approvable {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly content: { readonly purpose: string } }
}

/**
 * Puts copies of the only document of a kind beside it, each for a purpose of its own, until there are `count`.
 * @param nameOf what is to be approved
 */
export async function fill<Content>(
  { ports: { store } }: Pick<ControlWorld, 'ports'>,
  kind: string,
  count: number,
  nameOf: (content: Content) => string,
): Promise<void> {
  const [document, ...others] = (await store.listDocuments()).filter(one => one.documentKind === kind)
  assert.ok(document !== undefined && others.length === 0)
  const one = JSON.parse(document.body) as Approvable
  const copies = Array.from({ length: count - 1 }, (_, index) => {
    const content = { ...one.spec.content, purpose: `purpose ${index}` }
    const name = nameOf(content as Content)
    const body = { ...one, metadata: { ...one.metadata, name }, spec: { ...one.spec, content } }
    return { kind: 'put-document' as const, document: { ...document, name, body: JSON.stringify(body) } }
  })
  await store.commit(copies)
}

export async function done<T>(
  work: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false }>,
): Promise<T> {
  const result = await work
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

export async function refusedWith(work: Promise<{ readonly ok: boolean }>, message: RegExp): Promise<void> {
  const result = await work
  assert.equal(result.ok, false, JSON.stringify(result))
  assert.match(JSON.stringify(result), message)
}
