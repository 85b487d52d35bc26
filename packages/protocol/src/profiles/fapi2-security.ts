import type { SecurityProfile } from '../profile.ts'

/** FAPI 2.0 Security Profile (Final, February 2025). The default floor of an issuer. */
export const fapi2Security: SecurityProfile = {
  name: 'fapi2-security',
  pushedAuthorizationRequests: 'required',
  pkce: 'required',
  redirectUriParameter: 'required',
  unregisteredRedirectUris: 'forbidden',
  publicClients: 'forbidden',
  deviceGrant: 'forbidden',
  clientAuthenticationMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  assertionAudience: 'issuer-string',
  signingAlgs: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  senderConstraint: 'required',
  senderConstraintMethods: ['dpop', 'mtls'],
  dpopNonce: 'required',
  refreshTokenRotation: 'public-clients',
  rotationGraceSeconds: 0,
  codeLifetimeSeconds: 60,
  requestUriLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 300,
  idTokenLifetimeSeconds: 300,
  refreshTokenLifetimeSeconds: 2_592_000,
  refreshTokenIdleSeconds: 604_800,
  assertionLifetimeSeconds: 300,
  proofAgeSeconds: 60,
  futureSeconds: 30,
}
