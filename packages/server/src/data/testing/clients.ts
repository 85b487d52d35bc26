import { createHash, createHmac, createPublicKey, X509Certificate } from 'node:crypto'
import {
  type ClientAuthenticationMethod,
  epochSeconds,
  meetUnchecked,
  profiles,
  type SecurityProfile,
} from '@holdfast/protocol'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { grantManagementScopes } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { PeerCertificate } from '../../http/exchange.ts'
import type { Client, ClientSecret, ResourceServer, Scope } from '../../snapshot/snapshot.ts'
import { nobody } from '../interaction/ourselves.ts'
import { newTestKey, type TestKey } from './jws.ts'

export const accounts = 'https://accounts.example'
export const payments = 'https://payments.example'
export const redirectUri = 'https://client.example/cb'

/** The floor lets each client choose; in `migration` because profiles only tighten. */
export const floor: SecurityProfile = {
  ...oidcBaseline,
  name: 'test-floor',
  redirectUriParameter: 'allowed',
  refreshTokenRotation: 'migration',
  rotationGraceSeconds: 60,
  accessTokenLifetimeSeconds: 600,
}

/** FAPI 2.0, but during a move of refresh tokens to another key store. */
export const fapi2Migrating: SecurityProfile = {
  ...fapi2Security,
  name: 'fapi2-migrating',
  refreshTokenRotation: 'migration',
  rotationGraceSeconds: 60,
}

/** Keys of every client of the world; one pair per process, because making them is slow. */
export const keys = {
  bank: newTestKey('ES256', 'bank-1'),
  oidc: newTestKey('ES256', 'oidc-1'),
  remote: newTestKey('ES256', 'remote-1'),
  resourceServer: newTestKey('ES256', 'rs-1'),
  /** For DPoP. */
  proof: newTestKey('ES256', 'proof-1'),
  otherProof: newTestKey('ES256', 'proof-2'),
  /** Nobody registered it. */
  attacker: newTestKey('ES256', 'attacker-1'),
} satisfies Readonly<Record<string, TestKey>>

export interface ClientSpec extends Partial<Omit<Client, 'profile'>> {
  readonly clientId: string
  /** Own profile; what applies is the meet with the floor. */
  readonly ownProfile?: SecurityProfile
}

/** A FAPI 2.0 client (`private_key_jwt`, DPoP) unless said otherwise; of what it says nothing about, it has nothing. */
export function clientOf(spec: ClientSpec): Client {
  const { ownProfile = fapi2Security, ...rest } = spec
  return {
    ...nobody,
    clientName: `The ${spec.clientId} application`,
    isPublic: false,
    profile: meetUnchecked(floor, ownProfile),
    redirectUris: [redirectUri],
    postLogoutRedirectUris: ['https://client.example/bye'],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    responseTypes: ['code'],
    tokenEndpointAuthMethod: 'private_key_jwt' as ClientAuthenticationMethod,
    jwks: { keys: [keys.bank.publicJwk] },
    dpopBoundAccessTokens: true,
    requirePushedAuthorizationRequests: true,
    idTokenSignedResponseAlg: 'ES256',
    scopes: ['openid', 'profile', 'email', 'offline_access', 'accounts', 'payments'],
    resources: [accounts, payments],
    outstandingRequestsMax: 1000,
    ...rest,
  }
}

/** A secret as the snapshot keeps it. */
export function secretOf(id: string, secret: string, expiresAt?: number): ClientSecret {
  const salt = createHash('sha256').update(id).digest().subarray(0, 16)
  const mac = createHmac('sha256', salt).update(secret).digest()
  return { id, salt, mac, expiresAt: expiresAt === undefined ? undefined : epochSeconds(expiresAt) }
}

/** The `Authorization` header of HTTP Basic, each part form-urlencoded. */
export function basicHeader(clientId: string, secret: string): readonly ['authorization', string] {
  const pair = [clientId, secret].map(part => new URLSearchParams({ x: part }).toString().slice(2)).join(':')
  return ['authorization', `Basic ${Buffer.from(pair).toString('base64')}`]
}

/** JWKS member of a self-signed certificate, for `self_signed_tls_client_auth`. */
export function jwkOfCertificate(certificate: PeerCertificate): Readonly<Record<string, unknown>> {
  const publicKey = createPublicKey(
    new X509Certificate(certificate.der).publicKey.export({ type: 'spki', format: 'pem' }),
  )
  return { ...publicKey.export({ format: 'jwk' }), x5c: [certificate.der.toString('base64')] }
}

/** The clients of the world that need no certificate. */
export const plainClients: readonly Client[] = [
  clientOf({ clientId: 'c_bank' }),
  clientOf({ clientId: 'c_other' }),
  clientOf({
    clientId: 'c_manager',
    scopes: ['openid', 'profile', 'offline_access', 'accounts', 'payments', ...grantManagementScopes],
  }),
  clientOf({ clientId: 'c_suspended', status: 'suspended' }),
  clientOf({ clientId: 'c_migrating', ownProfile: fapi2Migrating }),
  clientOf({
    clientId: 'c_bank_mtls',
    dpopBoundAccessTokens: false,
    tlsClientCertificateBoundAccessTokens: true,
  }),
  clientOf({
    clientId: 'c_app',
    ownProfile: oauth21,
    isPublic: true,
    tokenEndpointAuthMethod: 'none',
    jwks: undefined,
    requirePushedAuthorizationRequests: false,
  }),
  clientOf({
    clientId: 'c_oidc',
    ownProfile: oidcBaseline,
    dpopBoundAccessTokens: false,
    requirePushedAuthorizationRequests: false,
    jwks: { keys: [keys.oidc.publicJwk] },
    resources: [],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    grantTypes: ['authorization_code', 'refresh_token'],
  }),
  clientOf({ clientId: 'c_remote', jwks: undefined, jwksUri: 'https://keys.client.example/jwks.json' }),
  clientOf({
    clientId: 'c_rs',
    jwks: { keys: [keys.resourceServer.publicJwk] },
    dpopBoundAccessTokens: false,
    grantTypes: [],
    scopes: [],
    resources: [],
    introspects: [accounts],
  }),
]

export const resourceServers: readonly ResourceServer[] = [
  {
    audience: accounts,
    displayName: 'Accounts',
    scopes: ['accounts'],
    accessTokenFormat: 'opaque',
    accessTokenSigningAlg: 'ES256',
    hasStatusList: false,
    profile: undefined,
  },
  {
    audience: payments,
    displayName: 'Payments',
    scopes: ['payments'],
    accessTokenFormat: 'jwt',
    accessTokenSigningAlg: 'ES256',
    hasStatusList: false,
    profile: profiles.get('fapi2-security'),
  },
]

export const scopes: readonly Scope[] = [
  { name: 'openid', title: 'Know who you are', description: 'A stable identifier for you', claims: ['sub'] },
  { name: 'profile', title: 'See your profile', description: 'Your name', claims: ['name', 'family_name'] },
  { name: 'email', title: 'See your e-mail address', description: 'Your address', claims: ['email'] },
  { name: 'offline_access', title: 'Stay connected', description: 'Act while you are away', claims: [] },
  { name: 'global_token_revocation', title: 'End all', description: 'End all access', claims: [] },
  { name: 'access_evaluation', title: 'Ask', description: 'Ask who may do what', claims: [] },
  { name: 'grant_management_query', title: 'See its permissions', description: 'Read them', claims: [] },
  { name: 'grant_management_revoke', title: 'End its permissions', description: 'End them', claims: [] },
  { name: 'accounts', title: 'See your accounts', description: 'Balances and names', claims: [] },
  { name: 'payments', title: 'Pay from your accounts', description: 'Start payments', claims: [] },
]
