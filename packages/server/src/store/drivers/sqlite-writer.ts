import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '../../ports.ts'
import { type Announced, announcementOf, announcingSteps } from '../announcements.ts'
import { linkedStepOf } from '../audit-step.ts'
import type { ChainHead } from '../chain.ts'
import type { Row } from '../finders.ts'
import { beforeAnyEnding, changesEndings } from '../issuer-revocations.ts'
import type { AuditRecord } from '../records.ts'
import type { ReplayHorizon } from '../replay-horizon.ts'
import { guardFailed, isGuard, type SqlValue, type StatementName, statements, stepOf } from '../statements.ts'
import type { CommitResult, Write } from '../writes.ts'
import { RememberedRows } from './remembered-rows.ts'
import { shortJti } from './short-jti.ts'

/** Called before each thing that may change the file, with a name for it. Only tests set it. */
export type WritePoint = (name: string) => void

/** The database as the driver speaks to it: cached statements, transactions, and the chain's head. */
export interface SqliteWriter {
  readonly allOf: (text: string, values: readonly SqlValue[]) => readonly Row[]
  readonly runOf: (text: string, values: readonly SqlValue[]) => number
  /** Applies one list inside the open transaction. What it changed before a guard failed is still there. */
  readonly apply: (writes: readonly Write[]) => Applied
  /** Asks within one view of the file, taken by the first question; `begin` and `endReading` let go of it. */
  readonly read: (name: StatementName, values: readonly SqlValue[]) => readonly Row[]
  /** An answer that still holds, without a look at the file. */
  readonly recall: (name: StatementName, values: readonly SqlValue[]) => readonly Row[] | undefined
  readonly isReading: () => boolean
  readonly endReading: () => void
  readonly begin: () => void
  readonly commit: () => void
  readonly rollback: () => void
  readonly save: () => void
  readonly release: () => void
  readonly rollbackToSave: () => void
}

export interface Applied {
  readonly result: CommitResult
  /** Whether a failed list left changes that must be rolled back. */
  readonly isDirty: boolean
}

interface Prepared {
  readonly statement: StatementSync
  readonly isQuestion: boolean
  /** Whether running it may change what is remembered. */
  readonly forgets: boolean
}

const committed: CommitResult = { committed: true }
const clean: Applied = { result: committed, isDirty: true }

export function openWriter(
  database: DatabaseSync,
  chain: string,
  horizon: ReplayHorizon,
  clock: Clock,
  writePoint: WritePoint | undefined,
): SqliteWriter {
  const prepared = new Map<string, Prepared>()
  const remembered = new RememberedRows()
  let mayBeEnded = database.prepare('select 1 from issuer_revocations').get() !== undefined
  const prepare = (text: string): Prepared => {
    const known = prepared.get(text)
    if (known !== undefined) return known
    if (!mayBeEnded && changesEndings(text)) {
      // Before it first runs: every other text looks again, whether that transaction is kept or not.
      mayBeEnded = true
      prepared.clear()
    }
    const own = ownText(mayBeEnded ? text : beforeAnyEnding(text))
    const made = {
      statement: database.prepare(own),
      isQuestion: own.startsWith('select'),
      forgets: RememberedRows.isChangedBy(own),
    }
    prepared.set(text, made)
    return made
  }
  /** Every change goes through here, whether its transaction is kept or not. @returns rows changed, or found */
  const run = (text: string, values: readonly SqlValue[]): number => {
    const { statement, isQuestion, forgets } = prepare(text)
    if (isQuestion) return statement.get(...values) === undefined ? 0 : 1
    if (forgets) remembered.forget()
    return Number(statement.run(...values).changes)
  }
  const all = (name: StatementName, values: readonly SqlValue[]): readonly Row[] => {
    const { statement } = prepare(statements[name])
    if (!findsOne(name)) return statement.all(...values) as readonly Row[]
    const row = statement.get(...values)
    return row === undefined ? nothing : [row]
  }

  // The head follows the transaction: a rolled-back record leaves no gap because its place is given again.
  let head = headOf(all('chain-head', [chain])[0])
  let headAtBegin = head
  let headAtSave = head

  const append = (record: AuditRecord): void => {
    const linked = linkedStepOf(chain, head, record)
    run(statements[linked.step.name], linked.step.values)
    head = linked.head
  }

  const applyOne = (write: Exclude<Write, { kind: 'append-audit' }>): boolean => {
    if (write.kind === 'remember-jti')
      return (
        !horizon.isBeyond(write) && run(statements[write.kind], [shortJti(write.key), write.expiresAt]) !== 0
      )
    const { name, values } = stepOf(write)
    return run(statements[name], values) !== 0
  }

  const apply = (writes: readonly Write[]): Applied => {
    let isDirty = false
    const announced: Announced[] = []
    for (let index = 0; index < writes.length; index++) {
      const write = writes[index] as Write
      writePoint?.(write.kind)
      if (write.kind === 'append-audit') append(write.record)
      else if (applyOne(write)) {
        const one = announcementOf(write)
        if (one !== undefined) announced.push(one)
      } else if (isGuard(write.kind)) return { result: guardFailed(write.kind, index), isDirty }
      isDirty = true
    }
    for (const { name, values } of announcingSteps(announced, clock)) {
      writePoint?.(name)
      run(statements[name], values)
    }
    return clean
  }

  const command = (text: string): (() => void) => {
    const statement = database.prepare(text)
    return () => {
      writePoint?.(text)
      statement.run()
    }
  }
  const begin = command('begin immediate')
  const commit = command('commit')
  const rollback = command('rollback')
  const save = command('savepoint list')
  const rollbackToSave = command('rollback to list')

  // Nobody else writes, so a view is never behind; without one each question locks and unlocks the log by itself.
  const view = { begin: database.prepare('begin'), end: database.prepare('commit'), isOpen: false }
  const endReading = (): void => {
    if (!view.isOpen) return
    view.isOpen = false
    // A failed page may have ended it already.
    if (database.isTransaction) view.end.run()
  }

  return {
    read: (name, values) => {
      if (!view.isOpen) {
        view.begin.run()
        view.isOpen = true
      }
      const rows = all(name, values)
      remembered.remember(name, values, rows)
      return rows
    },
    recall: (name, values) => remembered.recall(name, values),
    isReading: () => view.isOpen,
    endReading,
    allOf: (text, values) => prepare(text).statement.all(...values) as readonly Row[],
    runOf: run,
    apply,
    begin: () => {
      endReading()
      headAtBegin = head
      begin()
    },
    commit: () => {
      commit()
      writePoint?.('acknowledge')
    },
    rollback: () => {
      head = headAtBegin
      // A full disk or a failed page may have rolled the transaction back already.
      if (database.isTransaction) rollback()
    },
    save: () => {
      save()
      headAtSave = head
    },
    release: command('release list'),
    rollbackToSave: () => {
      rollbackToSave()
      head = headAtSave
    },
  }
}

/**
 * SQLite numbers its parameters with a question mark. What sets a column to itself only takes a lock, and the one writer
 * of a file has it: here it is a question.
 */
function ownText(text: string): string {
  return text
    .replace(/^update (\w+) set (\w+) = \2\s+where/, 'select true as found from $1 where')
    .replaceAll('$', '?')
}

const nothing: readonly Row[] = []

/** Questions by primary or unique key: no cursor is opened for a second row. */
function findsOne(name: StatementName): boolean {
  return name.startsWith('find-') && name !== 'find-audit'
}

function headOf(row: Row | undefined): ChainHead {
  return row === undefined
    ? { sequence: 0, hash: '' }
    : { sequence: Number(row.sequence), hash: String(row.hash) }
}
