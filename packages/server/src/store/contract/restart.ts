import assert from 'node:assert/strict'
import { verifyChain } from '../chain.ts'
import type { ContractCase, Fixture } from '../contract.ts'
import type { Store } from '../store.ts'
import { committed } from './expectations.ts'
import { accessToken, audit, code, grant, jti, key, later, newHash, start, user } from './samples.ts'

async function reopened({ reopen }: Fixture): Promise<Store> {
  assert(reopen !== undefined)
  return reopen()
}

export const restartCases: readonly ContractCase[] = [
  {
    title: 'everything acknowledged is there after a restart, and what was spent stays spent',
    run: async fixture => {
      const [spent, live, seen] = [code(), code(), newHash()]
      const [dead, token] = [grant(), accessToken()]
      await committed(fixture.store, [
        { kind: 'insert-code', record: spent },
        { kind: 'insert-code', record: live },
        { kind: 'insert-grant', record: dead },
        { kind: 'insert-access-token', record: token },
        { kind: 'put-user', record: user('user:a', 'ann') },
        { kind: 'insert-key', record: key('k') },
        { kind: 'raise-revision', from: 0 },
        jti(seen),
        audit('before'),
      ])
      await committed(fixture.store, [
        { kind: 'spend-code', hash: spent.hash, at: later(1) },
        { kind: 'revoke-grant', id: dead.id, at: later(1) },
      ])
      const store = await reopened(fixture)
      assert.equal((await store.findCode(spent.hash))?.spentAt, later(1))
      assert.equal((await store.findCode(live.hash))?.spentAt, undefined)
      assert.equal((await store.findGrant(dead.id))?.revokedAt, later(1))
      assert.notEqual(await store.findAccessToken(token.hash), undefined)
      assert.equal(await store.revision(), 1)
      assert.equal((await store.listUsers(user('user:a', 'ann').issuer)).length, 1)
      assert.equal((await store.commit([jti(seen)])).committed, false)
      const again = await store.commit([{ kind: 'spend-code', hash: spent.hash, at: start }])
      assert.equal(again.committed, false)
      assert.equal((await store.findAudit('before', 9)).length, 1)
    },
  },
  {
    title: 'the epoch stays what it was at the first start',
    run: async fixture => {
      const store = await reopened(fixture)
      assert.equal(store.epoch(), start)
      assert.equal((await store.commit([jti(newHash(), later(-1))])).committed, false)
    },
  },
  {
    title: 'every chain verifies across restarts',
    run: async fixture => {
      await committed(fixture.store, [audit('one'), audit('two')])
      const store = await reopened(fixture)
      await committed(store, [audit('three')])
      let records = 0
      for (const chain of await store.listAuditChains()) {
        const whole = await store.readAuditChain(chain, 0, 100)
        assert.equal(verifyChain(whole).intact, true)
        records += whole.length
      }
      assert.equal(records, 3)
    },
  },
]
