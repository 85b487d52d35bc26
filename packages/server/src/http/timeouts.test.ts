import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  bodyOf,
  type EdgeWorld,
  formHeader,
  headerOf,
  mirror,
  openEdgeWorld,
  openPlain,
  readAll,
  request,
  routeTo,
  statusOf,
} from './testing/edge-world.ts'

const limits = { headersTimeoutMs: 300, bodyTimeoutMs: 300, idleTimeoutMs: 300, handlerTimeoutMs: 200 }
const head = `POST /token HTTP/1.1\r\nHost: localhost\r\n${formHeader}\r\n`

describe('time limits of the edge', () => {
  let world: EdgeWorld
  let entered = 0
  before(async () => {
    world = await openEdgeWorld(
      [
        routeTo(mirror),
        routeTo(
          async exchange => {
            entered++
            await sleep(600)
            return mirror(exchange)
          },
          { path: '/slow' },
        ),
      ],
      { limits },
    )
  })
  after(() => world.stop())

  it('a header section that drips is cut off with 408', async () => {
    const socket = await world.open()
    socket.on('error', () => undefined)
    const drip = setInterval(() => socket.writable && socket.write('X'), 50)
    socket.write('POST /token HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const started = performance.now()
    const answer = await readAll(socket, 5000)
    clearInterval(drip)
    assert.ok(performance.now() - started < 3000)
    assert.equal(statusOf(answer), 408)
    assert.equal(JSON.parse(bodyOf(answer)).error, 'invalid_request')
  })

  it('a connection that never says anything is closed', async () => {
    const started = performance.now()
    await readAll(await world.open(), 5000)
    assert.ok(performance.now() - started < 3000)
  })

  it('a body that drips is cut off with 408', async () => {
    const socket = await world.open()
    socket.on('error', () => undefined)
    const drip = setInterval(() => socket.writable && socket.write('b'), 50)
    socket.write(`${head}Content-Length: 1000\r\n\r\na=`)
    const started = performance.now()
    const answer = await readAll(socket, 5000)
    clearInterval(drip)
    assert.ok(performance.now() - started < 4000)
    assert.equal(statusOf(answer), 408)
  })

  it('an idle connection is closed', async () => {
    const socket = await world.open()
    socket.write(`${head}Content-Length: 3\r\n\r\na=b`)
    const started = performance.now()
    const answer = await readAll(socket, 6000)
    assert.equal(statusOf(answer), 200)
    assert.ok(performance.now() - started < 4000)
  })

  it('a connection that rests between requests is not cut by the time limit of headers', async () => {
    const patient = await openEdgeWorld([routeTo(mirror)], { limits: { ...limits, idleTimeoutMs: 5000 } })
    const socket = await patient.open()
    socket.write(`${head}Content-Length: 3\r\n\r\na=b`)
    await sleep(1200)
    socket.write(request('POST /token', [formHeader], 'a=b'))
    const answers = await readAll(socket, 3000)
    assert.equal(answers.match(/HTTP\/1\.1 200/g)?.length, 2)
    await patient.stop()
  })

  it('a TLS handshake that never comes is given up', { timeout: 9000 }, async () => {
    const started = performance.now()
    await readAll(openPlain(world.server.listening.public), 8000)
    assert.ok(performance.now() - started < 7000)
  })

  it('a room past its deadline is answered 503 with Retry-After, once', async () => {
    const answer = await world.raw(request('POST /slow', [formHeader], 'a=b'))
    assert.equal(statusOf(answer), 503)
    assert.equal(headerOf(answer, 'retry-after'), '2')
    assert.equal(JSON.parse(bodyOf(answer)).error, 'temporarily_unavailable')
    await sleep(500)
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
  })

  it('a client that leaves in the middle harms nobody', async () => {
    const before = entered
    for (let round = 0; round < 10; round++) {
      const socket = await world.open()
      socket.write(`POST /slow HTTP/1.1\r\nHost: localhost\r\n${formHeader}\r\nContent-Length: 3\r\n\r\na=b`)
      await sleep(10)
      socket.destroy()
      const half = await world.open()
      half.write(`${head}Content-Length: 100\r\n\r\na=`)
      await sleep(5)
      half.destroy()
    }
    await sleep(700)
    assert.ok(entered > before)
    assert.equal(statusOf(await world.raw(request('POST /token', [formHeader], 'a=b'))), 200)
  })
})

describe('a server that closes', () => {
  it('lets the request in a room finish, refuses new connections and says it is not ready', async () => {
    const world = await openEdgeWorld([
      routeTo(async exchange => {
        await sleep(300)
        return mirror(exchange)
      }),
    ])
    const socket = await world.open()
    socket.write(`${head}Content-Length: 3\r\n\r\na=b`)
    await sleep(50)
    const closing = world.stop()
    await sleep(50)
    await assert.rejects(world.open())
    const ready = await fetch(`http://127.0.0.1:${world.server.listening.management}/readyz`)
    assert.equal(ready.status, 503)
    const answer = await readAll(socket, 3000)
    assert.equal(statusOf(answer), 200)
    assert.equal(headerOf(answer, 'connection'), 'close')
    await closing
  })

  it('does not wait for ever', async () => {
    const world = await openEdgeWorld([routeTo(() => new Promise(() => undefined))], { drainMs: 200 })
    const socket = await world.open()
    socket.on('error', () => undefined)
    socket.write(`${head}Content-Length: 3\r\n\r\na=b`)
    await sleep(50)
    const started = performance.now()
    await world.stop()
    assert.ok(performance.now() - started < 2000)
  })

  it('that cannot take one of its ports leaves none of the others open', async () => {
    const first = await openEdgeWorld([routeTo(mirror)])
    const taken = { host: '127.0.0.1', port: first.server.listening.mtls }
    const free = { host: '127.0.0.1', port: await freePort() }
    const listeners = { public: free, mtls: taken, management: undefined }
    await assert.rejects(openEdgeWorld([routeTo(mirror)], { listeners }), { code: 'EADDRINUSE' })
    const socket = openPlain(free.port)
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' })
    await first.stop()
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
