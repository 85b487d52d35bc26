import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Attester, Client } from '../../snapshot/snapshot.ts'
import { noncesAt } from '../dpop/nonce.ts'
import { accounts, type ClientSpec, clientOf } from './clients.ts'
import { compactJws, newTestKey, type TestKey } from './jws.ts'
import { type AssertionOptions, issuerUrl, type RequestOptions, type World } from './world.ts'

/** Flows are built on this file: it asks for the nonce itself. */
const currentNonce = (world: World): string =>
  noncesAt(world.ports.keys, issuerUrl, world.clock.now()).current

/** A client written from the checklist: no library speaks draft 10. */

export const attesterKeys = {
  trusted: newTestKey('ES256', 'attester-1'),
  /** Trusted by the issuer, but not for these clients. */
  other: newTestKey('ES256', 'attester-2'),
}
export const instanceKeys = {
  phone: newTestKey('ES256', 'phone'),
  tablet: newTestKey('EdDSA', 'tablet'),
}

function attesterOf(name: string, key: TestKey): Attester {
  const imported = importPublicJwk(key.publicJwk)
  if (!imported.ok) throw new TypeError(imported.reason)
  return { name, keys: [imported.value] }
}

const trusted = attesterOf('vendor', attesterKeys.trusted)
export const attesters: readonly Attester[] = [trusted, attesterOf('other', attesterKeys.other)]

/** A client that authenticates by attestation, with a proof of its own or with DPoP. */
export function attestedClient(isDpop: boolean, more: Partial<ClientSpec> = {}): Client {
  return clientOf({
    clientId: isDpop ? 'c_attested_dpop' : 'c_attested',
    ownProfile: oauth21,
    tokenEndpointAuthMethod: isDpop ? 'attest_jwt_client_auth_dpop' : 'attest_jwt_client_auth',
    jwks: undefined,
    dpopBoundAccessTokens: isDpop,
    requirePushedAuthorizationRequests: false,
    attesters: [trusted],
    introspects: [accounts],
    ...more,
  })
}

export interface Spoiled {
  readonly instance?: TestKey
  readonly attestation?: AssertionOptions
  readonly pop?: AssertionOptions
}

export function attestation(
  world: World,
  clientId: string,
  { instance, attestation: spoil = {} }: Spoiled = {},
): string {
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = (instance ?? instanceKeys.phone).publicJwk
  const key = spoil.key ?? attesterKeys.trusted
  const now = world.clock.now()
  return compactJws(
    { typ: 'oauth-client-attestation+jwt', alg: key.alg, kid: key.kid, ...spoil.header },
    { sub: clientId, iat: now, exp: now + 600, cnf: { jwk }, ...spoil.claims },
    key,
  )
}

export function pop(world: World, { instance = instanceKeys.phone, pop: spoil = {} }: Spoiled = {}): string {
  const key = spoil.key ?? instance
  return compactJws(
    { typ: 'oauth-client-attestation-pop+jwt', alg: key.alg, ...spoil.header },
    {
      aud: issuerUrl,
      jti: world.ports.entropy.bytes(16).toString('base64url'),
      iat: world.clock.now(),
      challenge: currentNonce(world),
      ...spoil.claims,
    },
    key,
  )
}

type Headers = NonNullable<RequestOptions['headers']>

/** Headers of the normal mode. */
export function attested(world: World, clientId: string, spoiled: Spoiled = {}): Headers {
  return [
    ['oauth-client-attestation', attestation(world, clientId, spoiled)],
    ['oauth-client-attestation-pop', pop(world, spoiled)],
  ]
}

/** Headers of the combined mode. */
export function attestedByDpop(
  world: World,
  clientId: string,
  path: string,
  spoiled: Spoiled & { readonly nonce?: string } = {},
): Headers {
  const { instance = instanceKeys.phone, pop: spoil = {} } = spoiled
  const nonce = spoiled.nonce ?? currentNonce(world)
  return [
    ['oauth-client-attestation', attestation(world, clientId, spoiled)],
    ['dpop', world.proof(path, { key: instance, ...spoil, ...(nonce !== '' && { nonce }) })],
  ]
}
