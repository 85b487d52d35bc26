import { audienceOf, type Jwk, type Resource, resources } from './configs.ts'

export const redirectUri = 'https://portal.example/callback'
export const password = 'correct-horse-battery'
export const ciba = 'urn:openid:params:grant-type:ciba'

/** Who there is to take access from, at each issuer. */
export interface Cast {
  /** Clients that act for themselves, one for each revocation of a client. */
  readonly shops: readonly string[]
  readonly users: readonly string[]
}

const pub = ({ d: _d, ...jwk }: Jwk): Jwk => ({ ...jwk, alg: 'ES256', use: 'sig' })

/** Everything one issuer of a drill knows. All clients have one key: who is who is not what is drilled. */
export function drillDocuments(issuer: string, key: Jwk, { shops, users }: Cast): string {
  const authentication = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [pub(key)] } }
  const document = (kind: string, name: string, spec: object) => ({
    ...{ apiVersion: 'holdfast/v1', kind, spec },
    metadata: kind === 'Issuer' ? { name } : { name, issuer },
  })
  const client = (name: string, metadata: object, more: object = {}) =>
    document('Client', name, {
      resources,
      ...more,
      metadata: {
        ...{ client_name: name, dpop_bound_access_tokens: true, scope: resources.join(' ') },
        ...{ ...authentication, grant_types: ['client_credentials'], ...metadata },
      },
    })
  const verifies = (name: string, metadata: object = {}) =>
    client(name, { scope: '', ...metadata }, { resources: [], introspects: resources })
  const hasUsers = users.length > 0
  const documents = [
    document('Issuer', issuer, { floor: hasUsers ? 'oidc-baseline' : 'fapi2-security' }),
    ...resources.flatMap(resource => [
      document('Scope', resource, { title: `Read ${resource}`, description: `Read all ${resource}.` }),
      document('ResourceServer', resource, {
        ...{ audience: audienceOf(resource), displayName: resource, scopes: [resource] },
        accessTokenFormat: formats[resource],
      }),
    ]),
    ...['caller', ...shops].map(name => client(name, {})),
    ...['api-1', 'api-2', 'stale'].map(name => verifies(name)),
    ...['gateway-1', 'gateway-2'].map(name => verifies(name, { introspection_signed_response_alg: 'ES256' })),
    ...(hasUsers ? userClients(client) : []),
    ...users.map(name => document('User', name, { password, claims: { name } })),
  ]
  // JSON is YAML.
  return documents.map(one => JSON.stringify(one)).join('\n---\n')
}

const formats: Readonly<Record<Resource, string>> = { accounts: 'opaque', ledger: 'jwt' }

/** What was asked counts until it would have ended, also once it is answered, and a drill asks for minutes. */
const manyRequests = { outstandingRequestsMax: 1_000_000 }

/** One that asks users on another device and gets refresh tokens, one that signs them in with a browser. */
function userClients(client: (name: string, metadata: object, more?: object) => object): readonly object[] {
  return [
    client(
      'desk',
      {
        ...{ grant_types: [ciba, 'refresh_token'], backchannel_token_delivery_mode: 'poll' },
        scope: [...resources, 'openid', 'offline_access'].join(' '),
      },
      { profile: 'oauth21', ...manyRequests },
    ),
    client(
      'portal',
      {
        ...{ grant_types: ['authorization_code'], redirect_uris: [redirectUri], response_types: ['code'] },
        ...{ scope: [...resources, 'openid'].join(' '), id_token_signed_response_alg: 'ES256' },
      },
      manyRequests,
    ),
  ]
}
