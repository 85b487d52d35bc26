import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { backchannelRequest, issuer, later, newHash, ping, start } from './samples.ts'

const untouched = { spentAt: undefined, revokedAt: undefined }
const undecided = { ...untouched, polledAt: undefined, grantId: undefined, deniedAt: undefined }

const waiting = async (
  store: Store,
  subject: string,
  seconds: number,
  limit = 9,
): Promise<readonly string[]> =>
  (await store.listWaitingBackchannelRequests(issuer, subject, later(seconds), limit)).map(({ hash }) => hash)

export const backchannelCases: readonly ContractCase[] = [
  {
    title: 'a backchannel request comes back with its polls and what the user decided',
    run: async ({ store }) => {
      const [one, two] = [backchannelRequest(), backchannelRequest()]
      const at = later(7)
      const { hash } = one
      await committed(store, [
        { kind: 'insert-backchannel-request', record: one },
        { kind: 'insert-backchannel-request', record: two },
      ])
      same(await store.findBackchannelRequest(hash), { ...one, ...undecided })
      assert.equal(await store.findBackchannelRequest(newHash()), undefined)
      const poll = { kind: 'poll-backchannel-request', hash, intervalSeconds: 10 } as const
      await committed(store, [
        { ...poll, at, binding: 'jkt:one' },
        { ...poll, at: later(9), binding: 'jkt:other' },
        { kind: 'approve-backchannel-request', hash, grantId: 'grant-1', at },
        { kind: 'spend-backchannel-request', hash, at, binding: 'jkt:one' },
        { kind: 'deny-backchannel-request', hash: two.hash, at },
      ])
      same(await store.findBackchannelRequest(hash), {
        ...{ ...one, ...undecided },
        ...{ polledAt: later(9), intervalSeconds: 10, binding: 'jkt:one', grantId: 'grant-1', spentAt: at },
      })
      assert.equal((await store.findBackchannelRequest(two.hash))?.deniedAt, at)
    },
  },
  {
    title: 'what waits for a user is theirs, of their issuer, undecided, in time, and no more than asked for',
    run: async ({ store }) => {
      const subject = newHash()
      const records = Array.from({ length: 4 }, () => ({ ...backchannelRequest(), subject }))
      const [first, second, third, fourth] = records
      assert(first && second && third && fourth)
      const others = [
        { ...backchannelRequest(), subject: newHash() },
        { ...backchannelRequest(), subject, issuer: 'https://other.example' },
      ]
      for (const record of [...records, ...others])
        await committed(store, [{ kind: 'insert-backchannel-request', record }])
      await committed(store, [
        { kind: 'approve-backchannel-request', hash: first.hash, grantId: 'g', at: start },
        { kind: 'deny-backchannel-request', hash: second.hash, at: start },
      ])
      assert.deepEqual(await waiting(store, subject, 299), [third.hash, fourth.hash])
      assert.deepEqual(await waiting(store, subject, 299, 1), [third.hash])
      assert.deepEqual(await waiting(store, subject, 300), [])
    },
  },
  {
    title: 'a prompt is taken until its last second, then by the next, and freed only by who has it',
    run: async ({ store }) => {
      const [key, one, two] = [newHash(), newHash(), newHash()]
      const take = (holder: typeof one, seconds: number): Write => ({
        kind: 'take-prompt',
        key,
        holder,
        at: later(seconds),
        until: later(seconds + 100),
      })
      const free = (holder: typeof one): Write => ({ kind: 'free-prompt', key, holder })
      assert.equal(await store.findPrompt(key, start), undefined)
      await committed(store, [take(one, 0)])
      assert.equal(await store.findPrompt(key, later(99)), one)
      assert.equal(await store.findPrompt(key, later(100)), undefined)
      await fails(store, 'take-prompt', take(two, 99))
      await committed(store, [take(two, 100)])
      await committed(store, [free(one)])
      assert.equal(await store.findPrompt(key, later(199)), two)
      await committed(store, [free(two)])
      assert.equal(await store.findPrompt(key, later(100)), undefined)
      await committed(store, [take(one, 100)])
      assert.equal(await store.expire(later(199), 100), 0)
      assert.equal(await store.expire(later(200), 100), 1)
    },
  },
  {
    title: 'a ping is due from its second on, again after a claim that came to nothing, and gone at its end',
    run: async ({ store }) => {
      const record = { ...ping(), dueAt: later(10) }
      const { id } = record
      const due = async (seconds: number) => await store.listDuePings(issuer, later(seconds), 9)
      const claim = (version: number, seconds: number): Write => ({
        ...{ kind: 'claim-ping', id, version, at: later(seconds), dueAt: later(seconds + 15) },
      })
      await committed(store, [{ kind: 'insert-ping', record }])
      assert.deepEqual(await due(9), [])
      same(await due(10), [record])
      await committed(store, [claim(0, 10)])
      assert.deepEqual(await due(24), [])
      assert.equal((await due(25))[0]?.version, 1)
      await committed(store, [{ kind: 'postpone-ping', id, version: 1, dueAt: later(30) }])
      same(
        (await due(30)).map(({ version, failures }) => [version, failures]),
        [[2, 1]],
      )
      assert.deepEqual(await due(600), [])
      assert.equal(await store.expire(later(599), 100), 0)
      assert.equal(await store.expire(later(600), 100), 1)
    },
  },
]
