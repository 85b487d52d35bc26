import assert from 'node:assert/strict'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { GuardKind, Write } from '../writes.ts'
import { committed, fails } from './expectations.ts'
import { type GuardScenario, guardScenarios } from './guard-scenarios.ts'
import { code, jti, later, newHash, refreshToken, start } from './samples.ts'

async function passesAt(store: Store, make: () => GuardScenario, at: EpochSeconds): Promise<boolean> {
  const { prepare, attempt } = make()
  await committed(store, prepare)
  return (await store.commit([attempt(at)])).committed
}

function casesOf(guard: GuardKind, make: () => GuardScenario): readonly ContractCase[] {
  return [
    {
      title: `${guard} passes, and fails once spoiled in each way there is`,
      run: async ({ store }) => {
        for (const name of Object.keys(make().spoilers)) {
          // A revision exists once per store: its two cases cannot both start from nought.
          if (guard === 'raise-revision') break
          const { prepare, attempt, spoilers } = make()
          await committed(store, prepare)
          const spoiler = spoilers[name]
          assert(spoiler !== undefined)
          await committed(store, [spoiler])
          await fails(store, guard, attempt(start))
        }
        const { prepare, attempt, isOnce, unknown } = make()
        await committed(store, prepare)
        await committed(store, [attempt(start)])
        if (isOnce) await fails(store, guard, attempt(start))
        else await committed(store, [attempt(start)])
        if (unknown !== undefined) await fails(store, guard, unknown)
      },
    },
    {
      title: `${guard} holds until the second it ends, and not in it`,
      run: async ({ store }) => {
        const { endsAt } = make()
        if (endsAt === undefined) return
        assert.equal(await passesAt(store, make, secondsAfter(endsAt, -1)), true)
        assert.equal(await passesAt(store, make, endsAt), false)
        assert.equal(await passesAt(store, make, secondsAfter(endsAt, 1)), false)
      },
    },
  ]
}

export const guardCases: readonly ContractCase[] = [
  ...(Object.entries(guardScenarios) as [GuardKind, () => GuardScenario][]).flatMap(([guard, make]) =>
    casesOf(guard, make),
  ),
  {
    title: 'a refresh token ends at its absolute expiry though it was used a moment ago',
    run: async ({ store }) => {
      const record = { ...refreshToken(), expiresAt: later(100), idleExpiresAt: later(1000) }
      await committed(store, [{ kind: 'insert-refresh-token', record }])
      const use = (seconds: number): Write => ({
        kind: 'use-refresh-token',
        hash: record.hash,
        at: later(seconds),
        idleExpiresAt: later(2000),
      })
      await committed(store, [use(99)])
      await fails(store, 'use-refresh-token', use(100))
      await fails(store, 'spend-refresh-token', {
        kind: 'spend-refresh-token',
        hash: record.hash,
        at: later(100),
      })
    },
  },
  {
    title: 'a retired refresh token lives to the end of its grace, counted from its first use',
    run: async ({ store }) => {
      const record = refreshToken()
      await committed(store, [{ kind: 'insert-refresh-token', record }])
      const retire = (seconds: number): Write => ({
        kind: 'retire-refresh-token',
        hash: record.hash,
        at: later(seconds),
        graceSeconds: 10,
      })
      await committed(store, [retire(0)])
      await committed(store, [retire(9)])
      await fails(store, 'retire-refresh-token', retire(10))
      assert.equal((await store.findRefreshToken(record.hash))?.retiredAt, start)
    },
  },
  {
    title: 'a proof signed before the store began is refused, one of the same second is not',
    run: async ({ store }) => {
      assert.equal(store.epoch(), start)
      await fails(store, 'remember-jti', jti(newHash(), later(-1)))
      await committed(store, [jti(newHash(), later(0))])
      await committed(store, [jti(newHash(), later(1))])
    },
  },
  {
    title: 'a commit that comes too late to remember a proof is refused, as after a pause of the process',
    run: async ({ store }) => {
      await fails(store, 'remember-jti', jti(newHash(), start, later(0)))
      await committed(store, [jti(newHash(), start, later(1))])
    },
  },
  {
    title: 'a proof refused for its age leaves nothing behind, and nothing of its list',
    run: async ({ store }) => {
      const [key, record] = [newHash(), code()]
      const refused = await store.commit([
        { kind: 'insert-code', record },
        jti(key, later(-1)),
        jti(newHash()),
      ])
      assert.deepEqual(refused, { committed: false, guard: 'remember-jti', index: 1 })
      assert.equal(await store.findCode(record.hash), undefined)
      await committed(store, [jti(key)])
    },
  },
  {
    title: 'the first guard of the list that fails is the one named',
    run: async ({ store }) => {
      const seen = newHash()
      await committed(store, [jti(seen)])
      const spend: Write = { kind: 'spend-code', hash: newHash(), at: start }
      assert.deepEqual(await store.commit([jti(newHash()), spend, jti(seen)]), {
        committed: false,
        guard: 'spend-code',
        index: 1,
      })
      assert.deepEqual(await store.commit([jti(seen), spend]), {
        committed: false,
        guard: 'remember-jti',
        index: 0,
      })
    },
  },
]
