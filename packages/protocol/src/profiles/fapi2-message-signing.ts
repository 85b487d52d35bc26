import type { SecurityProfile } from '../profile.ts'
import { fapi2Security } from './fapi2-security.ts'

/**
 * FAPI 2.0 Message Signing (Final): the Security Profile with signed requests, responses and introspection. Who needs
 * one of the three only tightens that field of `fapi2-security` in a profile of his own.
 */
export const fapi2MessageSigning: SecurityProfile = {
  ...fapi2Security,
  name: 'fapi2-message-signing',
  signedRequestObjects: 'required',
  signedBackchannelRequests: 'required',
  signedAuthorizationResponses: 'required',
  signedIntrospection: 'required',
}
