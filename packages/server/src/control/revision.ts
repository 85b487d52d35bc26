import type { Log } from '../ports.ts'
import { compileSnapshot, type IssuerBinding } from '../snapshot/compile.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Store } from '../store/store.ts'
import { storedDocuments } from './documents.ts'
import { type Checked, checked, textOfProblem, wrong } from './problem.ts'

export interface RevisionOptions {
  readonly store: Pick<Store, 'revision' | 'listDocuments'>
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
  let served = first.value
  /** The newest revision looked at: one that failed is not compiled again every second. */
  let seen = served.revision

  const look = async (): Promise<void> => {
    try {
      if ((await store.revision()) === seen) return
      const next = await load(options)
      if (next.ok) {
        served = next.value
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
  const timer = setInterval(() => {
    if (waiting === 0) void refresh()
  }, pollMs).unref()
  return checked({ snapshot: () => served, refresh, close: () => clearInterval(timer) })
}

async function load({ store, issuers }: RevisionOptions): Promise<Checked<Snapshot>> {
  // Read before the documents: if they change in between, the next look sees a newer revision.
  const revision = await store.revision()
  const documents = storedDocuments(await store.listDocuments())
  return documents.ok
    ? compileSnapshot({ revision, issuers, documents: documents.value })
    : wrong(...documents.problems)
}
