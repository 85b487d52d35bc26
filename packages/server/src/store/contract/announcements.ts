import assert from 'node:assert/strict'
import { announcementKeptSeconds } from '../announcements.ts'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed } from './expectations.ts'
import { accessToken, grant, issuer, later, newHash, session, type start } from './samples.ts'

const told = async (store: Store, after = 0): Promise<readonly string[]> =>
  (await store.listRevocations(after, 1000)).map(({ what, key }) => `${what} ${key}`)

export const announcementCases: readonly ContractCase[] = [
  {
    title: 'every way in which access ends is announced with the commit, in order, without a gap',
    run: async ({ store }) => {
      const [one, two, three] = [grant(), { ...grant(), sid: 'sid-7', scopes: ['a'] }, grant()]
      const token = { ...accessToken(), grantId: one.id }
      await committed(store, [
        ...[one, two, three].map((record): Write => ({ kind: 'insert-grant', record })),
        { kind: 'insert-access-token', record: token },
        { kind: 'insert-session', record: session() },
      ])
      assert.deepEqual(await told(store), [])
      const at = later(1)
      await committed(store, [{ kind: 'revoke-access-token', hash: token.hash, at }])
      await committed(store, [
        { kind: 'revoke-grant', id: one.id, at },
        { kind: 'end-grant', id: three.id, at },
        { kind: 'revoke-grants-of-session', sid: 'sid-7', at },
      ])
      const own = { issuer, subject: three.subject }
      const again = grant()
      await committed(store, [{ kind: 'insert-grant', record: { ...again, ...own } }])
      await committed(store, [{ kind: 'revoke-grants-of-subject', ...own, at }])
      const document = {
        documentKind: 'Client',
        issuer,
        name: 'c_1',
        body: '{"spec":{"status":"suspended"}}',
      }
      await committed(store, [{ kind: 'put-document', document }])
      await committed(store, [{ kind: 'put-document', document: { ...document, body: '{"spec":{}}' } }])
      await committed(store, [{ kind: 'delete-document', documentKind: 'Client', issuer, name: 'c_1' }])
      const events = await store.listRevocations(0, 1000)
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        events.map((_, index) => index + 1),
      )
      assert.deepEqual(await told(store), [
        `token ${token.hash}`,
        `grant ${one.id}`,
        `grant ${three.id}`,
        'session sid-7',
        `subject ${issuer}\n${three.subject}`,
        `client ${issuer}\nc_1`,
        `client ${issuer}\nc_1`,
      ])
      assert.equal(JSON.parse(events[0]?.body ?? '').jti, token.jti)
      assert.equal(JSON.parse(events[1]?.body ?? '').txn, one.txn)
      assert.deepEqual(await told(store, 6), [`client ${issuer}\nc_1`])
      assert.deepEqual(
        (await store.listGrantsEndedWithSession('sid-7', '', 10)).map(({ id }) => id),
        [two.id],
      )
      assert.deepEqual(await store.listGrantsEndedWithSession('sid-7', two.id, 10), [])
    },
  },
  {
    title: 'what ended before, and what was undone by a guard, is not announced',
    run: async ({ store }) => {
      const record = grant()
      await committed(store, [{ kind: 'insert-grant', record }])
      const end: Write = { kind: 'revoke-grant', id: record.id, at: later(1) }
      const refused = [end, { kind: 'require-live-grant', id: 'nobody', at: later(1) }] as const
      assert.equal((await store.commit(refused)).committed, false)
      assert.deepEqual(await told(store), [])
      await committed(store, [end])
      await committed(store, [end])
      await committed(store, [{ kind: 'revoke-grant', id: 'nobody', at: later(1) }])
      assert.deepEqual(await told(store), [`grant ${record.id}`])
    },
  },
  {
    title: 'listeners are told after the commit, and no more once they stopped',
    run: async ({ store }) => {
      let heard: () => void = () => {}
      const stop = store.onRevocation(() => heard())
      const record = grant()
      await committed(store, [{ kind: 'insert-grant', record }])
      const hearing = new Promise<void>(resolve => {
        heard = () => void told(store).then(all => all.length > 0 && resolve())
      })
      await committed(store, [{ kind: 'revoke-grant', id: record.id, at: later(1) }])
      await hearing
      stop()
    },
  },
  {
    title: 'an announcement is kept longer than any token lives, then swept',
    run: async ({ store }) => {
      const record = grant()
      await committed(store, [{ kind: 'insert-grant', record }])
      await committed(store, [{ kind: 'revoke-grant', id: record.id, at: later(1) }])
      const [event] = await store.listRevocations(0, 1)
      assert.ok(event)
      const expiry = event.at + announcementKeptSeconds
      await store.expire((expiry - 1) as typeof start, 1000)
      assert.equal((await store.listRevocations(0, 1)).length, 1)
      await store.expire(expiry as typeof start, 1000)
      assert.equal((await store.listRevocations(0, 1)).length, 0)
      const next = { ...grant(), id: newHash() }
      await committed(store, [{ kind: 'insert-grant', record: next }])
      await committed(store, [{ kind: 'revoke-grant', id: next.id, at: later(1) }])
      assert.equal((await store.listRevocations(0, 1))[0]?.sequence, event.sequence + 1)
    },
  },
]
