import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrations, migrationsAfter, schemaVersion } from './index.ts'

test('migrations are numbered by their place, without gap', () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  )
})

test('a new store takes every step, an old one those it lacks, a current one none', () => {
  assert.deepEqual(migrationsAfter(0), migrations)
  assert.deepEqual(migrationsAfter(schemaVersion), [])
  const [one] = migrations
  assert(one !== undefined)
  const two = { ...one, version: 2 }
  assert.deepEqual(migrationsAfter(1, [one, two]), [two])
})

test('a version from the future, or none at all, is refused and not guessed at', () => {
  for (const version of [schemaVersion + 1, -1, 0.5, Number.NaN]) {
    assert.throws(() => migrationsAfter(version), { code: 'store.version' })
  }
})
