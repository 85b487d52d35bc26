import type { SecurityProfile } from '../profile.ts'

/** OAuth 2.1 with RFC 9700: PKCE always, public clients sender-constrained and rotating. */
export const oauth21: SecurityProfile = {
  name: 'oauth21',
  pushedAuthorizationRequests: 'allowed',
  pkce: 'required',
  redirectUriParameter: 'allowed',
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
