import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { type Bed, type BedOptions, credentials, dial, open, openBed, raw, send } from './testing/bed.ts'

/** The world around the gateway is slow, broken, lying or gone; a client too. */

async function withBed(options: BedOptions, use: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await openBed(options)
  try {
    await use(bed)
  } finally {
    await bed.close()
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('an upstream', () => {
  const answers = (
    listener: RequestListener,
    upstream: BedOptions['upstream'],
    use: (bed: Bed) => Promise<void>,
  ) =>
    withBed(upstream === undefined ? {} : { upstream }, async bed => {
      bed.api.listener = listener
      await use(bed)
    })

  test('that is slow is 504, and the next request is served', async () => {
    let isSlow = true
    const listener: RequestListener = (_incoming, response) => {
      if (!isSlow) response.end('ok')
    }
    await answers(listener, { answerTimeoutMs: 300 }, async bed => {
      const slow = await send(bed, { token: bed.token() })
      assert.equal(slow.status, 504, slow.text)
      assert.equal(slow.json.rule, 'gateway.upstream-slow')
      isSlow = false
      assert.equal((await send(bed, { token: bed.token() })).status, 200)
    })
  })

  test('that is gone is 502', () =>
    withBed({}, async bed => {
      bed.api.server.close()
      bed.api.server.closeAllConnections()
      const answer = await send(bed, { token: bed.token() })
      assert.equal(answer.status, 502)
      assert.equal(answer.json.rule, 'gateway.upstream-gone')
    }))

  const broken: Readonly<Record<string, string>> = {
    'does not speak HTTP': 'hello\r\n\r\n',
    'says two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc',
    'says length and chunks':
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'sends a field without a name': 'HTTP/1.1 200 OK\r\n: x\r\n\r\n',
    'changes the protocol unasked':
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    'sends a control character in a field': 'HTTP/1.1 200 OK\r\nX-B: a\x01b\r\nContent-Length: 0\r\n\r\n',
    'sends fields without end': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(40_000)}`,
    'hangs up': '',
  }
  for (const [what, bytes] of Object.entries(broken))
    test(`that ${what} is 502, and nothing of it reaches the client`, () =>
      answers(
        (incoming, _response) => {
          incoming.socket.write(bytes)
          incoming.socket.end()
        },
        undefined,
        async bed => {
          const answer = await send(bed, { token: bed.token() })
          assert.equal(answer.status, 502, answer.text)
          assert.equal(answer.json.rule, 'gateway.upstream-broken')
          assert.equal(answer.headers['x-a'], undefined)
        },
      ))

  test('that breaks off in the middle cuts the answer off, so that nobody takes it for whole', () =>
    answers(
      (_incoming, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half')
        setTimeout(() => response.destroy(), 50)
      },
      undefined,
      async bed => {
        await assert.rejects(send(bed, { token: bed.token() }))
        const isLogged = (): boolean => bed.lines.some(({ event }) => event === 'gateway.upstream')
        for (let round = 0; round < 100 && !isLogged(); round++) await pause(10)
        assert.ok(isLogged())
      },
    ))

  test('that stops in the middle and says nothing more is cut off too, when its time is over', () =>
    answers(
      (_incoming, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half')
      },
      { idleTimeoutMs: 300 },
      async bed => {
        const since = performance.now()
        await assert.rejects(send(bed, { token: bed.token() }))
        assert.ok(performance.now() - since < 5000)
      },
    ))

  test('whose certificate another authority signed never sees a request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hf-stranger-'))
    const stranger = await openDevelopmentCa(folder, Math.floor(Date.now() / 1000) as never)
    let requests = 0
    const server = createServer(
      { cert: stranger.server.certPem, key: stranger.server.keyPem },
      () => requests++,
    )
    server.listen(0, 'localhost')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await withBed({ upstream: { url: `https://localhost:${port}` } }, async bed => {
      assert.equal((await send(bed, { token: bed.token() })).json.rule, 'gateway.upstream-broken')
    })
    server.close()
    rmSync(folder, { recursive: true, force: true })
    assert.equal(requests, 0)
  })

  test('that has enough to do sheds its own requests with 503 and no others', () =>
    answers(
      (incoming, response) => {
        if (incoming.url !== '/accounts') response.end('ok')
      },
      { inFlightMax: 1 },
      async bed => {
        const held = open(bed, { token: bed.token() }).catch(() => undefined)
        while (bed.received.length === 0) await pause(10)
        const answer = await send(bed, { token: bed.token(), path: '/accounts/7' })
        assert.equal(answer.status, 503)
        assert.equal(answer.json.rule, 'gateway.upstream-busy')
        assert.equal(answer.headers['retry-after'], '1')
        bed.api.server.closeAllConnections()
        await held
        assert.equal((await send(bed, { token: bed.token(), path: '/accounts/7' })).status, 200)
      },
    ))
})

describe('the issuer', () => {
  test('when introspection is down the answer is 503 with Retry-After, and nothing reaches the API', () =>
    withBed({}, async bed => {
      for (const fault of [new Error('refused'), 500, 302]) {
        bed.issuer.faults.push(fault)
        const answer = await send(bed, { token: bed.token() })
        assert.equal(answer.status, 503)
        assert.equal(answer.headers['retry-after'], '1')
      }
      assert.equal(bed.received.length, 0)
      assert.equal((await send(bed, { token: bed.token() })).status, 200)
    }))

  test('a thousand requests at once ask the issuer once', () =>
    withBed(
      {
        api: { senderConstraint: 'allowed' },
        upstream: { inFlightMax: 1000, connectTimeoutMs: 60_000, answerTimeoutMs: 60_000 },
      },
      async bed => {
        const token = bed.token({ cnf: undefined })
        const before = bed.issuer.seen.length
        const asked = 1000
        const statuses = await Promise.all(
          Array.from({ length: asked / 20 }, async () => {
            const socket = await dial(bed)
            const one = `GET /accounts HTTP/1.1\r\nHost: localhost:${bed.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`
            let text = ''
            socket.on('data', chunk => {
              text += chunk.toString()
            })
            socket.write(one.repeat(20))
            const count = (): number => text.split('HTTP/1.1 200').length - 1
            const end = performance.now() + 60_000
            while (count() < 20 && performance.now() < end) await pause(10)
            socket.destroy()
            return count()
          }),
        )
        assert.equal(
          statuses.reduce((sum, count) => sum + count, 0),
          asked,
        )
        assert.equal(bed.issuer.seen.length - before, 1)
      },
    ))

  test('a revoked token is refused as soon as it is evicted, and within the life of the cache otherwise', () =>
    withBed({ api: { cacheSeconds: 2 } }, async bed => {
      const token = bed.token()
      assert.equal((await send(bed, { token })).status, 200)
      bed.issuer.introspection.delete(token)
      assert.equal((await send(bed, { token })).status, 200)
      assert.equal(
        bed.gateway.evict(({ clientId }) => clientId === 'client-1'),
        1,
      )
      assert.equal((await send(bed, { token })).status, 401)
      const other = bed.token()
      assert.equal((await send(bed, { token: other })).status, 200)
      bed.issuer.introspection.delete(other)
      await pause(3100)
      assert.equal((await send(bed, { token: other })).status, 401)
    }))

  test('an answer that does not fit a header lets nobody in', () =>
    withBed({}, async bed => {
      const answer = await send(bed, { token: bed.token({ more: 'x'.repeat(9000) }) })
      assert.equal(answer.status, 503)
      assert.equal(answer.json.rule, 'gateway.phantom')
    }))
})

describe('evidence', () => {
  test('when the audit fails nobody is let in', () => {
    const audit = (): void => {
      throw new Error('disk full')
    }
    return withBed({ options: { audit } }, async bed => {
      assert.equal((await send(bed, { token: bed.token() })).status, 503)
      assert.equal(bed.received.length, 0)
    })
  })
})

describe('a client', () => {
  test('that leaves ends the request at the API', () =>
    withBed({}, async bed => {
      let ended = false
      bed.api.listener = (incoming, response) => {
        response.writeHead(200)
        response.write('begin')
        incoming.socket.once('close', () => {
          ended = true
        })
      }
      const answer = await open(bed, { token: bed.token() })
      answer.destroy()
      for (let round = 0; round < 200 && !ended; round++) await pause(10)
      assert.ok(ended)
    }))

  test('that sends chunks beyond the limit is 413, and its request breaks off at the API', () =>
    withBed({}, async bed => {
      bed.api.listener = (incoming, response) => {
        incoming.on('end', () => response.end('whole'))
        incoming.resume()
      }
      const chunked = { 'transfer-encoding': 'chunked' }
      const path = '/files/a'
      const upload = { token: bed.token(), method: 'POST', path, body: Buffer.alloc(100_001) }
      const answer = await send(bed, { ...upload, headers: chunked })
      assert.equal(answer.status, 413, answer.text)
      assert.equal(answer.json.rule, 'gateway.body-size')
      const said = await send(bed, { ...upload, token: bed.token(), proof: null })
      assert.equal(said.status, 413, 'a length that was said is judged before the token')
    }))

  test('that waits for 100-continue gets it only when its token is good', () =>
    withBed({}, async bed => {
      const wait = ['Expect: 100-continue', 'Content-Length: 2', 'Connection: close']
      const lines = (more: readonly string[]): string =>
        ['POST /files/a HTTP/1.1', `Host: localhost:${bed.port}`, ...wait, ...more, '', ''].join('\r\n')
      const bad = await raw(bed, lines([]))
      assert.match(bad, /^HTTP\/1\.1 401/)
      const own = credentials(bed, { method: 'POST', path: '/files/a', token: bed.token() })
      const socket = await dial(bed)
      socket.write(lines(Object.entries(own).map(([name, value]) => `${name}: ${value}`)))
      const [first] = (await once(socket, 'data')) as [Buffer]
      assert.match(first.toString(), /^HTTP\/1\.1 100/)
      socket.write('ab')
      const [second] = (await once(socket, 'data')) as [Buffer]
      assert.match(second.toString(), /^HTTP\/1\.1 200/)
      socket.destroy()
    }))

  test('that sends its header section or its body too slowly is 408', () =>
    withBed({ options: { limits: { headersTimeoutMs: 400, bodyTimeoutMs: 400 } } }, async bed => {
      bed.api.listener = (incoming, response) => {
        incoming.on('end', () => response.end('whole'))
        incoming.resume()
      }
      assert.match(await raw(bed, 'GET /accounts HTTP/1.1\r\nHost: ', 3000), /^HTTP\/1\.1 408/)
      const own = credentials(bed, { method: 'POST', path: '/files/a', token: bed.token() })
      const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`)
      const start = [
        'POST /files/a HTTP/1.1',
        `Host: localhost:${bed.port}`,
        ...lines,
        'Content-Length: 5',
        '',
        'ab',
      ]
      const text = await raw(bed, start.join('\r\n'), 3000)
      assert.match(text, /^HTTP\/1\.1 408/)
    }))

  test('that is refused too often waits, and so does one that calls a route too often', () =>
    withBed({ options: { limits: { failuresPerMinute: 3 } } }, async bed => {
      const rare = { path: '/rare' }
      for (const status of [200, 200, 429])
        assert.equal((await send(bed, { token: bed.token(), ...rare })).status, status)
      assert.equal((await send(bed, { token: bed.token(), ...rare })).json.rule, 'gateway.rate')
      for (const status of [401, 401, 401, 429])
        assert.equal((await send(bed, { token: 'at_wrong' })).status, status)
      const refused = await send(bed, { token: bed.token() })
      assert.equal(refused.json.rule, 'gateway.failures')
      assert.ok(Number(refused.headers['retry-after']) >= 1)
    }))

  test('is one too many when the gateway is full', () =>
    withBed({ options: { limits: { inFlightMax: 1 } } }, async bed => {
      bed.api.listener = (incoming, response) => {
        if (incoming.url !== '/accounts') response.end('ok')
      }
      const held = open(bed, { token: bed.token() }).catch(() => undefined)
      while (bed.received.length === 0) await pause(10)
      const busy = await send(bed, { token: bed.token(), path: '/accounts/7' })
      assert.equal(busy.json.rule, 'gateway.busy')
      assert.equal(busy.status, 503)
      bed.api.server.closeAllConnections()
      await held
    }))
})

describe('long conversations', () => {
  test('events arrive as they happen, and end with the token that opened them', () =>
    withBed({}, async bed => {
      bed.api.listener = (_incoming, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: 1\n\n')
        const timer = setInterval(() => response.write('data: more\n\n'), 200)
        response.once('close', () => clearInterval(timer))
      }
      const now = Math.floor(Date.now() / 1000)
      const answer = await open(bed, { token: bed.token({ exp: now + 3 }), path: '/events' })
      const [first] = (await once(answer, 'data')) as [Buffer]
      assert.equal(first.toString(), 'data: 1\n\n')
      const ended = new Promise<void>(resolve => answer.once('close', resolve))
      answer.on('error', () => undefined)
      answer.resume()
      await ended
      assert.ok(Date.now() / 1000 <= now + 6)
    }))

  test('a WebSocket is joined after every check, and ends with the token', () =>
    withBed({ options: { limits: { bodyTimeoutMs: 1000 } } }, async bed => {
      bed.api.server.on('upgrade', (incoming, socket: Socket) => {
        bed.received.push(incoming)
        socket.on('error', () => undefined)
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3\r\nSet-Cookie: a=b\r\n\r\n',
        )
        socket.on('data', chunk => socket.write(`echo ${chunk.toString()}`))
      })
      const upgrade = async (token: string | undefined, path = '/socket') => {
        const own = token === undefined ? {} : credentials(bed, { path, token })
        const lines = Object.entries({
          ...own,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-key': 'k',
        })
        const socket = await dial(bed)
        const fields = lines.map(([name, value]) => `${name}: ${value}`)
        socket.write([`GET ${path} HTTP/1.1`, `Host: localhost:${bed.port}`, ...fields, '', ''].join('\r\n'))
        const [data] = (await once(socket, 'data')) as [Buffer]
        return { socket, text: data.toString() }
      }
      assert.match((await upgrade(undefined)).text, /^HTTP\/1\.1 401/)
      const elsewhere = (await upgrade(bed.token(), '/accounts')).text
      assert.match(elsewhere, /^HTTP\/1\.1 400/)
      assert.ok(elsewhere.includes(`"rule":"${'gateway.upgrade'}"`))
      assert.equal(bed.received.length, 0)
      const now = Math.floor(Date.now() / 1000)
      const { socket, text } = await upgrade(bed.token({ exp: now + 5 }))
      assert.match(text, /^HTTP\/1\.1 101/)
      assert.match(text, /sec-websocket-accept: s3/)
      assert.doesNotMatch(text, /set-cookie/i)
      assert.equal(bed.received.at(-1)?.headers.authorization, undefined)
      assert.ok(bed.received.at(-1)?.headers['holdfast-evidence'])
      socket.write('ping')
      const [echo] = (await once(socket, 'data')) as [Buffer]
      assert.equal(echo.toString(), 'echo ping')
      // Longer than a handshake may take: what is joined is not cut by the time it had for that.
      await pause(1200)
      socket.write('again')
      const [later] = (await once(socket, 'data')) as [Buffer]
      assert.equal(later.toString(), 'echo again')
      socket.on('error', () => undefined)
      await once(socket, 'close')
      assert.ok(Date.now() / 1000 <= now + 9)
    }))
})

describe('the life of the gateway', () => {
  test('closing finishes what is under way and takes nothing new', () =>
    withBed({}, async bed => {
      let finish: (() => void) | undefined
      bed.api.listener = (_incoming, response) => {
        finish = () => response.end('done')
      }
      const answer = send(bed, { token: bed.token() })
      while (finish === undefined) await pause(10)
      const closed = bed.gateway.close()
      await assert.rejects(send(bed, { token: bed.token() }))
      finish()
      assert.equal((await answer).text, 'done')
      await closed
    }))

  test('a port that is taken, or a shared memory that does not answer, is said and leaves nothing behind', () =>
    withBed({}, async bed => {
      const taken = { address: { host: '127.0.0.1', port: bed.port } }
      await assert.rejects(openBed({ options: taken }), /EADDRINUSE/)
      const replay = {
        connectionString: 'postgres://u:p-secret@127.0.0.1:1/x',
        nonceSecret: Buffer.alloc(32),
      }
      const alone = { replay, replayMemory: undefined } as never
      await assert.rejects(openBed({ options: alone }), (thrown: Error) => {
        assert.match(thrown.message, /replay: the database does not answer.*ECONNREFUSED/)
        assert.doesNotMatch(thrown.message, /p-secret/)
        return true
      })
      const short = { ...replay, nonceSecret: Buffer.alloc(31) }
      await assert.rejects(
        openBed({ options: { ...(alone as object), replay: short } }),
        /less than 32 bytes/,
      )
      await assert.rejects(openBed({ options: { replay } }), /beside it/)
    }))

  test('metrics, liveness and readiness stand on a listener of their own', () =>
    withBed({ options: { management: { host: '127.0.0.1', port: 0 } } }, async bed => {
      await send(bed, { token: bed.token() })
      await send(bed, { path: '/nowhere' })
      const base = `http://127.0.0.1:${bed.gateway.managementPort}`
      const text = await (await fetch(`${base}/metrics`)).text()
      assert.match(text, /holdfast_gateway_requests_total\{route="\/accounts",status="200"\} 1/)
      assert.match(text, /holdfast_gateway_refusals_total\{rule="gateway.route"\} 1/)
      assert.match(text, /holdfast_gateway_request_seconds_count 2/)
      for (const [path, status] of [
        ['/livez', 200],
        ['/readyz', 200],
        ['/other', 404],
      ] as const)
        assert.equal((await fetch(base + path)).status, status)
      assert.equal((await fetch(`${base}/livez`, { method: 'POST' })).status, 405)
    }))
})
