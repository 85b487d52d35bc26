import type { AskedAccess, AskingClient } from '@holdfast/policy'
import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

export function askingClient(
  { clientId, isPublic, tokenEndpointAuthMethod: authMethod, profile }: Client,
  { registered }: IssuerSnapshot,
): AskingClient {
  return { clientId, isPublic, isSelfRegistered: registered.has(clientId), authMethod, profile: profile.name }
}

/** What is asked for; of authorization details their types. */
export interface Wanted {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly details: readonly AuthorizationDetail[]
  /** That applies to all of it. */
  readonly profile: SecurityProfile
}

export function askedAccess(
  { scopes, resources, details, profile }: Wanted,
  { environment }: IssuerSnapshot,
  time: EpochSeconds,
): AskedAccess {
  const detailsTypes = [...new Set(details.map(({ type }) => type))]
  return { environment, time, tier: profile.name, scopes, resources, detailsTypes }
}
