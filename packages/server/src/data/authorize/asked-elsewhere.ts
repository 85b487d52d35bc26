import { accept, firstRefusal, type Outcome, type Refusal, type SecurityProfile } from '@holdfast/protocol'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest } from '../../store/records.ts'
import { audiencesOfDetails, detailsParameter, judgeRequestedDetails } from './details.ts'

/** What a client asks for that sends its user nowhere: a device, or one whose user answers elsewhere (CIBA). */
export interface AskedElsewhere {
  readonly scopes: readonly string[] | undefined
  readonly resources: readonly string[]
  /** `authorization_details`, as sent. */
  readonly details: string | undefined
}

/** The same, judged. */
export interface AccessElsewhere {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly details: readonly AuthorizationDetail[]
  /** `meet` of floor, client and everything asked for. */
  readonly profile: SecurityProfile
}

/** What a stored request asked for, in the form in which it came. */
export function askedAgain({
  scopes,
  resources,
  authorizationDetails,
}: Pick<AuthorizationRequest, 'scopes' | 'resources' | 'authorizationDetails'>): AskedElsewhere {
  return { scopes, resources, details: detailsParameter(authorizationDetails) }
}

/** What the rules of either grant look at. */
export interface AskingClient {
  readonly grantTypes: Client['grantTypes']
  readonly isPublic: boolean
  readonly profile: SecurityProfile
  readonly scopes: readonly string[] | undefined
  readonly isDefined: (scope: string) => boolean
  readonly allowedScopes: readonly string[]
  readonly hasDetails: boolean
}

/**
 * Judged when the client asks, when its user answers, and at redemption: policy may have changed (I23).
 * @param judge the rules of the grant; they speak first
 */
export function judgeElsewhere(
  asked: AskedElsewhere,
  client: Client,
  issuer: IssuerSnapshot,
  judge: (asking: AskingClient) => Refusal | undefined,
): Outcome<AccessElsewhere> {
  const scopes = asked.scopes ?? []
  const allowed = client.resources.flatMap(resource => issuer.resourceServers.get(resource) ?? [])
  const details = judgeRequestedDetails(asked.details, client, issuer)
  const detailAudiences = details.ok ? audiencesOfDetails(details.value, issuer.detailTypes) : []
  const meant = { resources: asked.resources, scopes, allowed, detailAudiences }
  const forResources =
    firstRefusal(resourceRules, {
      resources: asked.resources,
      isKnown: resource => issuer.resourceServers.has(resource),
      allowedResources: client.resources,
    }) ?? firstRefusal(defaultResourceRules, meant)
  const resources = forResources === undefined ? defaultResources(meant) : []
  const profile = issuer.effectiveProfile(client, {
    audiences: resources,
    scopes,
    details: details.ok ? details.value : [],
  })
  const refusal = judge({
    grantTypes: client.grantTypes,
    isPublic: client.isPublic,
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
