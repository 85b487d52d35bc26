import { createHash, createHmac, createSecretKey } from 'node:crypto'
import {
  defaultAuthenticationLevels,
  type EpochSeconds,
  epochSeconds,
  meetUnchecked,
  type SecurityProfile,
} from '@holdfast/protocol'
import { keyReportSeconds } from '@holdfast/protocol/key-report.ts'
import type { Exchange, PeerCertificate, Reply } from '../../http/exchange.ts'
import { softwareCustody } from '../../keys/custody/software.ts'
import {
  type AttributeSources,
  type CertificateLists,
  type Clock,
  type Entropy,
  Fault,
  type Keys,
  noCertificateLists,
  type Ports,
  type RemoteEngines,
} from '../../ports.ts'
import { shipped } from '../../snapshot/compile-policies.ts'
import { spiffeClients } from '../../snapshot/compile-spiffe.ts'
import { effectiveProfiles } from '../../snapshot/effective-profile.ts'
import { defaultRiskRules, type RiskRules } from '../../snapshot/risk-rules.ts'
import type {
  Attester,
  AttributeSource,
  AuthorizationDetailsType,
  Client,
  IdentityProvider,
  IssuerSnapshot,
  ResourceServer,
  Scope,
  Snapshot,
  SpiffeTrustDomain,
  TrustedIssuer,
} from '../../snapshot/snapshot.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { type Geography, noGeography } from '../risk/geography.ts'
import type { Room } from '../room.ts'
import { keys as clientKeys, floor, plainClients, resourceServers, scopes } from './clients.ts'
import {
  type AnswerForm,
  fakePasswords,
  metricsInto,
  noEngines,
  noSources,
  outboundOf,
  type Receive,
} from './fakes.ts'
import { compactJws, newTestKey, type TestKey } from './jws.ts'

export const issuerUrl = 'https://as.example'
export const mtlsUrl = 'https://mtls.as.example'
/** 15 January 2027, 08:00:00 UTC. */
export const startOfWorld: EpochSeconds = epochSeconds(1_800_000_000)
export const alice = 'u_alice'
export const storeAgeSeconds = 3600

export interface FakeClock extends Clock {
  readonly advance: (seconds: number) => void
}

export interface WorldOptions {
  /** Added to, or by the same id instead of, the plain clients. */
  readonly clients?: readonly Client[]
  readonly clientTrustAnchors?: readonly string[]
  readonly attesters?: readonly Attester[]
  readonly identityProviders?: readonly IdentityProvider[]
  /** What is answered to a form that wants JSON; absent: there is no answer. */
  readonly answerForm?: AnswerForm
  readonly decisionPoint?: IssuerSnapshot['decisionPoint']
  readonly trustedIssuers?: readonly TrustedIssuer[]
  readonly spiffeTrustDomains?: readonly SpiffeTrustDomain[]
  readonly environment?: IssuerSnapshot['environment']
  readonly operationTiers?: IssuerSnapshot['operationTiers']
  readonly authenticationLevels?: IssuerSnapshot['authenticationLevels']
  readonly floor?: SecurityProfile
  /** What `jwks_uri` answers, by URL; absent: the fetch fails. */
  readonly documents?: Map<string, unknown>
  /** Instead of the usual ones. */
  readonly resourceServers?: readonly ResourceServer[]
  /** Instead of the usual ones. */
  readonly scopes?: readonly Scope[]
  readonly detailTypes?: readonly AuthorizationDetailsType[]
  /** What is answered to what is posted to another server, a bearer token as `bearer`; absent: there is no answer. */
  readonly receive?: Receive
  /** What policies may ask by name; nobody when absent. */
  readonly remoteEngines?: RemoteEngines
  readonly attributeSources?: readonly AttributeSource[]
  /** What sources say; by default none answers. */
  readonly sources?: AttributeSources
  /** Instead of the shipped ones. */
  readonly policies?: IssuerSnapshot['policies']
  readonly risk?: Partial<RiskRules>
  readonly geography?: Geography
  readonly certificateLists?: CertificateLists
  readonly registered?: IssuerSnapshot['registered']
  /** An open store to use instead of a fresh one in memory. */
  readonly store?: Store
}

export interface RequestOptions {
  readonly method?: string
  readonly form?: FormFields
  /** Sent as it is, instead of `form`. */
  readonly body?: string | Buffer
  readonly query?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Present: the request came over the mutual-TLS listener. */
  readonly certificate?: PeerCertificate
  readonly params?: Readonly<Record<string, string>>
  /** Where it comes from; always the same unless said otherwise. */
  readonly remoteAddress?: string
}

export type FormFields = Readonly<Record<string, string | readonly string[] | undefined>>

/** Everything a test touches. */
export interface World {
  readonly ports: Ports
  readonly clock: FakeClock
  readonly store: Store
  readonly issuer: IssuerSnapshot
  /** Fetches of `jwks_uri` so far. */
  readonly fetched: readonly string[]
  /** Metric names counted so far, with repeats. */
  readonly counted: readonly string[]
  readonly exchange: (path: string, options?: RequestOptions) => Exchange
  /** Through the door: `path` with these options into `room`. */
  readonly send: (room: Room, path: string, options?: RequestOptions) => Promise<Reply>
  /** Form parameters of a fresh, good client assertion. */
  readonly assertion: (clientId: string, spoil?: AssertionOptions) => AssertionFields
  /** A fresh, good proof for this path, without nonce unless given. */
  readonly proof: (path: string, spoil?: ProofOptions) => string
  /** The record with this event written last. */
  readonly lastAudit: (event: string) => Promise<AuditRecord | undefined>
  readonly audit: () => Promise<readonly AuditRecord[]>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export interface AssertionOptions {
  readonly key?: TestKey
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** A type and not an interface, so that it is a kind of `FormFields`. */
export type AssertionFields = {
  readonly client_assertion_type: string
  readonly client_assertion: string
}

export interface ProofOptions extends AssertionOptions {
  readonly method?: string
  readonly nonce?: string
  readonly accessToken?: string
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const clock = fakeClock()
  // The store is older than any proof a test signs: what is signed before a store began is refused (I6).
  clock.advance(-storeAgeSeconds)
  const store = options.store ?? (await openSqliteStore({ path: ':memory:', clock }))
  clock.advance(storeAgeSeconds)
  const issuer = issuerOf(options)
  const snapshot: Snapshot = { revision: 1, issuers: new Map([[issuer.url, issuer]]) }
  const fetched: string[] = []
  const counted: string[] = []
  const ports: Ports = {
    clock,
    entropy: seededEntropy('world'),
    store,
    keys: keysInMemory(),
    outbound: outboundOf(options.documents ?? new Map(), fetched, options.receive, options.answerForm),
    remoteEngines: options.remoteEngines ?? noEngines,
    attributeSources: options.sources ?? noSources,
    passwords: fakePasswords,
    geography: options.geography ?? noGeography,
    certificateLists: options.certificateLists ?? noCertificateLists,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    metrics: metricsInto(counted),
    snapshot: () => snapshot,
    refreshSnapshot: async () => {},
  }
  if (options.store === undefined) await putAlice(store)
  const requestIds = { last: 0 }
  const exchange = (path: string, request: RequestOptions = {}): Exchange => {
    requestIds.last += 1
    return exchangeOf(issuer, path, request, `req-${requestIds.last}`)
  }
  const audit = async (): Promise<readonly AuditRecord[]> => {
    const chains = await store.listAuditChains()
    return (await Promise.all(chains.map(chain => store.readAuditChain(chain, 0, 100_000)))).flat()
  }
  return {
    ports,
    clock,
    store,
    issuer,
    fetched,
    counted,
    exchange,
    send: (room, path, request) => room(exchange(path, request), ports),
    assertion: (clientId, spoil) => assertionOf(clientId, clock.now(), ports.entropy, spoil),
    proof: (path, spoil) => proofOf(issuerUrl + path, clock.now(), ports.entropy, spoil),
    lastAudit: async event => (await audit()).findLast(record => record.event === event),
    audit,
    [Symbol.asyncDispose]: () => store.close(),
  }
}

export function fakeClock(): FakeClock {
  const time = { now: startOfWorld as number }
  return {
    now: () => epochSeconds(time.now),
    monotonicMs: () => (time.now - startOfWorld) * 1000,
    advance: seconds => {
      time.now += seconds
    },
  }
}

/** Looks random, is the same on every run. */
export function seededEntropy(seed: string): Entropy {
  const state = { counter: 0 }
  return {
    bytes: count => {
      state.counter += 1
      const blocks = Math.ceil(count / 32)
      return Buffer.concat(
        Array.from({ length: blocks }, (_, index) =>
          createHash('sha256').update(`${seed}:${state.counter}:${index}`).digest(),
        ),
      ).subarray(0, count)
    },
  }
}

/** The issuer's own signing keys. */
export const issuerKeys: readonly TestKey[] = [
  newTestKey('ES256', 'as-es256'),
  newTestKey('EdDSA', 'as-eddsa'),
]

const custody = softwareCustody(Buffer.alloc(32, 7), seededEntropy('custody'))

/** What seals secrets in every world, and opens them. */
export const sealing: Pick<Keys, 'seal' | 'open'> = {
  seal: (issuer, purpose, place, clear) =>
    custody.seal({ issuer, id: `${purpose} ${place}`, use: 'secret', alg: 'none' }, clear),
  open: (issuer, purpose, place, sealed) =>
    custody.open({ issuer, id: `${purpose} ${place}`, use: 'secret', alg: 'none' }, sealed),
}

function keysInMemory(): Keys {
  const keyOf = (alg: string): TestKey => {
    const key = issuerKeys.find(candidate => candidate.alg === alg)
    if (key === undefined) throw new Fault('keys.unavailable', { detail: alg })
    return key
  }
  const body = Buffer.from(JSON.stringify({ keys: issuerKeys.map(key => key.publicJwk) }))
  return {
    sign: async (_issuer, alg, typ, claims) => {
      const key = keyOf(alg)
      return compactJws({ alg, typ, kid: key.kid }, claims, key)
    },
    published: () => ({ body, etag: '"test"' }),
    algs: () => issuerKeys.map(key => key.alg),
    checks: async issuer => {
      const signed = issuerKeys.map(key => {
        const claims = { iss: issuer, iat: startOfWorld, exp: startOfWorld + 60 }
        return compactJws({ alg: key.alg, typ: 'key-check+jwt', kid: key.kid }, claims, key)
      })
      return { kids: issuerKeys.map(key => key.kid), signed, reportAfterSeconds: keyReportSeconds }
    },
    doubt: () => undefined,
    signs: () => true,
    secret: (issuer, purpose) =>
      createSecretKey(createHmac('sha256', 'test secrets').update(`${issuer}\n${purpose}`).digest()),
    ...sealing,
  }
}

function issuerOf(options: WorldOptions): IssuerSnapshot {
  const floorProfile = options.floor ?? floor
  const clients = new Map(
    [...plainClients, ...(options.clients ?? [])].map(client => [client.clientId, client]),
  )
  const servers = new Map(
    (options.resourceServers ?? resourceServers).map(server => [server.audience, server]),
  )
  const scopesByName = new Map((options.scopes ?? scopes).map(scope => [scope.name, scope]))
  const detailTypes = new Map((options.detailTypes ?? []).map(type => [type.name, type]))
  const met = effectiveProfiles({ resourceServers: servers, scopes: scopesByName, detailTypes })
  // One object per client, by whose profile results are remembered.
  const floored = new Map<Client, Client>()
  const underFloor = (client: Client): Client => {
    const known = floored.get(client) ?? { ...client, profile: meetUnchecked(floorProfile, client.profile) }
    floored.set(client, known)
    return known
  }
  const effectiveProfile: IssuerSnapshot['effectiveProfile'] = (client, asked) =>
    met(underFloor(client), asked)
  return {
    url: issuerUrl,
    mtlsUrl,
    tenantId: 'tenant-1',
    environment: options.environment ?? 'production',
    floor: floorProfile,
    clients,
    resourceServers: servers,
    scopes: scopesByName,
    detailTypes,
    effectiveProfile,
    clientTrustAnchors: options.clientTrustAnchors ?? [],
    operationTiers: options.operationTiers ?? { scopes: new Map(), detailTypes: new Map() },
    authenticationLevels: options.authenticationLevels ?? defaultAuthenticationLevels,
    attesters: new Map((options.attesters ?? []).map(attester => [attester.name, attester])),
    spiffeTrustDomains: new Map(
      (options.spiffeTrustDomains ?? []).map(domain => [domain.trustDomain, domain]),
    ),
    clientOfSpiffeId: spiffeClients(clients.values()),
    decisionPoint: options.decisionPoint,
    attributeSources: new Map((options.attributeSources ?? []).map(source => [source.name, source])),
    identityProviders: new Map((options.identityProviders ?? []).map(provider => [provider.name, provider])),
    trustedIssuers: new Map((options.trustedIssuers ?? []).map(trusted => [trusted.issuer, trusted])),
    policies: options.policies ?? shipped(),
    ...withoutRegistration,
    scopeEndings: [],
    risk: { ...defaultRiskRules, ...options.risk },
    ...(options.registered !== undefined && { registered: options.registered }),
    onboardingEndings: [],
  }
}

/** Worlds whose clients were all written by an operator; `registration-world.ts` has one that compiles documents. */
export const withoutRegistration: Pick<
  IssuerSnapshot,
  'registration' | 'registered' | 'statementIssuers' | 'registrar'
> = {
  registration: 'off',
  registered: new Map(),
  statementIssuers: new Map(),
  registrar: {
    prepare: () => {
      throw new TypeError('nothing is compiled in this world')
    },
  },
}

function exchangeOf(
  issuer: IssuerSnapshot,
  path: string,
  request: RequestOptions,
  requestId: string,
): Exchange {
  const { certificate, query = '', params = {} } = request
  const hasForm = request.form !== undefined || request.body !== undefined
  const sent = request.headers ?? []
  const headers = hasForm && !sent.some(([name]) => name === 'content-type') ? [formType, ...sent] : sent
  return {
    method: request.method ?? 'POST',
    path,
    query,
    externalUrl: (certificate === undefined ? issuer.url : issuer.mtlsUrl) + path,
    headers: name => headers.filter(([sentName]) => sentName === name).map(([, value]) => value),
    body:
      request.body instanceof Buffer
        ? request.body
        : Buffer.from(request.body ?? formBody(request.form ?? {})),
    listener: certificate === undefined ? 'public' : 'mtls',
    peerCertificate: certificate,
    remoteAddress: request.remoteAddress ?? '192.0.2.10',
    requestId,
    issuer,
    params,
  }
}

const formType = ['content-type', 'application/x-www-form-urlencoded'] as const

function formBody(fields: FormFields): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) form.append(name, one)
  }
  return form.toString()
}

function assertionOf(
  clientId: string,
  now: EpochSeconds,
  entropy: Entropy,
  spoil: AssertionOptions = {},
): AssertionFields {
  const key = spoil.key ?? keyOfClient(clientId)
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: issuerUrl,
    jti: entropy.bytes(16).toString('base64url'),
    iat: now,
    exp: now + 60,
    ...spoil.claims,
  }
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: compactJws({ alg: key.alg, kid: key.kid, ...spoil.header }, claims, key),
  }
}

function keyOfClient(clientId: string): TestKey {
  if (clientId === 'c_oidc') return clientKeys.oidc
  if (clientId === 'c_remote') return clientKeys.remote
  if (clientId === 'c_rs') return clientKeys.resourceServer
  return clientKeys.bank
}

function proofOf(url: string, now: EpochSeconds, entropy: Entropy, spoil: ProofOptions = {}): string {
  const { key = clientKeys.proof, method = 'POST', nonce, accessToken } = spoil
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = key.publicJwk
  const claims = {
    jti: entropy.bytes(16).toString('base64url'),
    htm: method,
    htu: url,
    iat: now,
    ...(nonce !== undefined && { nonce }),
    ...(accessToken !== undefined && {
      ath: createHash('sha256').update(accessToken).digest('base64url'),
    }),
    ...spoil.claims,
  }
  return compactJws({ typ: 'dpop+jwt', alg: key.alg, jwk, ...spoil.header }, claims, key)
}

export async function putAlice(store: Store): Promise<void> {
  await store.commit([
    {
      kind: 'put-user',
      record: {
        issuer: issuerUrl,
        subject: alice,
        username: 'alice',
        passwordHash: 'fake:correct horse',
        status: 'active',
        claims: {
          name: 'Alice Adams',
          family_name: 'Adams',
          email: 'alice@example.com',
          email_verified: true,
        },
      },
    },
  ])
}
