import { setImmediate as setImmediatePromise } from 'node:timers/promises'
import { type Clock, Fault } from '../../ports.ts'
import { announcementOf } from '../announcements.ts'
import { findersOver, type Row } from '../finders.ts'
import { openReplayHorizon } from '../replay-horizon.ts'
import type { SqlValue, StatementName } from '../statements.ts'
import type { Store } from '../store.ts'
import { type Patrol, type Sweep, sweeps } from '../sweep.ts'
import type { CommitResult, Write } from '../writes.ts'
import { openConnection } from './sqlite-connection.ts'
import { faultOf, isOwn, mustFence } from './sqlite-fault.ts'
import { openWriter, type SqliteWriter, type WritePoint } from './sqlite-writer.ts'

export interface SqliteStoreOptions {
  /** A file, or `:memory:`. */
  readonly path: string
  readonly clock: Clock
  /** Name of the audit chain when the store is created; random unless given. */
  readonly chain?: string
  /** Told once, when the store stops writing for good: the process should end and start again. */
  readonly onFence?: (fault: Fault) => void
  /** @deprecated tests only: called before each write, to stop the process or the disk there */
  readonly beforeWrite?: WritePoint
}

interface Waiting {
  readonly writes: readonly Write[]
  readonly resolve: (result: CommitResult) => void
  readonly reject: (fault: Fault) => void
}

/** Lists one transaction serves: bounds how long the event loop stands still. */
const listsPerCommitMax = 256
/** Further turns of the event loop a list may wait for company; each ends at once when nothing arrives. */
const turnsGatheredMax = 3
const listsWaitingMax = 20_000

/** The embedded store: one process, one file, every commit on the disk before it is acknowledged. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, clock, chain, onFence, beforeWrite } = options
  const connection = openConnection(path, clock, chain)
  const horizon = openReplayHorizon(connection.epoch, clock)
  const writer = openWriter(connection.database, connection.chain, horizon, clock, beforeWrite)
  const queue: Waiting[] = []
  const patrol: Patrol = new Map()
  const listeners = new Set<() => void>()
  const feedListeners = new Set<() => void>()
  let broken: Fault | undefined
  let isScheduled = false
  let isClosed = false

  const fail = (error: unknown): Fault => {
    const fault = faultOf(error)
    if (mustFence(error) && broken === undefined) {
      broken = new Fault('store.fenced', { cause: fault, detail: 'writing stopped after a failed write' })
      onFence?.(fault)
    }
    return fault
  }
  const guarded = <T>(work: () => T): T => {
    if (broken !== undefined) throw broken
    try {
      return work()
    } catch (error) {
      throw fail(error)
    }
  }

  const flush = (): void => {
    isScheduled = false
    const batch = queue.splice(0, listsPerCommitMax)
    if (batch.length === 0) return
    schedule()
    try {
      if (broken !== undefined) throw broken
      commitBatch(writer, batch)
      if (batch.some(raisesRevision)) for (const told of listeners) setImmediate(told)
      if (batch.some(ends)) for (const told of feedListeners) setImmediate(told)
    } catch (error) {
      const fault = fail(error)
      undo(writer, fail)
      for (const waiting of batch) waiting.reject(fault)
    }
  }
  // The end of the turn: everything the requests of this turn decided shares one flush to the disk.
  const schedule = (): void => {
    if (isScheduled || queue.length === 0) return
    isScheduled = true
    setImmediate(gather, queue.length, turnsGatheredMax)
  }
  // While every turn brings more lists, a few turns share the flush: what a commit costs hardly depends on its size.
  const gather = (before: number, turnsLeft: number): void => {
    if (turnsLeft > 0 && queue.length > before && queue.length < listsPerCommitMax)
      setImmediate(gather, queue.length, turnsLeft - 1)
    else flush()
  }

  const endReading = (): void => {
    try {
      writer.endReading()
    } catch (error) {
      fail(error)
    }
  }
  // The questions of one turn share what it costs to look at the file.
  const ask = (name: StatementName, values: readonly SqlValue[]): readonly Row[] => {
    const known = writer.recall(name, values)
    if (known !== undefined) return known
    if (!writer.isReading()) setImmediate(endReading)
    return writer.read(name, values)
  }

  return {
    ...findersOver(async (name, values) => guarded(() => ask(name, values))),
    commit: writes =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) return reject(broken)
        if (writes.length === 0) return resolve({ committed: true })
        if (queue.length >= listsWaitingMax) return reject(new Fault('store.overloaded'))
        queue.push({ writes, resolve, reject })
        schedule()
      }),
    expire: async (now, limit) => {
      let removed = 0
      horizon.sweepsAt(now)
      for (const table of sweeps(now, limit, patrol)) {
        if (isClosed) break
        removed += guarded(() => sweepOne(writer, table, fail))
        // Requests go first: no turn sweeps more than one table.
        await setImmediatePromise()
      }
      return removed
    },
    onRevision: told => {
      listeners.add(told)
      return () => listeners.delete(told)
    },
    onRevocation: told => {
      feedListeners.add(told)
      return () => feedListeners.delete(told)
    },
    epoch: () => connection.epoch,
    close: async () => {
      if (isClosed) return
      isClosed = true
      while (queue.length > 0) flush()
      broken ??= new Fault('store.closed')
      endReading()
      connection.close()
    },
  }
}

function raisesRevision({ writes }: Waiting): boolean {
  return writes.some(({ kind }) => kind === 'raise-revision')
}

function ends({ writes }: Waiting): boolean {
  return writes.some(write => announcementOf(write) !== undefined)
}

function sweepOne(writer: SqliteWriter, table: Sweep, fail: (error: unknown) => Fault): number {
  writer.begin()
  try {
    let next = table.next()
    while (!next.done) {
      const { text, values } = next.value
      const isQuestion = text.startsWith('select')
      const rows: readonly Row[] = isQuestion ? writer.allOf(text, values) : []
      next = table.next({ rows, changes: isQuestion ? 0 : writer.runOf(text, values) })
    }
    writer.commit()
    return next.value
  } catch (error) {
    undo(writer, fail)
    throw error
  }
}

function undo(writer: SqliteWriter, fail: (error: unknown) => Fault): void {
  try {
    writer.rollback()
  } catch (error) {
    fail(error)
  }
}

type Settled = { readonly result: CommitResult } | { readonly fault: Fault }

/**
 * One transaction for all lists. Nearly always every list passes, so the first attempt sets no savepoints (they
 * copy every page a list touches); when a list must be undone, all are, and applied again with a savepoint each.
 */
function commitBatch(writer: SqliteWriter, batch: readonly Waiting[]): void {
  const settled = applyTogether(writer, batch) ?? applyApart(writer, batch)
  writer.commit()
  for (const [index, waiting] of batch.entries()) {
    const outcome = settled[index]
    if (outcome === undefined) continue
    if ('fault' in outcome) waiting.reject(outcome.fault)
    else waiting.resolve(outcome.result)
  }
}

function applyTogether(writer: SqliteWriter, batch: readonly Waiting[]): readonly Settled[] | undefined {
  const settled: Settled[] = []
  writer.begin()
  for (const { writes } of batch) {
    const applied = attempt(writer, writes)
    if (applied.isDirty && !isCommitted(applied.settled)) {
      writer.rollback()
      return undefined
    }
    settled.push(applied.settled)
  }
  return settled
}

function applyApart(writer: SqliteWriter, batch: readonly Waiting[]): readonly Settled[] {
  const settled: Settled[] = []
  writer.begin()
  for (const { writes } of batch) {
    writer.save()
    const applied = attempt(writer, writes)
    if (!isCommitted(applied.settled)) writer.rollbackToSave()
    writer.release()
    settled.push(applied.settled)
  }
  return settled
}

function attempt(
  writer: SqliteWriter,
  writes: readonly Write[],
): { readonly settled: Settled; readonly isDirty: boolean } {
  try {
    const { result, isDirty } = writer.apply(writes)
    return { settled: { result }, isDirty }
  } catch (error) {
    // Its own mistake fails one list; anything else is the disk's and ends the whole batch.
    if (!isOwn(error)) throw error
    return { settled: { fault: faultOf(error) }, isDirty: true }
  }
}

function isCommitted(settled: Settled): boolean {
  return 'result' in settled && settled.result.committed
}
