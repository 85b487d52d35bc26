import type { SecurityProfile } from '../profile.ts'
import { fapi1Advanced } from './fapi1-advanced.ts'
import { fapi2MessageSigning } from './fapi2-message-signing.ts'
import { fapi2Security } from './fapi2-security.ts'
import { oauth21 } from './oauth21.ts'
import { oidcBaseline } from './oidc-baseline.ts'

/** The shipped profiles by name. */
export const profiles: ReadonlyMap<string, SecurityProfile> = new Map(
  [fapi2Security, fapi2MessageSigning, fapi1Advanced, oauth21, oidcBaseline].map(profile => [
    profile.name,
    profile,
  ]),
)
