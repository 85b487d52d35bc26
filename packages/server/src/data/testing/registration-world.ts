import { apply, type ControlPorts } from '../../control/apply.ts'
import { createRegistrationToken } from '../../control/registration-tokens.ts'
import { openRevision } from '../../control/revision.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { managementRoom } from '../register/management-room.ts'
import { registerRoom } from '../register/room.ts'
import { accounts, keys, redirectUri } from './clients.ts'
import { jsonOf } from './flow.ts'
import { issuerUrl, mtlsUrl, openWorld, type RequestOptions, type World, type WorldOptions } from './world.ts'

export interface RegistrationWorldOptions
  extends Pick<WorldOptions, 'documents' | 'receive' | 'remoteEngines' | 'store'> {
  readonly issuer?: object
  /** Further documents, beside issuer, scope and resource server. */
  readonly more?: readonly (readonly [kind: string, name: string, spec: object])[]
  /** Names of the remote engines in the configuration. */
  readonly engines?: readonly string[]
}

/** A world whose clients are compiled from the documents of its store, as in the product. */
export interface RegistrationWorld extends World {
  readonly control: ControlPorts
  readonly current: () => IssuerSnapshot
  readonly applied: (documents: readonly (readonly [string, string, object])[]) => Promise<unknown>
  /** A new initial access token. */
  readonly token: (spoil?: TokenOptions) => Promise<string>
  readonly register: (token: string | undefined, metadata?: object) => Promise<Reply>
  readonly manage: (
    method: 'GET' | 'PUT' | 'DELETE',
    clientId: string,
    token: string | undefined,
    body?: object,
  ) => Promise<Reply>
}

export interface TokenOptions {
  readonly uses?: number
  readonly lifetimeSeconds?: number
  readonly policy?: object
}

/** What a client may be that registers itself in a test, unless the test says otherwise. */
export const usualPolicy = {
  profile: 'fapi2-security',
  scopes: ['openid', 'profile', 'accounts', 'offline_access'],
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  resources: ['accounts'],
  redirectHosts: ['client.example'],
  softwareStatement: 'optional',
} as const

/** A good FAPI 2.0 registration. */
export const goodMetadata = {
  client_name: 'Registered application',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope: 'openid accounts',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [keys.bank.publicJwk] },
  dpop_bound_access_tokens: true,
}

const binding: IssuerBinding = {
  name: 'main',
  url: issuerUrl,
  mtlsUrl,
  environment: 'production',
  clientTrustAnchors: [],
}

export async function openRegistrationWorld(
  options: RegistrationWorldOptions = {},
): Promise<RegistrationWorld> {
  const { issuer = {}, more = [], engines = [], ...rest } = options
  const issuers: readonly IssuerBinding[] = [{ ...binding, remoteEngines: engines }]
  const world = await openWorld(rest)
  const { store, clock } = world
  const reference = { last: 0 }
  const control: ControlPorts = {
    ...{ store, clock, entropy: world.ports.entropy, passwords: world.ports.passwords, issuers },
    newReference: () => `control-${++reference.last}`,
  }
  const applied: RegistrationWorld['applied'] = async documents => {
    const text = documents.map(([kind, name, spec]) =>
      JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec }),
    )
    const files = [{ path: 'test.yaml', text: text.join('\n---\n') }]
    const result = await apply({ files, dryRun: false, prune: false }, control)
    if (!result.ok) throw new TypeError(JSON.stringify(result.problems))
    return result
  }
  await applied([
    ['Issuer', 'main', { floor: 'oidc-baseline', registration: 'initial-access-token', ...issuer }],
    ['Scope', 'accounts', { title: 'See accounts', description: 'Read names and balances.' }],
    ['ResourceServer', 'accounts', { audience: accounts, scopes: ['accounts'] }],
    ...more,
  ])
  const revision = await openRevision({ store, issuers, log: world.ports.log, pollMs: 3_600_000 })
  if (!revision.ok) throw new TypeError(JSON.stringify(revision.problems))
  const { snapshot, refresh, close } = revision.value
  const ports = { ...world.ports, snapshot, refreshSnapshot: refresh }
  const current = (): IssuerSnapshot => snapshot().issuers.get(issuerUrl) as IssuerSnapshot
  const exchange = (path: string, request?: RequestOptions): Exchange => ({
    ...world.exchange(path, request),
    issuer: current(),
  })
  const send: World['send'] = (room, path, request) => room(exchange(path, request), ports)
  const bearer = (token: string | undefined): RequestOptions['headers'] =>
    token === undefined ? [] : [['authorization', `Bearer ${token}`]]
  return {
    ...world,
    ...{ ports, control, current, exchange, send, applied },
    token: async ({ uses = 1, lifetimeSeconds = 3600, policy = {} } = {}) => {
      const made = await createRegistrationToken(
        { uses, lifetimeSeconds, policy: { ...usualPolicy, ...policy } as never, note: '' },
        control,
      )
      if (!made.ok) throw new TypeError(JSON.stringify(made.problems))
      return made.value.token
    },
    register: (token, metadata = goodMetadata) =>
      send(registerRoom, '/register', { headers: bearer(token), body: JSON.stringify(metadata) }),
    manage: (method, id, token, body) =>
      send(managementRoom, `/register/${id}`, {
        ...{ method, params: { id }, headers: bearer(token) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    [Symbol.asyncDispose]: async () => {
      close()
      await world[Symbol.asyncDispose]()
    },
  }
}

/** A client that registered itself in this world, and the token that manages it. */
export async function registeredIn(
  world: RegistrationWorld,
  metadata: object = goodMetadata,
  options: TokenOptions = {},
): Promise<{ readonly clientId: string; readonly token: string; readonly information: object }> {
  const reply = await world.register(await world.token(options), metadata)
  if (reply.status !== 201) throw new TypeError(`not registered: ${reply.body}`)
  const information = jsonOf(reply)
  const { client_id, registration_access_token } = information
  return { clientId: String(client_id), token: String(registration_access_token), information }
}
