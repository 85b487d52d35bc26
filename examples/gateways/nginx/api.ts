import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createResourceServer } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/node.ts'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/gateways/nginx/api.ts [keys.json] [thumbprint of the proxy]
const [, , keysFile = 'keys.json', proxy = ''] = process.argv
const { ISSUER = 'https://localhost:8443', AUDIENCE = 'https://localhost:8447' } = process.env
const { EXTERNAL_URL = 'https://localhost:8449', PORT = '8462' } = process.env

const { keys } = JSON.parse(readFileSync(keysFile, 'utf8')) as {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}
const api = createResourceServer({
  issuer: ISSUER,
  audience: AUDIENCE,
  // What Holdfast proved, over a connection of the proxy, and nothing else.
  tokens: { gateway: { issuer: EXTERNAL_URL, audience: 'holdfast:api:bank', keys, peers: [proxy] } },
  audit: event => void process.stdout.write(`${event.outcome} ${event.status} ${event.ruleId ?? ''}\n`),
})

const accounts = protect(api, { scopes: ['accounts:read'] }, (_request, response, token) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ client: token.clientId, key: token.binding.jkt, accounts: ['DE89', 'DE12'] }))
})

const tls = {
  cert: readFileSync('.holdfast/tls/server.pem'),
  key: readFileSync('.holdfast/tls/server.key'),
}
// The certificate of the proxy is asked for here and judged by the SDK.
createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, accounts).listen(
  Number(PORT),
  '127.0.0.1',
  () => process.stdout.write(`accounts API at https://localhost:${PORT}\n`),
)
