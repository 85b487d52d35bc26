import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type EvidenceKey, evidenceKeyOf, type Gateway, openGateway } from '@holdfast/gateway'
import { epochSeconds } from '@holdfast/protocol'
import { certificateThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { type AuditSink, type GatewayTrust, inMemoryReplayMemory } from '@holdfast/resource-server'
import type { Address } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import type { Log } from '@holdfast/server/ports.ts'
import type { DevelopmentCa, KeptCertificate } from '@holdfast/server/tls/development-ca.ts'
import { fetchTrusting } from './api.ts'
import { demoCertificates } from './certificates.ts'
import { demoGatewayClientId } from './clients.ts'

/** What gateway and API must agree on before either starts. */
export interface DemoGatewayKit {
  readonly externalUrl: string
  /** Resource identifier of the demo API, and where it is. */
  readonly audience: string
  readonly evidenceKey: EvidenceKey
  readonly certificate: KeptCertificate
  /** Private JWK of the gateway's client. */
  readonly keyFile: string
  /** For the API. */
  readonly trust: GatewayTrust
}

const evidenceAudience = 'holdfast:api:demo-bank'

export async function demoGatewayKit({
  externalUrl,
  audience,
  authority,
  keyFile,
}: {
  readonly externalUrl: string
  readonly audience: string
  readonly authority: DevelopmentCa
  readonly keyFile: string
}): Promise<DemoGatewayKit> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const evidenceKey = evidenceKeyOf(privateKey.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>)
  const { gateway: certificate } = await demoCertificates(authority)
  const trust: GatewayTrust = {
    issuer: externalUrl,
    audience: evidenceAudience,
    keys: [evidenceKey.publicJwk],
    peers: [certificateThumbprint(new X509Certificate(certificate.certPem).raw)],
    // The key was made a moment ago: no evidence of it can be older than the memory.
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  }
  return { externalUrl, audience, evidenceKey, certificate, keyFile, trust }
}

export interface DemoGatewayOptions {
  readonly address: Address
  readonly issuer: string
  readonly tls: { readonly certPem: string; readonly keyPem: string }
  readonly caPem: string
  readonly log: Log
  readonly audit: AuditSink
}

/** The gateway in front of the demo API: the same routes, found at another address. */
export async function startDemoGateway(
  { externalUrl, audience, evidenceKey, certificate, keyFile }: DemoGatewayKit,
  { address, issuer, tls, caPem, log, audit }: DemoGatewayOptions,
): Promise<Gateway> {
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as Record<string, string>
  const { certPem, keyPem } = certificate
  return await openGateway({
    ...{ externalUrl, address, tls, issuer, evidenceKey, audit, log },
    introspection: {
      method: 'private_key_jwt',
      clientId: demoGatewayClientId,
      privateKey: createPrivateKey({ format: 'jwk', key: jwk }),
      alg: 'ES256',
      kid: jwk.kid ?? '',
    },
    fetch: fetchTrusting(caPem),
    explain: true,
    apis: [
      { name: 'demo-bank', audience, evidenceAudience, upstream: { url: audience, caPem, certPem, keyPem } },
    ],
    routes: [
      {
        api: 'demo-bank',
        methods: ['GET'],
        path: '/accounts',
        scopes: ['accounts:read'],
        action: 'accounts.list',
      },
      {
        api: 'demo-bank',
        methods: ['POST'],
        path: '/payments',
        scopes: ['payments:write'],
        action: 'payments.create',
      },
    ],
  })
}
