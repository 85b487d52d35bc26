import assert from 'node:assert/strict'
import type { HandleHash } from '@holdfast/protocol'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { CommitResult, Write } from '../writes.ts'
import { committed, same } from './expectations.ts'
import {
  accessToken,
  backchannelRequest,
  deviceCode,
  grant,
  interaction,
  issuer,
  later,
  newHash,
  pushedRequest,
  session,
  start,
  statusEntry,
} from './samples.ts'

const other = 'https://other.example'
/** Not this issuer, though its name begins like it. */
const longer = `${issuer}/more`
const racers = 16

/** One of each thing that access hangs on. */
function held(of: string) {
  const managed = { id: newHash(), createdAt: start }
  const subject = newHash()
  const own = { issuer: of, hash: newHash(), subject }
  const records = {
    pushed: { ...pushedRequest(), issuer: of, hash: newHash() },
    interaction: { ...interaction(), issuer: of, hash: newHash() },
    session: { ...session(), ...own },
    grant: { ...grant(), issuer: of, subject, managed },
    device: { ...deviceCode(), issuer: of, hash: newHash(), userCodeHash: newHash() },
    asked: { ...backchannelRequest(), ...own },
    token: { ...accessToken(), ...own, grantId: undefined },
  }
  const writes: readonly Write[] = [
    { kind: 'insert-pushed-request', record: records.pushed },
    { kind: 'insert-interaction', record: records.interaction },
    { kind: 'insert-session', record: records.session },
    { kind: 'insert-grant', record: records.grant },
    { kind: 'insert-device-code', record: records.device },
    { kind: 'insert-backchannel-request', record: records.asked },
    { kind: 'insert-access-token', record: records.token },
  ]
  const listed = async (store: Store): Promise<readonly number[]> => [
    (await store.listSessions(of, subject, start, 9)).length,
    (await store.listGrants(of, subject, start, undefined, 9)).length,
    (await store.listWaitingBackchannelRequests(of, subject, start, 9)).length,
  ]
  const ends = async (store: Store): Promise<readonly unknown[]> => {
    const found = await Promise.all([
      store.findPushedRequest(records.pushed.hash),
      store.findInteraction(records.interaction.hash),
      store.findSession(records.session.hash),
      store.findGrant(records.grant.id),
      store.findManagedGrant(managed.id),
      store.findDeviceCode(records.device.hash),
      store.findDeviceCodeByUserCode(records.device.userCodeHash),
      store.findBackchannelRequest(records.asked.hash),
      store.findAccessToken(records.token.hash),
    ])
    return found.map(one => (one === undefined ? 'gone' : one.revokedAt))
  }
  return { records, writes, listed, ends }
}

const all = (value: unknown): readonly unknown[] => Array.from({ length: 9 }, () => value)
const endOf = (of: string, seconds: number): Write => ({
  kind: 'revoke-all-of-issuer',
  issuer: of,
  at: later(seconds),
})

export const issuerRevocationCases: readonly ContractCase[] = [
  {
    title: 'all access of an issuer ends at once, nothing of another one, and what is born after it lives',
    run: async ({ store }) => {
      const before = [issuer, other, longer].map(held)
      for (const { writes } of before) await committed(store, writes)
      await committed(store, [endOf(issuer, 5)])
      const [ended, ...kept] = before
      assert.ok(ended)
      same(await ended.ends(store), all(later(5)))
      same(await ended.listed(store), [0, 0, 0])
      for (const one of kept) {
        same(await one.ends(store), all(undefined))
        same(await one.listed(store), [1, 1, 1])
      }
      const after = held(issuer)
      await committed(store, after.writes)
      same(await after.ends(store), all(undefined))
      same(await after.listed(store), [1, 1, 1])
    },
  },
  {
    title: 'an end is never taken back: not by a repeat, an earlier time, nor one of another issuer',
    run: async ({ store }) => {
      const [first, second] = [held(issuer), held(issuer)]
      await committed(store, first.writes)
      await committed(store, [endOf(issuer, 9)])
      await committed(store, second.writes)
      await committed(store, [endOf(other, 1), endOf(issuer, 3)])
      // The later of the two times is told; both are over, whatever a clock said.
      for (const one of [first, second]) same(await one.ends(store), all(later(9)))
    },
  },
  {
    title: 'what ended by itself keeps the time at which it did',
    run: async ({ store }) => {
      const one = held(issuer)
      await committed(store, one.writes)
      await committed(store, [{ kind: 'revoke-grant', id: one.records.grant.id, at: later(1) }])
      await committed(store, [endOf(issuer, 5)])
      assert.equal((await store.findGrant(one.records.grant.id))?.revokedAt, later(1))
    },
  },
  {
    title: 'the end of an issuer is announced once for each time, by its name',
    run: async ({ store }) => {
      await committed(store, [endOf(issuer, 1), endOf(other, 1)])
      await committed(store, [endOf(issuer, 1)])
      const told = (await store.listRevocations(0, 9)).map(({ what, key }) => [what, key])
      assert.deepEqual(told, [
        ['issuer', issuer],
        ['issuer', other],
        ['issuer', issuer],
      ])
    },
  },
  {
    title: 'tokens of an issuer whose access ended are revoked in its status lists, and later ones are not',
    run: async ({ store }) => {
      const list = 'list-of-tenant'.padEnd(28, '-')
      const place = (index: number, hash: HandleHash, grantId?: string): readonly Write[] => [
        {
          kind: 'insert-access-token',
          record: { ...accessToken(), hash, issuer, grantId },
        },
        {
          kind: 'insert-status-entry',
          record: { ...statusEntry(), issuer, list, index, tokenHash: hash, grantId },
        },
      ]
      const behind = { ...grant(), issuer }
      await committed(store, [
        { kind: 'insert-grant', record: behind },
        ...place(0, newHash()),
        ...place(1, newHash(), behind.id),
      ])
      await committed(store, [endOf(issuer, 5)])
      await committed(store, place(2, newHash()))
      const statuses = await store.listStatuses(issuer, list, start, undefined, 9)
      assert.deepEqual(
        statuses.map(({ isTokenRevoked, grant: one }) => [isTokenRevoked, one?.isLive]),
        [
          [true, undefined],
          [true, false],
          [false, undefined],
        ],
      )
    },
  },
  {
    title: `of ${racers} lists beside the end of everything, none keeps alive what a session gave before it`,
    run: async ({ store }) => {
      for (let round = 0; round < 4; round++) {
        const { records, writes } = held(issuer)
        await committed(store, writes)
        const made: string[] = []
        const consent = (): Promise<CommitResult> => {
          const record = { ...grant(), issuer, id: newHash() }
          made.push(record.id)
          return store.commit([
            { kind: 'touch-session', hash: records.session.hash, idleExpiresAt: later(600) },
            { kind: 'insert-grant', record },
          ])
        }
        const before = Array.from({ length: racers / 2 }, consent)
        const end = store.commit([endOf(issuer, round)])
        const beside = Array.from({ length: racers / 2 }, consent)
        await Promise.all([...before, end, ...beside])
        for (const id of made) {
          const found = await store.findGrant(id)
          assert.ok(found === undefined || found.revokedAt !== undefined, `round ${round}`)
        }
      }
    },
  },
]
