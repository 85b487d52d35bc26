import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import {
  dropSchema,
  newSchema,
  onServer,
  postgresAbsence,
  testConnectionString,
} from '@holdfast/server/store/drivers/postgres-for-tests.ts'
import pg from 'pg'
import { openNonces } from './nonce.ts'
import { systemClock } from './ports.ts'
import { openPostgresReplayMemory, type PostgresPool } from './postgres-replay-memory.ts'
import type { Remembered, ReplayMemory } from './replay.ts'
import { call, dpopHeaders, refused, testBed } from './test-bed.ts'
import { testClock } from './testing.ts'

/** Two nodes have one memory: what one has seen the other has seen, and no answer is a refusal. */

const now = () => systemClock.now()
const later = (seconds = 90) => epochSeconds(now() + seconds)
const lost = { rows: [{ epoch: 'e', since: 0 }] }

const absence = await postgresAbsence()

describe('a replay memory in PostgreSQL', { skip: absence ?? false }, () => {
  const schema = newSchema()
  const pools: pg.Pool[] = []
  const poolOf = (options = ''): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: testConnectionString,
      options: `-c search_path=${schema} ${options}`,
    })
    pool.on('error', () => undefined)
    pools.push(pool)
    return pool
  }
  const open = (): Promise<ReplayMemory> => openPostgresReplayMemory({ pool: poolOf() })
  const on = (text: string): Promise<void> => onServer(`set search_path = ${schema}`, text)

  before(() => onServer(`create schema ${schema}`))
  after(async () => {
    await Promise.all(pools.map(pool => pool.end()))
    await dropSchema(schema)
  })

  test('opens for many at once, and all have the same life', async () => {
    const memories = await Promise.all(Array.from({ length: 8 }, open))
    assert.equal(new Set(memories.map(({ epoch }) => epoch)).size, 1)
    assert.equal(new Set(memories.map(({ completeSince }) => completeSince)).size, 1)
  })

  test('of sixteen at once over two nodes one is first, in every round', async () => {
    const nodes = [await open(), await open()] as const
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          nodes[index % 2 === 0 ? 0 : 1].remember(`round-${round}`, later(), now()),
        ),
      )
      assert.equal(answers.filter(answer => answer === 'first').length, 1)
      assert.equal(answers.filter(answer => answer === 'seen').length, 15)
    }
  })

  test('many proofs in many orders, each once, and no two nodes wait for each other for ever', async () => {
    const nodes = [await open(), await open()] as const
    const keys = Array.from({ length: 2000 }, (_, index) => `many-${(index * 7919) % 2000}`)
    const [one, other] = await Promise.all([
      Promise.all(keys.map(key => nodes[0].remember(key, later(), now()))),
      Promise.all(keys.toReversed().map(key => nodes[1].remember(key, later(), now()))),
    ])
    const all = [...one, ...other]
    assert.equal(all.filter(answer => answer === 'first').length, 2000)
    assert.equal(all.filter(answer => answer === 'seen').length, 2000)
  })

  test('outlives the process', async () => {
    const first = await open()
    assert.equal(await first.remember('outlives', later(), now()), 'first')
    const second = await open()
    assert.equal(await second.remember('outlives', later(), now()), 'seen')
    assert.equal(second.completeSince, first.completeSince)
  })

  for (const [what, text] of [
    ['was emptied', 'truncate holdfast_replay'],
    ['was dropped', 'drop table holdfast_replay'],
    ['is of another history', "update holdfast_replay set history = 'x/00000001' where key = 'life'"],
  ] as const)
    test(`one that ${what} refuses, begins anew, and takes no nonce from before`, async () => {
      const nodes = [await open(), await open()] as const
      const nonces = openNonces(Buffer.alloc(32, 7), 'https://rs.example', () => nodes[0].epoch ?? '')
      const { epoch } = nodes[0]
      const nonce = nonces.current(now())
      assert.ok(nonces.isCurrent(nonce, now()))
      await on(text)
      const before = now()
      for (const node of nodes) await assert.rejects(async () => node.remember('anew', later(), now()))
      const opened = await open()
      assert.notEqual(opened.epoch, epoch)
      assert.ok(opened.completeSince >= before)
      for (const node of nodes) assert.equal(node.epoch, opened.epoch)
      assert.ok(!nonces.isCurrent(nonce, now()))
      const answers = await Promise.all(nodes.map(node => node.remember(`once ${what}`, later(), now())))
      assert.deepEqual([...answers].toSorted(), ['first', 'seen'])
    })

  test('a proof that was judged by the life before is not remembered in the next', async () => {
    const node = await open()
    await on('truncate holdfast_replay')
    const answers = await Promise.allSettled([
      node.remember('one', later(), now()),
      new Promise<Remembered>((resolve, reject) => {
        queueMicrotask(() => Promise.resolve(node.remember('two', later(), now())).then(resolve, reject))
      }),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
  })

  test('a database that only reads, or is gone, refuses, and serves again when it is back', async () => {
    const reading = openPostgresReplayMemory({ pool: poolOf('-c default_transaction_read_only=on') })
    await assert.rejects(reading)
    const pool = poolOf()
    const node = await openPostgresReplayMemory({ pool })
    assert.equal(await node.remember('before', later(), now()), 'first')
    await onServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like '%holdfast_replay%' and query like '%unnest%'`,
    )
    await Promise.resolve(node.remember('during', later(), now())).catch(() => undefined)
    assert.equal(await node.remember('before', later(), now()), 'seen')
    assert.equal(await node.remember('after', later(), now()), 'first')
  })

  test('forgets what nobody can show again, a minute late and by both clocks', async () => {
    await on('delete from holdfast_replay')
    const clock = { ...systemClock, now: () => epochSeconds(now() + 25) }
    const node = await openPostgresReplayMemory({ pool: poolOf(), clock })
    const at = now()
    await on(
      `insert into holdfast_replay (key, expires_at) values ('old', ${at - 120}), ('kept', ${at - 50}), ('live', ${at + 50})`,
    )
    await node.remember('sweeps', later(), clock.now())
    const pool = poolOf()
    const keys = async (): Promise<readonly string[]> =>
      (await pool.query('select key from holdfast_replay order by key')).rows.map(({ key }) => key)
    for (let round = 0; round < 200 && (await keys()).includes('old'); round++)
      await new Promise(resolve => setTimeout(resolve, 10))
    assert.deepEqual(await keys(), ['kept', 'life', 'live', 'sweeps'])
  })

  test('a clock that is more than 30 s off refuses', async () => {
    const node = await open()
    for (const seconds of [-40, 40])
      await assert.rejects(async () =>
        node.remember(`off ${seconds}`, later(), epochSeconds(now() + seconds)),
      )
    assert.equal(await node.remember('right', later(), epochSeconds(now() + 20)), 'first')
  })

  test('what is said to be first is on the disk, whatever the role is set to', async () => {
    const pool = poolOf('-c synchronous_commit=off')
    const seen: unknown[] = []
    const watched: PostgresPool = {
      query: async question => {
        const answer = await pool.query(question)
        seen.push(answer.rows[0]?.durable)
        return answer
      },
    }
    const node = await openPostgresReplayMemory({ pool: watched })
    await node.remember('durable', later(), now())
    assert.ok(seen.includes('on'))
  })

  test('two APIs of one name take a proof once between them', async () => {
    await open()
    // Younger than any proof, it would ask for a nonce first.
    await on("update holdfast_replay set since = since - 3600 where key = 'life'")
    const clock = testClock(now())
    const one = testBed({ clock, replayMemory: await open() })
    const other = testBed({ clock, replayMemory: await open(), fetch: one.issuer.fetch })
    for (let round = 0; round < 10; round++) {
      const headers = dpopHeaders(one, one.boundToken())
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, index) => call(index % 2 === 0 ? one : other, { headers })),
      )
      assert.equal(answers.filter(({ ok }) => ok).length, 1)
      for (const answer of answers) if (!answer.ok) refused(answer, 401, 'replay.proof')
    }
  })
})

describe('a replay memory whose database', () => {
  const life = { rows: [{ epoch: 'e', since: 0 }] }
  const memoryOver = (answer: () => Promise<{ rows: Record<string, unknown>[] }>, timeoutMs = 200) => {
    const pool: PostgresPool = {
      query: ({ name }) => (name === 'holdfast-replay-remember' ? answer() : Promise.resolve(life)),
    }
    return openPostgresReplayMemory({ pool, timeoutMs })
  }
  const silent = (): Promise<never> => new Promise(() => undefined)

  test('does not answer refuses when the time is over', async () => {
    const memory = await memoryOver(silent, 100)
    await assert.rejects(async () => memory.remember('a', later(), now()), /took too long/)
  })

  test('answers something else refuses', async () => {
    for (const rows of [[], [{}], [{ alive: true }], [{ alive: true, added: 'a', now: now() }]]) {
      const memory = await memoryOver(async () => ({ rows }))
      await assert.rejects(async () => memory.remember('a', later(), now()))
    }
  })

  test('has ten thousand proofs waiting is full', async () => {
    let release: (cause: Error) => void = () => undefined
    const held = new Promise<never>((_resolve, reject) => {
      release = reject
    })
    const memory = await memoryOver(() => held, 5000)
    const waiting = Array.from({ length: 12_500 }, (_, index) => memory.remember(`k${index}`, later(), now()))
    const full = waiting.filter(answer => answer === 'full').length
    assert.ok(full >= 500, `${full}`)
    assert.equal(memory.remember('more', later(), now()), 'full')
    release(new Error('down'))
    const answers = await Promise.allSettled(waiting)
    assert.equal(answers.filter(({ status }) => status === 'rejected').length, waiting.length - full)
  })

  test('fails makes an API answer 503, and tell somebody', async () => {
    const alarms: string[] = []
    const memory = await memoryOver(async () => {
      throw new Error('down')
    })
    const bed = testBed({ replayMemory: memory, onAlarm: alarm => alarms.push(alarm) })
    refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }), 503, 'replay.unavailable')
    assert.deepEqual(alarms, ['replay-memory.failed'])
  })

  test('cannot be given any time', async () => {
    for (const timeoutMs of [99, 5001, Number.NaN])
      await assert.rejects(
        memoryOver(async () => lost, timeoutMs),
        TypeError,
      )
  })
})
