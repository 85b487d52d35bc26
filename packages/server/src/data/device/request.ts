import { accept, firstRefusal, type Outcome, type SecurityProfile } from '@holdfast/protocol'
import { deviceRequestRules } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** What a device asked for, judged. */
export interface DeviceRequest {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly profile: SecurityProfile
}

/** Judged when the device asks, and again when its user answers: policy may have changed in between (I23). */
export function judgeDeviceRequest(
  asked: { readonly scopes: readonly string[] | undefined; readonly resources: readonly string[] },
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<DeviceRequest> {
  const scopes = asked.scopes ?? []
  const allowed = client.resources.flatMap(resource => issuer.resourceServers.get(resource) ?? [])
  const meant = { resources: asked.resources, scopes, allowed }
  const isKnown = (resource: string): boolean => issuer.resourceServers.has(resource)
  const forResources =
    firstRefusal(resourceRules, {
      resources: asked.resources,
      isKnown,
      allowedResources: client.resources,
    }) ?? firstRefusal(defaultResourceRules, meant)
  const resources = forResources === undefined ? defaultResources(meant) : []
  const profile = issuer.effectiveProfile(client, resources)
  const refusal = firstRefusal(deviceRequestRules, {
    grantTypes: client.grantTypes,
    profile: profile.ok ? profile.value : client.profile,
    scopes: asked.scopes,
    isDefined: scope => issuer.scopes.has(scope),
    allowedScopes: client.scopes,
  })
  if (refusal !== undefined) return refusal
  if (forResources !== undefined) return forResources
  return profile.ok
    ? accept({ scopes, resources, profile: profile.value })
    : { ...profile, error: 'invalid_target' }
}
