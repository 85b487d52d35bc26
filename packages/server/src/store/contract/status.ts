import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { AccessTokenRecord, SaidRights, StatusEntryRecord } from '../records.ts'
import type { StatusStanding, Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed, same } from './expectations.ts'
import { accessToken, audit, grant, issuer, later, start, statusEntry, user } from './samples.ts'

/** A token in a list of its own, and the writes that put it there. */
function listed(more: Partial<StatusEntryRecord> = {}): {
  readonly entry: StatusEntryRecord
  readonly token: AccessTokenRecord
  readonly writes: readonly Write[]
} {
  const token = accessToken()
  const entry = { ...statusEntry(), tokenHash: token.hash, ...more }
  return {
    entry,
    token,
    writes: [
      { kind: 'insert-access-token', record: token },
      { kind: 'insert-status-entry', record: entry },
    ],
  }
}

const newList = (): string => statusEntry().list

const statusesOf = (store: Store, list: string, at = start): Promise<readonly StatusStanding[]> =>
  store.listStatuses(issuer, list, at, undefined, 99)

export const statusCases: readonly ContractCase[] = [
  {
    title: 'a place of a status list is given once: the second token in it fails with all of its list',
    run: async ({ store }) => {
      const { entry, writes } = listed()
      await committed(store, writes)
      const other = accessToken()
      const again = { ...entry, tokenHash: other.hash }
      await assert.rejects(
        store.commit([
          { kind: 'insert-access-token', record: other },
          { kind: 'insert-status-entry', record: again },
          audit('second in its place'),
        ]),
        { code: 'store.conflict' },
      )
      assert.equal(await store.findAccessToken(other.hash), undefined)
      assert.deepEqual(await store.findAudit('second in its place', 9), [])
      assert.equal((await statusesOf(store, entry.list)).length, 1)
    },
  },
  {
    title: 'of 16 parallel tokens in one place of a status list exactly one is there',
    run: async ({ store }) => {
      const list = newList()
      const results = await Promise.allSettled(
        Array.from({ length: 16 }, () => store.commit(listed({ list }).writes)),
      )
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
      assert.equal((await statusesOf(store, list)).length, 1)
    },
  },
  {
    title: 'a status list has its own entries, with what their tokens hang on',
    run: async ({ store }) => {
      const held = grant()
      const ended = grant()
      const subject = held.subject
      const list = newList()
      const plain = listed({ list, index: 131_071 })
      const granted = listed({ list, index: 0, grantId: held.id, subject })
      const revoked = listed({ list, index: 10, grantId: ended.id, subject })
      const neighbour = listed({ list: `${list.slice(0, -1)}~` })
      const foreign = listed({ list, index: 11, issuer: 'https://other.example' })
      await committed(store, [
        { kind: 'insert-grant', record: held },
        { kind: 'insert-grant', record: ended },
        { kind: 'put-user', record: user(subject, 'ann') },
        ...[plain, granted, revoked, neighbour, foreign].flatMap(({ writes }) => writes),
      ])
      const at = later(1)
      await committed(store, [
        { kind: 'revoke-grant', id: ended.id, at },
        { kind: 'revoke-access-token', hash: plain.entry.tokenHash, at },
      ])
      const shared = { alg: 'ES256', clientId: 'client-1', subject, expiresAt: later(300) }
      const { said } = statusEntry()
      const standing = { id: held.id, isLive: true, clientId: held.clientId, isUserActive: true }
      same(await statusesOf(store, list, at), [
        { ...shared, index: 0, isTokenRevoked: false, said, grant: standing },
        {
          ...{ ...shared, index: 10, isTokenRevoked: false, said },
          grant: { ...standing, id: ended.id, isLive: false },
        },
        { ...shared, index: 131_071, isTokenRevoked: true, said },
      ])
      // At the end of its grant, not before.
      const isLiveAt = async (seconds: number): Promise<unknown> =>
        (await statusesOf(store, list, later(seconds)))[0]?.grant?.isLive
      assert.deepEqual(await Promise.all([86_399, 86_400].map(isLiveAt)), [true, false])
      assert.deepEqual(await statusesOf(store, newList(), at), [])
    },
  },
  {
    title:
      'a status list tells what each token says, out of its entry, and the same object where it is the same',
    run: async ({ store }) => {
      const list = newList()
      const plain: SaidRights = { audience: ['https://api.example'], scopes: ['openid', 'pay'] }
      const detailed: SaidRights = {
        ...plain,
        authorizationDetails: [{ type: 'payment', amount: '1.50', to: 'Zoë \u{1f9fe}' }],
      }
      const all = [plain, detailed, { ...plain }, { ...plain, scopes: ['pay', 'openid'] }, { ...detailed }]
      for (const [index, said] of all.entries()) await committed(store, listed({ list, index, said }).writes)
      const told = (await statusesOf(store, list)).map(({ said }) => said)
      assert.deepEqual(told, all)
      assert.equal(told[2], told[0])
      assert.equal(told[4], told[1])
    },
  },
  {
    title: 'a status list is told in pages, each entry once, whatever comes in meanwhile',
    run: async ({ store }) => {
      const list = newList()
      const indexes = [131_071, 9, 0, 10, 100, 1, 99]
      for (const index of indexes) await committed(store, listed({ list, index }).writes)
      await committed(store, listed({ list: `${list.slice(0, -1)}~` }).writes)
      const pageAfter = async (after: number | undefined): Promise<readonly number[]> =>
        (await store.listStatuses(issuer, list, start, after, 3)).map(({ index }) => index)
      const first = await pageAfter(undefined)
      const second = await pageAfter(first.at(-1))
      await committed(store, listed({ list, index: 13 }).writes)
      const third = await pageAfter(second.at(-1))
      assert.deepEqual([first.length, second.length], [3, 3])
      const all = [...first, ...second, ...third].filter(index => index !== 13)
      const ascending = (a: number, b: number): number => a - b
      assert.deepEqual(all.toSorted(ascending), indexes.toSorted(ascending))
      assert.deepEqual(await pageAfter(third.at(-1)), [])
    },
  },
  {
    title: 'a status list sees a user who is disabled, whatever the claims hold, and one who is gone',
    run: async ({ store }) => {
      const held = grant()
      const { entry, writes } = listed({ grantId: held.id, subject: held.subject })
      const isActive = async (): Promise<unknown> =>
        (await statusesOf(store, entry.list))[0]?.grant?.isUserActive
      const ann = user(held.subject, 'ann')
      await committed(store, [{ kind: 'insert-grant', record: held }, ...writes])
      assert.equal(await isActive(), false)
      for (const status of ['active', 'disabled', 'active'] as const)
        for (const pretended of ['active', 'disabled']) {
          const record = { ...ann, status, claims: { note: { status: pretended } } }
          await committed(store, [{ kind: 'put-user', record }])
          assert.equal(await isActive(), status === 'active', `${status}, and says ${pretended}`)
        }
      await committed(store, [{ kind: 'delete-user', issuer, subject: held.subject }])
      assert.equal(await isActive(), false)
    },
  },
]
