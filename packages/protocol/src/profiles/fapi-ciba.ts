import type { SecurityProfile } from '../profile.ts'
import { fapi2Security } from './fapi2-security.ts'

/**
 * FAPI-CIBA (draft): the FAPI 2.0 Security Profile, with a signed and bound request to the backchannel authentication
 * endpoint. Meets any other FAPI profile, that of FAPI 1.0 included: each keeps what it demands of clients and tokens.
 */
export const fapiCiba: SecurityProfile = {
  ...fapi2Security,
  name: 'fapi-ciba',
  backchannelAuthentication: 'allowed',
  signedBackchannelRequests: 'required',
  bindingMessage: 'required',
}
