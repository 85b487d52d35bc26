import type { Client } from '../../snapshot/snapshot.ts'

/**
 * Whether what is granted outlasts one access token. An OpenID request of a client that may ask for
 * `offline_access` must have asked, and the user agreed (OpenID Connect Core section 11); otherwise the
 * registered grant type decides.
 */
export function isLasting(client: Client, scopes: readonly string[]): boolean {
  if (!client.grantTypes.includes('refresh_token')) return false
  const mustAsk = scopes.includes('openid') && client.scopes.includes('offline_access')
  return !mustAsk || scopes.includes('offline_access')
}
