import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import pg from 'pg'
import { systemClock } from '../clock.ts'
import { judgeAnswers } from '../data/attributes/answers.ts'
import { identities } from '../http/testing/edge-world.ts'
import type { AttributeSource } from '../snapshot/snapshot.ts'
import {
  dropSchema,
  newSchema,
  onServer,
  postgresAbsence,
  testConnectionString,
} from '../store/drivers/postgres-for-tests.ts'
import { boundAnswer } from './answer-bytes.ts'
import { openConnections } from './connections.ts'
import type { SqlConnection } from './kinds/kind.ts'
import { openAttributeSources } from './open.ts'
import { UnusableAnswer } from './unusable.ts'

describe('a connection that may bring one answer', () => {
  const bounded = (): { stream: PassThrough; tooLarge: () => number; endCount: () => void } => {
    const stream = new PassThrough().resume()
    let times = 0
    const endCount = boundAnswer(stream, () => {
      assert.equal(stream.destroyed, false, 'it is said before')
      times++
    })
    return { stream, tooLarge: () => times, endCount }
  }
  const say = async (stream: PassThrough, bytes: number): Promise<void> => {
    stream.write(Buffer.alloc(bytes))
    await new Promise(resolve => setImmediate(resolve))
  }

  it('brings 65536 bytes, and breaks off at the next', async () => {
    const { stream, tooLarge } = bounded()
    for (const bytes of [1, 65_535]) await say(stream, bytes)
    assert.deepEqual([stream.destroyed, tooLarge()], [false, 0])
    await say(stream, 1)
    assert.deepEqual([stream.destroyed, tooLarge()], [true, 1])
  })

  it('is not counted any more when the answer is there', async () => {
    const { stream, tooLarge, endCount } = bounded()
    await say(stream, 65_536)
    endCount()
    await say(stream, 65_536)
    assert.deepEqual([stream.destroyed, tooLarge()], [false, 0])
  })
})

/** The database behind TLS, as a server that has it greets. */
async function openTlsFront(): Promise<{ readonly url: string; readonly close: () => void }> {
  const { server: identity } = await identities()
  const secureContext = createSecureContext({ cert: identity.certPem, key: identity.keyPem })
  const sockets = new Set<Socket>()
  const target = new URL(testConnectionString)
  const front = createServer(async near => {
    sockets.add(near.on('error', () => undefined))
    await once(near, 'readable')
    near.read()
    near.write('S')
    const plain = new TLSSocket(near, { isServer: true, secureContext }).on('error', () => undefined)
    const far = connect(Number(target.port || 5432), target.hostname).on('error', () => undefined)
    plain.pipe(far).pipe(plain)
    near.on('close', () => far.destroy())
  })
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  assert(address !== null && typeof address === 'object')
  const url = new URL(testConnectionString)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  url.searchParams.set('sslmode', 'no-verify')
  return {
    url: url.href,
    close: () => {
      front.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const absence = await postgresAbsence()

describe('an answer of a database', { skip: absence ?? false }, () => {
  const schema = newSchema()
  const query = `select page, pg_backend_pid() as line from ${schema}.people where id = $1`
  let connections: Awaited<ReturnType<typeof openConnections>>
  let front: Awaited<ReturnType<typeof openTlsFront>>
  before(async () => {
    const people = {
      ...{ ada: [3], long: [60_000], longer: [66_000], huge: [20_000_000] },
      ...{
        two: [30_000, 30_000],
        'two-longer': [40_000, 40_000],
        many: Array.from({ length: 9 }, () => 20_000),
      },
    }
    const rows = Object.entries(people).flatMap(([id, pages]) =>
      pages.map(length => `('${id}', repeat('a', ${length}))`),
    )
    await onServer(
      `create schema ${schema}`,
      `create table ${schema}.people (id text, page text)`,
      `insert into ${schema}.people values ${rows.join(', ')}`,
    )
    front = await openTlsFront()
    connections = await openConnections([
      { kind: 'postgres', name: 'people', connectionString: testConnectionString },
      { kind: 'postgres', name: 'over-tls', connectionString: front.url },
    ])
  })
  after(async () => {
    await connections?.close()
    front?.close()
    await dropSchema(schema)
  })
  const database = (name = 'people'): SqlConnection => connections.sql(name) ?? assert.fail()
  const pages = async (key: string, name?: string): Promise<readonly number[]> =>
    (await database(name).select(query, key, 2500)).map(({ page }) => String(page).length)
  const isTooMuch = (error: unknown): boolean => {
    assert.ok(error instanceof UnusableAnswer, String(error))
    assert.equal(error.message, 'it answered with more than 65536 bytes')
    return true
  }

  for (const name of ['people', 'over-tls'])
    it(`is read up to its bound, in one row or two, and not beyond it (${name})`, async () => {
      assert.deepEqual(await pages('long', name), [60_000])
      assert.deepEqual(await pages('two', name), [30_000, 30_000])
      assert.deepEqual(await pages('many', name), [20_000, 20_000])
      for (const key of ['longer', 'two-longer', 'huge']) {
        await assert.rejects(pages(key, name), isTooMuch)
        assert.deepEqual(await pages('ada', name), [3])
      }
    })

  it('is whole or refused wherever the bound falls, and the next one is answered', async () => {
    const told = []
    // In steps smaller than any word of the protocol after the row: the bound falls into each of them.
    for (let length = 65_200; length <= 65_540; length += 4) {
      const page = `select repeat('a', ${length}) as page where $1 = $1`
      const rows = await database()
        .select(page, 'x', 2500)
        .catch((error: unknown) => {
          isTooMuch(error)
          return undefined
        })
      if (rows !== undefined) assert.equal(String(rows[0]?.page).length, length)
      told.push(rows !== undefined)
      assert.deepEqual(await pages('ada'), [3], String(length))
    }
    const edge = told.indexOf(false)
    assert.ok(edge > 0)
    assert.ok(told.slice(edge).every(isTold => !isTold))
  })

  it('ends its line where it is too long, and another line is asked then', async () => {
    const line = async (): Promise<unknown> => (await database().select(query, 'ada', 2500))[0]?.line
    const first = await line()
    await pages('long')
    assert.equal(await line(), first)
    await assert.rejects(pages('longer'), isTooMuch)
    assert.notEqual(await line(), first)
    const admin = new pg.Client({ connectionString: testConnectionString })
    await admin.connect()
    try {
      const isThere = async (): Promise<boolean> =>
        (await admin.query('select from pg_stat_activity where pid = $1', [first])).rowCount !== 0
      for (let turn = 0; turn < 100 && (await isThere()); turn++)
        await new Promise(resolve => setTimeout(resolve, 50))
      assert.equal(await isThere(), false)
    } finally {
      await admin.end()
    }
  })

  it('is a failure of this user alone, which the audit is told, however often they ask', async () => {
    const logged: string[] = []
    const counted: string[] = []
    const silent = async (): Promise<undefined> => undefined
    const sources = openAttributeSources({
      ...{ connections, clock: systemClock },
      store: { findUserBySubject: silent, findUserByUsername: silent },
      log: {
        info: event => logged.push(event),
        warn: event => logged.push(event),
        error: () => assert.fail(),
      },
      metrics: { count: (_name, { outcome } = {}) => void counted.push(String(outcome)) },
    })
    const source: AttributeSource = {
      ...{ name: 'hr', digest: 'one', keyedBy: 'subject', isForPolicies: false, onFailure: 'deny' },
      ...{ deadlineMs: 2000, cacheSeconds: 60, unknownCacheSeconds: 5 },
      attributes: new Map([['page', { type: 'string', isRequired: false }]]),
      of: { source: 'sql', connection: 'people', query, columns: new Map([['page', 'page']]) },
    }
    const find = (key: string) => sources.find('https://as.example', source, key)
    // More often than a source may fail in a row.
    for (let turn = 0; turn < 7; turn++) {
      const judged = judgeAnswers([{ source, found: await find('longer') }], ['page'])
      assert.ok(!judged.ok)
      assert.equal(judged.ruleId, 'attributes.unavailable')
      assert.deepEqual(judged.facts, { source: 'hr', failed: 'it answered with more than 65536 bytes' })
    }
    assert.deepEqual(await find('ada'), { ok: true, attributes: { page: 'aaa' } })
    assert.deepEqual(counted, [...Array.from({ length: 7 }, () => 'failed'), 'found'])
    assert.deepEqual(logged, [])
  })
})
