import type { SecurityProfile } from '@holdfast/protocol'
import { deviceCodeLifetimeSeconds } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Client } from '../../snapshot/snapshot.ts'

/**
 * Whether the user may be represented while away. The client must have registered the grant type. A client that
 * may ask for `offline_access` must have asked, and the user agreed (OpenID Connect Core section 11); for one to
 * which the operator never gave that scope, as in open banking, and for plain OAuth, the registration is the
 * consent basis. The consent page and the token endpoint both ask here.
 */
export function isLasting(client: Client, scopes: readonly string[]): boolean {
  if (!client.grantTypes.includes('refresh_token')) return false
  const mustAsk = scopes.includes('openid') && client.scopes.includes('offline_access')
  return !mustAsk || scopes.includes('offline_access')
}

export interface GrantFor {
  readonly client: Client
  /** That applies to all of it. */
  readonly profile: SecurityProfile
  readonly isDevice: boolean
}

/** A grant lives as long as anything it can buy; the consent page says how long that is at most. */
export function grantLifetimeSeconds(
  { client, profile, isDevice }: GrantFor,
  scopes: readonly string[],
): number {
  const untilRedeemed = isDevice ? deviceCodeLifetimeSeconds : profile.codeLifetimeSeconds
  return isLasting(client, scopes)
    ? untilRedeemed + profile.refreshTokenLifetimeSeconds
    : untilRedeemed + profile.accessTokenLifetimeSeconds
}
