import { accept, firstRefusal, type Outcome, type SecurityProfile } from '@holdfast/protocol'
import { deviceRequestRules } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest } from '../../store/records.ts'
import { audiencesOfDetails, detailsParameter, judgeRequestedDetails } from '../authorize/details.ts'

/** What a device asked for, judged. */
export interface DeviceRequest {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly details: readonly AuthorizationDetail[]
  readonly profile: SecurityProfile
}

/** What a stored request asked for, in the form in which it came. */
export function askedAgain({
  scopes,
  resources,
  authorizationDetails,
}: Pick<AuthorizationRequest, 'scopes' | 'resources' | 'authorizationDetails'>): Parameters<
  typeof judgeDeviceRequest
>[0] {
  return { scopes, resources, details: detailsParameter(authorizationDetails) }
}

/** Judged when the device asks, and again when its user answers: policy may have changed in between (I23). */
export function judgeDeviceRequest(
  asked: {
    readonly scopes: readonly string[] | undefined
    readonly resources: readonly string[]
    /** `authorization_details`, as sent. */
    readonly details: string | undefined
  },
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<DeviceRequest> {
  const scopes = asked.scopes ?? []
  const allowed = client.resources.flatMap(resource => issuer.resourceServers.get(resource) ?? [])
  const details = judgeRequestedDetails(asked.details, client, issuer)
  const detailAudiences = details.ok ? audiencesOfDetails(details.value, issuer.detailTypes) : []
  const meant = { resources: asked.resources, scopes, allowed, detailAudiences }
  const isKnown = (resource: string): boolean => issuer.resourceServers.has(resource)
  const forResources =
    firstRefusal(resourceRules, {
      resources: asked.resources,
      isKnown,
      allowedResources: client.resources,
    }) ?? firstRefusal(defaultResourceRules, meant)
  const resources = forResources === undefined ? defaultResources(meant) : []
  const profile = issuer.effectiveProfile(client, {
    audiences: resources,
    scopes,
    details: details.ok ? details.value : [],
  })
  const refusal = firstRefusal(deviceRequestRules, {
    grantTypes: client.grantTypes,
    profile: profile.ok ? profile.value : client.profile,
    scopes: asked.scopes,
    isDefined: scope => issuer.scopes.has(scope),
    allowedScopes: client.scopes,
    hasDetails: asked.details !== undefined,
  })
  if (refusal !== undefined) return refusal
  if (!details.ok) return details
  if (forResources !== undefined) return forResources
  return profile.ok
    ? accept({ scopes, resources, details: details.value, profile: profile.value })
    : { ...profile, error: 'invalid_target' }
}
