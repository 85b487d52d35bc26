import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import { systemClock } from '../../clock.ts'
import type { AuthenticatorRecord, UserRecord } from '../records.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { RememberedRows } from './remembered-rows.ts'
import { openSqliteStore } from './sqlite.ts'

const issuer = 'https://as.example'
const alice: UserRecord = {
  issuer,
  subject: 'u_alice',
  username: 'alice',
  passwordHash: 'fake',
  claims: {},
  status: 'active',
}
const key: AuthenticatorRecord = {
  kind: 'passkey',
  id: 'key' as HandleHash,
  issuer,
  subject: 'u_alice',
  credentialId: 'c',
  publicKey: 'k',
  transports: [],
  name: 'blue',
  createdAt: 1 as EpochSeconds,
}
const addKey: Write = { kind: 'insert-authenticator', record: key, counter: 0, ofUserMax: 10 }

async function opened(): Promise<Store & AsyncDisposable> {
  const store = await openSqliteStore({ path: ':memory:', clock: systemClock })
  return { ...store, [Symbol.asyncDispose]: store.close }
}

describe('remembered answers of the embedded store', () => {
  it('end with every write that concerns them: a user disabled, renamed, gone and back again', async () => {
    await using store = await opened()
    const found = (): Promise<UserRecord | undefined> => store.findUserBySubject(issuer, 'u_alice')
    assert.equal(await found(), undefined)
    await store.commit([{ kind: 'insert-user', record: alice }])
    assert.deepEqual(await found(), alice)
    for (const record of [{ ...alice, status: 'disabled' } as const, { ...alice, username: 'alison' }]) {
      await store.commit([{ kind: 'put-user', record }])
      assert.deepEqual(await found(), record)
      assert.deepEqual(await found(), record)
    }
    await store.commit([{ kind: 'delete-user', issuer, subject: 'u_alice' }])
    assert.equal(await found(), undefined)
  })

  it('hold what a list that was rolled back left, whoever shared its commit', async () => {
    await using store = await opened()
    const disabled = { ...alice, status: 'disabled' } as const
    await store.commit([{ kind: 'put-user', record: alice }, addKey])
    assert.equal((await store.findUserBySubject(issuer, 'u_alice'))?.status, 'active')
    const [failed, kept] = await Promise.all([
      store.commit([{ kind: 'put-user', record: disabled }, addKey]),
      store.commit([{ kind: 'use-authenticator', id: key.id, counter: 7, at: 5 as EpochSeconds }]),
    ])
    assert.deepEqual([failed?.committed, kept?.committed], [false, true])
    assert.equal((await store.findUserBySubject(issuer, 'u_alice'))?.status, 'active')
    assert.equal((await store.listAuthenticators(issuer, 'u_alice'))[0]?.counter, 7)
  })

  it('follow what a user signs in with', async () => {
    await using store = await opened()
    const listed = async (): Promise<readonly number[]> =>
      (await store.listAuthenticators(issuer, 'u_alice')).map(({ counter }) => counter)
    await store.commit([{ kind: 'put-user', record: alice }])
    assert.deepEqual(await listed(), [])
    await store.commit([addKey])
    assert.deepEqual(await listed(), [0])
    await store.commit([{ kind: 'use-authenticator', id: key.id, counter: 3, at: 5 as EpochSeconds }])
    assert.deepEqual(await listed(), [3])
    await store.commit([{ kind: 'delete-authenticator', id: key.id }])
    assert.deepEqual(await listed(), [])
  })

  it('are nobody else’s: neither by another question nor by values that read alike', () => {
    const rows = new RememberedRows()
    rows.remember('find-user-by-subject', ['a', 'b 1:c'], [{ body: '1' }])
    assert.equal(rows.recall('find-user-by-subject', ['a 5:b', 'c']), undefined)
    assert.equal(rows.recall('list-authenticators', ['a', 'b 1:c']), undefined)
    assert.deepEqual(rows.recall('find-user-by-subject', ['a', 'b 1:c']), [{ body: '1' }])
    rows.remember('find-grant', ['g'], [{ body: '2' }])
    assert.equal(rows.recall('find-grant', ['g']), undefined)
  })

  it('are bounded', () => {
    const rows = new RememberedRows()
    for (let user = 0; user <= 10_000; user++) rows.remember('list-authenticators', [`u${user}`], [])
    assert.equal(rows.recall('list-authenticators', ['u0']), undefined)
    assert.deepEqual(rows.recall('list-authenticators', ['u10000']), [])
  })
})
