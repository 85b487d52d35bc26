import assert from 'node:assert/strict'
import { createHash, type X509Certificate } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { createResourceServer, type ResourceServer, type VerifiedToken } from '../index.ts'
import { systemClock } from '../ports.ts'
import { inMemoryReplayMemory } from '../replay.ts'
import { type TestCertificate, testCertificate } from '../test-certificate.ts'
import { testIssuer, testKey, testProof } from '../testing.ts'
import { tokenOf as expressToken, protect as protectExpress } from './express.ts'
import { tokenOf as fastifyToken, protect as protectFastify } from './fastify.ts'
import { protect as protectFetch } from './fetch.ts'
import { protect as protectHono } from './hono.ts'
import { protect as protectNode } from './node.ts'

const issuer = testIssuer({ clock: systemClock })
const key = testKey()
const api: ResourceServer = createResourceServer({
  issuer: issuer.issuer,
  audience: issuer.audience,
  tokens: 'jwt',
  fetch: issuer.fetch,
  replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  fapiInteraction: true,
})
const nonceApi: ResourceServer = createResourceServer({
  issuer: issuer.issuer,
  audience: issuer.audience,
  tokens: 'jwt',
  fetch: issuer.fetch,
  dpopNonce: 'required',
})
const requirements = { scopes: ['payments:read'] }
const describeToken = ({ subject, binding }: VerifiedToken) => ({ subject, binding })

let certificates: {
  readonly server: TestCertificate
  readonly client: TestCertificate
  readonly other: TestCertificate
}

/** Each adapter as a plain listener, with the routes `/payments/7` and `/nonce`. */
const adapters: Readonly<Record<string, () => RequestListener | Promise<RequestListener>>> = {
  node: () => {
    const answer = (_: IncomingMessage, response: ServerResponse, token: VerifiedToken) => {
      response.end(JSON.stringify(describeToken(token)))
    }
    const plain = protectNode(api, requirements, answer)
    const nonce = protectNode(nonceApi, requirements, answer)
    return (request, response) => (request.url === '/nonce' ? nonce : plain)(request, response)
  },
  express: () => {
    const app = express()
    const router = express.Router()
    router.get('/:id', protectExpress(api, requirements), (request, response) => {
      response.json(describeToken(expressToken(request)))
    })
    router.post('/:id', express.urlencoded(), protectExpress(api, requirements), (_, response) => {
      response.json({})
    })
    app.use('/payments', router)
    app.get('/nonce', protectExpress(nonceApi, requirements), (request, response) => {
      response.json(describeToken(expressToken(request)))
    })
    return app
  },
  fastify: async () => {
    const app = fastify()
    app.get('/payments/:id', { onRequest: protectFastify(api, requirements) }, async request =>
      describeToken(fastifyToken(request)),
    )
    app.get('/nonce', { onRequest: protectFastify(nonceApi, requirements) }, async request =>
      describeToken(fastifyToken(request)),
    )
    await app.ready()
    return app.routing
  },
  hono: () => {
    const app = new Hono<{ Variables: { token: VerifiedToken } }>()
    app.get('/payments/:id', protectHono(api, requirements), c => c.json(describeToken(c.get('token'))))
    app.get('/nonce', protectHono(nonceApi, requirements), c => Response.json(describeToken(c.get('token'))))
    return bridge((request, incoming) => app.fetch(request, { incoming }))
  },
  fetch: () => {
    const answer = (_: Request, token: VerifiedToken) => Response.json(describeToken(token))
    return bridge((request, incoming) => {
      const connection = () => {
        const der = new X509CertificateOf(incoming).der
        return { isSecure: true, ...(der === undefined ? {} : { peerCertificate: der }) }
      }
      const target = request.url.endsWith('/nonce') ? nonceApi : api
      return protectFetch(target, requirements, answer, { connection })(request)
    })
  },
}

/** The peer certificate of a message, as a runtime hands it over. */
class X509CertificateOf {
  readonly der: Uint8Array | undefined
  constructor(incoming: IncomingMessage) {
    const { socket } = incoming
    const certificate: X509Certificate | undefined =
      'getPeerX509Certificate' in socket && typeof socket.getPeerX509Certificate === 'function'
        ? socket.getPeerX509Certificate()
        : undefined
    this.der = certificate?.raw
  }
}

/** A fetch handler under `node:https`, as the Node servers of such frameworks do it. */
function bridge(
  handle: (request: Request, incoming: IncomingMessage) => Response | Promise<Response>,
): RequestListener {
  return async (incoming, outgoing) => {
    const headers = new Headers()
    for (let index = 0; index < incoming.rawHeaders.length; index += 2)
      headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '')
    const url = new URL(incoming.url ?? '/', `https://${incoming.headers.host}`)
    const response = await handle(new Request(url, { method: incoming.method ?? 'GET', headers }), incoming)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(await response.text())
  }
}

interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly challenges: string
  readonly body: string
}

interface Sent {
  readonly port: number
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly certificate?: TestCertificate
  readonly body?: string
}

function send({
  port,
  path = '/payments/7',
  method = 'GET',
  headers = {},
  certificate,
  body,
}: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: headers as Record<string, string | string[]>,
        ca: certificates.server.pem,
        servername: 'localhost',
        agent: false,
        ...(certificate && { cert: certificate.pem, key: certificate.keyPem }),
      },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            challenges: response.headers['www-authenticate'] ?? '',
            body: text,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function proofFor(token: string, changes: Partial<Parameters<typeof testProof>[0]> = {}): string {
  const url = `${issuer.audience}/payments/7`
  return testProof({ key, method: 'GET', url, token, now: systemClock.now(), ...changes })
}

const boundToken = (): string => issuer.mint({ cnf: { jkt: key.thumbprint } })

before(() => {
  certificates = {
    server: testCertificate('localhost'),
    client: testCertificate('client-1'),
    other: testCertificate('client-2'),
  }
})

for (const [name, listener] of Object.entries(adapters))
  describe(`the ${name} adapter over TLS`, () => {
    let port = 0
    let close = (): void => undefined

    before(async () => {
      const { pem, keyPem } = certificates.server
      const server = createServer(
        { cert: pem, key: keyPem, requestCert: true, rejectUnauthorized: false },
        await listener(),
      )
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
      close = () => {
        server.closeAllConnections()
        server.close()
      }
    })
    after(() => close())

    test('hands the verified token of a DPoP request to the handler', async () => {
      const token = boundToken()
      const reply = await send({ port, headers: { authorization: `DPoP ${token}`, dpop: proofFor(token) } })
      assert.equal(reply.status, 200, reply.challenges)
      assert.deepEqual(JSON.parse(reply.body), { subject: 'user-1', binding: { jkt: key.thumbprint } })
    })

    test('answers with the interaction id and the date, once each, whether it allows or refuses', async () => {
      const token = boundToken()
      const id = 'C770AEF3-6784-41f7-8e0e-ff5f97bddb3a'
      const told = { 'x-fapi-interaction-id': id, 'x-fapi-customer-ip-address': '2001:db8::1893:25c8:1946' }
      const good = await send({
        port,
        headers: { ...told, authorization: `DPoP ${token}`, dpop: proofFor(token) },
      })
      assert.equal(good.status, 200, good.challenges)
      const refused = await send({ port, headers: told })
      assert.equal(refused.status, 401)
      for (const { headers } of [good, refused]) {
        assert.equal(headers['x-fapi-interaction-id'], id)
        assert.ok(Math.abs(Date.parse(headers.date ?? '') - Date.now()) < 60_000)
      }
      const without = await send({ port })
      assert.match(String(without.headers['x-fapi-interaction-id']), /^[0-9a-f-]{36}$/)
    })

    test('challenges both schemes when there are no credentials', async () => {
      const reply = await send({ port })
      assert.equal(reply.status, 401)
      assert.match(reply.challenges, /DPoP .*algs="ES256 PS256 EdDSA Ed25519"/)
      assert.match(reply.challenges, /Bearer .*resource_metadata=/)
      assert.doesNotMatch(reply.challenges, /error=/)
      assert.equal(reply.headers['cache-control'], 'no-store')
    })

    test('refuses a replayed proof', async () => {
      const token = boundToken()
      const headers = { authorization: `DPoP ${token}`, dpop: proofFor(token) }
      assert.equal((await send({ port, headers })).status, 200)
      const reply = await send({ port, headers })
      assert.equal(reply.status, 401)
      assert.match(reply.challenges, /error="invalid_dpop_proof"/)
    })

    test('sees two Authorization headers and two DPoP headers', async () => {
      const token = boundToken()
      const authorization = [`DPoP ${token}`, `Bearer ${token}`]
      assert.equal((await send({ port, headers: { authorization, dpop: proofFor(token) } })).status, 400)
      const dpop = [proofFor(token), proofFor(token)]
      const reply = await send({ port, headers: { authorization: `DPoP ${token}`, dpop } })
      assert.equal(reply.status, 401)
      assert.match(reply.challenges, /invalid_dpop_proof/)
    })

    test('takes a certificate-bound token with its certificate only', async () => {
      const { client, other } = certificates
      const x5t = createHash('sha256').update(client.der).digest('base64url')
      const headers = { authorization: `Bearer ${issuer.mint({ cnf: { 'x5t#S256': x5t } })}` }
      const good = await send({ port, headers, certificate: client })
      assert.equal(good.status, 200, good.challenges)
      assert.deepEqual(JSON.parse(good.body).binding, { x5tS256: x5t })
      for (const wrong of [{ certificate: other }, {}]) {
        const reply = await send({ port, headers, ...wrong })
        assert.equal(reply.status, 401)
        assert.match(reply.challenges, /Bearer error="invalid_token"/)
      }
    })

    test('no header stands for a certificate', async () => {
      const { client } = certificates
      const x5t = createHash('sha256').update(client.der).digest('base64url')
      const encoded = Buffer.from(client.der).toString('base64')
      const headers = {
        authorization: `Bearer ${issuer.mint({ cnf: { 'x5t#S256': x5t } })}`,
        'client-cert': `:${encoded}:`,
        'x-client-cert': encoded,
        'x-ssl-client-cert': encoded,
        'ssl-client-cert': encodeURIComponent(client.pem),
      }
      assert.equal((await send({ port, headers })).status, 401)
    })

    test('a nonce is asked for, given, and then taken', async () => {
      const token = boundToken()
      const url = `${issuer.audience}/nonce`
      const at = (nonce?: string) =>
        send({
          port,
          path: '/nonce',
          headers: {
            authorization: `DPoP ${token}`,
            dpop: proofFor(token, { url, claims: nonce === undefined ? {} : { nonce } }),
          },
        })
      const asked = await at()
      assert.equal(asked.status, 401)
      assert.match(asked.challenges, /error="use_dpop_nonce"/)
      const nonce = asked.headers['dpop-nonce']
      assert.ok(typeof nonce === 'string')
      assert.equal((await at(nonce)).status, 200)
    })
  })

test('express sees a token in a parsed form body beside the header', async () => {
  const { pem, keyPem } = certificates.server
  const listener = await adapters.express?.()
  const server = createServer({ cert: pem, key: keyPem }, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const token = boundToken()
    const headers = {
      authorization: `DPoP ${token}`,
      dpop: proofFor(token, { method: 'POST' }),
      'content-type': 'application/x-www-form-urlencoded',
    }
    const good = await send({ port, method: 'POST', headers, body: 'amount=1' })
    assert.equal(good.status, 200, good.challenges)
    const both = await send({ port, method: 'POST', headers, body: `access_token=${token}` })
    assert.equal(both.status, 400)
    assert.equal(JSON.parse(both.body).error, 'invalid_request')
  } finally {
    server.close()
  }
})
