import type { SecurityProfile } from '../profile.ts'
import { fapi2Security } from './fapi2-security.ts'

/** Risk tier 2, reading what would hurt: FAPI 2.0 with ten minutes per token, also long after the user left. */
export const tier2SensitiveRead: SecurityProfile = {
  ...fapi2Security,
  name: 'tier-2-sensitive-read',
  accessTokenLifetimeSeconds: 600,
}
