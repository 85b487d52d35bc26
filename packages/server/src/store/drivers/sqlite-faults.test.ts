import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import type { Fault } from '../../ports.ts'
import { verifyChain } from '../chain.ts'
import { accessToken, audit, jti, newHash, standingClock } from '../contract/samples.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { openSqliteStore } from './sqlite.ts'
import type { WritePoint } from './sqlite-writer.ts'

const directory = mkdtempSync(join(tmpdir(), 'holdfast-faults-'))
after(() => rmSync(directory, { recursive: true }))

let files = 0
const newPath = (): string => join(directory, `${++files}.db`)
const openAt = (path: string, beforeWrite?: WritePoint, onFence?: (fault: Fault) => void): Promise<Store> =>
  openSqliteStore({
    path,
    clock: standingClock,
    ...(beforeWrite && { beforeWrite }),
    ...(onFence && { onFence }),
  })

const list = (request: string): readonly Write[] => [
  jti(newHash()),
  { kind: 'insert-access-token', record: accessToken() },
  audit(request),
]
/** Begin, three writes, commit. */
const pointsOfList = 5

/** An error as the library reports it. */
function sqliteError(errcode: number): Error {
  return Object.assign(new Error('simulated'), { code: 'ERR_SQLITE_ERROR', errcode })
}

/** Fails at the write point counted from when it is armed. */
function failing(errcode: number): {
  readonly beforeWrite: WritePoint
  readonly arm: (point: number) => void
} {
  let left = -1
  return {
    beforeWrite: () => {
      if (left-- === 0) throw sqliteError(errcode)
    },
    arm: point => {
      left = point
    },
  }
}

async function whole(store: Store): Promise<number> {
  const [chain = ''] = await store.listAuditChains()
  const records = await store.readAuditChain(chain, 0, 1000)
  assert.equal(verifyChain(records).intact, true)
  return records.length
}

for (let point = 0; point < pointsOfList; point++) {
  test(`a disk full at write point ${point} acknowledges nothing, and the store goes on when space returns`, async () => {
    const { beforeWrite, arm } = failing(13)
    const store = await openAt(newPath(), beforeWrite)
    await store.commit(list('before'))
    arm(point)
    const writes = list('full')
    await assert.rejects(store.commit(writes), { code: 'store.full' })
    assert.equal((await store.findAudit('full', 9)).length, 0)
    assert.deepEqual(await store.commit(writes), { committed: true })
    assert.equal(await whole(store), 2)
    await store.close()
  })

  test(`a write error at write point ${point} fences the store, and the log recovers it`, async () => {
    const path = newPath()
    const { beforeWrite, arm } = failing(10)
    const fenced: Fault[] = []
    const store = await openAt(path, beforeWrite, fault => fenced.push(fault))
    await store.commit(list('before'))
    arm(point)
    const beside = [store.commit(list('lost')), store.commit(list('lost too'))]
    for (const lost of beside) await assert.rejects(lost, { code: 'store.unavailable' })
    await assert.rejects(store.commit(list('late')), { code: 'store.fenced' })
    await assert.rejects(store.expire(standingClock.now(), 10), { code: 'store.fenced' })
    assert.equal(fenced.length, 1)
    await store.close()
    const again = await openAt(path)
    assert.equal(await whole(again), 1)
    assert.deepEqual(await again.commit(list('after')), { committed: true })
    await again.close()
  })
}

test('a second opener is refused while the first holds the file, and let in after', async () => {
  const path = newPath()
  const first = await openAt(path)
  await assert.rejects(openAt(path), { code: 'store.locked' })
  await first.close()
  await (await openAt(path)).close()
})

test('only the owner may read the store, its log and its lock', async () => {
  const path = newPath()
  writeFileSync(path, '', { mode: 0o644 })
  const store = await openAt(path)
  await store.commit(list('one'))
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.lock`]) {
    assert.equal(statSync(file).mode & 0o777, 0o600, file)
  }
  await store.close()
})

test('every commit is flushed to the disk: journal and synchronous are what they must be', async () => {
  const path = newPath()
  const store = await openAt(path)
  const reader = new DatabaseSync(path, { readOnly: true })
  assert.deepEqual({ ...reader.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' })
  reader.close()
  await store.close()
})

test('a store written by a newer program is not opened', async () => {
  const path = newPath()
  await (await openAt(path)).close()
  const database = new DatabaseSync(path)
  database.exec("update meta set value = '99' where name = 'schema_version'")
  database.close()
  await assert.rejects(openAt(path), { code: 'store.version' })
})

test('the database of another program is not touched', async () => {
  const path = newPath()
  const database = new DatabaseSync(path)
  database.exec('create table theirs (x)')
  database.close()
  await assert.rejects(openAt(path), { code: 'store.foreign' })
})

test('a file that is no database, and one cut short, are refused as corrupt', async () => {
  const text = newPath()
  writeFileSync(text, 'this is not a database, and long enough to be sure of it. '.repeat(400))
  await assert.rejects(openAt(text), { code: 'store.corrupt' })

  const cut = newPath()
  const store = await openAt(cut)
  for (let count = 0; count < 200; count++) void store.commit(list(`r-${count}`))
  await store.close()
  truncateSync(cut, 3 * 8192)
  await assert.rejects(openAt(cut), { code: 'store.corrupt' })
})

test('a store keeps the chain name it was made with', async () => {
  const path = newPath()
  const made = await openSqliteStore({ path, clock: standingClock, chain: 'ours' })
  assert.deepEqual(await made.listAuditChains(), ['ours'])
  await made.close()
  await (await openAt(path)).close()
  await assert.rejects(openSqliteStore({ path, clock: standingClock, chain: 'theirs' }), {
    code: 'store.chain',
  })
})

test('more lists than may wait are refused at once', async () => {
  const store = await openAt(':memory:')
  const waiting = Array.from({ length: 20_000 }, () => store.commit([jti(newHash())]))
  await assert.rejects(store.commit([jti(newHash())]), { code: 'store.overloaded' })
  await Promise.all(waiting)
  await store.close()
})
