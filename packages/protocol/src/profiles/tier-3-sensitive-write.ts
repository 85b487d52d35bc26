import type { SecurityProfile } from '../profile.ts'
import { fapi2Security } from './fapi2-security.ts'

/** Risk tier 3, changing what would hurt: FAPI 2.0, five minutes per token, within an hour of the user signing in. */
export const tier3SensitiveWrite: SecurityProfile = {
  ...fapi2Security,
  name: 'tier-3-sensitive-write',
  accessTokenLifetimeSeconds: 300,
  authenticationMaxAgeSeconds: 3600,
}
