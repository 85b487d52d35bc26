import type { Exchange } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest } from '../../store/records.ts'
import { wordsFor } from '../pages/locale.ts'
import type { OurPages } from '../pages/words/words.ts'

/** Never the id of a registered client: no document can give one a colon. */
export const ourClientId = 'holdfast:pages'

/** Nothing is issued to it: it has no redirect URI, no grant type and no scope. */
export const nobody: Omit<Client, 'clientName' | 'profile'> = {
  clientId: ourClientId,
  status: 'active',
  isPublic: true,
  redirectUris: [],
  sector: undefined,
  postLogoutRedirectUris: [],
  backchannelLogoutUri: undefined,
  frontchannelLogoutUri: undefined,
  grantTypes: [],
  responseTypes: [],
  tokenEndpointAuthMethod: 'none',
  tokenEndpointAuthSigningAlg: undefined,
  jwks: undefined,
  jwksUri: undefined,
  tlsClientAuth: undefined,
  secrets: [],
  attesters: [],
  spiffeId: undefined,
  dpopBoundAccessTokens: true,
  tlsClientCertificateBoundAccessTokens: false,
  requirePushedAuthorizationRequests: true,
  scopes: [],
  resources: [],
  authorizationDetailsTypes: [],
  ownAuthorizationDetails: [],
  scopeEndings: [],
  servedUntil: undefined,
  idTokenSignedResponseAlg: 'ES256',
  userinfoSignedResponseAlg: undefined,
  encryptedResponses: {},
  requestObjectSigningAlg: undefined,
  requestUris: [],
  requireSignedRequestObject: false,
  authorizationSignedResponseAlg: 'ES256',
  responseModes: undefined,
  introspectionSignedResponseAlg: 'ES256',
  backchannelTokenDeliveryMode: undefined,
  backchannelClientNotificationEndpoint: undefined,
  backchannelAuthenticationRequestSigningAlg: undefined,
  requireAuthTime: false,
  defaultMaxAgeSeconds: undefined,
  allowedOrigins: [],
  introspects: [],
  outstandingRequestsMax: 0,
  exchanges: { tokensOf: [], tokensFor: [] },
  mayAct: undefined,
}

/** Whom a user signs in to where no client sent them: pages of ours. */
export function ourselves(exchange: Exchange, pages: OurPages): Client {
  return { ...nobody, clientName: wordsFor(exchange).ours[pages], profile: exchange.issuer.floor }
}

/** What such pages want to know about the user, and how the authentication must be. */
export type AskedByUs = Partial<
  Pick<
    AuthorizationRequest,
    'clientId' | 'scopes' | 'resources' | 'authorizationDetails' | 'maxAgeSeconds' | 'acrValues'
  >
>

/**
 * An interaction that no client's request began: its answer stays on a page of ours.
 * @param url of that page
 */
export function requestOfOurs(url: string, asked: AskedByUs): AuthorizationRequest {
  const { clientId = ourClientId, scopes = [], resources = [], authorizationDetails } = asked
  return {
    clientId,
    redirectUri: url,
    redirectUriSent: false,
    responseType: 'code',
    responseMode: undefined,
    scopes,
    resources,
    ...(authorizationDetails && { authorizationDetails }),
    state: undefined,
    nonce: undefined,
    codeChallenge: undefined,
    dpopJkt: undefined,
    prompt: [],
    maxAgeSeconds: asked.maxAgeSeconds,
    acrValues: asked.acrValues ?? [],
    loginHint: undefined,
    uiLocales: [],
    requestObject: undefined,
    requestObjectJti: undefined,
  }
}
