import type { Log } from '../ports.ts'
import { compileSnapshot, type IssuerBinding, snapshotAfter } from '../snapshot/compile.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Store } from '../store/store.ts'
import type { DocumentRecord } from '../store/writes.ts'
import { storedDocuments } from './documents.ts'
import { type Checked, checked, textOfProblem } from './problem.ts'

export interface RevisionOptions {
  readonly store: Pick<Store, 'revision' | 'listDocuments' | 'listDocumentsSince' | 'onRevision'>
  readonly issuers: readonly IssuerBinding[]
  readonly log: Log
  /** How soon a change made through another node is served here. */
  readonly pollMs?: number
}

/** The compiled revision that is served, kept up with the store. */
export interface ServedRevision {
  readonly snapshot: () => Snapshot
  /** Looks now instead of at the next tick; never throws. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

/** Compiles what the store holds and watches for more. The first revision must compile; a later one that does not is reported and never served. */
export async function openRevision(options: RevisionOptions): Promise<Checked<ServedRevision>> {
  const { store, log, pollMs = 1000 } = options
  const first = await load(options)
  if (!first.ok) return first
  let { snapshot: served, known } = first.value
  /** The newest revision looked at: one that failed is not compiled again every second. */
  let seen = served.revision

  const look = async (): Promise<void> => {
    try {
      if ((await store.revision()) === seen) return
      // One client that registered itself must not make this node read and compile five thousand others.
      const next = (await follow(options, served, known)) ?? (await load(options))
      if (next.ok) {
        ;({ snapshot: served, known } = next.value)
        seen = served.revision
        log.info('revision.served', { revision: seen })
        return
      }
      seen = await store.revision()
      const problems = next.problems.slice(0, 10).map(textOfProblem)
      log.error('revision.broken', { revision: seen, served: served.revision, problems })
    } catch (cause) {
      log.error('revision.unreadable', { served: served.revision, cause: String(cause) })
    }
  }
  // One look after the other: a refresh asked for during a look must see what was committed since.
  let queue = Promise.resolve()
  let waiting = 0
  const refresh = (): Promise<void> => {
    waiting++
    queue = queue.then(look).finally(() => waiting--)
    return queue
  }
  const stopListening = store.onRevision(() => {
    if (waiting === 0) void refresh()
  })
  const timer = setInterval(() => {
    if (waiting === 0) void refresh()
  }, pollMs).unref()
  const close = (): void => {
    stopListening()
    clearInterval(timer)
  }
  return checked({ snapshot: () => served, refresh, close })
}

/** A snapshot, and which documents it was made of. */
interface Loaded {
  readonly snapshot: Snapshot
  readonly known: ReadonlySet<string>
}

async function load({ store, issuers }: RevisionOptions): Promise<Checked<Loaded>> {
  // Read before the documents: if they change in between, the next look sees a newer revision.
  const revision = await store.revision()
  const records = await store.listDocuments()
  const documents = storedDocuments(records)
  if (!documents.ok) return documents
  const compiled = compileSnapshot({ revision, issuers, documents: documents.value })
  return compiled.ok ? checked({ snapshot: compiled.value, known: new Set(records.map(keyOf)) }) : compiled
}

/** Takes up only what was written since; undefined when that is not enough, because documents went or others came. */
async function follow(
  { store }: RevisionOptions,
  served: Snapshot,
  known: ReadonlySet<string>,
): Promise<Checked<Loaded> | undefined> {
  const changed = await store.listDocumentsSince(served.revision)
  if (changed === undefined) return undefined
  const after = new Set(known)
  for (const record of changed.documents) after.add(keyOf(record))
  if (after.size !== changed.total) return undefined
  const documents = storedDocuments(changed.documents)
  if (!documents.ok) return documents
  const compiled = snapshotAfter(served, changed.revision, documents.value)
  if (compiled === undefined || !compiled.ok) return compiled
  return checked({ snapshot: compiled.value, known: after })
}

function keyOf({
  documentKind,
  issuer,
  name,
}: Pick<DocumentRecord, 'documentKind' | 'issuer' | 'name'>): string {
  return `${documentKind} ${name} ${issuer}`
}
