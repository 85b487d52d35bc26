import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type JwsAlg, profiles } from '@holdfast/protocol'
import type { AuditSink, Fetch } from '@holdfast/resource-server'
import type { Agent } from 'undici'
import { evidenceKeyOf } from '../evidence.ts'
import type { GatewayLimits } from '../limits.ts'
import type { GatewayOptions, ProtectedApi, RouteOptions, UpstreamOptions } from '../options.ts'
import type { Log } from '../ports.ts'
import { decisionPointsOf, type OwnIssuer } from './decision-points.ts'
import { defined } from './defined.ts'
import type { GatewayFile } from './schema.ts'

export interface FileSurroundings {
  /** Folder the paths of the file are relative to. */
  readonly base: string
  readonly audit: AuditSink
  readonly log: Log
}

/** What a file says, with the files it names read. @throws Error that names the file which cannot be used */
export function gatewayOptionsOf(file: GatewayFile, { base, audit, log }: FileSurroundings): GatewayOptions {
  const read = (path: string): string => readFileSync(resolve(base, path), 'utf8')
  const {
    externalUrl,
    listener,
    check,
    management,
    tls,
    issuer,
    trustedProxies,
    limits,
    explain,
    revocationFeed,
  } = file
  const fetching = issuer.caFile === undefined ? {} : { fetch: fetchTrusting(read(issuer.caFile)) }
  const authentication = authenticationOf(file.client.clientId, jwkOf(file.client.privateKeyFile, read))
  const own = { issuer: issuer.url, authentication, ...fetching }
  return {
    ...{ externalUrl, management, audit, log, trustedProxies, explain, revocationFeed },
    ...(listener !== 'off' && { address: listener }),
    ...(check && {
      check: {
        address: check.listener,
        ...(check.callers && { callers: check.callers }),
        ...(check.keyFiles && { keys: check.keyFiles.map(path => read(path).trim()) }),
      },
    }),
    tls: { certPem: read(tls.certificateFile), keyPem: read(tls.privateKeyFile) },
    issuer: issuer.url,
    ...fetching,
    introspection: authentication,
    evidenceKey: evidenceKeyOf(jwkOf(file.evidenceKeyFile, read)),
    ...(file.replay && {
      replay: {
        connectionString: file.replay.connectionString,
        nonceSecret: readFileSync(resolve(base, file.replay.nonceSecretFile)),
      },
    }),
    ...(file.decisionPoints.length > 0 && {
      decisionPoints: decisionPointsOf(file.decisionPoints, own, read),
    }),
    limits: defined(limits) as Partial<GatewayLimits>,
    apis: file.apis.map(({ upstream, evidenceAudience, profile: tier, ...api }) => {
      const profile = tier === undefined ? undefined : profiles.get(tier)
      return {
        ...(defined(api) as Omit<ProtectedApi, 'upstream' | 'evidenceAudience' | 'profile'>),
        ...(profile && { profile }),
        evidenceAudience: evidenceAudience ?? `holdfast:api:${api.name}`,
        ...(upstream && { upstream: upstreamOf(upstream, read) }),
      }
    }),
    routes: file.routes.map(({ profile: tier, ...route }) => {
      const profile = tier === undefined ? undefined : profiles.get(tier)
      return { ...(defined(route) as Omit<RouteOptions, 'profile'>), ...(profile && { profile }) }
    }),
  }
}

function upstreamOf(
  { caFile, certificateFile, privateKeyFile, ...times }: NonNullable<GatewayFile['apis'][number]['upstream']>,
  read: (path: string) => string,
): UpstreamOptions {
  const pems = { caPem: read(caFile), certPem: read(certificateFile), keyPem: read(privateKeyFile) }
  return { ...(defined(times) as Pick<UpstreamOptions, 'url'>), ...pems }
}

function jwkOf(path: string, read: (path: string) => string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(read(path))
  if (typeof value !== 'object' || value === null) throw new TypeError(`\`${path}\` is not a JWK`)
  return value as Readonly<Record<string, string>>
}

const algs: Readonly<Record<string, JwsAlg>> = { 'P-256': 'ES256', Ed25519: 'EdDSA' }

function authenticationOf(
  clientId: string,
  jwk: Readonly<Record<string, string>>,
): OwnIssuer['authentication'] {
  const alg = jwk.kty === 'RSA' ? 'PS256' : algs[jwk.crv ?? '']
  if (alg === undefined)
    throw new TypeError("the key of the gateway's client is neither P-256, Ed25519 nor RSA")
  const privateKey = createPrivateKey({ format: 'jwk', key: jwk })
  return {
    method: 'private_key_jwt',
    clientId,
    privateKey,
    alg,
    ...(jwk.kid !== undefined && { kid: jwk.kid }),
  }
}

/** The way to an issuer whose certificate a private authority signed. */
export function fetchTrusting(caPem: string): Fetch {
  let dispatcher: Agent | undefined
  return async (url, init) => {
    const { Agent, fetch } = await import('undici')
    dispatcher ??= new Agent({ connect: { ca: caPem }, allowH2: false })
    return await fetch(url, { ...init, dispatcher })
  }
}
