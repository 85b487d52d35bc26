import type { SecurityProfile } from '../profile.ts'
import { fapiCiba } from './fapi-ciba.ts'
import { fapi1Advanced } from './fapi1-advanced.ts'
import { fapi2MessageSigning } from './fapi2-message-signing.ts'
import { fapi2Security } from './fapi2-security.ts'
import { oauth21 } from './oauth21.ts'
import { oidcBaseline } from './oidc-baseline.ts'
import { oauth21PostQuantum, oidcBaselinePostQuantum } from './post-quantum.ts'
import { tier0Public } from './tier-0-public.ts'
import { tier1LowRiskUser } from './tier-1-low-risk-user.ts'
import { tier2SensitiveRead } from './tier-2-sensitive-read.ts'
import { tier3SensitiveWrite } from './tier-3-sensitive-write.ts'
import { tier4HighValue } from './tier-4-high-value.ts'

/** The risk tiers, lowest first: for scopes, resource servers and types of authorization details. Each tightens the one before. */
export const tiers: readonly SecurityProfile[] = [
  tier0Public,
  tier1LowRiskUser,
  tier2SensitiveRead,
  tier3SensitiveWrite,
  tier4HighValue,
]

const shipped: readonly SecurityProfile[] = [
  ...[fapi2Security, fapi2MessageSigning, fapi1Advanced, fapiCiba],
  ...[oauth21, oidcBaseline, oauth21PostQuantum, oidcBaselinePostQuantum],
  ...tiers,
]

/** The shipped profiles by name. */
export const profiles: ReadonlyMap<string, SecurityProfile> = new Map(
  shipped.map(profile => [profile.name, profile]),
)
