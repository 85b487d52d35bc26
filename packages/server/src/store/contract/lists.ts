import assert from 'node:assert/strict'
import type { EpochSeconds } from '@holdfast/protocol'
import type { ContractCase } from '../contract.ts'
import type { Write } from '../writes.ts'
import { committed } from './expectations.ts'
import { accessToken, audit, code, jti, newHash, session, start } from './samples.ts'

const dead = (): Write => ({ kind: 'spend-code', hash: newHash(), at: start })

export const listCases: readonly ContractCase[] = [
  {
    title: 'an empty list is committed',
    run: async ({ store }) => committed(store, []),
  },
  {
    title: 'a guard that fails last undoes everything before it, the audit record too',
    run: async ({ store }) => {
      const [token, seen, known] = [accessToken(), newHash(), session()]
      const writes: readonly Write[] = [
        jti(seen),
        { kind: 'insert-access-token', record: token },
        { kind: 'insert-session', record: known },
        audit('undone'),
      ]
      const guard = { committed: false, guard: 'spend-code', index: 4 }
      assert.deepEqual(await store.commit([...writes, dead()]), guard)
      assert.equal(await store.findAccessToken(token.hash), undefined)
      assert.equal(await store.findSession(known.hash), undefined)
      assert.deepEqual(await store.findAudit('undone', 9), [])
      await committed(store, writes)
    },
  },
  {
    title: 'lists of one turn share a flush and nothing else: those that fail take none with them',
    run: async ({ store }) => {
      const records = Array.from({ length: 48 }, code)
      const results = await Promise.all(
        records.map((record, index) =>
          store.commit([
            { kind: 'insert-code', record },
            audit(`turn-${index}`),
            ...(index % 3 === 0 ? [dead()] : []),
          ]),
        ),
      )
      for (const [index, record] of records.entries()) {
        const stays = index % 3 !== 0
        assert.equal(results[index]?.committed, stays)
        assert.equal((await store.findCode(record.hash)) !== undefined, stays)
      }
    },
  },
  {
    title: 'a list with a key that exists fails alone',
    run: async ({ store }) => {
      const records = Array.from({ length: 8 }, code)
      const twice = records[3]
      assert(twice !== undefined)
      await committed(store, [{ kind: 'insert-code', record: twice }])
      const results = await Promise.allSettled(
        records.map(record => store.commit([{ kind: 'insert-code', record }, audit('conflict')])),
      )
      const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))
      assert.deepEqual(failed, [3])
      assert.equal((await store.findAudit('conflict', 99)).length, 7)
    },
  },
  {
    title: 'a list that cannot be stored fails alone',
    run: async ({ store }) => {
      const odd = { ...code(), expiresAt: Number.NaN as EpochSeconds }
      const results = await Promise.allSettled([
        store.commit([audit('beside')]),
        store.commit([audit('odd'), { kind: 'insert-code', record: odd }]),
        store.commit([audit('beside')]),
      ])
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.equal((await store.findAudit('beside', 9)).length, 2)
      assert.equal((await store.findAudit('odd', 9)).length, 0)
    },
  },
  {
    title: 'a list sees what the list before it in the same turn did',
    run: async ({ store }) => {
      const record = code()
      const results = await Promise.all([
        store.commit([{ kind: 'insert-code', record }]),
        store.commit([{ kind: 'spend-code', hash: record.hash, at: start }]),
        store.commit([{ kind: 'spend-code', hash: record.hash, at: start }]),
      ])
      assert.deepEqual(
        results.map(({ committed }) => committed),
        [true, true, false],
      )
    },
  },
  {
    title: 'more lists than one transaction serves are all served',
    run: async ({ store }) => {
      const lists = Array.from({ length: 600 }, (_, index) =>
        store.commit([jti(newHash()), audit(`many-${index}`)]),
      )
      const results = await Promise.all(lists)
      assert.equal(results.filter(({ committed }) => committed).length, 600)
      assert.equal((await store.findAudit('many-599', 9)).length, 1)
    },
  },
  {
    title: 'a closed store commits nothing more, and says so',
    run: async ({ store }) => {
      const last = store.commit([audit('last')])
      await store.close()
      assert.deepEqual(await last, { committed: true })
      await assert.rejects(store.commit([audit('late')]), { code: 'store.closed' })
    },
  },
]
