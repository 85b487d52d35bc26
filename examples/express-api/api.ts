import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { createResourceServer, publishMetadata, type TokenOptions } from '@holdfast/resource-server'
import { protect, tokenOf } from '@holdfast/resource-server/adapters/express.ts'
import { serveMetadata } from '@holdfast/resource-server/adapters/node.ts'
import express from 'express'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/express-api/api.ts [jwt|opaque] [folder]
const format = process.argv[2] ?? 'jwt'
const folder = process.argv[3] ?? 'my-api'
const { ISSUER = 'https://localhost:8443', AUDIENCE = 'https://localhost:8461' } = process.env
const { TLS_CERT = '.holdfast/tls/server.pem', TLS_KEY = '.holdfast/tls/server.key' } = process.env

// Opaque tokens are the issuer's business: the API asks about each, and keeps the answer for ten seconds at most.
function introspection(): TokenOptions['introspection'] {
  const key = JSON.parse(readFileSync(join(folder, 'notes-api.json'), 'utf8')) as Record<string, string>
  const privateKey = createPrivateKey({ format: 'jwk', key })
  const kid = key.kid ?? ''
  return {
    authentication: { method: 'private_key_jwt', clientId: 'notes-api', privateKey, alg: 'ES256', kid },
  }
}

const api = createResourceServer({
  issuer: ISSUER,
  audience: AUDIENCE,
  // JWTs are verified here; asking about them as well finds out the revoked ones.
  tokens:
    format === 'jwt' ? { jwt: true, introspection: introspection() } : { introspection: introspection() },
  scopes: ['notes:read', 'notes:write'],
  audit: event => void process.stdout.write(`${event.outcome} ${event.status} ${event.ruleId ?? ''}\n`),
})
const metadata = publishMetadata(api)

const notes = ['buy milk']
const app = express()
app.get(metadata.path, serveMetadata(metadata))
app.get('/notes', protect(api, { scopes: ['notes:read'] }), (request, response) => {
  response.json({ for: tokenOf(request).clientId, notes })
})
app.post('/notes', protect(api, { scopes: ['notes:write'] }), express.json(), (request, response) => {
  const { text } = request.body as { readonly text?: unknown }
  notes.push(String(text))
  response.status(201).end()
})

const tls = { cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }
// A client certificate is asked for and judged per token, not per connection.
createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app).listen(
  Number(new URL(AUDIENCE).port || 443),
  () => process.stdout.write(`notes API at ${AUDIENCE}, ${format} tokens\n`),
)
