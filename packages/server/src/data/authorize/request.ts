import {
  accept,
  firstRefusal,
  type Outcome,
  type Refusal,
  type ResponseType,
  type Rule,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import {
  type GrantManagementInput,
  grantManagementRules,
  isGrantAction,
} from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import {
  type DetachedSignatureInput,
  detachedSignatureRules,
} from '@holdfast/protocol/specs/fapi1-advanced/rules.ts'
import {
  type HttpsRedirectInput,
  httpsRedirectRules,
  type NonceOrStateInput,
  nonceOrStateRules,
} from '@holdfast/protocol/specs/fapi1-baseline/rules.ts'
import { type TierInput, tierRules } from '@holdfast/protocol/specs/fapi2-security/rules.ts'
import { onboardedTargetRules } from '@holdfast/protocol/specs/holdfast-onboarding/standing-rules.ts'
import {
  isResponseMode,
  type ResponseModeInput,
  responseModeRules,
} from '@holdfast/protocol/specs/jarm/rules.ts'
import {
  type ClaimsInput,
  claimsInput,
  claimsRequestOf,
} from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import { claimsRules } from '@holdfast/protocol/specs/oidc-core-claims/rules.ts'
import { type OidcRequestInput, oidcRequestRules } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import {
  type AuthorizationInput,
  authorizationRules,
  type RedirectTargetInput,
  readResponseType,
  redirectTargetRules,
} from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import { type PkceInput, pkceRules } from '@holdfast/protocol/specs/rfc7636-pkce/rules.ts'
import {
  type DefaultResourceInput,
  defaultResourceRules,
  defaultResources,
  type ResourceInput,
  resourceRules,
} from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import { type SignedRequestInput, signedRequestRules } from '@holdfast/protocol/specs/rfc9101-jar/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import {
  type CodeBindingInput,
  codeBindingRules,
} from '@holdfast/protocol/specs/rfc9449-dpop/code-binding-rules.ts'
import { type Form, formOf } from '@holdfast/protocol/wire/form.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest } from '../../store/records.ts'
import { audiencesOfDetails, detailsParameter, judgeRequestedDetails } from './details.ts'
import { neededMaxAgeSeconds } from './freshness.ts'
import type { SentRequest } from './request-object.ts'

/** A client and a redirect URI that may be trusted with an answer, an error included. */
export interface RedirectTarget {
  readonly client: Client
  readonly redirectUri: string
  readonly redirectUriSent: boolean
}

/**
 * First half: who asks and where the answer goes. While this is refused nothing may be redirected (I11).
 * @param client undefined when the issuer knows none by the `client_id` sent
 * @param pushed whether an authenticated client pushed these parameters
 */
export function judgeTarget(
  form: Form,
  client: Client | undefined,
  issuer: IssuerSnapshot,
  pushed: boolean,
): Outcome<RedirectTarget> {
  const redirectUri = form.get('redirect_uri')
  const input: RedirectTargetInput & HttpsRedirectInput = {
    profile: client?.profile ?? issuer.floor,
    clientStatus: client?.status,
    isPublic: client?.isPublic ?? true,
    registeredRedirectUris: client?.redirectUris ?? [],
    redirectUri,
    pushed,
  }
  const refusal =
    firstRefusal(onboardedTargetRules, { withheld: client?.withheld?.reason }) ??
    firstRefusal(redirectTargetRules, input) ??
    firstRefusal(httpsRedirectRules, input)
  if (refusal !== undefined) return refusal
  const sole = redirectUri ?? client?.redirectUris[0]
  // The rules above let neither be undefined.
  if (client === undefined || sole === undefined)
    return refuse('authorization.client', [], 'unauthorized_client', 'the client has no redirect URI')
  return accept({ client, redirectUri: sole, redirectUriSent: redirectUri !== undefined })
}

type RequestInput = AuthorizationInput &
  OidcRequestInput &
  PkceInput &
  CodeBindingInput &
  TierInput &
  ResponseModeInput &
  SignedRequestInput &
  ClaimsInput &
  GrantManagementInput &
  HttpsRedirectInput &
  NonceOrStateInput &
  DetachedSignatureInput

// How the request came and how it wants its answer before what it asks for.
const requestRules: readonly Rule<RequestInput>[] = [
  ...signedRequestRules,
  ...responseModeRules,
  ...oidcRequestRules,
  ...claimsRules,
  ...authorizationRules,
  ...detachedSignatureRules,
  ...nonceOrStateRules,
  ...pkceRules,
  ...codeBindingRules,
  ...tierRules,
  ...grantManagementRules,
  // Once more: a resource may want more of the redirect than the client's own profile does.
  ...httpsRedirectRules,
]

/** How the parameters reached us. */
export interface Arrival {
  readonly pushed: boolean
  /** Thumbprint of a verified proof that came with a push. */
  readonly proofJkt?: string | undefined
}

export interface JudgedRequest {
  readonly request: AuthorizationRequest
  /** What applies: the meet of issuer, client and everything asked for. */
  readonly profile: SecurityProfile
}

/**
 * Second half: everything else about the request. The same for PAR and for parameters in the browser; unknown
 * parameters are ignored. Refusals go to the client.
 */
export function judgeRequest(
  { form, requestObject, jti, hintedSubject }: SentRequest,
  target: RedirectTarget,
  issuer: IssuerSnapshot,
  { pushed, proofJkt }: Arrival,
): Outcome<JudgedRequest> {
  const { client } = target
  const scopes = listOf(form.get('scope'))
  const details = judgeRequestedDetails(form.get('authorization_details'), client, issuer)
  const resources = details.ok ? judgeResources(form, details.value, client, issuer) : details
  const asked = {
    audiences: resources.ok ? resources.value : [],
    scopes,
    details: details.ok ? details.value : [],
  }
  const profile = issuer.effectiveProfile(client, asked)
  const applies = profile.ok ? profile.value : client.profile
  const sent = { requestObject, redirectUri: target.redirectUri, pushed, proofJkt }
  const input = requestInput(form, client, issuer, applies, sent)
  const refusal = firstRefusal(requestRules, input)
  if (refusal !== undefined) return refusal
  if (!details.ok) return details
  if (!resources.ok) return resources
  if (!profile.ok) return contradiction(profile)
  const judged = { resources: resources.value, details: details.value, profile: profile.value }
  return accept({
    request: requestOf(target, { ...input, ...judged, jti, hintedSubject }),
    profile: profile.value,
  })
}

function requestInput(
  form: Form,
  client: Client,
  issuer: IssuerSnapshot,
  profile: SecurityProfile,
  sent: Pick<RequestInput, 'requestObject' | 'pushed' | 'proofJkt'> & { readonly redirectUri: string },
): RequestInput {
  return {
    profile,
    isPublic: client.isPublic,
    authenticationMethod: client.tokenEndpointAuthMethod,
    grantTypes: client.grantTypes,
    responseType: readResponseType(form.get('response_type')),
    clientResponseTypes: client.responseTypes,
    responseMode: form.get('response_mode'),
    clientResponseModes: client.responseModes,
    clientRequiresSigned: client.requireSignedRequestObject,
    state: form.get('state'),
    scopes: form.get('scope') === undefined ? undefined : listOf(form.get('scope')),
    isDefined: scope => issuer.scopes.has(scope),
    allowedScopes: client.scopes,
    hasDetails: form.get('authorization_details') !== undefined,
    nonce: form.get('nonce'),
    prompt: listOf(form.get('prompt')),
    maxAge: form.get('max_age'),
    acrValues: listOf(form.get('acr_values')),
    uiLocales: listOf(form.get('ui_locales')),
    loginHint: form.get('login_hint'),
    registration: form.get('registration'),
    codeChallenge: form.get('code_challenge'),
    codeChallengeMethod: form.get('code_challenge_method'),
    dpopJkt: form.get('dpop_jkt'),
    ...claimsInput(form.get('claims')),
    grantManagementAction: form.get('grant_management_action'),
    grantId: form.get('grant_id'),
    ...sent,
  }
}

interface Judged {
  readonly resources: readonly string[]
  readonly details: readonly AuthorizationDetail[]
  readonly profile: SecurityProfile
}

function requestOf(
  target: RedirectTarget,
  input: RequestInput & Pick<SentRequest, 'jti' | 'hintedSubject'> & Judged,
): AuthorizationRequest {
  const { client, redirectUri, redirectUriSent } = target
  const claims = claimsRequestOf(input)
  const { hintedSubject, resources, details, profile } = input
  const maxAge = input.maxAge === undefined ? client.defaultMaxAgeSeconds : Number(input.maxAge)
  return {
    clientId: client.clientId,
    redirectUri,
    redirectUriSent,
    // Nothing else passed the rules.
    responseType: input.responseType as ResponseType,
    responseMode: isResponseMode(input.responseMode) ? input.responseMode : undefined,
    requestObject: input.requestObject,
    requestObjectJti: input.jti,
    scopes: input.scopes ?? [],
    resources,
    ...(details.length > 0 && { authorizationDetails: details }),
    state: input.state,
    nonce: input.nonce,
    codeChallenge: input.codeChallenge,
    dpopJkt: input.proofJkt ?? input.dpopJkt,
    prompt: input.prompt,
    maxAgeSeconds: neededMaxAgeSeconds(maxAge, profile),
    acrValues: input.acrValues,
    loginHint: input.loginHint,
    uiLocales: input.uiLocales,
    ...(claims !== undefined && { claims }),
    ...(hintedSubject !== undefined && { hintedSubject }),
    ...(isGrantAction(input.grantManagementAction) && {
      grantManagement: { action: input.grantManagementAction, grantId: input.grantId },
    }),
  }
}

function judgeResources(
  form: Form,
  details: readonly AuthorizationDetail[],
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<readonly string[]> {
  const asked: ResourceInput = {
    resources: form.all('resource'),
    isKnown: resource => issuer.resourceServers.has(resource),
    allowedResources: client.resources,
  }
  const meant: DefaultResourceInput = {
    resources: asked.resources,
    scopes: listOf(form.get('scope')),
    allowed: client.resources.flatMap(resource => issuer.resourceServers.get(resource) ?? []),
    detailAudiences: audiencesOfDetails(details, issuer.detailTypes),
  }
  const refusal = firstRefusal(resourceRules, asked) ?? firstRefusal(defaultResourceRules, meant)
  return refusal ?? accept(defaultResources(meant))
}

/** Client and what it asks for cannot meet: for the client this is a target it may not have. */
function contradiction(refusal: Refusal): Refusal {
  return { ...refusal, error: 'invalid_target' }
}

/**
 * Whether an approved request still fits the client as it is now: policy may have changed between the push, the
 * page and the answer (RFC 9126 7.4, I23).
 */
export function judgeStill(
  request: AuthorizationRequest,
  issuer: IssuerSnapshot,
  pushed: boolean,
): Outcome<{ readonly client: Client; readonly profile: SecurityProfile }> {
  const form = storedForm(request)
  const target = judgeTarget(form, issuer.clients.get(request.clientId), issuer, pushed)
  if (!target.ok) return target
  const { client, redirectUri } = target.value
  if (redirectUri !== request.redirectUri)
    return refuse(
      'authorization.changed',
      ['RFC9126-7.4'],
      'invalid_request',
      'the registered redirect URI changed',
    )
  const { requestObject, requestObjectJti: jti } = request
  const sent = { form, requestObject, jti, hintedSubject: undefined }
  const judged = judgeRequest(sent, target.value, issuer, { pushed })
  return judged.ok ? accept({ client, profile: judged.value.profile }) : judged
}

/** The stored request as parameters again: one set of rules judges both. */
function storedForm(request: AuthorizationRequest): Form {
  const { codeChallenge, grantManagement: management } = request
  const values = new Map<string, readonly string[]>()
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined) values.set(name, [value])
  }
  put('redirect_uri', request.redirectUriSent ? request.redirectUri : undefined)
  put('response_type', request.responseType)
  put('response_mode', request.responseMode)
  put('scope', request.scopes.join(' '))
  put('state', request.state)
  put('nonce', request.nonce)
  if (request.resources.length > 0) values.set('resource', request.resources)
  put('authorization_details', detailsParameter(request.authorizationDetails))
  put('code_challenge', codeChallenge)
  put('code_challenge_method', codeChallenge === undefined ? undefined : 'S256')
  put('grant_management_action', management?.action)
  put('grant_id', management?.grantId)
  return formOf(values)
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [...new Set(text.split(' ').filter(item => item !== ''))]
}
