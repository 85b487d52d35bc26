import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { LogoutNoticeRecord } from '../records.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { grant, issuer, later, logoutNotice, newHash, start } from './samples.ts'

const join = (sid: string, clientId: string, seconds = 100): Write => ({
  kind: 'join-session',
  record: { sid, clientId, expiresAt: later(seconds) },
})
const dueIds = async (store: Store, seconds: number, limit = 10): Promise<readonly string[]> =>
  (await store.listDueLogoutNotices(issuer, later(seconds), limit)).map(({ id }) => id)
const claim = ({ id, version }: Pick<LogoutNoticeRecord, 'id' | 'version'>, seconds: number): Write => ({
  kind: 'claim-logout-notice',
  id,
  version,
  at: later(seconds),
  dueAt: later(seconds + 15),
})

export const logoutCases: readonly ContractCase[] = [
  {
    title: 'a session takes along its own grants, and not those with offline access',
    run: async ({ store }) => {
      const [sid, other] = [newHash(), newHash()]
      const bound = { ...grant(), sid }
      const offline = { ...grant(), sid, scopes: ['openid', 'offline_access'] }
      const foreign = { ...grant(), sid: other }
      const dead = { ...grant(), sid }
      for (const record of [bound, offline, foreign, dead])
        await committed(store, [{ kind: 'insert-grant', record }])
      await committed(store, [{ kind: 'revoke-grant', id: dead.id, at: later(-5) }])
      await committed(store, [{ kind: 'revoke-grants-of-session', sid, at: start }])
      assert.equal((await store.findGrant(bound.id))?.revokedAt, start)
      assert.equal((await store.findGrant(offline.id))?.revokedAt, undefined)
      assert.equal((await store.findGrant(foreign.id))?.revokedAt, undefined)
      assert.equal((await store.findGrant(dead.id))?.revokedAt, later(-5))
    },
  },
  {
    title: 'participants are listed by session, once each, and none of a session with a longer id',
    run: async ({ store }) => {
      const sid = newHash()
      await committed(store, [join(sid, 'c_b'), join(sid, 'c_a'), join(`${sid}0`, 'c_c'), join(sid, 'c_a')])
      assert.deepEqual(await store.listParticipants(sid), ['c_a', 'c_b'])
      assert.deepEqual(await store.listParticipants(sid.slice(0, -1)), [])
    },
  },
  {
    title: 'a participant who joins again stays longer, and goes at the end',
    run: async ({ store }) => {
      const sid = newHash()
      await committed(store, [join(sid, 'c_a', 100), join(sid, 'c_b', 100)])
      await committed(store, [join(sid, 'c_a', 200)])
      await store.expire(later(99), 100)
      assert.equal((await store.listParticipants(sid)).length, 2)
      await store.expire(later(100), 100)
      assert.deepEqual(await store.listParticipants(sid), ['c_a'])
      await store.expire(later(200), 100)
      assert.deepEqual(await store.listParticipants(sid), [])
    },
  },
  {
    title:
      'a logout notice is due from its second on, again after a claim that came to nothing, and in order',
    run: async ({ store }) => {
      const first = { ...logoutNotice(), dueAt: later(10) }
      const second = { ...logoutNotice(), dueAt: later(11) }
      for (const record of [second, first]) await committed(store, [{ kind: 'insert-logout-notice', record }])
      assert.deepEqual(await dueIds(store, 9), [])
      await fails(store, 'claim-logout-notice', claim(first, 9))
      const [due] = await store.listDueLogoutNotices(issuer, later(10), 10)
      assert(due !== undefined)
      same(due, first)
      assert.deepEqual(await dueIds(store, 11), [first.id, second.id])
      assert.deepEqual(await dueIds(store, 11, 1), [first.id])
      await committed(store, [claim(first, 11)])
      assert.deepEqual(await dueIds(store, 25), [second.id])
      assert.deepEqual(await dueIds(store, 26), [second.id, first.id])
      const again = (await store.listDueLogoutNotices(issuer, later(26), 10)).find(
        ({ id }) => id === first.id,
      )
      same({ version: again?.version, failures: again?.failures }, { version: 1, failures: 0 })
    },
  },
  {
    title: 'a failed try of a logout notice is counted and put off; a finished one is gone',
    run: async ({ store }) => {
      const record = logoutNotice()
      const { id } = record
      await committed(store, [{ kind: 'insert-logout-notice', record }, claim(record, 0)])
      await committed(store, [{ kind: 'postpone-logout-notice', id, version: 1, dueAt: later(1) }])
      const [due] = await store.listDueLogoutNotices(issuer, later(1), 10)
      same({ version: due?.version, failures: due?.failures }, { version: 2, failures: 1 })
      await committed(store, [claim({ id, version: 2 }, 1)])
      await committed(store, [{ kind: 'finish-logout-notice', id, version: 3 }])
      assert.deepEqual(await dueIds(store, 1000), [])
    },
  },
  {
    title: 'a logout notice past its end is neither due nor kept',
    run: async ({ store }) => {
      const record = { ...logoutNotice(), expiresAt: later(50) }
      await committed(store, [{ kind: 'insert-logout-notice', record }])
      assert.deepEqual(await dueIds(store, 49), [record.id])
      assert.deepEqual(await dueIds(store, 50), [])
      assert.equal(await store.expire(later(49), 100), 0)
      assert.equal(await store.expire(later(50), 100), 1)
    },
  },
]
