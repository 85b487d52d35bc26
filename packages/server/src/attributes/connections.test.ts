import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { identities } from '../http/testing/edge-world.ts'
import { openWire } from '../store/drivers/wire-for-tests.ts'
import { type Connection, openConnections } from './connections.ts'
import { UnusableAnswer } from './unusable.ts'

describe('a service that is asked over HTTP', () => {
  let server: Server
  let crm: Extract<Connection, { kind: 'http' }>
  const seen: { method: string; path: string; authorization: string | undefined; body: string }[] = []
  const answers: Readonly<Record<string, readonly [status: number, body: string]>> = {
    '/users/ada?full=1': [200, '{"department":"finance"}'],
    '/nobody': [404, '{}'],
    '/broken': [200, '{"a":'],
    '/twice': [200, '{"a":1,"a":2}'],
    '/list': [200, '[]'],
    '/odd': [400, '{}'],
    '/too-long': [414, '{}'],
    '/odd-body': [422, '{}'],
    '/not-ours': [401, '{}'],
    '/later': [429, '{}'],
    '/down': [503, '{}'],
    '/moved': [302, '{}'],
    '/large': [200, `{"a":"${'x'.repeat(65_536)}"}`],
  }
  before(async () => {
    const { ca, server: identity } = await identities()
    server = createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request
        const body = Buffer.concat(chunks).toString()
        seen.push({ method, path, authorization: headers.authorization, body })
        const [status, text] = answers[path] ?? [200, '{}']
        if (path !== '/silent') response.writeHead(status, { location: '/' }).end(text)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    crm = {
      ...{ kind: 'http', name: 'crm', readBearer: async () => 'our-token' },
      url: `https://localhost:${(server.address() as AddressInfo).port}`,
      reach: { networks: ['127.0.0.0/8', '::1/128'], caPem: ca.certPem },
    }
  })
  after(() => {
    server?.closeAllConnections()
    server?.close()
  })
  const ask = async (path: string, body?: object, change: Partial<typeof crm> = {}) => {
    const open = await openConnections([{ ...crm, ...change }])
    try {
      return await open.http('crm')?.ask(path, body, path === '/silent' ? 300 : 4000)
    } finally {
      await open.close()
    }
  }

  it('by GET, or by POST with the key in the body, with our token', async () => {
    assert.deepEqual({ ...(await ask('/users/ada?full=1')) }, { department: 'finance' })
    await ask('/lookup', { key: 'ada' })
    assert.deepEqual(seen, [
      { method: 'GET', path: '/users/ada?full=1', authorization: 'Bearer our-token', body: '' },
      { method: 'POST', path: '/lookup', authorization: 'Bearer our-token', body: '{"key":"ada"}' },
    ])
  })

  it('404 is nobody, and whatever else is no strict JSON object is a failure', async () => {
    assert.equal(await ask('/nobody'), undefined)
    for (const path of ['/broken', '/twice', '/list', '/down', '/moved', '/large', '/silent'])
      await assert.rejects(ask(path), path)
  })

  it('what it says of one key alone is told from what it says of itself', async () => {
    const rows: readonly (readonly [path: string, isOfKey: boolean])[] = [
      ...['/broken', '/twice', '/list', '/large', '/odd', '/too-long', '/odd-body'].map(
        path => [path, true] as const,
      ),
      ...['/not-ours', '/later', '/down', '/moved', '/silent'].map(path => [path, false] as const),
    ]
    for (const [path, isOfKey] of rows)
      await assert.rejects(ask(path), error => {
        assert.equal(error instanceof UnusableAnswer, isOfKey, path)
        return true
      })
  })

  it('it is not reached where no network is named for it', async () => {
    const before = seen.length
    const { caPem } = crm.reach
    await assert.rejects(ask('/users/ada', undefined, { reach: { ...(caPem && { caPem }) } }), /not public/)
    assert.equal(seen.length, before)
  })
})

const postgresUrl = process.env.HOLDFAST_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'
const database = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
const hasPostgres = await database.connect().then(
  () => true,
  () => false,
)

describe('a database', { skip: hasPostgres ? false : 'no PostgreSQL answers' }, () => {
  const schema = `attributes_${randomBytes(6).toString('hex')}`
  let connections: Awaited<ReturnType<typeof openConnections>>
  before(async () => {
    await database.query(`create schema ${schema}`)
    await database.query(
      `create table ${schema}.people (id text, department text, level bigint, groups text[], vip boolean)`,
    )
    await database.query(
      `insert into ${schema}.people values ('ada', 'finance', 7, '{a,b}', true), ('two', 'x', 1, '{}', false), ('two', 'y', 1, '{}', false)`,
    )
    connections = await openConnections([
      { kind: 'postgres', name: 'people', connectionString: postgresUrl },
      { kind: 'postgres', name: 'nowhere', connectionString: 'postgres://u:p-secret@127.0.0.1:1/x' },
    ])
  })
  after(async () => {
    await connections?.close()
    await database.query(`drop schema if exists ${schema} cascade`)
    await database.end()
  })
  const select = (query: string, key: string, name = 'people', timeoutMs = 2500) =>
    connections.sql(name)?.select(query.replaceAll('people', `${schema}.people`), key, timeoutMs) ??
    assert.fail()

  it('gives rows by a key that is never text of the statement', async () => {
    const query = 'select department, level, groups, vip from people where id = $1'
    assert.deepEqual(await select(query, 'ada'), [
      { department: 'finance', level: '7', groups: ['a', 'b'], vip: true },
    ])
    assert.deepEqual(await select(query, "ada' or '1'='1"), [])
    assert.equal((await select(query, 'two')).length, 2)
    assert.equal((await select('select id from people, generate_series(1, 9) where $1 = $1', 'x')).length, 2)
  })

  it('cannot be written to, not even by a query that tries', async () => {
    for (const query of [
      'with gone as (delete from people where id = $1 returning id) select * from gone',
      `select set_config('a.b', $1, false), pg_notify('x', $1)`,
      `select nextval('${schema}.counter') where $1 = $1`,
    ]) {
      await database.query(`create sequence if not exists ${schema}.counter`)
      await select(query, 'ada').catch(() => undefined)
    }
    const left = await database.query(`select count(*)::int as people from ${schema}.people`)
    assert.equal(left.rows[0].people, 3)
    const counter = await database.query(`select is_called from ${schema}.counter`)
    assert.equal(counter.rows[0].is_called, false)
  })

  it('stops by itself in time, and its line is not used again', async () => {
    const begun = performance.now()
    await assert.rejects(select('select pg_sleep(5)::text as id where $1 = $1', 'x', 'people', 100))
    assert.ok(performance.now() - begun < 2000)
    for (let count = 0; count < 6; count++)
      await assert.rejects(select('select pg_sleep(5)::text as id where $1 = $1', 'x', 'people', 50))
    assert.equal((await select('select department from people where id = $1', 'ada')).length, 1)
  })

  it('that is cut off while it is asked fails this question, and the next one is answered', async () => {
    const wire = await openWire()
    const { connectionString } = wire
    const open = await openConnections([{ kind: 'postgres', name: 'far', connectionString }])
    try {
      const far = open.sql('far') ?? assert.fail()
      const sleeps = far.select('select pg_sleep(5)::text as id where $1 = $1', 'x', 2500)
      setTimeout(wire.cut, 300)
      await assert.rejects(sleeps, error => {
        assert.ok(error instanceof Error)
        assert.equal(error instanceof UnusableAnswer, false)
        return true
      })
      const query = `select department from ${schema}.people where id = $1`
      assert.deepEqual(await far.select(query, 'ada', 2500), [{ department: 'finance' }])
    } finally {
      await open.close()
      wire.close()
    }
  })

  it('a key that is no value of its column is told from a query or a database that fails', async () => {
    for (const [query, key, isOfKey] of [
      ['select id from people where level = $1::int', 'ada', true],
      ['select id from people where level = $1::int', '99999999999', true],
      ['select id from people where id = $1', 'a\0b', true],
      ['select id from people where id = (select id from people where id <> $1)', 'ada', true],
      ['select nothing from people where id = $1', 'ada', false],
      ['select pg_sleep(5)::text as id where $1 = $1', 'ada', false],
    ] as const)
      await assert.rejects(select(query, key, 'people', 200), error => {
        assert.equal(error instanceof UnusableAnswer, isOfKey, query)
        return true
      })
  })

  it('what fails says nothing of the key, of a row, or of where it is', async () => {
    for (const [query, name] of [
      ['select nothing from people where id = $1', 'people'],
      ['select department::int from people where id = $1', 'people'],
    ] as const)
      await assert.rejects(select(query, 'ada', name), (error: Error) => {
        assert.doesNotMatch(error.message, /ada|finance/)
        return true
      })
    await assert.rejects(select('select 1 where $1 = $1', 'ada', 'nowhere'), (error: Error) => {
      assert.doesNotMatch(error.message, /p-secret/)
      return true
    })
  })
})
