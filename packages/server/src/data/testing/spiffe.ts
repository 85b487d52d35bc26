import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Client, SpiffeTrustDomain } from '../../snapshot/snapshot.ts'
import { type ClientSpec, clientOf } from './clients.ts'
import { compactJws, newTestKey, type TestKey } from './jws.ts'
import { type AssertionFields, issuerUrl, type World } from './world.ts'

/** Two trust domains, and the workloads of one of them that are clients. */

export const svidKeys = {
  production: newTestKey('ES256', 'svid-production'),
  /** In the same bundle, for X.509-SVIDs. */
  x509: newTestKey('ES256', 'svid-x509'),
  staging: newTestKey('ES256', 'svid-staging'),
} satisfies Readonly<Record<string, TestKey>>

export const workload = 'spiffe://prod.example/billing/reader'
export const bundleUrl = 'https://bundles.example/remote.json'

/** As it stands in a SPIFFE bundle. */
export function bundleJwk({ publicJwk }: TestKey, use = 'jwt-svid'): Readonly<Record<string, string>> {
  const { alg: _alg, ...jwk } = publicJwk
  return { ...jwk, use }
}

function imported(jwk: Readonly<Record<string, string>>): PublicKey {
  const key = importPublicJwk(jwk)
  if (!key.ok) throw new TypeError(key.reason)
  return key.value
}

export const trustDomains: readonly SpiffeTrustDomain[] = [
  {
    name: 'production',
    trustDomain: 'prod.example',
    keys: [imported(bundleJwk(svidKeys.production)), imported(bundleJwk(svidKeys.x509, 'x509-svid'))],
    bundleEndpoint: undefined,
  },
  {
    name: 'staging',
    trustDomain: 'staging.example',
    keys: [imported(bundleJwk(svidKeys.staging))],
    bundleEndpoint: undefined,
  },
  { name: 'remote', trustDomain: 'remote.example', keys: [], bundleEndpoint: bundleUrl },
]

/** A client by its workload, under OAuth 2.1. */
export function spiffeClient(spec: ClientSpec): Client {
  return clientOf({
    ownProfile: oauth21,
    tokenEndpointAuthMethod: 'spiffe_jwt',
    jwks: undefined,
    spiffeId: workload,
    ...spec,
  })
}

export interface SvidOptions {
  readonly key?: TestKey
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** Form parameters of a JWT-SVID as an agent hands it out: no `iss`, no `jti`, `aud` as a list. */
export function svidOf(world: World, spoil: SvidOptions = {}): AssertionFields {
  const { key = svidKeys.production } = spoil
  const now = world.clock.now()
  const claims = { sub: workload, aud: [issuerUrl], iat: now, exp: now + 300, ...spoil.claims }
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_assertion: compactJws({ alg: key.alg, kid: key.kid, typ: 'JWT', ...spoil.header }, claims, key),
  }
}
