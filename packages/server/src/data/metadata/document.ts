import { type ClientAuthenticationMethod, headerAlgs, type JwsAlg } from '@holdfast/protocol'
import { contentEncryptionAlgs, keyManagementAlgs } from '@holdfast/protocol/jose/encrypt.ts'
import { macAlgs } from '@holdfast/protocol/jose/mac.ts'
import { grantActions } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import { globalRevocationScope } from '@holdfast/protocol/specs/global-token-revocation/rules.ts'
import { isQueryMode, isSignedResponse, responseModes } from '@holdfast/protocol/specs/jarm/rules.ts'
import { cibaGrantType, deliveryModes } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { encryptedResponses } from '@holdfast/protocol/specs/rfc7516-jwe/rules.ts'
import { locales } from '../../snapshot/locale.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { paths } from '../paths.ts'

/** The same for every kind of answer (OpenID Connect Discovery 3, JARM 4, RFC 9701 7). */
const encryption = Object.fromEntries(
  encryptedResponses.flatMap(response => [
    [`${response}_encryption_alg_values_supported`, keyManagementAlgs],
    [`${response}_encryption_enc_values_supported`, contentEncryptionAlgs],
  ]),
)

/** Endpoints with a twin on the mutual-TLS listener (RFC 8705 section 5). Browsers never go there. */
const aliased = {
  token_endpoint: paths.token,
  pushed_authorization_request_endpoint: paths.par,
  introspection_endpoint: paths.introspect,
  revocation_events_endpoint: paths.revocations,
  key_reports_endpoint: paths.keyReports,
  policy_evaluation_endpoint: paths.callEvaluation,
  revocation_endpoint: paths.revoke,
  userinfo_endpoint: paths.userinfo,
  grant_management_endpoint: paths.grants,
}

const cibaEndpoint = { backchannel_authentication_endpoint: paths.backchannelAuthentication }
const deviceEndpoint = { device_authorization_endpoint: paths.deviceAuthorization }

/**
 * The metadata of an issuer, the same for RFC 8414 and OpenID Connect Discovery (FAS-01). Everything in it is
 * read from what is compiled and loaded: a feature that is off is not advertised, one that is on is (MD-11).
 * @param signedWith algorithms an active key of the issuer exists for
 */
export function metadataDocument(
  issuer: IssuerSnapshot,
  signedWith: readonly JwsAlg[],
): Readonly<Record<string, unknown>> {
  const { floor, url } = issuer
  const methods = floor.clientAuthenticationMethods.filter(method => isUsable(method, issuer))
  const confidentialMethods = methods.filter(method => method !== 'none')
  const assertionAlgs = [
    ...(methods.includes('private_key_jwt') ? floor.signingAlgs : []),
    ...(methods.includes('client_secret_jwt') ? macAlgs : []),
  ]
  const attestedWith = methods.some(isAttested) ? headerAlgs(floor.signingAlgs) : []
  const hasMtls = floor.senderConstraintMethods.includes('mtls')
  const hasDpop = floor.senderConstraintMethods.includes('dpop')
  const hasDevices = floor.deviceGrant === 'allowed'
  const hasCiba = floor.backchannelAuthentication === 'allowed'
  const hasTrustedIssuers = floor.jwtBearerGrant === 'allowed' && issuer.trustedIssuers.size > 0
  const endpoints = { ...aliased, ...(hasDevices && deviceEndpoint), ...(hasCiba && cibaEndpoint) }
  const signingAlgs = signedWith.filter(alg => floor.signingAlgs.includes(alg))
  const scopes = ['openid', ...issuer.scopes.keys()]
  const document = {
    issuer: url,
    authorization_endpoint: url + paths.authorize,
    token_endpoint: url + paths.token,
    pushed_authorization_request_endpoint: url + paths.par,
    introspection_endpoint: url + paths.introspect,
    revocation_events_endpoint: url + paths.revocations,
    key_reports_endpoint: url + paths.keyReports,
    policy_evaluation_endpoint: url + paths.callEvaluation,
    revocation_endpoint: url + paths.revoke,
    userinfo_endpoint: url + paths.userinfo,
    ...(hasDevices && { device_authorization_endpoint: url + paths.deviceAuthorization }),
    ...(hasCiba && cibaMetadata(url, floor)),
    grant_management_endpoint: url + paths.grants,
    grant_management_actions_supported: ['query', 'revoke', ...grantActions],
    grant_management_action_required: false,
    ...(hasRevoker(issuer) && {
      global_token_revocation_endpoint: url + paths.globalRevocation,
      global_token_revocation_endpoint_auth_methods_supported: ['access_token'],
    }),
    ...(issuer.registration !== 'off' && { registration_endpoint: url + paths.register }),
    end_session_endpoint: url + paths.logout,
    jwks_uri: url + paths.jwks,
    require_pushed_authorization_requests: floor.pushedAuthorizationRequests === 'required',
    authorization_response_iss_parameter_supported: true,
    response_types_supported: reachableTypes(floor),
    response_modes_supported: modesOf(floor),
    authorization_signing_alg_values_supported: signingAlgs,
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      ...(hasDevices ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
      ...(hasCiba ? [cibaGrantType] : []),
      ...(hasTrustedIssuers ? ['urn:ietf:params:oauth:grant-type:jwt-bearer'] : []),
    ],
    code_challenge_methods_supported: ['S256'],
    authorization_details_types_supported: [...issuer.detailTypes.keys()],
    scopes_supported: [...new Set(scopes)],
    claims_supported: claimsOf(issuer),
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: signingAlgs,
    userinfo_signing_alg_values_supported: signingAlgs,
    ...encryption,
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    client_attestation_signing_alg_values_supported: attestedWith,
    client_attestation_pop_signing_alg_values_supported: attestedWith,
    challenge_endpoint: attestedWith.length > 0 ? url + paths.challenge : [],
    introspection_endpoint_auth_methods_supported: confidentialMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    introspection_signing_alg_values_supported: signingAlgs,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    dpop_signing_alg_values_supported: hasDpop ? headerAlgs(floor.signingAlgs) : [],
    tls_client_certificate_bound_access_tokens: hasMtls,
    mtls_endpoint_aliases: Object.fromEntries(
      Object.entries(endpoints).map(([name, path]) => [name, issuer.mtlsUrl + path]),
    ),
    acr_values_supported: issuer.authenticationLevels.map(({ acr }) => acr).toReversed(),
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    ui_locales_supported: locales,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    claim_types_supported: ['normal'],
    claims_parameter_supported: true,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: floor.signingAlgs,
    request_uri_parameter_supported: floor.remoteRequestUris === 'registered',
    require_request_uri_registration: floor.remoteRequestUris === 'registered',
    require_signed_request_object: floor.signedRequestObjects === 'required',
  }
  return Object.fromEntries(Object.entries(document).filter(([, value]) => !isEmptyList(value)))
}

/** OpenID Connect CIBA section 4. */
function cibaMetadata(url: string, floor: IssuerSnapshot['floor']): Readonly<Record<string, unknown>> {
  return {
    backchannel_authentication_endpoint: url + paths.backchannelAuthentication,
    backchannel_token_delivery_modes_supported: deliveryModes,
    backchannel_authentication_request_signing_alg_values_supported: floor.signingAlgs,
    backchannel_user_code_parameter_supported: false,
  }
}

/** Whether any client may end all access of a user. */
function hasRevoker({ clients }: IssuerSnapshot): boolean {
  return [...clients.values()].some(client => client.scopes.includes(globalRevocationScope))
}

/** What some profile over this floor has: `code id_token` is over where every response must be a JWT. */
function reachableTypes({ responseTypes, signedAuthorizationResponses }: IssuerSnapshot['floor']) {
  return responseTypes.filter(type => type === 'code' || signedAuthorizationResponses !== 'required')
}

/** Where the floor wants signed responses, only a mode for one is left. */
function modesOf(floor: IssuerSnapshot['floor']): readonly string[] {
  const types = reachableTypes(floor)
  return responseModes.filter(mode =>
    types.some(
      type =>
        isSignedResponse(floor.signedAuthorizationResponses, mode, type) &&
        !(type === 'code id_token' && isQueryMode(mode, type)),
    ),
  )
}

const isAttested = (method: ClientAuthenticationMethod): boolean => method.startsWith('attest_')

/** Without an authority to trust, a method that needs one can authenticate nobody. */
function isUsable(method: ClientAuthenticationMethod, issuer: IssuerSnapshot): boolean {
  if (method === 'tls_client_auth') return issuer.clientTrustAnchors.length > 0
  if (method === 'spiffe_jwt') return issuer.spiffeTrustDomains.size > 0
  if (isAttested(method)) return issuer.attesters.size > 0
  return method !== 'none' || issuer.floor.publicClients === 'allowed'
}

const tokenClaims = ['sub', 'iss', 'auth_time', 'acr', 'amr']

function claimsOf(issuer: IssuerSnapshot): readonly string[] {
  const released = [...issuer.scopes.values()].flatMap(scope => scope.claims)
  return [...new Set([...tokenClaims, ...released])]
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
