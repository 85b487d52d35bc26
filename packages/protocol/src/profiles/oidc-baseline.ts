import type { SecurityProfile } from '../profile.ts'

/** Plain OpenID Connect Core code flow for existing relying parties: PKCE where the client can. */
export const oidcBaseline: SecurityProfile = {
  name: 'oidc-baseline',
  pushedAuthorizationRequests: 'allowed',
  pkce: 'allowed',
  redirectUriParameter: 'required',
  unregisteredRedirectUris: 'forbidden',
  publicClients: 'allowed',
  deviceGrant: 'allowed',
  clientAuthenticationMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
  assertionAudience: 'issuer-sole',
  signingAlgs: ['PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS256'],
  senderConstraint: 'allowed',
  senderConstraintMethods: ['dpop', 'mtls'],
  dpopNonce: 'accepted',
  refreshTokenRotation: 'public-clients',
  rotationGraceSeconds: 0,
  codeLifetimeSeconds: 60,
  requestUriLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 600,
  idTokenLifetimeSeconds: 300,
  refreshTokenLifetimeSeconds: 2_592_000,
  refreshTokenIdleSeconds: 604_800,
  assertionLifetimeSeconds: 300,
  proofAgeSeconds: 60,
  futureSeconds: 30,
}
