import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { CommitResult, GuardKind, Write } from '../writes.ts'
import { committed } from './expectations.ts'
import { type GuardScenario, guardScenarios } from './guard-scenarios.ts'
import { audit, code, grant, jti, newHash, start } from './samples.ts'

const racers = 16

function raceOf(guard: GuardKind, make: () => GuardScenario): ContractCase {
  return {
    title: `of ${racers} parallel ${guard} exactly one wins, and only its list is there`,
    run: async ({ store }) => {
      const { prepare, attempt } = make()
      await committed(store, prepare)
      const bought = Array.from({ length: racers }, code)
      // What stands before the guard must vanish with it as well.
      const results = await Promise.all(
        bought.map((record, index) =>
          store.commit([
            jti(newHash()),
            { kind: 'insert-code', record },
            attempt(start),
            audit(`race-${index}`),
          ]),
        ),
      )
      const winners = results.flatMap(({ committed }, index) => (committed ? [index] : []))
      assert.equal(winners.length, 1)
      const lost: CommitResult = { committed: false, guard, index: 2 }
      for (const [index, record] of bought.entries()) {
        const isWinner = winners.includes(index)
        if (!isWinner) assert.deepEqual(results[index], lost)
        assert.equal((await store.findCode(record.hash)) !== undefined, isWinner)
        assert.equal((await store.findAudit(`race-${index}`, 9)).length, isWinner ? 1 : 0)
      }
    },
  }
}

export const raceCases: readonly ContractCase[] = [
  ...(Object.entries(guardScenarios) as [GuardKind, () => GuardScenario][])
    .filter(([, make]) => make().isOnce)
    .map(([guard, make]) => raceOf(guard, make)),
  {
    title: `of ${racers} parallel spends of codes by lists that fail later, none keeps the code`,
    run: async ({ store }) => {
      const record = code()
      await committed(store, [{ kind: 'insert-code', record }])
      const spend: Write = { kind: 'spend-code', hash: record.hash, at: start }
      const dead: Write = { kind: 'require-live-grant', id: newHash(), at: start }
      const results = await Promise.all([
        ...Array.from({ length: racers - 1 }, () => store.commit([spend, dead])),
        store.commit([spend]),
      ])
      assert.deepEqual(results.at(-1), { committed: true })
      assert.equal(results.filter(({ committed }) => committed).length, 1)
    },
  },
  {
    title: 'a grant revoked beside lists that require it serves none of those that come after',
    run: async ({ store }) => {
      const record = grant()
      const { id } = record
      await committed(store, [{ kind: 'insert-grant', record }])
      const mint = (): Promise<CommitResult> =>
        store.commit([
          { kind: 'require-live-grant', id, at: start },
          { kind: 'insert-code', record: code() },
        ])
      const before = Array.from({ length: racers }, mint)
      const revoked = store.commit([{ kind: 'revoke-grant', id, at: start }])
      const beside = Array.from({ length: racers }, mint)
      await Promise.all([...before, revoked, ...beside])
      const after = await Promise.all(Array.from({ length: racers }, mint))
      assert.equal(after.filter(({ committed }) => committed).length, 0)
    },
  },
  {
    title: `${racers} parallel uses of a token that does not rotate all pass`,
    run: async ({ store }) => {
      const { prepare, attempt } = guardScenarios['use-refresh-token']()
      await committed(store, prepare)
      await Promise.all(Array.from({ length: racers }, () => committed(store, [attempt(start)])))
    },
  },
]
