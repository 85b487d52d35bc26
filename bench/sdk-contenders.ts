import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { epochSeconds } from '@holdfast/protocol'
import { readCertificate } from '@holdfast/protocol/sender/mtls.ts'
import {
  createResourceServer,
  type Guard,
  inMemoryReplayMemory,
  type ResourceServerOptions,
} from '@holdfast/resource-server'
import { testCertificate } from '@holdfast/resource-server/test-certificate.ts'
import { testIssuer, testKey, testProof } from '@holdfast/resource-server/testing.ts'
import type { Request as ExpressRequest } from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { createLocalJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'

/** One way to check a request at an API. */
export interface SdkContender {
  readonly group: 'floor' | 'DPoP' | 'certificate' | 'bearer'
  readonly name: string
  /** Makes the requests, outside the clock. */
  readonly prepare: (count: number) => readonly (() => unknown)[]
}

const now = epochSeconds(Math.floor(Date.now() / 1000))
const issuer = testIssuer({ clock: { now: () => now } })
const key = testKey('ES256')
const publicKey = createPublicKey(key.privateKey)
const url = `${issuer.audience}/payments/7`
const certificate = testCertificate('client.example')
const certificateRead = readCertificate(certificate.der)
if (!certificateRead.ok) throw new TypeError('the certificate of the benchmark cannot be read')
const peerCertificate = certificateRead.value
const certificatePem = new X509Certificate(certificate.der).toString()

const bindings = {
  DPoP: { cnf: { jkt: key.thumbprint } },
  certificate: { cnf: { 'x5t#S256': peerCertificate.x5tS256 } },
  bearer: {},
}
type Binding = keyof typeof bindings

/** As long as the profile lets a token live: peers look at the real clock, and the run takes minutes. */
const mint = (binding: Binding): string => issuer.mint({ exp: now + 3000, ...bindings[binding] })

const opaqueTokens = new Map<Binding, string>()
for (const binding of Object.keys(bindings) as Binding[]) {
  const token = `opaque-${binding}-${'x'.repeat(40)}`
  opaqueTokens.set(binding, token)
  issuer.introspection.set(token, {
    active: true,
    token_type: binding === 'DPoP' ? 'DPoP' : 'Bearer',
    ...issuer.claims({ exp: now + 3000, ...bindings[binding] }),
  })
}

/** What the SDK reported; a check that is not audited would not be the product's. */
export const audited = { count: 0 }

function guardOf(options: Pick<ResourceServerOptions, 'tokens' | 'senderConstraint'>): Guard<unknown> {
  const api = createResourceServer({
    issuer: issuer.issuer,
    audience: issuer.audience,
    fetch: issuer.fetch,
    clock: { now: () => now },
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0), entriesMax: 10_000_000 }),
    audit: () => {
      audited.count++
    },
    ...options,
  })
  return api.guard({ scopes: ['payments:read'] })
}

const authentication = {
  method: 'private_key_jwt',
  clientId: 'api',
  privateKey: key.privateKey,
  alg: 'ES256',
} as const
const jwt = guardOf({ tokens: 'jwt' })
const jwtBearer = guardOf({ tokens: 'jwt', senderConstraint: 'allowed' })
const opaque = guardOf({ tokens: { introspection: { authentication, cacheSeconds: 10 } } })

function headersOf(binding: Binding, token: string): Readonly<Record<string, string>> {
  if (binding !== 'DPoP') return { authorization: `Bearer ${token}` }
  const dpop = testProof({ key, method: 'GET', url, token, now })
  return { authorization: `DPoP ${token}`, dpop }
}

function sdkRequest(guard: Guard<unknown>, binding: Binding, token: string): () => Promise<void> {
  const headers = new Map(Object.entries(headersOf(binding, token)).map(([name, value]) => [name, [value]]))
  const request = {
    method: 'GET',
    target: '/payments/7',
    headers: (name: string) => headers.get(name) ?? [],
    isSecure: true,
    peerCertificate: binding === 'certificate' ? peerCertificate : undefined,
    isTokenInBody: false,
    native: undefined,
  }
  return async () => {
    const answer = await guard(request)
    if (!answer.ok) throw new Error(answer.reason)
  }
}

function sdk(name: string, group: Binding, guard: Guard<unknown>, tokenOf: () => string): SdkContender {
  return {
    group,
    name: `Holdfast, ${name}`,
    prepare: count => times(count, () => sdkRequest(guard, group, tokenOf())),
  }
}

const jwks = {
  keys: issuer.keys.map(({ jwk, thumbprint, alg }) => ({ ...jwk, kid: thumbprint, alg, use: 'sig' })),
}
const server: oauth.AuthorizationServer = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
const customFetch: NonNullable<oauth.ValidateJWTAccessTokenOptions[typeof oauth.customFetch]> = (to, init) =>
  issuer.fetch(to, {
    method: 'GET',
    headers: {},
    redirect: 'error',
    signal: init.signal ?? AbortSignal.timeout(5000),
  }) as Promise<Response>

function oauth4webapi(group: 'DPoP' | 'bearer'): SdkContender {
  const token = mint(group)
  const options = { requireDPoP: group === 'DPoP', [oauth.customFetch]: customFetch }
  const prepare = (): (() => Promise<void>) => {
    const request = new Request(url, { headers: headersOf(group, token) })
    return async () => {
      await oauth.validateJwtAccessToken(server, request, issuer.audience, options)
    }
  }
  return { group, name: 'oauth4webapi', prepare: count => times(count, prepare) }
}

function expressOauth2(group: Binding): SdkContender {
  const token = mint(group)
  const middleware = auth({
    issuer: issuer.issuer,
    audience: issuer.audience,
    publicKey: jwks as never,
    strict: true,
    dpop: group === 'DPoP' ? { enabled: true, required: true } : { enabled: false },
    ...(group === 'certificate' && {
      mtls: { enabled: true, required: true },
      getCertificate: () => certificatePem,
    }),
  })
  const { host } = new URL(url)
  const prepare = (): (() => Promise<void>) => {
    // What Express would hand on: the middleware looks at nothing else.
    const headers = { ...headersOf(group, token), host }
    const request = {
      headers,
      method: 'GET',
      protocol: 'https',
      originalUrl: '/payments/7',
      query: {},
      body: undefined,
      is: () => false,
      get: (name: string) => (headers as Readonly<Record<string, string>>)[name.toLowerCase()],
      app: { get: () => undefined },
    } as unknown as ExpressRequest
    return () =>
      new Promise<void>((done, fail) => {
        void middleware(request, undefined as never, cause => (cause === undefined ? done() : fail(cause)))
      })
  }
  return { group, name: 'express-oauth2-jwt-bearer', prepare: count => times(count, prepare) }
}

function joseAlone(): SdkContender {
  const token = mint('bearer')
  const keySet = createLocalJWKSet(jwks as never)
  const options = { issuer: issuer.issuer, audience: issuer.audience, typ: 'at+jwt', algorithms: ['ES256'] }
  return {
    group: 'bearer',
    name: 'jose, the signature and five claims',
    prepare: count => times(count, () => () => jwtVerify(token, keySet, options)),
  }
}

function rawVerification(): () => void {
  const proof = testProof({ key, method: 'GET', url, token: 'any', now })
  const dot = proof.lastIndexOf('.')
  const data = Buffer.from(proof.slice(0, dot))
  const signature = derOf(Buffer.from(proof.slice(dot + 1), 'base64url'))
  return () => {
    if (!verify('sha256', data, publicKey, signature)) throw new Error('raw signature')
  }
}

/** ECDSA signature as ASN.1, made outside the clock: the floor is the mathematics alone. */
function derOf(raw: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    let start = 0
    while (start < bytes.length - 1 && bytes[start] === 0) start++
    const rest = bytes.subarray(start)
    const padded = (rest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), rest]) : rest
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  }
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

const times = <T>(count: number, make: () => T): readonly T[] => Array.from({ length: count }, make)

const known = { DPoP: mint('DPoP'), certificate: mint('certificate'), bearer: mint('bearer') }
const opaqueOf = (binding: Binding) => () => opaqueTokens.get(binding) ?? ''

export const sdkContenders: readonly SdkContender[] = [
  { group: 'floor', name: 'one raw verification', prepare: count => times(count, rawVerification) },
  sdk('JWT seen before', 'DPoP', jwt, () => known.DPoP),
  sdk('JWT never seen', 'DPoP', jwt, () => mint('DPoP')),
  sdk('opaque, answer remembered', 'DPoP', opaque, opaqueOf('DPoP')),
  oauth4webapi('DPoP'),
  expressOauth2('DPoP'),
  sdk('JWT seen before', 'certificate', jwt, () => known.certificate),
  sdk('opaque, answer remembered', 'certificate', opaque, opaqueOf('certificate')),
  expressOauth2('certificate'),
  sdk('JWT seen before', 'bearer', jwtBearer, () => known.bearer),
  sdk('JWT never seen', 'bearer', jwtBearer, () => mint('bearer')),
  oauth4webapi('bearer'),
  expressOauth2('bearer'),
  joseAlone(),
]
