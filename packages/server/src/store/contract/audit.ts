import assert from 'node:assert/strict'
import { verifyChain } from '../chain.ts'
import type { ContractCase } from '../contract.ts'
import type { ChainedAuditRecord } from '../records.ts'
import type { Store } from '../store.ts'
import { committed, same } from './expectations.ts'
import { audit, auditRecord, newHash, start } from './samples.ts'

async function wholeChains(store: Store): Promise<readonly (readonly ChainedAuditRecord[])[]> {
  const chains = await store.listAuditChains()
  return Promise.all(chains.map(chain => store.readAuditChain(chain, 0, 1000)))
}

export const auditCases: readonly ContractCase[] = [
  {
    title: 'audit is found by request and by transaction, oldest first, at most as many as asked for',
    run: async ({ store }) => {
      await committed(store, [audit('r-1', 't-1'), audit('r-2', 't-1'), audit('r-3')])
      const found = await store.findAudit('t-1', 10)
      assert.deepEqual(
        found.map(({ requestId }) => requestId),
        ['r-1', 'r-2'],
      )
      const { chain: _, sequence, previousHash: __, hash: ___, ...record } = found[1] as ChainedAuditRecord
      assert.equal(sequence, 2)
      same(record, auditRecord('r-2', 't-1'))
      assert.equal((await store.findAudit('t-1', 1)).length, 1)
      assert.equal((await store.findAudit('r-3', 10)).length, 1)
    },
  },
  {
    title: 'the request that began a transaction is found by its id, once, with what followed under it',
    run: async ({ store }) => {
      await committed(store, [audit('r-4', 'r-4'), audit('r-5', 'r-4')])
      const found = await store.findAudit('r-4', 10)
      assert.deepEqual(
        found.map(({ requestId, txn }) => [requestId, txn]),
        [
          ['r-4', 'r-4'],
          ['r-5', 'r-4'],
        ],
      )
    },
  },
  {
    title: 'the chain is whole: one step per record, none for what was rolled back',
    run: async ({ store }) => {
      const lists = Array.from({ length: 40 }, (_, index) =>
        store.commit([
          audit(`a-${index}`),
          audit(`b-${index}`),
          ...(index % 4 === 1 ? [{ kind: 'spend-code', hash: newHash(), at: start } as const] : []),
        ]),
      )
      await Promise.all(lists)
      await committed(store, [audit('end')])
      const [records = [], ...others] = await wholeChains(store)
      assert.deepEqual(others.flat(), [])
      assert.equal(records.length, 61)
      const verdict = verifyChain(records)
      assert.equal(verdict.intact, true)
      assert.equal(verdict.intact && verdict.head.sequence, 61)
    },
  },
  {
    title: 'a chain is read on from where the reader stopped',
    run: async ({ store }) => {
      await committed(
        store,
        Array.from({ length: 5 }, (_, index) => audit(`r-${index}`)),
      )
      const [chain = ''] = await store.listAuditChains()
      const front = await store.readAuditChain(chain, 0, 2)
      const last = front.at(-1)
      assert(last !== undefined)
      const rest = await store.readAuditChain(chain, last.sequence, 10)
      assert.deepEqual(
        rest.map(({ sequence }) => sequence),
        [3, 4, 5],
      )
      assert.equal(verifyChain(rest, last).intact, true)
      assert.deepEqual(await store.readAuditChain('another', 0, 10), [])
    },
  },
]
