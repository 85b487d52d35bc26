import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoKitClient } from '@holdfast/cli'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import type { DevelopmentCa, KeptCertificate } from '@holdfast/server/tls/development-ca.ts'
import { demoCertificates, pkiSubject } from './certificates.ts'

/** A demo client as a person tries it, and as it is registered. */
export interface DemoClient extends DemoKitClient {
  /** Registered metadata. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** What else its document says. */
  readonly spec: Readonly<Record<string, unknown>>
}

type Jwk = Readonly<Record<string, unknown>>

export const demoRedirectUri = 'https://localhost:8450/callback'
export const demoApiClientId = 'demo-api'
export const demoGatewayClientId = 'demo-gateway'
const scope = 'openid profile email offline_access accounts:read payments:write'

const userFlows = {
  redirect_uris: [demoRedirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope,
}
const dpop = { dpop_bound_access_tokens: true }
const mtls = { tls_client_certificate_bound_access_tokens: true, use_mtls_endpoint_aliases: true }

/** One client per binding, a plain OpenID Connect one, and the demo API's own; keys are made once and kept. */
export async function demoClients(folder: string, authority: DevelopmentCa): Promise<readonly DemoClient[]> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { jwt, pki, own } = await demoCertificates(authority)

  const byJwt = (clientId: string) =>
    withKey(folder, clientId, { token_endpoint_auth_method: 'private_key_jwt' })
  return [
    client('demo-jwt-dpop', 'private_key_jwt + DPoP', byJwt('demo-jwt-dpop'), { ...userFlows, ...dpop }),
    client(
      'demo-jwt-mtls',
      'private_key_jwt + mTLS',
      { ...byJwt('demo-jwt-mtls'), certificate: jwt },
      { ...userFlows, ...mtls },
    ),
    client(
      'demo-pki-mtls',
      'tls_client_auth + mTLS',
      {
        keyFile: undefined,
        certificate: pki,
        metadata: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: pkiSubject },
      },
      { ...userFlows, ...mtls },
    ),
    client(
      'demo-own-mtls',
      'self-signed certificate + mTLS',
      {
        keyFile: undefined,
        certificate: own,
        metadata: {
          token_endpoint_auth_method: 'self_signed_tls_client_auth',
          jwks: { keys: [certificateJwk(own)] },
        },
      },
      { ...userFlows, ...mtls },
    ),
    client('demo-oidc', 'plain OpenID Connect', byJwt('demo-oidc'), userFlows, { profile: 'oidc-baseline' }),
    client(
      demoApiClientId,
      'introspects for the demo API',
      byJwt(demoApiClientId),
      { grant_types: ['client_credentials'], ...dpop },
      { resources: [], introspects: ['demo-api'] },
    ),
    client(
      demoGatewayClientId,
      'introspects for the gateway',
      byJwt(demoGatewayClientId),
      { grant_types: ['client_credentials'], introspection_signed_response_alg: 'ES256', ...dpop },
      { resources: [], introspects: ['demo-api'] },
    ),
  ]
}

interface Credential {
  readonly keyFile: string | undefined
  readonly certificate?: KeptCertificate
  readonly metadata: Readonly<Record<string, unknown>>
}

function client(
  clientId: string,
  says: string,
  { keyFile, certificate, metadata }: Credential,
  registered: Readonly<Record<string, unknown>>,
  spec: Readonly<Record<string, unknown>> = {},
): DemoClient {
  return {
    clientId,
    says,
    scope: 'scope' in registered ? scope : '',
    ...('redirect_uris' in registered && { redirectUri: demoRedirectUri }),
    ...(keyFile !== undefined && { keyFile }),
    ...(certificate && { certificateFile: certificate.certPath, certificateKeyFile: certificate.keyPath }),
    metadata: { client_name: `Demo: ${says}`, ...registered, ...metadata },
    spec: { resources: ['demo-api'], ...spec },
  }
}

/** The client's ES256 key, made at first use. */
function withKey(folder: string, clientId: string, metadata: Readonly<Record<string, unknown>>): Credential {
  const keyFile = join(folder, `${clientId}.jwk.json`)
  if (!existsSync(keyFile)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = privateKey.export({ format: 'jwk' }) as Jwk
    const kid = jwkThumbprint(jwk)
    writeFileSync(keyFile, `${JSON.stringify({ ...jwk, kid, alg: 'ES256' }, null, 2)}\n`, { mode: 0o600 })
  }
  const stored = JSON.parse(readFileSync(keyFile, 'utf8')) as Jwk
  const publicJwk = createPublicKey(
    createPrivateKey({ format: 'jwk', key: stored as Record<string, string> }),
  ).export({ format: 'jwk' })
  const { kid, alg } = stored
  return { keyFile, metadata: { ...metadata, jwks: { keys: [{ ...publicJwk, kid, alg, use: 'sig' }] } } }
}

/** RFC 8705 2.2.2: the certificate itself stands in the key. */
function certificateJwk({ certPem }: KeptCertificate): Jwk {
  const certificate = new X509Certificate(certPem)
  const jwk = certificate.publicKey.export({ format: 'jwk' }) as Jwk
  return { ...jwk, x5c: [certificate.raw.toString('base64')] }
}
