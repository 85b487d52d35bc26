import { createHmac, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import type { DevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { importJWK } from 'jose'
import type { AttestedClients, ClientKind, Product, ProductClient } from './product.ts'

const redirectUri = 'https://client.example/callback'
const allScopes = 'openid profile accounts offline_access'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const cibaGrant = 'urn:openid:params:grant-type:ciba'
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const audience = 'https://api.example/accounts'
export const user = { username: 'alice', password: 'correct horse battery staple' } as const

const readsAccounts = { authorization_details_types: ['account_reading'] }
const readingType = {
  resourceServer: 'accounts',
  title: 'Read an account',
  description: 'See what is on one of your accounts.',
  fields: [
    { name: 'account', label: 'Account', kind: 'text', format: 'iban', lengthMax: 34, required: true },
    {
      ...{ name: 'actions', label: 'It may', kind: 'list', narrowing: 'subset', required: true },
      choices: [
        { value: 'balance', words: 'read the balance' },
        { value: 'history', words: 'read past payments' },
      ],
    },
  ],
}

export function documentOf(kind: string, name: string, spec: unknown): string {
  return JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec })
}

export interface MadeClients {
  readonly byKind: Readonly<Record<ClientKind, ProductClient>>
  readonly introspector: ProductClient
  readonly device: ProductClient
  readonly pointOfSale: ProductClient
  readonly signedIntrospector: ProductClient
  readonly attested: AttestedClients
  readonly partner: ProductClient
  readonly trustedIssuer: Product['trustedIssuer']
  readonly documents: readonly string[]
}

/** One client per way to authenticate and to bind, and the documents that register them. */
export async function makeClients(
  ca: DevelopmentCa,
  floor = 'oidc-baseline',
  issuer: object = {},
): Promise<MadeClients> {
  const dpopJwt = await keyed('jwt-dpop')
  const mtlsJwt = await keyed('jwt-mtls')
  const plain = await keyed('plain')
  const attester = await keyed('attester')
  const partner = await keyed('partner')
  const trusted = await keyed('trusted-issuer')
  const basic = madeSecret()
  const post = madeSecret()
  const api = await keyed('api')
  const device = await keyed('device')
  const pointOfSale = await keyed('point-of-sale')
  const signingDpop = await keyed('signing-dpop')
  const signingMtls = await keyed('signing-mtls')
  const signedApi = await keyed('signed-api')
  const signingCertificate = await ca.clientCertificate('signing-mtls', 'CN=signing-mtls', 'issued')
  const bound = await ca.clientCertificate('jwt-mtls', 'CN=jwt-mtls', 'issued')
  const issued = await ca.clientCertificate('issued', 'CN=issued, O=Example', 'issued')
  const selfSigned = await ca.clientCertificate('self-signed', 'CN=self-signed', 'self-signed')
  const certificateBound = {
    tls_client_certificate_bound_access_tokens: true,
    use_mtls_endpoint_aliases: true,
  }
  const signedMessages = {
    request_object_signing_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
    response_modes: ['jwt'],
  }
  const clientOf = (clientId: string, metadata: object, more: object = {}): string =>
    documentOf('Client', clientId, {
      resources: ['accounts'],
      ...more,
      metadata: {
        client_name: `Client ${clientId}`,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        scope: allScopes,
        id_token_signed_response_alg: 'ES256',
        ...metadata,
      },
    })
  const jwt = (keys: Keyed): object => ({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [keys.publicJwk] },
  })
  return {
    byKind: {
      'private_key_jwt with DPoP': { clientId: 'jwt-dpop', redirectUri, privateKey: dpopJwt, isDpop: true },
      'private_key_jwt with mTLS': {
        clientId: 'jwt-mtls',
        redirectUri,
        privateKey: mtlsJwt,
        certificate: bound,
        isDpop: false,
      },
      'tls_client_auth with mTLS': { clientId: 'issued', redirectUri, certificate: issued, isDpop: false },
      'self_signed_tls_client_auth with mTLS': {
        clientId: 'self-signed',
        redirectUri,
        certificate: selfSigned,
        isDpop: false,
      },
      'signed messages with DPoP': {
        clientId: 'signing-dpop',
        redirectUri,
        privateKey: signingDpop,
        requestKey: signingDpop,
        isDpop: true,
      },
      'signed messages with mTLS': {
        clientId: 'signing-mtls',
        redirectUri,
        certificate: signingCertificate,
        requestKey: signingMtls,
        isDpop: false,
      },
      'public with DPoP': { clientId: 'rotating', redirectUri, isDpop: true },
      'plain OpenID Connect': { clientId: 'plain', redirectUri, privateKey: plain, isDpop: false },
      client_secret_basic: {
        clientId: 'secret-basic',
        redirectUri,
        secret: { value: basic.secret, sentBy: 'basic' },
        isDpop: false,
      },
      client_secret_post: {
        clientId: 'secret-post',
        redirectUri,
        secret: { value: post.secret, sentBy: 'post' },
        isDpop: false,
      },
    },
    attested: {
      attester,
      normal: { clientId: 'attested', redirectUri, isDpop: false },
      combined: { clientId: 'attested-dpop', redirectUri, isDpop: true },
    },
    partner: { clientId: 'partner', redirectUri, privateKey: partner, isDpop: true },
    trustedIssuer: { issuer: 'https://idp.example', ...trusted },
    device: { clientId: 'device', redirectUri, privateKey: device, isDpop: true },
    pointOfSale: { clientId: 'point-of-sale', redirectUri, privateKey: pointOfSale, isDpop: true },
    introspector: { clientId: 'api', redirectUri, privateKey: api, isDpop: true },
    signedIntrospector: { clientId: 'signed-api', redirectUri, privateKey: signedApi, isDpop: true },
    documents: [
      documentOf('Issuer', 'main', {
        floor,
        registration: 'initial-access-token',
        attesters: [{ name: 'vendor', jwks: { keys: [attester.publicJwk] } }],
        ...issuer,
      }),
      ...[false, true].map(isDpop =>
        clientOf(
          isDpop ? 'attested-dpop' : 'attested',
          { token_endpoint_auth_method: `attest_jwt_client_auth${isDpop ? '_dpop' : ''}` },
          { profile: 'oauth21', attesters: ['vendor'] },
        ),
      ),
      documentOf('Scope', 'accounts', {
        title: 'See your accounts',
        description: 'Read names and balances.',
      }),
      documentOf('ResourceServer', 'accounts', { audience, displayName: 'Accounts', scopes: ['accounts'] }),
      documentOf('AuthorizationDetailsType', 'account_reading', readingType),
      documentOf('User', user.username, { password: user.password, claims: { name: 'Alice Example' } }),
      clientOf('jwt-dpop', {
        ...jwt(dpopJwt),
        ...readsAccounts,
        dpop_bound_access_tokens: true,
        scope: `${allScopes} grant_management_query grant_management_revoke`,
      }),
      clientOf('jwt-mtls', {
        ...jwt(mtlsJwt),
        ...certificateBound,
        scope: `${allScopes} grant_management_query grant_management_revoke`,
      }),
      clientOf('issued', {
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=issued, O=Example',
        ...certificateBound,
      }),
      clientOf('self-signed', {
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [certificateJwk(selfSigned.certPem)] },
        ...certificateBound,
      }),
      clientOf(
        'plain',
        { ...jwt(plain), id_token_signed_response_alg: 'RS256' },
        { profile: 'oidc-baseline' },
      ),
      clientOf(
        'secret-basic',
        { token_endpoint_auth_method: 'client_secret_basic' },
        { profile: 'oidc-baseline' },
      ),
      clientOf(
        'secret-post',
        { token_endpoint_auth_method: 'client_secret_post' },
        { profile: 'oidc-baseline' },
      ),
      documentOf('ClientSecret', 'secret-basic', { secrets: [basic.stored] }),
      documentOf('ClientSecret', 'secret-post', { secrets: [post.stored] }),
      clientOf(
        'rotating',
        {
          token_endpoint_auth_method: 'none',
          dpop_bound_access_tokens: true,
          grant_types: ['authorization_code', 'refresh_token'],
        },
        { profile: 'oauth21' },
      ),
      clientOf(
        'partner',
        {
          ...jwt(partner),
          dpop_bound_access_tokens: true,
          redirect_uris: [],
          grant_types: [jwtBearer],
          scope: 'accounts',
        },
        { profile: 'oauth21' },
      ),
      documentOf('TrustedIssuer', 'idp', {
        issuer: 'https://idp.example',
        jwks: { keys: [trusted.publicJwk] },
        subjects: { are: 'username' },
        clients: ['partner'],
        scopes: ['accounts'],
        resources: ['accounts'],
      }),
      clientOf(
        'device',
        {
          ...jwt(device),
          dpop_bound_access_tokens: true,
          redirect_uris: [],
          grant_types: [deviceGrant, 'refresh_token'],
        },
        { profile: 'oauth21' },
      ),
      clientOf('point-of-sale', {
        ...jwt(pointOfSale),
        dpop_bound_access_tokens: true,
        redirect_uris: [],
        grant_types: [cibaGrant, 'refresh_token'],
        backchannel_token_delivery_mode: 'poll',
      }),
      clientOf(
        'api',
        {
          ...jwt(api),
          dpop_bound_access_tokens: true,
          grant_types: ['authorization_code', 'client_credentials', tokenExchange],
        },
        { introspects: ['accounts'], exchanges: { tokensFor: ['accounts'] } },
      ),
      clientOf(
        'signing-dpop',
        { ...jwt(signingDpop), ...signedMessages, ...readsAccounts, dpop_bound_access_tokens: true },
        { profile: 'fapi2-message-signing' },
      ),
      clientOf(
        'signing-mtls',
        {
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: 'CN=signing-mtls',
          jwks: { keys: [signingMtls.publicJwk] },
          ...signedMessages,
          ...certificateBound,
        },
        { profile: 'fapi2-message-signing' },
      ),
      clientOf(
        'signed-api',
        { ...jwt(signedApi), dpop_bound_access_tokens: true, introspection_signed_response_alg: 'ES256' },
        { profile: 'fapi2-message-signing', introspects: ['accounts'] },
      ),
    ],
  }
}

/** A secret with characters that HTTP Basic must encode, and what the documents keep of it. */
function madeSecret(): { readonly secret: string; readonly stored: object } {
  const secret = `p@ss%+word: é ${randomBytes(16).toString('base64url')}`
  const salt = randomBytes(16)
  const mac = createHmac('sha256', salt).update(secret).digest('base64url')
  return {
    secret,
    stored: { id: 'first', mac: `hmac-sha256:${salt.toString('base64url')}:${mac}`, createdAt: 0 },
  }
}

interface Keyed {
  readonly key: Awaited<ReturnType<typeof importPrivate>>
  readonly kid: string
  readonly publicJwk: Readonly<Record<string, unknown>>
}

async function keyed(kid: string): Promise<Keyed> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    kid,
    key: await importPrivate(privateKey.export({ format: 'jwk' })),
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
  }
}

async function importPrivate(jwk: object): Promise<CryptoKey> {
  return (await importJWK(jwk as never, 'ES256')) as CryptoKey
}

/** A JWK with the certificate in `x5c`, as RFC 8705 section 2.2 has self-signed clients register it. */
function certificateJwk(certPem: string): Readonly<Record<string, unknown>> {
  const { publicKey, raw } = new X509Certificate(certPem)
  return { ...publicKey.export({ format: 'jwk' }), kid: 'self-signed', x5c: [raw.toString('base64')] }
}
