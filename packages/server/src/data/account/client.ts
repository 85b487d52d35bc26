import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** Never the id of a registered client: their names have no colon. */
export const accountClientId = 'holdfast:account'

const known = new WeakMap<IssuerSnapshot, Client>()

/**
 * Our own account pages, where an interaction wants to know who asks. Nothing is issued to it: it has no redirect
 * URI, no grant type and no scope.
 */
export function accountClient(issuer: IssuerSnapshot): Client {
  const found = known.get(issuer)
  if (found !== undefined) return found
  const made: Client = {
    clientId: accountClientId,
    clientName: 'your account',
    status: 'active',
    isPublic: true,
    profile: issuer.floor,
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: undefined,
    frontchannelLogoutUri: undefined,
    grantTypes: [],
    tokenEndpointAuthMethod: 'none',
    tokenEndpointAuthSigningAlg: undefined,
    jwks: undefined,
    jwksUri: undefined,
    tlsClientAuth: undefined,
    secrets: [],
    attesters: [],
    dpopBoundAccessTokens: true,
    tlsClientCertificateBoundAccessTokens: false,
    requirePushedAuthorizationRequests: true,
    scopes: [],
    resources: [],
    idTokenSignedResponseAlg: 'ES256',
    requestObjectSigningAlg: undefined,
    requireSignedRequestObject: false,
    authorizationSignedResponseAlg: 'ES256',
    responseModes: undefined,
    responseTypes: [],
    introspectionSignedResponseAlg: 'ES256',
    requireAuthTime: false,
    defaultMaxAgeSeconds: undefined,
    allowedOrigins: [],
    introspects: [],
    outstandingRequestsMax: 0,
    exchanges: { tokensOf: [], tokensFor: [] },
    mayAct: undefined,
  }
  known.set(issuer, made)
  return made
}
