import type { CryptoKey } from 'jose'

/** How a client proves itself and how its tokens are bound. */
export type ClientKind =
  | 'private_key_jwt with DPoP'
  | 'private_key_jwt with mTLS'
  | 'tls_client_auth with mTLS'
  | 'self_signed_tls_client_auth with mTLS'
  | 'signed messages with DPoP'
  | 'signed messages with mTLS'
  | 'public with DPoP'
  | 'plain OpenID Connect'
  | 'client_secret_basic'
  | 'client_secret_post'

export interface ProductClient {
  readonly clientId: string
  readonly redirectUri: string
  /** For `private_key_jwt`. */
  readonly privateKey?: { readonly key: CryptoKey; readonly kid: string }
  /** For `client_secret_basic`, `client_secret_post` and `client_secret_jwt`. */
  readonly secret?: { readonly value: string; readonly sentBy: 'basic' | 'post' | 'jwt' }
  /** For mutual TLS. */
  readonly certificate?: { readonly certPem: string; readonly keyPem: string }
  /** Signs request objects and asks for signed responses. */
  readonly requestKey?: { readonly key: CryptoKey; readonly kid: string }
  readonly isDpop: boolean
}

/** Clients whose instances an attester vouches for; a test is that attester. */
export interface AttestedClients {
  readonly attester: { readonly key: CryptoKey; readonly kid: string }
  readonly normal: ProductClient
  readonly combined: ProductClient
}

/** A running product as its users see it: URLs, a CA, credentials. */
export interface Product {
  readonly issuer: URL
  readonly mtlsOrigin: string
  readonly caPem: string
  readonly clients: Readonly<Record<ClientKind, ProductClient>>
  /** A resource server's own client: may introspect. */
  readonly introspector: ProductClient
  /** Has no browser: gets its tokens by the device grant. */
  readonly device: ProductClient
  /** Asks for users who answer elsewhere (CIBA), and polls. */
  readonly pointOfSale: ProductClient
  /** Gets its tokens on the word of `trustedIssuer`; a test is that issuer. */
  readonly partner: ProductClient
  readonly trustedIssuer: { readonly issuer: string; readonly key: CryptoKey; readonly kid: string }
  /** Another one, whose profile is FAPI 2.0 Message Signing: its answers are signed. */
  readonly signedIntrospector: ProductClient
  readonly attested: AttestedClients
  readonly audience: string
  readonly user: { readonly username: string; readonly password: string }
  readonly close: () => Promise<void>
}

/** What one walk through the chain saw; the test judges it. */
export interface ChainWalk {
  readonly callback: URL
  readonly tokenType: string
  readonly scope: string | undefined
  /** Of the token response. */
  readonly authorizationDetails: unknown
  readonly idTokenClaims: Readonly<Record<string, unknown>> | undefined
  readonly userinfoSub: string
  readonly introspected: Readonly<Record<string, unknown>>
  readonly refreshed: { readonly accessToken: string; readonly newRefreshToken: string | undefined }
  readonly introspectedAfterRevocation: Readonly<Record<string, unknown>>
  readonly statuses: readonly number[]
}
