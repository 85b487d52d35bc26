import type { SecurityProfile } from '../../profile.ts'

/** Client metadata under its registered names (RFC 7591, OpenID Connect Registration, RFC 8705, RFC 9126, RFC 9449, FAPI 2.0). */
export interface ClientMetadata {
  readonly redirect_uris?: readonly string[] | undefined
  readonly response_types?: readonly string[] | undefined
  readonly grant_types?: readonly string[] | undefined
  readonly application_type?: 'web' | 'native' | undefined
  readonly client_name?: string | undefined
  readonly client_uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly tos_uri?: string | undefined
  readonly contacts?: readonly string[] | undefined
  readonly scope?: string | undefined
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
  readonly jwks_uri?: string | undefined
  readonly token_endpoint_auth_method?: string | undefined
  readonly token_endpoint_auth_signing_alg?: string | undefined
  readonly id_token_signed_response_alg?: string | undefined
  readonly userinfo_signed_response_alg?: string | undefined
  readonly id_token_encrypted_response_alg?: string | undefined
  readonly id_token_encrypted_response_enc?: string | undefined
  readonly userinfo_encrypted_response_alg?: string | undefined
  readonly userinfo_encrypted_response_enc?: string | undefined
  readonly authorization_encrypted_response_alg?: string | undefined
  readonly authorization_encrypted_response_enc?: string | undefined
  readonly introspection_encrypted_response_alg?: string | undefined
  readonly introspection_encrypted_response_enc?: string | undefined
  readonly request_object_signing_alg?: string | undefined
  readonly require_signed_request_object?: boolean | undefined
  readonly request_uris?: readonly string[] | undefined
  readonly authorization_signed_response_alg?: string | undefined
  readonly introspection_signed_response_alg?: string | undefined
  readonly response_modes?: readonly string[] | undefined
  readonly tls_client_auth_subject_dn?: string | undefined
  readonly tls_client_auth_san_dns?: string | undefined
  readonly tls_client_auth_san_uri?: string | undefined
  readonly tls_client_auth_san_ip?: string | undefined
  readonly tls_client_auth_san_email?: string | undefined
  readonly spiffe_id?: string | undefined
  readonly dpop_bound_access_tokens?: boolean | undefined
  readonly tls_client_certificate_bound_access_tokens?: boolean | undefined
  readonly require_pushed_authorization_requests?: boolean | undefined
  readonly use_mtls_endpoint_aliases?: boolean | undefined
  readonly require_auth_time?: boolean | undefined
  readonly default_max_age?: number | undefined
  readonly subject_type?: 'public' | 'pairwise' | undefined
  readonly sector_identifier_uri?: string | undefined
  readonly post_logout_redirect_uris?: readonly string[] | undefined
  readonly backchannel_logout_uri?: string | undefined
  readonly authorization_details_types?: readonly string[] | undefined
  readonly backchannel_logout_session_required?: boolean | undefined
  readonly backchannel_token_delivery_mode?: string | undefined
  readonly backchannel_client_notification_endpoint?: string | undefined
  readonly backchannel_authentication_request_signing_alg?: string | undefined
  readonly backchannel_user_code_parameter?: boolean | undefined
  readonly software_id?: string | undefined
  readonly software_version?: string | undefined
  readonly frontchannel_logout_uri?: string | undefined
  readonly frontchannel_logout_session_required?: boolean | undefined
}

/** What the rules look at: the metadata and everything it must fit. */
export interface ClientMetadataInput {
  readonly metadata: ClientMetadata
  /** `meet` of the floor, the client's profile and every resource, scope and type of details the client may ask for. */
  readonly profile: SecurityProfile
  /** A development issuer is on loopback itself, so its web clients may be there too. */
  readonly environment: 'development' | 'production'
}

/** The five subject forms of `tls_client_auth` (RFC 8705 section 2.1.2). */
export const tlsSubjectParameters = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const

export const redirectUrisMax = 20
export const redirectUriLengthMax = 2048
export const clientKeysMax = 20

/** What absent members mean. We do not default to shared secrets, so RFC 7591's default method is not ours. */
export function metadataDefaults(metadata: ClientMetadata): {
  readonly authMethod: string
  readonly grantTypes: readonly string[]
  readonly responseTypes: readonly string[]
} {
  const grantTypes = metadata.grant_types ?? ['authorization_code']
  return {
    authMethod: metadata.token_endpoint_auth_method ?? 'private_key_jwt',
    grantTypes,
    responseTypes: metadata.response_types ?? (grantTypes.includes('authorization_code') ? ['code'] : []),
  }
}
