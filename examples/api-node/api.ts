import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { createResourceServer, publishMetadata, type ResourceServer } from '@holdfast/resource-server'
import { protect, serveMetadata, writeAnswer } from '@holdfast/resource-server/adapters/node.ts'

/** What this API keeps: payments and whose they are. */
const payments = new Map([
  ['7', { id: '7', owner: 'user-1', amount: '12.50' }],
  ['8', { id: '8', owner: 'user-2', amount: '99.00' }],
])

const idOf = (url = ''): string => url.split('?')[0]?.split('/').at(-1) ?? ''

/** A payments API: a valid, bound token with the scope, and only your own payments. */
export function paymentsApi(api: ResourceServer): RequestListener {
  const metadata = publishMetadata(api)
  const publish = serveMetadata(metadata)

  const readPayment = protect(
    api,
    {
      action: 'read payment',
      scopes: ['payments:read'],
      // The scope says what kind of thing may be done; this says to which object.
      decide: ({ token, request }) => payments.get(idOf(request.url))?.owner === token.subject,
    },
    (request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(payments.get(idOf(request.url))))
    },
  )

  const refundPayment = protect(
    api,
    {
      action: 'refund payment',
      scopes: ['payments:write'],
      // Money moves: the user must have authenticated in the last five minutes.
      maxAgeSeconds: 300,
      decide: ({ token, request }) => payments.get(idOf(request.url))?.owner === token.subject,
    },
    (_, response) => {
      response.statusCode = 204
      response.end()
    },
  )

  return (request, response) => {
    if (request.url === metadata.path) return publish(request, response)
    if (request.url?.startsWith('/payments/') && request.method === 'GET')
      return readPayment(request, response)
    if (request.url?.startsWith('/payments/') && request.method === 'POST')
      return refundPayment(request, response)
    return writeAnswer(response, { status: 404, headers: [], body: '' })
  }
}

// node examples/api-node/api.ts, with NODE_EXTRA_CA_CERTS naming the CA of the issuer in development.
if (import.meta.main) {
  const { ISSUER = 'https://localhost:8443', PORT = '8447', TLS_CERT = '', TLS_KEY = '' } = process.env
  const api = createResourceServer({
    issuer: ISSUER,
    audience: `https://localhost:${PORT}`,
    tokens: 'jwt',
    audit: event => {
      process.stdout.write(`${JSON.stringify(event)}\n`)
    },
  })
  await api.warmUp()
  createServer(
    // A certificate is asked for and judged per token, not per connection.
    {
      cert: readFileSync(TLS_CERT),
      key: readFileSync(TLS_KEY),
      requestCert: true,
      rejectUnauthorized: false,
    },
    paymentsApi(api),
  ).listen(Number(PORT), () => process.stdout.write(`payments API at https://localhost:${PORT}\n`))
}
