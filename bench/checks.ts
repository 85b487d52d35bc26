import { X509Certificate } from 'node:crypto'
import { epochSeconds } from '@holdfast/protocol'
import { type CertificateEvidence, readCertificate } from '@holdfast/protocol/sender/mtls.ts'
import {
  type Clock,
  createResourceServer,
  inMemoryReplayMemory,
  type ResourceServerOptions,
} from '@holdfast/resource-server'
import { type TestIssuer, type TestKey, testProof } from '@holdfast/resource-server/testing.ts'
import type { Request as ExpressRequest } from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { createLocalJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'

/** What a token is bound to. */
export type Binding = 'DPoP' | 'certificate' | 'bearer'
export const bindings: readonly Binding[] = ['DPoP', 'certificate', 'bearer']

/** One request as a listener has it. */
export interface CheckedRequest {
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly certificate: ClientCertificate | undefined
}

/** The certificate of a connection, in the forms libraries want; read once for a connection, as their adapters do. */
export interface ClientCertificate {
  readonly pem: string
  readonly evidence: CertificateEvidence
}

export function clientCertificateOf(der: Uint8Array): ClientCertificate {
  const read = readCertificate(der)
  if (!read.ok) throw new TypeError('the certificate of the benchmark cannot be read')
  return { pem: new X509Certificate(der).toString(), evidence: read.value }
}

/** One library's way to check a request. */
export interface Checker {
  readonly binding: Binding
  readonly name: string
  /** Makes the library's own form of a GET request. @returns the check; it throws or rejects when it refuses */
  readonly ready: (request: CheckedRequest) => () => unknown
}

/** Where requests are checked. */
export interface Place {
  readonly issuer: TestIssuer
  readonly clock: Clock
  /** Origin under which clients see the listener. */
  readonly origin: string
}

/** The `cnf` claim of tokens with this binding. */
export function cnfOf(binding: Binding, key: TestKey, certificate: ClientCertificate): object {
  if (binding === 'bearer') return {}
  return {
    cnf: binding === 'DPoP' ? { jkt: key.thumbprint } : { 'x5t#S256': certificate.evidence.x5tS256 },
  }
}

/** The credentials of one GET request. */
export function credentialsOf(
  binding: Binding,
  { key, url, token, now }: Omit<Parameters<typeof testProof>[0], 'method'>,
): Readonly<Record<string, string>> {
  if (binding !== 'DPoP') return { authorization: `Bearer ${token}` }
  return { authorization: `DPoP ${token}`, dpop: testProof({ key, method: 'GET', url, token, now }) }
}

/** What the SDK reported; a check that is not audited would not be the product's. */
export const audited = { count: 0 }

export function holdfastChecker(
  { issuer, clock, origin }: Place,
  binding: Binding,
  name: string,
  tokens: ResourceServerOptions['tokens'],
): Checker {
  const api = createResourceServer({
    issuer: issuer.issuer,
    audience: issuer.audience,
    externalUrl: origin,
    tokens,
    senderConstraint: binding === 'bearer' ? 'allowed' : 'required',
    fetch: issuer.fetch,
    clock,
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0), entriesMax: 10_000_000 }),
    audit: () => {
      audited.count++
    },
  })
  const guard = api.guard({ scopes: ['payments:read'] })
  return {
    binding,
    name,
    ready: ({ target, headers, certificate }) => {
      const values = new Map(Object.entries(headers).map(([header, value]) => [header, [value]]))
      const request = {
        method: 'GET',
        target,
        headers: (header: string) => values.get(header) ?? [],
        isSecure: true,
        peerCertificate: certificate?.evidence,
        isTokenInBody: false,
        native: undefined,
      }
      return async () => {
        const answer = await guard(request)
        if (!answer.ok) throw new Error(answer.reason)
      }
    },
  }
}

/** The other libraries, each with every binding it knows. None of them takes an opaque token or remembers a proof. */
export function libraryCheckers(place: Place): readonly Checker[] {
  return [
    oauth4webapi(place, 'DPoP'),
    expressOauth2(place, 'DPoP'),
    expressOauth2(place, 'certificate'),
    oauth4webapi(place, 'bearer'),
    expressOauth2(place, 'bearer'),
    joseAlone(place),
  ]
}

function keySetOf({ keys }: TestIssuer): Parameters<typeof createLocalJWKSet>[0] {
  return {
    keys: keys.map(({ jwk, thumbprint, alg }) => ({ ...jwk, kid: thumbprint, alg, use: 'sig' })),
  } as never
}

function oauth4webapi({ issuer, origin }: Place, binding: 'DPoP' | 'bearer'): Checker {
  const server: oauth.AuthorizationServer = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
  const customFetch: NonNullable<oauth.ValidateJWTAccessTokenOptions[typeof oauth.customFetch]> = (
    to,
    { signal = AbortSignal.timeout(5000) },
  ) => issuer.fetch(to, { method: 'GET', headers: {}, redirect: 'error', signal }) as Promise<Response>
  const options = { requireDPoP: binding === 'DPoP', [oauth.customFetch]: customFetch }
  return {
    binding,
    name: 'oauth4webapi',
    ready: ({ target, headers }) => {
      const request = new Request(origin + target, { headers })
      return () => oauth.validateJwtAccessToken(server, request, issuer.audience, options)
    },
  }
}

function expressOauth2({ issuer, origin }: Place, binding: Binding): Checker {
  const middleware = auth({
    issuer: issuer.issuer,
    audience: issuer.audience,
    publicKey: keySetOf(issuer) as never,
    strict: true,
    dpop: binding === 'DPoP' ? { enabled: true, required: true } : { enabled: false },
    ...(binding === 'certificate' && {
      mtls: { enabled: true, required: true },
      getCertificate: request => (request as unknown as { readonly certificatePem: string }).certificatePem,
    }),
  })
  const { host } = new URL(origin)
  return {
    binding,
    name: 'express-oauth2-jwt-bearer',
    ready: ({ target, headers: sent, certificate }) => {
      // What Express would hand on: the middleware looks at nothing else.
      const headers: Readonly<Record<string, string>> = { ...sent, host }
      const request = {
        headers,
        method: 'GET',
        protocol: 'https',
        originalUrl: target,
        query: {},
        body: undefined,
        is: () => false,
        get: (name: string) => headers[name.toLowerCase()],
        app: { get: () => undefined },
        certificatePem: certificate?.pem,
      } as unknown as ExpressRequest
      return () =>
        new Promise<void>((done, fail) => {
          void middleware(request, undefined as never, cause => (cause === undefined ? done() : fail(cause)))
        })
    },
  }
}

function joseAlone({ issuer }: Place): Checker {
  const keySet = createLocalJWKSet(keySetOf(issuer))
  const options = { issuer: issuer.issuer, audience: issuer.audience, typ: 'at+jwt', algorithms: ['ES256'] }
  return {
    binding: 'bearer',
    name: 'jose, the signature and five claims',
    ready: ({ headers }) => {
      const token = headers.authorization?.slice('Bearer '.length) ?? ''
      return () => jwtVerify(token, keySet, options)
    },
  }
}
