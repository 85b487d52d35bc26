import type { SecurityProfile } from '../profile.ts'
import { oauth21 } from './oauth21.ts'

/** Risk tier 1, a user's own data that would hurt little: OAuth 2.1, so PKCE and no shared secrets. */
export const tier1LowRiskUser: SecurityProfile = { ...oauth21, name: 'tier-1-low-risk-user' }
