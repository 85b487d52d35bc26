import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import * as oauth from 'oauth4webapi'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { systemClock } from '../../clock.ts'
import { newHandle } from '../../data/handle.ts'
import { openEntropy } from '../../entropy.ts'
import { identities, newCertificate } from '../../http/testing/edge-world.ts'
import { type RunningServer, startServer } from '../../main.ts'
import { openPasswords } from '../../passwords.ts'
import type { Clock } from '../../ports.ts'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import type { AdminOptions } from '../admin.ts'
import { adminRoutes } from '../admin-http/routes.ts'
import { adminDocuments } from '../admin-http/template.ts'
import type { AdminDesk } from '../admin-http/visit.ts'
import { type AdminScope, adminScopes } from '../admin-scopes.ts'
import { apply } from '../apply.ts'
import { openRevision } from '../revision.ts'
import { assertDescribed } from './described-answers.ts'

export const issuer = 'https://as.example'
export const audience = 'https://admin.example'
export const strong = 'urn:holdfast:acr:mfa'
const redirectUri = 'https://admin-cli.example/callback'
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const codeChallenge = createHash('sha256').update(verifier).digest('base64url')

/** One administrator: a user unless `client` says otherwise. */
export interface TestAdministrator {
  readonly name: string
  readonly scopes: readonly AdminScope[]
  /** Of the user: what it answers for. */
  readonly groups?: readonly string[]
  /** A client that speaks for itself, and who answers for it. */
  readonly responsible?: readonly string[]
  /** Metadata of the client beyond the usual. */
  readonly metadata?: object
}

export interface AdminWorldOptions {
  readonly administrators: readonly TestAdministrator[]
  readonly documents?: readonly object[]
  readonly store?: Store
}

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface AskOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Somebody with a token and the key it is bound to. */
export interface Asker {
  readonly token: string
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<AdminAnswer>
  /** What was sent last, to be sent again. */
  readonly sent: () => Sent
}

export interface Sent {
  readonly url: string
  readonly init: { readonly method: string; readonly headers: Headers; readonly body?: string }
}

export interface AdminWorld {
  readonly server: RunningServer
  readonly store: Store
  readonly desk: AdminDesk
  readonly clock: Clock & { ahead: number }
  readonly fetch: (url: string, options: object) => Promise<Response>
  /** The same with a client certificate. */
  readonly fetchWith: (certificate: Certificate) => AdminWorld['fetch']
  /** Registers a client with a key of its own, a token for which tests ask themselves. */
  readonly keyOf: (name: string) => Keyed
  /** A user signed in just now, as strongly as needs be, and let the admin client have these scopes. */
  readonly person: (name: string, options?: TokenOptions) => Promise<Asker>
  /** A client with a token of its own. */
  readonly machine: (name: string, options?: TokenOptions) => Promise<Asker>
  readonly audit: (event: string) => Promise<readonly AuditRecord[]>
  readonly close: () => Promise<void>
}

export interface Certificate {
  readonly certPem: string
  readonly keyPem: string
}

export interface TokenOptions {
  readonly scopes?: readonly string[]
  readonly resource?: string
  readonly acr?: string
  readonly ageSeconds?: number
}

/** The real server on real sockets, with its admin listener; `oauth4webapi` is the client of it. */
export async function openAdminWorld(options: AdminWorldOptions): Promise<AdminWorld> {
  const started = systemClock.now()
  const clock = {
    ahead: 0,
    now: (): EpochSeconds => secondsAfter(systemClock.now(), clock.ahead),
    monotonicMs: systemClock.monotonicMs,
  }
  const entropy = openEntropy()
  const passwords = openPasswords({ entropy })
  const store = options.store ?? (await openSqliteStore({ path: ':memory:', clock }))
  const binding: IssuerBinding = {
    ...{ name: 'main', url: issuer, mtlsUrl: 'https://mtls.as.example', environment: 'production' },
    clientTrustAnchors: [],
  }
  let references = 0
  const ports = {
    ...{ store, clock, entropy, passwords, issuers: [binding] },
    newReference: () => `reference-${++references}`,
  }
  const clients = new Map<string, Keyed>()
  const keyed = (name: string): Keyed => {
    const known = clients.get(name) ?? newKeyed()
    clients.set(name, known)
    return known
  }
  const text = documentsFor(options, keyed).map(one => JSON.stringify(one))
  const applied = await apply(
    { files: [{ path: 'world', text: text.join('\n---\n') }], dryRun: false, prune: false },
    ports,
  )
  if (!applied.ok) throw new TypeError(JSON.stringify(applied.problems))
  const log = { info: () => {}, warn: () => {}, error: (...all: unknown[]) => console.error(...all) }
  const revision = await openRevision({ store, issuers: [binding], log })
  if (!revision.ok) throw new TypeError(JSON.stringify(revision.problems))
  const { snapshot, refresh, close: closeRevision } = revision.value

  const certificate = await serverCertificate()
  const anyPort = { host: '127.0.0.1', port: 0 }
  let desk: AdminDesk | undefined
  const adminOptions: Omit<AdminOptions, 'keys' | 'outbound'> = {
    ...{ ports, snapshot, onApplied: refresh, startedAt: started },
  }
  const server = await startServer({
    ...{ issuerUrls: [issuer], store, snapshot, refreshSnapshot: refresh, passwords, log, clock, entropy },
    listeners: { public: anyPort, mtls: anyPort, management: undefined },
    tls: certificate.identity,
    keyEncryptionKey: Buffer.alloc(32, 7),
    limits: { unbackedTokensPerMinute: 100_000 },
    drainMs: 500,
    admin: {
      ...{ address: anyPort, url: audience, issuerUrl: issuer },
      routes: (keys, outbound) => {
        desk = {
          issuerUrl: issuer,
          audience,
          highRiskAcr: strong,
          options: { ...adminOptions, keys, outbound },
        }
        return adminRoutes(desk)
      },
    },
  })
  const places = {
    'as.example': server.listening.public,
    'mtls.as.example': server.listening.mtls,
    'admin.example': server.listening.admin ?? 0,
  }
  const agents: Agent[] = []
  const fetchWith = (own?: Certificate): AdminWorld['fetch'] => {
    const agent = agentTo(certificate.caPem, places, own)
    agents.push(agent)
    return async (url, init) =>
      (await undiciFetch(url, { ...init, dispatcher: agent } as never)) as unknown as Response
  }
  const fetch = fetchWith()
  const seconds = (): number => clock.ahead
  return {
    ...{ server, store, clock, fetch, fetchWith, keyOf: keyed },
    get desk() {
      if (desk === undefined) throw new TypeError('the listener is open')
      return desk
    },
    person: async (name, asked = {}) => {
      const clientId = 'admin-cli'
      const code = await seedCode(store, clock, entropy, { name, clientId, ...asked })
      return tokenFor({ fetch, clientId, keyed: keyed(clientId), seconds, ...asked }, code)
    },
    machine: (name, asked = {}) =>
      tokenFor({ fetch, clientId: name, keyed: keyed(name), seconds, ...asked }, undefined),
    audit: async event => {
      const records: AuditRecord[] = []
      for (const chain of await store.listAuditChains())
        for (const record of await store.readAuditChain(chain, 0, 10_000))
          if (record.event === event) records.push(record)
      return records
    },
    close: async () => {
      for (const agent of agents) await agent.destroy()
      await server.close()
      closeRevision()
      passwords.close()
      if (options.store === undefined) await store.close()
    },
  }
}

export interface Keyed {
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
}

function newKeyed(): Keyed {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' } }
}

export function documentFor(kind: string, name: string, spec: object): object {
  return { apiVersion: 'holdfast/v1', kind, metadata: { name }, spec }
}

function documentsFor(
  { administrators, documents = [] }: AdminWorldOptions,
  keyed: (name: string) => Keyed,
): readonly object[] {
  const client = (name: string, metadata: object): object =>
    documentFor('Client', name, {
      resources: ['holdfast-admin', 'other'],
      metadata: {
        ...{ token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true },
        ...{ jwks: { keys: [keyed(name).jwk] }, scope: [...adminScopes, 'other'].join(' '), ...metadata },
      },
    })
  return [
    ...adminDocuments(audience),
    documentFor('Scope', 'other', { title: 'Other', description: 'Of another API.' }),
    documentFor('ResourceServer', 'other', { audience: 'https://other.example', scopes: ['other'] }),
    client('admin-cli', {
      ...{ client_name: 'Admin CLI', redirect_uris: [redirectUri], response_types: ['code'] },
      grant_types: ['authorization_code', 'refresh_token'],
    }),
    ...administrators.map(({ name, scopes, responsible }) =>
      documentFor('Administrator', name, {
        ...(responsible === undefined ? { user: name } : { client: name, responsible }),
        scopes,
      }),
    ),
    ...administrators
      .filter(({ responsible }) => responsible !== undefined)
      .map(({ name, metadata }) =>
        client(name, { client_name: name, grant_types: ['client_credentials'], ...metadata }),
      ),
    ...administrators
      .filter(({ responsible }) => responsible === undefined)
      .map(({ name, groups = [] }) =>
        documentFor('User', name, { passwordHash: someHash, subject: `u_${name}_000`, groups }),
      ),
    ...documents,
  ]
}

const someHash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`

async function serverCertificate() {
  const { ca } = await identities()
  const names = { dns: ['as.example', 'mtls.as.example', 'admin.example'], ip: [] }
  const made = await newCertificate({
    ...{ subject: 'CN=as.example', key: 'ecdsa', purpose: 'server', days: 5, issuer: ca, names },
  })
  return { caPem: ca.certPem, identity: { certPem: made.certPem, keyPem: made.keyPem } }
}

function agentTo(ca: string, ports: Readonly<Record<string, number>>, own?: Certificate): Agent {
  const connect = buildConnector({ ca, ...(own && { cert: own.certPem, key: own.keyPem }) })
  return new Agent({
    connect: (options, done) => {
      const port = String(ports[options.hostname] ?? 1)
      connect({ ...options, hostname: '127.0.0.1', port, servername: options.hostname }, done)
    },
  })
}

async function seedCode(
  store: Store,
  clock: Clock,
  entropy: ReturnType<typeof openEntropy>,
  asked: TokenOptions & { readonly name: string; readonly clientId: string },
): Promise<string> {
  const { name, clientId, scopes = adminScopes, resource = audience, acr = strong, ageSeconds = 10 } = asked
  const now = clock.now()
  const { value, hash } = newHandle(entropy, 'code', issuer, now)
  const grantId = `g-${entropy.bytes(16).toString('base64url')}`
  const times = { issuedAt: now, expiresAt: secondsAfter(now, 60) }
  await store.commit([
    {
      kind: 'insert-grant',
      record: {
        ...{ id: grantId, issuer, clientId, subject: `u_${name}_000`, scopes, resources: [resource] },
        ...{ sid: `sid-${grantId}`, authTime: secondsAfter(now, -ageSeconds), acr, amr: ['pwd', 'otp'] },
        ...{ txn: `txn-${grantId}`, issuedAt: now, expiresAt: secondsAfter(now, 86_400) },
      },
    },
    {
      kind: 'insert-code',
      record: {
        ...{ hash, issuer, clientId, grantId, redirectUri, redirectUriSent: true, codeChallenge },
        ...{ dpopJkt: undefined, nonce: undefined, ...times },
      },
    },
  ])
  return value
}

interface TokenRequest extends TokenOptions {
  readonly fetch: AdminWorld['fetch']
  readonly clientId: string
  readonly keyed: Keyed
  readonly seconds: () => number
}

async function tokenFor(
  { fetch, clientId, keyed, scopes = adminScopes, resource = audience, seconds }: TokenRequest,
  code: string | undefined,
): Promise<Asker> {
  const custom = { [oauth.customFetch]: fetch as never }
  const server = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), { ...custom, algorithm: 'oauth2' }),
  )
  const client: oauth.Client = { client_id: clientId, [oauth.clockSkew]: seconds() }
  const key = await crypto.subtle.importKey(
    'pkcs8',
    keyed.privateKey.export({ format: 'der', type: 'pkcs8' }),
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign'],
  )
  const authentication = oauth.PrivateKeyJwt({ key, kid: 'k' })
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const options = { ...custom, DPoP }
  const request = async (): Promise<oauth.TokenEndpointResponse> => {
    if (code === undefined)
      return oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(
          server,
          client,
          authentication,
          { scope: scopes.join(' '), resource },
          options,
        ),
      )
    const callback = new URLSearchParams({ code, iss: issuer })
    const answer = oauth.validateAuthResponse(server, client, callback, oauth.expectNoState)
    return oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        answer,
        redirectUri,
        verifier,
        options,
      ),
    )
  }
  const { access_token: token } = await withNonce(request)
  let last: Sent | undefined
  const watched = (url: string, init: Sent['init']): Promise<Response> => {
    last = { url, init: { ...init, headers: new Headers(init.headers) } }
    return fetch(url, init)
  }
  const ask: Asker['ask'] = async (method, path, { body, headers = {} } = {}) => {
    const url = new URL(path, audience)
    const sent = new Headers({
      ...headers,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    })
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const response = await withNonce(() =>
      oauth
        .protectedResourceRequest(token, method, url, sent, text, {
          DPoP,
          [oauth.customFetch]: watched as never,
        })
        .catch(asResponse),
    )
    const answer = await answerOf(response)
    assertDescribed(method, path, answer)
    return answer
  }
  const sent = (): Sent => {
    if (last === undefined) throw new TypeError('nothing was sent')
    return last
  }
  return { token, ask, sent }
}

/** The library throws for a challenge; here it is an answer like any other, but for the request for a nonce. */
function asResponse(thrown: unknown): Response {
  if (thrown instanceof oauth.WWWAuthenticateChallengeError && !oauth.isDPoPNonceError(thrown))
    return thrown.response
  throw thrown
}

async function withNonce<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!oauth.isDPoPNonceError(thrown)) throw thrown
    return await work()
  }
}

export async function answerOf(response: Response): Promise<AdminAnswer> {
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  }
}
