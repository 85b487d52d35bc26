import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { grant, issuer, later, newHash, session, standingClock, start } from '../contract/samples.ts'
import { beforeAnyEnding, changesEndings } from '../issuer-revocations.ts'
import { statements } from '../statements.ts'
import type { Write } from '../writes.ts'
import { openSqliteStore } from './sqlite.ts'

const end: Write = { kind: 'revoke-all-of-issuer', issuer, at: later(5) }

test('where no issuer ended, only questions that name the issuer look for an ending', () => {
  const looking = Object.entries(statements)
    .filter(([, text]) => beforeAnyEnding(text).includes('issuer_revocations'))
    .map(([name]) => name)
  assert.deepEqual(looking.sort(), [
    'find-issuer-revocation',
    'list-grants',
    'list-sessions',
    'list-statuses',
    'list-waiting-backchannel-requests',
    'revoke-all-of-issuer',
  ])
})

test('the one statement that writes endings is known as such', () => {
  const changing = Object.entries(statements).filter(([, text]) => changesEndings(text))
  assert.deepEqual(
    changing.map(([name]) => name),
    ['revoke-all-of-issuer'],
  )
})

test('the first ending is seen by what was asked and written before, in its own commit and after it', async () => {
  const store = await openSqliteStore({ path: ':memory:', clock: standingClock })
  const [held, born] = [grant(), { ...grant(), id: newHash() }]
  const signedIn = session()
  await store.commit([
    { kind: 'insert-grant', record: held },
    { kind: 'insert-session', record: signedIn },
    { kind: 'require-live-grant', id: held.id, at: start },
    { kind: 'touch-session', hash: signedIn.hash, idleExpiresAt: later(60) },
  ])
  assert.equal((await store.findGrant(held.id))?.revokedAt, undefined)
  // A list that fails after the ending ends nothing, and what shared its commit lives.
  const [failed, kept] = await Promise.all([
    store.commit([end, { kind: 'spend-code', hash: newHash(), at: start }]),
    store.commit([{ kind: 'require-live-grant', id: held.id, at: start }]),
  ])
  assert.deepEqual([failed?.committed, kept?.committed], [false, true])
  assert.equal((await store.findGrant(held.id))?.revokedAt, undefined)

  assert.deepEqual(await store.commit([end, { kind: 'insert-grant', record: born }]), { committed: true })
  assert.equal((await store.findGrant(held.id))?.revokedAt, later(5))
  assert.equal((await store.findGrant(born.id))?.revokedAt, undefined)
  for (const write of [
    { kind: 'require-live-grant', id: held.id, at: start },
    { kind: 'touch-session', hash: signedIn.hash, idleExpiresAt: later(90) },
  ] as const)
    assert.deepEqual(await store.commit([write]), { committed: false, guard: write.kind, index: 0 })
  await store.close()
})

test('an ending of before a restart is still looked for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-endings-'))
  const path = join(directory, 'store.db')
  const held = grant()
  const first = await openSqliteStore({ path, clock: standingClock })
  await first.commit([{ kind: 'insert-grant', record: held }])
  await first.commit([end])
  await first.close()
  const second = await openSqliteStore({ path, clock: standingClock })
  assert.equal((await second.findGrant(held.id))?.revokedAt, later(5))
  const required = await second.commit([{ kind: 'require-live-grant', id: held.id, at: start }])
  assert.equal(required.committed, false)
  await second.close()
  await rm(directory, { recursive: true })
})
