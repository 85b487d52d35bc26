import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import Provider from 'oidc-provider'

/** `oidc-provider` in memory, as its documentation sets it up, in a process of its own. Arguments: JSON options. */

interface Options {
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
  readonly clientJwk: Record<string, unknown>
  readonly redirectUri: string
  readonly clientIds: readonly string[]
  /** The API whose tokens are JWTs; scope `ledger`. */
  readonly jwtAudience: string
}

const options = JSON.parse(process.argv[2] ?? '{}') as Options
const issuer = `https://localhost:${options.port}`
const client = (clientId: string): object => ({
  client_id: clientId,
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [options.clientJwk] },
  redirect_uris: [options.redirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  id_token_signed_response_alg: 'ES256',
  dpop_bound_access_tokens: true,
})

const { privateKey } = await crypto.subtle
  .generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  .then(async pair => ({ privateKey: await crypto.subtle.exportKey('jwk', pair.privateKey) }))

const provider = new Provider(issuer, {
  clients: options.clientIds.map(client) as never,
  jwks: { keys: [{ ...privateKey, kid: 'bench', alg: 'ES256', use: 'sig' }] } as never,
  cookies: { keys: ['bench-cookie-key'] },
  scopes: ['openid', 'offline_access', 'accounts', 'ledger'],
  clientAuthMethods: ['private_key_jwt', 'none'],
  enabledJWA: {
    dPoPSigningAlgValues: ['ES256'],
    clientAuthSigningAlgValues: ['ES256'],
    idTokenSigningAlgValues: ['ES256'],
  },
  findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: false,
  features: {
    devInteractions: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'ledger',
        audience: options.jwtAudience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
} as never)

const handle = provider.callback()
const server = createServer(
  { cert: readFileSync(options.certFile), key: readFileSync(options.keyFile) },
  (request, response) => void handle(request, response),
)
// As long as ours: signing a long warm-up takes more than Node's 5 s, and a connection must not end meanwhile.
server.keepAliveTimeout = 30_000
server.listen(options.port, '127.0.0.1', () => process.send?.({ ready: true, issuer }))
process.on('message', message => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage().rss })
  if (message === 'stop') process.exit(0)
})
process.on('disconnect', () => process.exit(0))
