import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { createResourceServer, type VerifiedToken } from '../index.ts'
import { systemClock } from '../ports.ts'
import { inMemoryReplayMemory } from '../replay.ts'
import { coveredByAnswer, digestOf, type SignedAnswer, signedHeaders } from '../testing/signatures.ts'
import { testIssuer, testKey } from '../testing.ts'
import { protect as protectExpress } from './express.ts'
import { protect as protectFastify } from './fastify.ts'
import { protect as protectFetch } from './fetch.ts'
import { protect as protectHono } from './hono.ts'
import { protect as protectNode } from './node.ts'

const issuer = testIssuer({ clock: systemClock })
const clientKey = testKey('ES256')
const answerKey = testKey('EdDSA')
const alarms: string[] = []
const api = createResourceServer({
  issuer: issuer.issuer,
  audience: issuer.audience,
  tokens: 'jwt',
  transport: 'terminated',
  senderConstraint: 'allowed',
  fetch: issuer.fetch,
  replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  onAlarm: alarm => alarms.push(alarm),
  httpSignatures: {
    requests: {
      clients: { 'client-1': { jwks: { keys: [{ ...clientKey.jwk, kid: clientKey.thumbprint }] } } },
    },
    answers: { privateKey: answerKey.privateKey, alg: 'EdDSA', kid: answerKey.thumbprint },
    bodyBytesMax: 300_000,
  },
})
const big = 'b'.repeat(200_000)

/** Each adapter: `/echo` gives the body back, `/large` more than may be signed, `/nothing` 204. */
const adapters: Readonly<Record<string, () => RequestListener | Promise<RequestListener>>> = {
  node: () =>
    protectNode(api, {}, async (request, response) => {
      const body = await text(request)
      if (request.url === '/nothing') return void response.writeHead(204).end()
      if (request.url === '/large') return void response.end('x'.repeat(300_001))
      if (request.url === '/broken') {
        response.write('half')
        throw new Error('broken')
      }
      response.writeHead(201, 'Made', ['x-own', '1', 'x-own', '2'])
      response.flushHeaders()
      // In pieces, as a handler does that streams.
      Readable.from([Buffer.from(body.slice(0, 3)), Buffer.from(body.slice(3))]).pipe(response)
    }),
  express: () => {
    const app = express()
    app.use(protectExpress(api), express.text({ type: '*/*', limit: '1mb' }))
    app.all('/nothing', (_, response) => void response.status(204).end())
    app.all('/large', (_, response) => void response.send('x'.repeat(300_001)))
    app.all('/echo', (request, response) => void response.status(201).send(request.body ?? ''))
    return app
  },
  fastify: async () => {
    const app = fastify()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    const onRequest = protectFastify(api)
    app.all('/nothing', { onRequest }, async (_request, reply) => reply.code(204).send())
    app.all('/large', { onRequest }, async () => 'x'.repeat(300_001))
    app.all('/echo', { onRequest }, async (request, reply) => reply.code(201).send(request.body ?? ''))
    await app.ready()
    return app.routing
  },
  hono: () => {
    const app = new Hono<{ Variables: { token: VerifiedToken } }>()
    app.use(protectHono(api))
    app.all('/nothing', c => c.body(null, 204))
    app.all('/large', c => c.text('x'.repeat(300_001)))
    app.all('/echo', async c => c.body(await c.req.text(), 201))
    return getRequestListener(app.fetch)
  },
  fetch: () =>
    getRequestListener(
      protectFetch(api, {}, async request => {
        const body = await request.text()
        if (request.url.endsWith('/nothing')) return new Response(null, { status: 204 })
        return request.url.endsWith('/large')
          ? new Response('x'.repeat(300_001))
          : new Response(body, { status: 201 })
      }),
    ),
}

interface Sending {
  readonly path?: string
  readonly method?: string
  readonly body?: string
  /** What is sent in place of what was signed. */
  readonly swapped?: string
  readonly isChunked?: boolean
  readonly isUnsigned?: boolean
}

interface Exchange {
  readonly request: Parameters<typeof coveredByAnswer>[0]
  readonly answer: SignedAnswer
}

let sent = 0

async function exchange(port: number, sending: Sending = {}): Promise<Exchange> {
  const {
    path = '/echo',
    method = 'POST',
    body = '',
    swapped = body,
    isChunked = false,
    isUnsigned,
  } = sending
  const plain = {
    authorization: `Bearer ${issuer.mint()}`,
    ...(body !== '' && { 'content-digest': digestOf(body), 'content-type': 'text/plain' }),
  }
  const unsigned = { method, url: issuer.audience + path, headers: plain }
  const nonce = String(++sent)
  const headers =
    isUnsigned === true
      ? plain
      : await signedHeaders(unsigned, { key: clientKey, now: systemClock.now(), more: { nonce } })
  const framing = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': swapped.length }
  const answer = await new Promise<SignedAnswer>((done, fail) => {
    const outgoing = httpRequest(
      {
        ...{ host: '127.0.0.1', port, path, method, agent: false },
        headers: { ...headers, ...(swapped !== '' && framing) },
      },
      async response => {
        try {
          const all = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          done({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(all),
            body: await text(response),
          })
        } catch (cause) {
          fail(cause)
        }
      },
    )
    outgoing.on('error', fail)
    if (!isChunked) return void outgoing.end(swapped)
    outgoing.write(swapped.slice(0, 5))
    setTimeout(() => outgoing.end(swapped.slice(5)), 20)
  })
  return { request: { ...unsigned, headers }, answer }
}

const ofRequest = ['"@method";req', '"@target-uri";req']
/** Not every framework says the type of an answer by itself. */
const typeOf = ({ answer }: Exchange): readonly string[] =>
  answer.headers['content-type'] === undefined ? [] : ['"content-type"']
const ofSignature = ['"signature";req', '"signature-input";req']

for (const [name, listenerOf] of Object.entries(adapters))
  describe(`signed requests and answers: ${name}`, () => {
    let server: Server
    let port: number
    before(async () => {
      server = createServer(await listenerOf())
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
    })
    after(() => {
      server?.closeAllConnections()
      server?.close()
    })

    const covered = async ({ request, answer }: Exchange): Promise<readonly string[]> =>
      await coveredByAnswer(request, answer, answerKey)

    test('the handler reads the body that was verified, whole or in chunks, and its answer is signed', async () => {
      for (const sending of [{ body: '{"amount":"10.00"}' }, { body: big }, { body: big, isChunked: true }]) {
        const seen = await exchange(port, sending)
        assert.equal(seen.answer.status, 201, seen.answer.body)
        assert.equal(seen.answer.body, sending.body)
        assert.deepEqual(await covered(seen), [
          ...['"@status"', '"content-digest"', ...typeOf(seen), ...ofRequest],
          ...['"content-digest";req', ...ofSignature],
        ])
      }
    })

    test('another body is refused, and so is a request without signature; both answers are signed', async () => {
      const swapped = await exchange(port, { body: 'amount=10', swapped: 'amount=99' })
      assert.equal(swapped.answer.status, 401)
      assert.deepEqual(await covered(swapped), [
        ...['"@status"', '"content-digest"', '"content-type"', ...ofRequest],
        ...['"content-digest";req', ...ofSignature],
      ])
      const unsigned = await exchange(port, { isUnsigned: true })
      assert.equal(unsigned.answer.status, 401)
      assert.deepEqual(await covered(unsigned), [
        ...['"@status"', '"content-digest"', '"content-type"', ...ofRequest],
      ])
    })

    test('a body that is longer than the API holds is refused unread', async () => {
      const { answer } = await exchange(port, { body: 'b'.repeat(300_001) })
      assert.equal(answer.status, 400)
    })

    test('an answer without body is signed without digest', async () => {
      const nothing = await exchange(port, { path: '/nothing' })
      assert.equal(nothing.answer.status, 204)
      assert.deepEqual(await covered(nothing), ['"@status"', ...ofRequest, ...ofSignature])
      const head = await exchange(port, { method: 'HEAD' })
      assert.deepEqual(await covered(head), ['"@status"', ...typeOf(head), ...ofRequest, ...ofSignature])
    })

    test('an answer that is too long to be signed does not go out', async () => {
      alarms.length = 0
      const outcome = await exchange(port, { path: '/large' }).then(
        ({ answer }) => answer.status,
        () => 500,
      )
      assert.equal(outcome, 500)
      assert.deepEqual(alarms, ['answer.too-large'])
    })
  })

test('a body that comes by HTTP/2 is not taken for none', async () => {
  const server = createHttp2Server()
  const listener = await (adapters.node?.() ?? assert.fail())
  server.on('request', listener as never)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    const plain = { authorization: `Bearer ${issuer.mint()}` }
    const unsigned = { method: 'POST', url: `${issuer.audience}/echo`, headers: plain }
    const signed = await signedHeaders(unsigned, { key: clientKey, now: systemClock.now() })
    const lower = Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value])
    alarms.length = 0
    const stream = session.request({ ':method': 'POST', ':path': '/echo', ...Object.fromEntries(lower) })
    stream.end('{"amount":"99.00"}')
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 503)
    assert.deepEqual(alarms, ['verify.failed'])
  } finally {
    session.destroy()
    server.close()
  }
})

test('an answer that breaks off in the middle is no answer, also while it is held', async () => {
  const server = createServer(await adapters.node?.())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    await assert.rejects(exchange(port, { path: '/broken' }), /socket hang up/)
  } finally {
    server.close()
  }
})
