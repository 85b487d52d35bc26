import { accept, firstRefusal, type Outcome, type SecurityProfile } from '@holdfast/protocol'
import { cibaAccessRules, cibaRequestRules, lifetimeOf } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import {
  defaultResourceRules,
  defaultResources,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { requestedScopes } from '../token/grant.ts'
import type { SentCibaRequest } from './request-object.ts'

/** What a client may have of a user who answers elsewhere. */
export interface CibaAccess {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly profile: SecurityProfile
}

/** Judged when the client asks, when its user answers, and at redemption: policy may have changed (I23). */
export function judgeCibaAccess(
  asked: { readonly scopes: readonly string[] | undefined; readonly resources: readonly string[] },
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<CibaAccess> {
  const scopes = asked.scopes ?? []
  const allowed = client.resources.flatMap(resource => issuer.resourceServers.get(resource) ?? [])
  const meant = { resources: asked.resources, scopes, allowed, detailAudiences: [] }
  const forResources =
    firstRefusal(resourceRules, {
      resources: asked.resources,
      isKnown: resource => issuer.resourceServers.has(resource),
      allowedResources: client.resources,
    }) ?? firstRefusal(defaultResourceRules, meant)
  const resources = forResources === undefined ? defaultResources(meant) : []
  const profile = issuer.effectiveProfile(client, { audiences: resources, scopes, details: [] })
  const refusal = firstRefusal(cibaAccessRules, {
    grantTypes: client.grantTypes,
    isPublic: client.isPublic,
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

/** A whole authentication request, but for who the hint means. */
export interface CibaRequest extends CibaAccess {
  readonly loginHint: string | undefined
  readonly idTokenHint: string | undefined
  readonly bindingMessage: string | undefined
  /** Only of a client that is pinged. */
  readonly clientNotificationToken: string | undefined
  readonly requestContext: string | undefined
  readonly acrValues: readonly string[]
  readonly lifetimeSeconds: number
}

export function judgeCibaRequest(
  { form, isSigned }: SentCibaRequest,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<CibaRequest> {
  const asked = { scopes: requestedScopes(form), resources: form.all('resource') }
  const access = judgeCibaAccess(asked, client, issuer)
  if (!access.ok) return access
  const sent = {
    loginHint: form.get('login_hint'),
    idTokenHint: form.get('id_token_hint'),
    bindingMessage: form.get('binding_message'),
    clientNotificationToken: form.get('client_notification_token'),
    requestContext: form.get('request_context'),
  }
  const requestedExpiry = form.get('requested_expiry')
  const deliveryMode = client.backchannelTokenDeliveryMode
  const refusal = firstRefusal(cibaRequestRules, {
    ...sent,
    profile: access.value.profile,
    isSigned,
    registeredAlg: client.backchannelAuthenticationRequestSigningAlg,
    deliveryMode,
    loginHintToken: form.get('login_hint_token'),
    requestedExpiry,
    userCode: form.get('user_code'),
    hasDetails: form.names.includes('authorization_details'),
  })
  if (refusal !== undefined) return refusal
  return accept({
    ...access.value,
    ...sent,
    clientNotificationToken: deliveryMode === 'ping' ? sent.clientNotificationToken : undefined,
    acrValues: (form.get('acr_values') ?? '').split(' ').filter(acr => acr !== ''),
    lifetimeSeconds: lifetimeOf(requestedExpiry),
  })
}
