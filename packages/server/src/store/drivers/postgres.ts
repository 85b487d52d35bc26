import { randomBytes } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type pg from 'pg'
import { type Clock, Fault } from '../../ports.ts'
import { chainStart } from '../chain.ts'
import { findersOver, type Row } from '../finders.ts'
import { openReplayHorizon, type ReplayHorizon } from '../replay-horizon.ts'
import type { SqlValue, StatementName } from '../statements.ts'
import type { Store } from '../store.ts'
import { type Patrol, sweeps } from '../sweep.ts'
import type { CommitResult, Write } from '../writes.ts'
import { type ClockFence, openClockFence } from './clock-fence.ts'
import {
  deadlineMilliseconds,
  greetingMilliseconds,
  type Line,
  named,
  openLine,
  openReaders,
  type Place,
  prepareSchema,
  within,
} from './postgres-connection.ts'
import { faultOf, isBroken } from './postgres-fault.ts'
import { listenTo } from './postgres-listener.ts'
import { commitBatch, type Settled, UnknownOutcome, type Writer } from './postgres-writer.ts'

export interface PostgresStoreOptions {
  readonly connectionString: string
  /** Schema the tables are in; made when absent. */
  readonly schema?: string
  readonly clock: Clock
  /** Name of this node in its audit chains. */
  readonly node?: string
  /** This machine's clock, held against the store's. Left out where time is made up. */
  readonly fencedClock?: Clock
}

interface Waiting {
  readonly writes: readonly Write[]
  readonly resolve: (result: CommitResult) => void
  readonly reject: (fault: Fault) => void
  readonly deadline: NodeJS.Timeout
}

/** Lists one transaction serves: bounds how long a row of another node's interest stays locked. */
const listsPerCommitMax = 64
const listsWaitingMax = 20_000

/** The store many nodes share. Commits of a turn, and of the round trip before, travel in one transaction. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { connectionString, schema = 'holdfast', clock, node = 'node', fencedClock } = options
  const place: Place = { connectionString, schema }
  const channel = `${schema}_revision`
  try {
    const epoch = await prepareSchema(place, clock)
    const horizon = openReplayHorizon(epoch, clock)
    const readers = openReaders(place)
    const fence = fencedClock === undefined ? undefined : openClockFence(fencedClock)
    const group = groupCommit(async () => {
      const line = await openLine(place)
      // A new chain for each connection: what became of the last commit on the old one may be unknown.
      const chain = { name: `${node}-${randomBytes(12).toString('base64url')}`, head: chainStart }
      await within(greetingMilliseconds, line.step('begin-chain', [chain.name, clock.now()])).catch(
        (error: unknown) => {
          line.cut()
          throw error
        },
      )
      return { line, chain, horizon, channel, feedChannel: feedChannelOf(channel), clock }
    }, fence)
    await group.open()
    return storeOver({ place, channel, epoch, horizon, readers, group })
  } catch (error) {
    throw faultOf(error)
  }
}

function feedChannelOf(channel: string): string {
  return `${channel}_feed`
}

interface Parts {
  readonly place: Place
  readonly channel: string
  readonly epoch: EpochSeconds
  readonly horizon: ReplayHorizon
  readonly readers: pg.Pool
  readonly group: GroupCommit
}

function storeOver({ place, channel, epoch, horizon, readers, group }: Parts): Store {
  const patrol: Patrol = new Map()
  const listeners = new Set<() => void>()
  let closing: Promise<void> | undefined
  const listener = listenTo(place, channel, () => {
    for (const told of listeners) told()
  })
  const feedListeners = new Set<() => void>()
  const feedListener = listenTo(place, feedChannelOf(channel), () => {
    for (const told of feedListeners) told()
  })
  const ask = async (name: StatementName, values: readonly SqlValue[]): Promise<readonly Row[]> => {
    try {
      return (await readers.query<Row>(named(name, values))).rows
    } catch (error) {
      // A question may be asked again; a connection that broke while idle is found out only by asking.
      if (!isBroken(error)) throw faultOf(error)
      const { rows } = await readers.query<Row>(named(name, values)).catch((second: unknown) => {
        throw faultOf(second)
      })
      return rows
    }
  }
  return {
    // One deadline for both tries.
    ...findersOver((name, values) => within(deadlineMilliseconds, ask(name, values))),
    commit: group.commit,
    expire: async (now, limit) => {
      try {
        let removed = 0
        horizon.sweepsAt(now)
        for (const table of sweeps(now, limit, patrol)) {
          let next = table.next()
          while (!next.done) {
            const { rows, rowCount } = await readers.query(next.value.text, [...next.value.values])
            next = table.next({ rows, changes: rowCount ?? 0 })
          }
          removed += next.value
        }
        return removed
      } catch (error) {
        throw faultOf(error)
      }
    },
    onRevision: told => {
      listeners.add(told)
      listener.start()
      return () => listeners.delete(told)
    },
    onRevocation: told => {
      feedListeners.add(told)
      feedListener.start()
      return () => feedListeners.delete(told)
    },
    epoch: () => epoch,
    close: () => {
      closing ??= Promise.all([group.close(), listener.close(), feedListener.close(), readers.end()]).then(
        () => undefined,
      )
      return closing
    },
  }
}

interface GroupCommit {
  readonly open: () => Promise<void>
  readonly commit: Store['commit']
  readonly close: () => Promise<void>
}

function groupCommit(connect: () => Promise<Writer>, fence: ClockFence | undefined): GroupCommit {
  let queue: Waiting[] = []
  let writer: Writer | undefined
  let pumping: Promise<void> | undefined
  let isClosed = false

  const drop = (line: Line | undefined): void => {
    line?.cut()
    writer = undefined
  }
  const settle = (batch: readonly Waiting[], settled: readonly Settled[]): void => {
    for (const [index, { resolve, reject, deadline }] of batch.entries()) {
      clearTimeout(deadline)
      const outcome = settled[index]
      if (outcome !== undefined && 'result' in outcome) resolve(outcome.result)
      else reject(faultOf(outcome?.error))
    }
  }
  let inFlight: readonly Waiting[] = []
  const fail = (failed: readonly Waiting[], error: unknown): void => {
    for (const { reject, deadline } of failed) {
      clearTimeout(deadline)
      reject(faultOf(error instanceof UnknownOutcome ? error.cause : error))
    }
  }
  // Lists stay in the queue while a connection is made, so that one past its deadline is never sent.
  const connected = async (): Promise<Writer | undefined> => {
    if (writer?.line.isOpen() === true) return writer
    try {
      writer = await connect()
      return writer
    } catch (error) {
      fail(queue, error)
      queue = []
      return undefined
    }
  }
  // Before `commit` is sent a broken connection has changed nothing, so one more try is safe; after it, never.
  const retryOrFail = (batch: readonly Waiting[], error: unknown, wasBroken: boolean): void => {
    const again = error instanceof UnknownOutcome || !wasBroken ? [] : batch.filter(one => !given.has(one))
    for (const one of again) given.add(one)
    queue = [...again, ...queue]
    const failed = batch.filter(one => !again.includes(one))
    fail(failed, error)
  }
  const pump = async (): Promise<void> => {
    while (queue.length > 0) {
      const current = await connected()
      if (current === undefined) continue
      const batch = queue.slice(0, listsPerCommitMax)
      queue = queue.slice(listsPerCommitMax)
      inFlight = batch
      const lists = batch.map(({ writes }) => writes)
      try {
        const fenced = await fence?.verdict(current.line)
        if (fenced === undefined) settle(batch, await commitBatch(current, lists))
        else fail(batch, fenced)
      } catch (error) {
        const wasBroken = !current.line.isOpen()
        drop(current.line)
        retryOrFail(batch, error, wasBroken)
      }
      inFlight = []
    }
    pumping = undefined
  }
  /** Lists that had their second chance, or are past their deadline. */
  const given = new WeakSet<Waiting>()
  const expire = (waiting: Waiting): void => {
    given.add(waiting)
    waiting.reject(new Fault('store.deadline'))
    queue = queue.filter(other => other !== waiting)
    // In flight nobody knows what becomes of it, and nothing behind it moves: the connection is given up.
    if (inFlight.includes(waiting)) drop(writer?.line)
  }

  return {
    open: async () => {
      writer = await connect()
    },
    commit: writes =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Fault('store.closed'))
        if (writes.length === 0) return resolve({ committed: true })
        if (queue.length >= listsWaitingMax) return reject(new Fault('store.overloaded'))
        const deadline = setTimeout(() => expire(waiting), deadlineMilliseconds)
        const waiting: Waiting = { writes, resolve, reject, deadline }
        queue.push(waiting)
        pumping ??= new Promise<void>(turn => setImmediate(turn)).then(pump)
      }),
    close: async () => {
      isClosed = true
      await pumping
      await writer?.line.end()
    },
  }
}
