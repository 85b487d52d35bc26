import type { SecurityProfile } from '../profile.ts'
import { fapi2Security } from './fapi2-security.ts'

/**
 * FAPI 1.0 Part 2: Advanced (Final), over Part 1: Baseline, for ecosystems that stand on it. New clients take
 * `fapi2-security`. Where the document leaves a choice, this is the stricter one.
 */
export const fapi1Advanced: SecurityProfile = {
  ...fapi2Security,
  name: 'fapi1-advanced',
  pushedAuthorizationRequests: 'allowed',
  pkce: 'pushed',
  nonceOrState: 'required',
  redirectUriSchemes: 'https',
  responseTypes: ['code', 'code id_token'],
  signedRequestObjects: 'required',
  remoteRequestUris: 'registered',
  signedBackchannelRequests: 'required',
  signedAuthorizationResponses: 'detached',
  assertionAudience: 'issuer-or-endpoint',
  signingAlgs: ['PS256', 'ES256'],
  senderConstraintMethods: ['mtls'],
}
