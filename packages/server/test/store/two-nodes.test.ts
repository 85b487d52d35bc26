import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { verifyChain } from '../../src/store/chain.ts'
import { committed } from '../../src/store/contract/expectations.ts'
import { oneTimeScenarios } from '../../src/store/contract/one-time-scenarios.ts'
import {
  code,
  grant,
  jti,
  later,
  newHash,
  session,
  standingClock,
  start,
} from '../../src/store/contract/samples.ts'
import { openPostgresStore } from '../../src/store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../../src/store/drivers/postgres-for-tests.ts'
import type { Store } from '../../src/store/store.ts'
import type { Write } from '../../src/store/writes.ts'
import type { Order, Report } from './race-child.ts'

const child = fileURLToPath(new URL('race-child.ts', import.meta.url))
/** More by hand: `HOLDFAST_RACE_ROUNDS=500`. */
const rounds = Number(process.env.HOLDFAST_RACE_ROUNDS ?? 12)
const triesEach = 32

describe('two processes over one PostgreSQL', { skip: await postgresAbsence() }, () => {
  const schema = newSchema()
  let nodes: readonly ChildProcess[] = []
  let store: Store
  let round = 0

  before(async () => {
    store = await openPostgresStore({ connectionString: testConnectionString, schema, clock: standingClock })
    nodes = ['a', 'b'].map(node => fork(child, [testConnectionString, schema, node]))
    await Promise.all(nodes.map(node => once(node, 'message')))
  })
  after(async () => {
    await store?.close()
    await Promise.all(
      (nodes ?? []).map(node => {
        const ended = once(node, 'exit')
        node.disconnect()
        return ended
      }),
    )
    await dropSchema(schema)
  })

  async function race(writes: readonly Write[], turnsSecond = false): Promise<void> {
    round++
    const reports = await Promise.all(
      nodes.map(async (node, index): Promise<Report> => {
        const answer = once(node, 'message')
        const order: Order = { round, writes, tries: triesEach, isTurned: turnsSecond && index === 1 }
        node.send(order)
        const [report] = await answer
        return report as Report
      }),
    )
    assert.deepEqual(
      reports.flatMap(({ faults }) => faults),
      [],
    )
    const wins = reports.reduce((sum, report) => sum + report.wins, 0)
    assert.equal(wins, 1, `round ${round}`)
    assert.equal((await store.findAudit(`round-${round}`, 99)).length, 1)
  }

  for (const [name, make] of Object.entries(oneTimeScenarios))
    test(`of 64 simultaneous ${name} by two processes exactly one wins, in each of ${rounds} rounds`, async () => {
      for (let count = 0; count < rounds; count++) {
        const { prepare, attempt } = make()
        if (prepare.length > 0) await committed(store, prepare)
        const once = attempt(start)
        // The one thing of which a store has one: each round is about the next.
        await race([once.kind === 'raise-revision' ? { ...once, from: await store.revision() } : once])
      }
    })

  test(`of 64 presentations of one authorization grant to two processes exactly one makes a grant, in each of ${rounds} rounds`, async () => {
    for (let count = 0; count < rounds; count++)
      await race([jti(newHash()), { kind: 'insert-grant', record: grant() }])
  })

  test(`of 64 replacements of one grant by two processes exactly one wins, in each of ${rounds} rounds`, async () => {
    for (let count = 0; count < rounds; count++) {
      const record = { ...grant(), managed: { id: newHash(), createdAt: start } }
      await store.commit([{ kind: 'insert-grant', record }])
      const next = { ...record, id: newHash() }
      await race([
        { kind: 'end-grant', id: record.id, at: start },
        { kind: 'insert-grant', record: next },
      ])
      assert.equal((await store.findManagedGrant(record.managed.id))?.id, next.id)
    }
  })

  test('a grant that a session gives while all access of its issuer ends on another node ends with it', async () => {
    const other = await openPostgresStore({
      ...{ connectionString: testConnectionString, schema, clock: standingClock },
      node: 'other',
    })
    const [held, between, given] = [session(), grant(), grant()]
    await committed(store, [
      { kind: 'insert-session', record: held },
      { kind: 'insert-grant', record: between },
    ])
    // Holds the list up between its guard and its insert, where the end would fall.
    const inTheWay = new pg.Client({ connectionString: testConnectionString })
    await inTheWay.connect()
    try {
      await inTheWay.query('begin')
      await inTheWay.query(`select 1 from ${schema}.grants where hash = $1 for update`, [between.id])
      const giving = other.commit([
        { kind: 'touch-session', hash: held.hash, idleExpiresAt: later(600) },
        { kind: 'revoke-grant', id: between.id, at: start },
        { kind: 'insert-grant', record: given },
      ])
      await setTimeout(50)
      const ending = store.commit([{ kind: 'revoke-all-of-issuer', issuer: held.issuer, at: start }])
      await setTimeout(100)
      await inTheWay.query('rollback')
      assert.deepEqual(await Promise.all([giving, ending]), [{ committed: true }, { committed: true }])
      assert.notEqual((await store.findGrant(given.id))?.revokedAt, undefined)
    } finally {
      await Promise.all([inTheWay.end(), other.close()])
    }
  })

  test('two processes that spend the same things in opposite order neither hang nor both win', async () => {
    for (let count = 0; count < Math.ceil(rounds / 5); count++) {
      const [one, two] = [code(), code()]
      await store.commit([
        { kind: 'insert-code', record: one },
        { kind: 'insert-code', record: two },
      ])
      const spends: readonly Write[] = [
        { kind: 'spend-code', hash: one.hash, at: start },
        jti(newHash()),
        { kind: 'spend-code', hash: two.hash, at: start },
      ]
      await race(spends, true)
    }
  })

  test('every chain of every node verifies after the races', async () => {
    const chains = await store.listAuditChains()
    assert.ok(chains.length >= 3)
    for (const chain of chains) {
      assert.equal(verifyChain(await store.readAuditChain(chain, 0, 10_000)).intact, true)
    }
  })
})
