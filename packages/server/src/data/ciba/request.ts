import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { grantManagementRules, isGrantAction } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import { cibaAccessRules, cibaRequestRules, lifetimeOf } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { GrantManagement } from '../../store/records.ts'
import { type AccessElsewhere, type AskedElsewhere, judgeElsewhere } from '../authorize/asked-elsewhere.ts'
import { requestedScopes } from '../token/grant.ts'
import type { SentCibaRequest } from './request-object.ts'

/** What a client may have of a user who answers elsewhere (OpenID Connect CIBA section 7.1). */
export function judgeCibaAccess(
  asked: AskedElsewhere,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<AccessElsewhere> {
  return judgeElsewhere(asked, client, issuer, asking => firstRefusal(cibaAccessRules, asking))
}

/** A whole authentication request, but for who the hint means. */
export interface CibaRequest extends AccessElsewhere {
  readonly loginHint: string | undefined
  readonly idTokenHint: string | undefined
  readonly bindingMessage: string | undefined
  /** Only of a client that is pinged. */
  readonly clientNotificationToken: string | undefined
  readonly requestContext: string | undefined
  readonly grantManagement: GrantManagement | undefined
  readonly acrValues: readonly string[]
  readonly lifetimeSeconds: number
}

export function judgeCibaRequest(
  { form, isSigned }: SentCibaRequest,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<CibaRequest> {
  const asked = {
    scopes: requestedScopes(form),
    resources: form.all('resource'),
    details: form.get('authorization_details'),
  }
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
  })
  if (refusal !== undefined) return refusal
  const managed = judgeGrantManagement(form, client)
  if (!managed.ok) return managed
  return accept({
    ...access.value,
    ...sent,
    grantManagement: managed.value,
    clientNotificationToken: deliveryMode === 'ping' ? sent.clientNotificationToken : undefined,
    acrValues: (form.get('acr_values') ?? '').split(' ').filter(acr => acr !== ''),
    lifetimeSeconds: lifetimeOf(requestedExpiry),
  })
}

/** The same rules as at the authorization endpoint; whose grant it is, is asked when the user is known. */
function judgeGrantManagement(form: Form, { isPublic }: Client): Outcome<GrantManagement | undefined> {
  const grantManagementAction = form.get('grant_management_action')
  const grantId = form.get('grant_id')
  const refusal = firstRefusal(grantManagementRules, { isPublic, grantManagementAction, grantId })
  if (refusal !== undefined) return refusal
  return accept(isGrantAction(grantManagementAction) ? { action: grantManagementAction, grantId } : undefined)
}
