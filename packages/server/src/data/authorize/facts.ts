import type { AuditRecord, AuthorizationRequest, GrantManagement } from '../../store/records.ts'
import { detailsFacts } from './details-facts.ts'

/** What the audit keeps of an authorization request: what was asked, never what the client sent as free text. */
export function requestFacts(request: AuthorizationRequest): AuditRecord['facts'] {
  const { scopes, resources, redirectUri, prompt, maxAgeSeconds, acrValues, claims, hintedSubject } = request
  return {
    scopes,
    resources,
    ...detailsFacts(request.authorizationDetails),
    redirect_uri: redirectUri,
    response_type: request.responseType,
    ...(request.responseMode !== undefined && { response_mode: request.responseMode }),
    ...(request.requestObject !== undefined && { request_object: request.requestObject }),
    pkce: request.codeChallenge !== undefined,
    ...(request.dpopJkt !== undefined && { dpop_jkt: request.dpopJkt }),
    ...(prompt.length > 0 && { prompt }),
    ...(maxAgeSeconds !== undefined && { max_age: maxAgeSeconds }),
    ...(acrValues.length > 0 && { acr_values: acrValues }),
    ...(claims !== undefined && { claims_asked: claims.idToken.length + claims.userinfo.length }),
    ...(hintedSubject !== undefined && { hinted_subject: hintedSubject }),
    ...managementFacts(request.grantManagement),
  }
}

/** Which grant a client manages by a request, and how. */
export function managementFacts(management: GrantManagement | undefined): AuditRecord['facts'] {
  if (management === undefined) return {}
  const { action, grantId } = management
  return { grant_management_action: action, ...(grantId !== undefined && { managed_grant: grantId }) }
}
