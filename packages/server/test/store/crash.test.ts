import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { verifyChain } from '../../src/store/chain.ts'
import { replayNamespaceNames } from '../../src/store/contract/one-time-scenarios.ts'
import { standingClock } from '../../src/store/contract/samples.ts'
import { openSqliteStore } from '../../src/store/drivers/sqlite.ts'
import type { ChainedAuditRecord } from '../../src/store/records.ts'
import { isGuard } from '../../src/store/statements.ts'
import type { Store } from '../../src/store/store.ts'
import type { Write } from '../../src/store/writes.ts'
import { type Flow, firstChain, flowsOf } from './flows.ts'
import { isDone, traces } from './traces.ts'

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url))
/** Kills under load; more by hand: `HOLDFAST_CRASH_CYCLES=100`. */
const cycles = Number(process.env.HOLDFAST_CRASH_CYCLES ?? 4)
/** Every how many write points of the side-by-side run a process dies; 1 for all. */
const stride = Number(process.env.HOLDFAST_CRASH_STRIDE ?? 9)
let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
})
after(() => rm(directory, { recursive: true }))

interface Ended {
  /** Flows acknowledged, in order, as `chain flow`. */
  readonly acknowledged: readonly string[]
  readonly points: number | undefined
  readonly signal: string | null
}

async function runChild(path: string, mode: string, argument: string, killAfterMs?: number): Promise<Ended> {
  const running = spawn(process.execPath, [child, path, mode, argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let errors = ''
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said === '' && killAfterMs !== undefined) setTimeout(() => running.kill('SIGKILL'), killAfterMs)
    said += text
  })
  running.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const [, signal] = await once(running, 'close')
  assert.equal(errors, '')
  // The kill may cut the last line; what was not said in full was not acknowledged.
  const lines = said.split('\n').slice(0, -1)
  const points = lines.at(-1)?.startsWith('points ') === true ? Number(lines.pop()?.slice(7)) : undefined
  return { acknowledged: lines, points, signal }
}

async function wholeChain(store: Store): Promise<readonly ChainedAuditRecord[]> {
  const [chain = ''] = await store.listAuditChains()
  const records: ChainedAuditRecord[] = []
  for (;;) {
    const next = await store.readAuditChain(chain, records.length, 5000)
    if (next.length === 0) return records
    records.push(...next)
  }
}

/** @returns whether the flow is there; it must be there whole or not at all */
async function isWhole(store: Store, chain: string, { name, writes }: Flow): Promise<boolean> {
  const done = await Promise.all(writes.map(write => isDone(store, write)))
  const traces = new Set(done.filter(one => one !== undefined))
  assert.equal(traces.size, 1, `${chain} ${name} is half done: ${done}`)
  return traces.has(true)
}

/** What the threat model asks after a kill, of one chain of flows. @returns flows that are there */
async function judgeChain(store: Store, chain: string, acknowledged: readonly string[]): Promise<number> {
  const flows = flowsOf(chain)
  const known = acknowledged.filter(line => line.startsWith(`${chain} `)).length
  let present = 0
  for (const [index, flow] of flows.entries()) {
    const isThere = await isWhole(store, chain, flow)
    if (index < known) assert.equal(isThere, true, `${chain} ${flow.name} was acknowledged and is lost`)
    if (index > known) assert.equal(isThere, false, `${chain} ${flow.name} was never asked for`)
    if (isThere) present++
  }
  return present
}

/** Every flow that is there is refused a second time; every flow that is not still goes through. */
async function walkAgain(store: Store, chain: string, present: number): Promise<void> {
  for (const [index, flow] of flowsOf(chain).entries()) {
    if (!flow.writes.some(({ kind }) => isGuard(kind))) {
      if (index >= present) assert.equal((await store.commit(flow.writes)).committed, true)
      continue
    }
    const { committed } = await store.commit(flow.writes)
    assert.equal(committed, index >= present, `${chain} ${flow.name}`)
  }
}

async function judge(path: string, chains: readonly string[], ended: Ended): Promise<void> {
  const store = await openSqliteStore({ path, clock: standingClock })
  try {
    const present = new Map<string, number>()
    for (const chain of chains) present.set(chain, await judgeChain(store, chain, ended.acknowledged))
    const records = await wholeChain(store)
    assert.equal(verifyChain(records).intact, true)
    assert.equal(
      records.length,
      [...present.values()].reduce((sum, count) => sum + count, 0),
    )
    for (const [chain, count] of present) await walkAgain(store, chain, count)
    assert.equal(verifyChain(await wholeChain(store)).intact, true)
  } finally {
    await store.close()
  }
}

/** Two children at a time, one for each core of a small machine. */
async function atEach(points: readonly number[], work: (point: number) => Promise<void>): Promise<void> {
  const left = [...points]
  const worker = async (): Promise<void> => {
    for (let point = left.pop(); point !== undefined; point = left.pop()) await work(point)
  }
  await Promise.all([worker(), worker()])
}

/** Many at a time, so that they share flushes. */
async function sideBySide(
  chains: Iterable<string>,
  work: (chain: string) => Promise<unknown>,
): Promise<void> {
  const left = [...chains]
  while (left.length > 0) await Promise.all(left.splice(-64).map(work))
}

async function killAtPoints(mode: string, chains: readonly string[], every: number, from = 0): Promise<void> {
  const whole = await runChild(join(directory, `${mode}-whole-${from}.db`), mode, '-1')
  const { points = 0 } = whole
  assert.ok(points > 50)
  await atEach(
    Array.from({ length: Math.ceil((points - from) / every) }, (_, index) => from + index * every),
    async point => {
      const path = join(directory, `${mode}-${point}.db`)
      const ended = await runChild(path, mode, String(point))
      assert.equal(ended.signal, 'SIGKILL')
      await judge(path, chains, ended)
    },
  )
}

test('every kind of write, and every kind of what is used once, stands in a flow that is killed', () => {
  const writes = flowsOf(firstChain).flatMap(flow => flow.writes)
  const kinds = new Set(writes.map(({ kind }) => kind))
  assert.deepEqual(
    Object.keys(traces).filter(kind => !kinds.has(kind as Write['kind'])),
    [],
  )
  const seen = new Set(writes.flatMap(write => (write.kind === 'remember-jti' ? [write.what] : [])))
  assert.deepEqual([...seen].toSorted(), [...replayNamespaceNames].toSorted())
})

/** Every point is one of these tests': each ends in time on a slow machine too. */
const parts = 4
for (let part = 0; part < parts; part++)
  test(`a process killed at any write point of any flow loses nothing acknowledged and halves nothing, part ${part + 1}`, async () => {
    await killAtPoints('point', [firstChain], parts, part)
  })

test('a process killed while flows share a flush leaves each of them whole or absent', async () => {
  await killAtPoints('together', [firstChain, 'two', 'three'], stride)
})

test('a process killed under load, again and again, keeps every acknowledged flow', async () => {
  const path = join(directory, 'load.db')
  const acknowledged: string[] = []
  for (let cycle = 0; cycle < cycles; cycle++) {
    const ended = await runChild(path, 'load', String(cycle), 40 + ((cycle * 97) % 160))
    assert.equal(ended.signal, 'SIGKILL')
    acknowledged.push(...ended.acknowledged)
    const store = await openSqliteStore({ path, clock: standingClock })
    const chains = new Set(ended.acknowledged.map(line => line.split(' ', 1)[0] ?? ''))
    await sideBySide(chains, chain => judgeChain(store, chain, ended.acknowledged))
    await store.close()
  }
  const store = await openSqliteStore({ path, clock: standingClock })
  const records = await wholeChain(store)
  assert.equal(verifyChain(records).intact, true)
  const written = new Set(records.map(({ requestId }) => requestId))
  assert.equal(written.size, records.length)
  for (const line of acknowledged) assert.ok(written.has(line.replace(' ', '-')), `${line} was acknowledged`)
  const flowsByChain = Map.groupBy(acknowledged, line => line.split(' ', 1)[0] ?? '')
  await sideBySide(flowsByChain.keys(), async chain =>
    walkAgain(store, chain, await judgeChain(store, chain, flowsByChain.get(chain) ?? [])),
  )
  await store.close()
})

test('a log cut anywhere, as a power loss would, leaves a chain without gap and no flow halved', async () => {
  const path = join(directory, 'cut.db')
  const ended = await runChild(path, 'load', 'cut', 30)
  const { size } = await stat(`${path}-wal`)
  const chains = [...new Set(ended.acknowledged.map(line => line.split(' ', 1)[0] ?? ''))]
  // From the end: each cut makes the log shorter. Beyond what was flushed nothing is promised but wholeness.
  for (let part = 11; part >= 1; part--) {
    const log = await open(`${path}-wal`, 'r+')
    await log.truncate(Math.floor((size * part) / 12) + part)
    await log.close()
    const readable = join(directory, `cut-${part}.db`)
    await copy(path, readable)
    const store = await openSqliteStore({ path: readable, clock: standingClock })
    const records = await wholeChain(store)
    assert.equal(verifyChain(records).intact, true)
    let present = 0
    for (const chain of chains) {
      for (const flow of flowsOf(chain)) if (await isWhole(store, chain, flow)) present++
    }
    assert.ok(present <= records.length)
    await store.close()
  }
})

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await copyFile(`${from}-wal`, `${to}-wal`)
}
