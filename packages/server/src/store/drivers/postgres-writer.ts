import { type Clock, Fault } from '../../ports.ts'
import { type Announced, announcementOf, announcingSteps } from '../announcements.ts'
import { linkedStepOf } from '../audit-step.ts'
import type { ChainHead } from '../chain.ts'
import { passesOn } from '../issuer-revocations.ts'
import type { ReplayHorizon } from '../replay-horizon.ts'
import { guardFailed, isGuard, type Step, stepOf } from '../statements.ts'
import type { CommitResult, Write } from '../writes.ts'
import type { Line } from './postgres-connection.ts'
import { isContention, isOwn } from './postgres-fault.ts'

/** The chain this writer appends to; moved back when what it appended is rolled back. */
export interface Chain {
  readonly name: string
  head: ChainHead
}

/** What became of one list: an answer, or the error that stopped it. */
export type Settled =
  | { readonly result: CommitResult; readonly announced?: readonly Announced[] }
  | { readonly error: unknown }

export interface Writer {
  readonly line: Line
  readonly chain: Chain
  readonly horizon: ReplayHorizon
  /** Channel told, inside the transaction, when the revision rises. */
  readonly channel: string
  /** Channel told when something ended. */
  readonly feedChannel: string
  readonly clock: Clock
}

/** Thrown once `commit` was sent: nobody knows whether it happened. */
export class UnknownOutcome extends Error {}

const aloneAttemptsMax = 3

/**
 * One transaction for all lists, sent without waiting, two round trips in all. When a list must be undone, all
 * are, and applied again with a savepoint each; when another node stands in the way, in transactions of their own,
 * because locks held for several lists at once are what nodes deadlock on.
 */
export async function commitBatch(
  writer: Writer,
  batch: readonly (readonly Write[])[],
): Promise<readonly Settled[]> {
  const together = await applyTogether(writer, batch)
  if (together !== undefined) return together
  const apart = await applyApart(writer, batch)
  if (apart !== undefined) return apart
  return applyEachAlone(writer, batch)
}

/**
 * What stands committed before the connection fails stays told as committed: tried again, a list would meet its own
 * traces and take them for an attack. The lists behind the failure share it.
 */
async function applyEachAlone(
  writer: Writer,
  batch: readonly (readonly Write[])[],
): Promise<readonly Settled[]> {
  const settled: Settled[] = []
  for (const writes of batch) {
    try {
      settled.push(await applyAlone(writer, writes))
    } catch (error) {
      if (settled.length === 0) throw error
      writer.line.cut()
      const cause = error instanceof UnknownOutcome ? error.cause : error
      return [...settled, ...batch.slice(settled.length).map(() => ({ error: cause }))]
    }
  }
  return settled
}

async function applyTogether(
  writer: Writer,
  batch: readonly (readonly Write[])[],
): Promise<readonly Settled[] | undefined> {
  const before = writer.chain.head
  const [settled] = await Promise.all([
    inTransaction(writer, () => Promise.all(batch.map(writes => sendList(writer, writes)))),
  ])
  if (settled.every(isCommitted)) {
    if ((await finish(writer, settled)) === undefined) return settled
    writer.chain.head = before
    return undefined
  }
  writer.chain.head = before
  await writer.line.command('rollback')
  // A list that was alone has its answer: there was nothing beside it that could have been in its way.
  const isAnswer = settled.length === 1 && settled.every(one => 'result' in one || isOwn(one.error))
  return isAnswer ? settled : undefined
}

async function applyApart(
  writer: Writer,
  batch: readonly (readonly Write[])[],
): Promise<readonly Settled[] | undefined> {
  if (batch.length === 1) return undefined
  const { line, chain } = writer
  const before = chain.head
  const settled: Settled[] = []
  await line.command('begin')
  for (const writes of batch) {
    const saved = chain.head
    const [one] = await Promise.all([saveAndSend(writer, writes)])
    if (!isCommitted(one)) {
      chain.head = saved
      if ('error' in one && !isOwn(one.error)) {
        chain.head = before
        await line.command('rollback')
        if (isContention(one.error)) return undefined
        throw one.error
      }
      await line.command('rollback to savepoint list')
    }
    settled.push(one)
  }
  if ((await finish(writer, settled)) === undefined) return settled
  chain.head = before
  return undefined
}

async function applyAlone(writer: Writer, writes: readonly Write[]): Promise<Settled> {
  let last: unknown
  for (let attempt = 0; attempt < aloneAttemptsMax; attempt++) {
    const before = writer.chain.head
    const [one] = await inTransaction(writer, async () => [await sendList(writer, writes)])
    if (one !== undefined && isCommitted(one)) {
      last = await finish(writer, [one])
      if (last === undefined) return one
      writer.chain.head = before
      continue
    }
    writer.chain.head = before
    await writer.line.command('rollback')
    if (one !== undefined && 'result' in one) return one
    last = one?.error
    if (!isContention(last)) break
  }
  if (isOwn(last) || isContention(last)) return { error: last }
  throw last
}

/** `begin` goes out in front of `send`, and both are waited for. */
async function inTransaction<T>(writer: Writer, send: () => Promise<T>): Promise<T> {
  const [, sent] = await Promise.all([writer.line.command('begin'), send()])
  return sent
}

async function saveAndSend(writer: Writer, writes: readonly Write[]): Promise<Settled> {
  const [, settled] = await Promise.all([writer.line.command('savepoint list'), sendList(writer, writes)])
  return settled
}

/**
 * What ended is announced last, in front of the commit: who holds the head waits for nothing any more.
 * @returns why nothing was committed, when another node had the head for too long
 */
async function finish(writer: Writer, settled: readonly Settled[]): Promise<unknown> {
  const { line, feedChannel, clock } = writer
  const announced = settled.flatMap(one =>
    'result' in one && one.result.committed ? (one.announced ?? []) : [],
  )
  const announcing: Promise<unknown>[] = announcingSteps(announced, clock).map(({ name, values }) =>
    line.step(name, values),
  )
  if (announcing.length > 0) announcing.push(line.command(`notify ${feedChannel}`))
  let tag: string
  let told: readonly PromiseSettledResult<unknown>[]
  try {
    // One that failed takes the commit with it: it is then answered with a rollback.
    ;[told, tag] = await Promise.all([Promise.allSettled(announcing), line.command('commit')])
  } catch (error) {
    throw new UnknownOutcome('the commit was sent and not answered', { cause: error })
  }
  if (tag === 'COMMIT') return undefined
  const lost = told.find(one => one.status === 'rejected')?.reason
  if (isContention(lost)) return lost
  throw new Fault('store.unavailable', {
    cause: lost,
    detail: `commit was answered with \`${tag}\``,
  })
}

/**
 * Keeps an ending of all access out of a list that passes rights on, and lists of that kind out of an ending.
 * Undefined: the list needs no lock. Taken first, so that who waits for it holds nothing of this list.
 */
function lockFor({ line, channel }: Writer, writes: readonly Write[]): Promise<unknown> | undefined {
  const key = `hashtext('${channel} endings')`
  if (writes.some(({ kind }) => kind === 'revoke-all-of-issuer'))
    return line.command(`select pg_advisory_xact_lock(${key})`)
  return passesOn(writes) ? line.command(`select pg_advisory_xact_lock_shared(${key})`) : undefined
}

/** Sends every statement of a list before the first answer, and never throws: the answer may be an error. */
async function sendList(writer: Writer, writes: readonly Write[]): Promise<Settled> {
  const lock = lockFor(writer, writes)
  const locked = lock && Promise.allSettled([lock])
  const answers: Promise<number>[] = []
  for (const write of writes) {
    // The horizon is known here; what stands behind a guard that fails need not be sent.
    if (write.kind === 'remember-jti' && writer.horizon.isBeyond(write)) {
      answers.push(Promise.resolve(0))
      break
    }
    const { name, values } = write.kind === 'append-audit' ? linkStep(writer.chain, write) : stepOf(write)
    answers.push(writer.line.step(name, values))
    if (write.kind === 'raise-revision')
      answers.push(writer.line.command(`notify ${writer.channel}`).then(() => 1))
  }
  const settled = await Promise.allSettled(answers)
  const lost = (await locked)?.find(one => one.status === 'rejected')
  return lost === undefined ? settle(writes, settled) : { error: lost.reason }
}

function settle(writes: readonly Write[], answers: readonly PromiseSettledResult<number>[]): Settled {
  let place = 0
  const announced: Announced[] = []
  for (const [index, write] of writes.entries()) {
    const { kind } = write
    const answer = answers[place]
    if (answer === undefined) break
    if (answer.status === 'rejected') return { error: answer.reason }
    if (answer.value === 0 && isGuard(kind)) return { result: guardFailed(kind, index) }
    const one = answer.value === 0 ? undefined : announcementOf(write)
    if (one !== undefined) announced.push(one)
    place += kind === 'raise-revision' ? 2 : 1
  }
  return { result: { committed: true }, announced }
}

function linkStep(chain: Chain, { record }: Extract<Write, { kind: 'append-audit' }>): Step {
  const { step, head } = linkedStepOf(chain.name, chain.head, record)
  chain.head = head
  return step
}

function isCommitted(settled: Settled): boolean {
  return 'result' in settled && settled.result.committed
}
