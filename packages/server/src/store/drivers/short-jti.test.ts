import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { hashOfJti } from '../../data/handle.ts'
import { later, standingClock, start } from '../contract/samples.ts'
import { sqliteDialect } from '../migrations/dialect.ts'
import { metaTable, migrations } from '../migrations/index.ts'
import type { Write } from '../writes.ts'
import { openSqliteStore } from './sqlite.ts'

/** The last version whose replay memory kept whole keys. */
const before = 16

/** A file as that version left it, with what it remembers. */
function oldStore(path: string, keys: readonly string[]): void {
  const database = new DatabaseSync(path)
  database.exec(metaTable(sqliteDialect))
  for (const migration of migrations.slice(0, before))
    for (const text of migration.statements(sqliteDialect)) database.exec(text)
  database.exec(
    `insert into meta values ('schema_version', '${before}'), ('epoch', '${start - 600}'), ('chain', 'old');
    pragma application_id = ${0x48465354}`,
  )
  for (const key of keys) database.prepare('insert into jtis values (?, ?)').run(key, later(100))
  database.close()
}

function remembering(jti: string): Write & { readonly kind: 'remember-jti' } {
  const parts = ['thumbprint', 'https://issuer.example/token', jti]
  const key = hashOfJti('dpop-proof', 'https://issuer.example', start, parts)
  return { kind: 'remember-jti', what: 'dpop-proof', key, issuedAt: start, expiresAt: later(100) }
}

async function withFile(work: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-jtis-'))
  try {
    await work(join(directory, 'store.db'))
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('a proof that was spent before the upgrade is refused after it, and a new one is not', async () => {
  await withFile(async path => {
    const seen = Array.from({ length: 50 }, () => remembering(randomBytes(16).toString('base64url')))
    oldStore(
      path,
      seen.map(({ key }) => key),
    )
    const store = await openSqliteStore({ path, clock: standingClock })
    for (const write of seen)
      assert.deepEqual(await store.commit([write]), { committed: false, guard: 'remember-jti', index: 0 })
    assert.deepEqual(await store.commit([remembering('new')]), { committed: true })
    assert.deepEqual(await store.commit([remembering('new')]), {
      committed: false,
      guard: 'remember-jti',
      index: 0,
    })
    await store.close()
  })
})

test('the upgrade keeps one of two keys that begin alike, for as long as the longer of them', async () => {
  await withFile(async path => {
    const { key } = remembering('twin')
    oldStore(path, [key])
    const database = new DatabaseSync(path)
    database.prepare('insert into jtis values (?, ?)').run(`${key.slice(0, 28)}${'z'.repeat(21)}`, later(200))
    database.close()
    const store = await openSqliteStore({ path, clock: standingClock })
    assert.deepEqual((await store.commit([remembering('twin')])).committed, false)
    await store.close()
    const after = new DatabaseSync(path)
    assert.deepEqual(
      after
        .prepare('select key, expires_at from jtis')
        .all()
        .map(row => ({ ...row })),
      [{ key: key.slice(0, 28), expires_at: later(200) }],
    )
    after.close()
  })
})

test('what is kept of a key is its time and 132 bits of its digest', async () => {
  await withFile(async path => {
    const store = await openSqliteStore({ path, clock: { ...standingClock, now: () => start } })
    const write = remembering('one')
    assert.deepEqual(await store.commit([write]), { committed: true })
    // One character before the cut differs: another proof. One after it: refused, though it never was seen.
    const other = (place: number): Write => {
      const letter = write.key.charAt(place) === 'a' ? 'b' : 'a'
      const key = `${write.key.slice(0, place)}${letter}${write.key.slice(place + 1)}`
      return { ...write, key: key as typeof write.key }
    }
    assert.equal((await store.commit([other(27)])).committed, true)
    assert.equal((await store.commit([other(28)])).committed, false)
    await store.close()
  })
})
