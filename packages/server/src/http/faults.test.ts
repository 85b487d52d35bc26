import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Fault } from '../ports.ts'
import {
  bodyOf,
  type EdgeWorld,
  formHeader,
  headerOf,
  mirror,
  openEdgeWorld,
  request,
  routeTo,
  statusOf,
} from './testing/edge-world.ts'

const post = (path: string): string => request(`POST ${path}`, [formHeader], 'a=b')

describe('when the world breaks', () => {
  let world: EdgeWorld
  before(async () => {
    world = await openEdgeWorld(
      [
        routeTo(
          async () => {
            throw new Fault('store.unavailable', { cause: new Error('disk at /var/secret is full') })
          },
          { path: '/fault' },
        ),
        routeTo(
          async () => {
            assert.equal(1, 2)
            return { status: 200, headers: [], body: '' }
          },
          { path: '/bug' },
        ),
        routeTo(
          () => {
            throw new TypeError('before any promise')
          },
          { path: '/sync' },
        ),
        routeTo(() => Promise.reject('a string'), { path: '/odd' }),
        routeTo(
          async () => {
            throw new Fault('store.unavailable')
          },
          { path: '/page', method: 'GET', form: 'none', cors: 'none', dialect: 'page' },
        ),
        routeTo(async () => ({ status: 200, headers: [['x-odd', 'a\r\nset-cookie: b=c']], body: '' }), {
          path: '/split',
        }),
        routeTo(mirror),
      ],
      {},
    )
  })
  after(() => world.stop())

  it('a fault is 503 temporarily_unavailable with Retry-After and without its cause', async () => {
    const answer = await world.raw(post('/fault'))
    assert.equal(statusOf(answer), 503)
    assert.ok(Number(headerOf(answer, 'retry-after')) >= 1)
    assert.equal(JSON.parse(bodyOf(answer)).error, 'temporarily_unavailable')
    assert.doesNotMatch(answer, /disk|unavailable\.|store\.|secret/)
  })

  it('a broken invariant is 500 server_error, and only the log knows why', async () => {
    for (const path of ['/bug', '/sync', '/odd']) {
      const answer = await world.raw(post(path))
      assert.equal(statusOf(answer), 500)
      assert.equal(JSON.parse(bodyOf(answer)).error, 'server_error')
      assert.doesNotMatch(answer, /Assertion|TypeError|promise|at /)
      const id = headerOf(answer, 'x-request-id')
      const line = world.logged.find(([, , fields]) => (fields as { requestId?: string }).requestId === id)
      assert.deepEqual(line?.slice(0, 2), ['error', 'request.fault'])
    }
  })

  it('where a person reads, a fault is a page with the code and the reference', async () => {
    const answer = await world.raw(request('GET /page'))
    assert.equal(statusOf(answer), 503)
    assert.match(headerOf(answer, 'content-type') ?? '', /^text\/html/)
    assert.ok(headerOf(answer, 'retry-after'))
    assert.match(answer, /temporarily_unavailable/)
    assert.match(bodyOf(answer), new RegExp(headerOf(answer, 'x-request-id') ?? 'no id'))
    assert.doesNotMatch(answer, /store\./)
  })

  it('a room cannot split a response: a header with a line break is our bug, not a header', async () => {
    const answer = await world.raw(post('/split'))
    assert.equal(statusOf(answer), 500)
    assert.equal(headerOf(answer, 'set-cookie'), undefined)
  })

  it('an upgrade, a tunnel and an expectation are not followed', async () => {
    const upgrade = await world.raw(
      request('GET /page', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']),
    )
    assert.notEqual(statusOf(upgrade), 101)
    assert.equal(await world.raw('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'), '')
    const expectation = await world.raw(request('POST /token', [formHeader, 'Expect: nothing'], 'a=b'))
    assert.equal(statusOf(expectation), 417)
  })

  it('faults are counted by code and route', async () => {
    const text = await (await fetch(`http://127.0.0.1:${world.server.listening.management}/metrics`)).text()
    assert.match(text, /holdfast_faults_total\{code="store.unavailable",route="\/fault"\} 1/)
    assert.match(text, /holdfast_faults_total\{code="bug.assert",route="\/bug"\} 1/)
    assert.match(text, /holdfast_requests_total\{route="\/bug",status="500"\} 1/)
  })

  it('more requests than rooms may hold are shed with 503', async () => {
    const full = await openEdgeWorld([routeTo(mirror)], { limits: { inFlightMax: 0 } })
    const answer = await full.raw(post('/token'))
    assert.equal(statusOf(answer), 503)
    assert.equal(headerOf(answer, 'retry-after'), '1')
    await full.stop()
  })
})
