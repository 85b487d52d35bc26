import type { SecurityProfile } from '../profile.ts'
import { fapi2MessageSigning } from './fapi2-message-signing.ts'

/**
 * Risk tier 4, high-value ecosystems: signed requests, responses and introspection, tokens of two minutes. Fifteen
 * minutes after the user signed in leave time to read the consent page (ten), redeem the code (one) and use the token.
 */
export const tier4HighValue: SecurityProfile = {
  ...fapi2MessageSigning,
  name: 'tier-4-high-value',
  accessTokenLifetimeSeconds: 120,
  authenticationMaxAgeSeconds: 900,
}
