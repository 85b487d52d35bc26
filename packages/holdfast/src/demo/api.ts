import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, request } from 'node:https'
import {
  type AuditSink,
  createResourceServer,
  type Fetch,
  type FetchedResponse,
  type GatewayTrust,
  publishMetadata,
} from '@holdfast/resource-server'
import { protect, serveMetadata } from '@holdfast/resource-server/adapters/node.ts'
import type { Address } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import type { Log } from '@holdfast/server/ports.ts'
import { askForCertificate, tlsFloor } from '@holdfast/server/tls/server-options.ts'
import { demoApiClientId } from './clients.ts'

export interface DemoApiOptions {
  readonly address: Address
  /** Resource identifier, and the URL clients see. */
  readonly audience: string
  readonly issuer: string
  readonly tls: { readonly certPem: string; readonly keyPem: string }
  readonly caPem: string
  /** Private JWK of the client that introspects. */
  readonly keyFile: string
  /** The gateway in front of it, when there is one. */
  readonly gateway: GatewayTrust | undefined
  readonly log: Log
  /** Takes every decision before its answer leaves. */
  readonly audit: AuditSink
}

const accounts = [
  { id: 'acc-1', name: 'Everyday', currency: 'EUR', balance: '1204.50' },
  { id: 'acc-2', name: 'Savings', currency: 'EUR', balance: '18300.00' },
]

/** A small bank behind the SDK: `GET /accounts` and `POST /payments`, every token checked on every request. */
export async function startDemoApi(options: DemoApiOptions): Promise<{ close: () => Promise<void> }> {
  const { address, audience, issuer, tls, caPem, keyFile, gateway, log, audit } = options
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as Record<string, string>
  const privateKey = createPrivateKey({ format: 'jwk', key: jwk })
  const authentication = {
    method: 'private_key_jwt',
    clientId: demoApiClientId,
    privateKey,
    alg: 'ES256',
  } as const
  const api = createResourceServer({
    issuer,
    audience,
    tokens: {
      introspection: { authentication: { ...authentication, kid: jwk.kid ?? '' } },
      ...(gateway && { gateway }),
    },
    senderConstraint: 'required',
    name: 'Demo bank',
    scopes: ['accounts:read', 'payments:write'],
    explain: true,
    fetch: fetchTrusting(caPem),
    audit,
    onAlarm: (alarm, cause) => log.warn('demo-api.alarm', { alarm, cause }),
  })
  const metadata = publishMetadata(api)
  const routes = new Map<string, RequestListener>([
    [`GET ${metadata.path}`, serveMetadata(metadata)],
    [
      'GET /',
      (_request, response) =>
        send(response, 200, { name: 'Demo bank', try: ['GET /accounts', 'POST /payments'] }),
    ],
    [
      'GET /accounts',
      protect(api, { scopes: ['accounts:read'], action: 'accounts.list' }, (_request, response, token) =>
        send(response, 200, {
          subject: token.subject,
          client: token.clientId,
          accounts,
          reference: token.requestId,
        }),
      ),
    ],
    [
      'POST /payments',
      protect(api, { scopes: ['payments:write'], action: 'payments.create' }, (incoming, response, token) => {
        incoming.resume()
        send(response, 201, { accepted: true, subject: token.subject, reference: token.requestId })
      }),
    ],
  ])
  const server = createServer(
    {
      ...tlsFloor,
      ...askForCertificate,
      cert: tls.certPem,
      key: tls.keyPem,
      maxHeaderSize: 16_384,
      requestTimeout: 10_000,
    },
    (incoming, response) => {
      const route = routes.get(`${incoming.method} ${(incoming.url ?? '').split('?')[0]}`)
      if (route === undefined) send(response, 404, { error: 'not_found' })
      else route(incoming, response)
    },
  )
  server.listen(address.port, address.host)
  await once(server, 'listening')
  return {
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(text)
}

/** The SDK's way to the issuer, with the development authority as the only one trusted. */
export function fetchTrusting(ca: string): Fetch {
  return (url, { method, headers, body, signal }) =>
    new Promise<FetchedResponse>((done, fail) => {
      const outgoing = request(
        url,
        { method, headers: { ...headers }, ca, signal },
        (answer: IncomingMessage) => {
          done({ status: answer.statusCode ?? 0, body: answer })
        },
      )
      outgoing.on('error', fail)
      outgoing.end(body)
    })
}
