import { z } from 'zod'

const text = (max: number) => z.string().min(1).max(max)
const jwk = z.record(z.string(), z.unknown())

/** Shapes only; what the members may say is ruled in `protocol/specs/rfc7591-client-metadata`. */
export const clientMetadata = z.strictObject({
  redirect_uris: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
  grant_types: z.array(z.string()).optional(),
  application_type: z.enum(['web', 'native']).optional(),
  client_name: text(80).optional(),
  client_uri: z.string().optional(),
  logo_uri: z.string().optional(),
  policy_uri: z.string().optional(),
  tos_uri: z.string().optional(),
  contacts: z.array(text(254)).max(10).optional(),
  /** Scopes the client may ask for, separated by single spaces. */
  scope: z
    .string()
    .max(4096)
    .regex(/^([!#-[\]-~]+( [!#-[\]-~]+)*)?$/, 'must be scope names separated by single spaces')
    .optional(),
  jwks: z.strictObject({ keys: z.array(jwk) }).optional(),
  jwks_uri: z.string().optional(),
  token_endpoint_auth_method: z.string().optional(),
  token_endpoint_auth_signing_alg: z.string().optional(),
  id_token_signed_response_alg: z.string().optional(),
  userinfo_signed_response_alg: z.string().optional(),
  request_object_signing_alg: z.string().optional(),
  require_signed_request_object: z.boolean().optional(),
  authorization_signed_response_alg: z.string().optional(),
  introspection_signed_response_alg: z.string().optional(),
  id_token_encrypted_response_alg: z.string().optional(),
  id_token_encrypted_response_enc: z.string().optional(),
  userinfo_encrypted_response_alg: z.string().optional(),
  userinfo_encrypted_response_enc: z.string().optional(),
  authorization_encrypted_response_alg: z.string().optional(),
  authorization_encrypted_response_enc: z.string().optional(),
  introspection_encrypted_response_alg: z.string().optional(),
  introspection_encrypted_response_enc: z.string().optional(),
  /** Response modes the client may ask for; absent: any. */
  response_modes: z.array(z.string()).min(1).max(10).optional(),
  tls_client_auth_subject_dn: text(1024).optional(),
  tls_client_auth_san_dns: text(253).optional(),
  tls_client_auth_san_uri: text(2048).optional(),
  tls_client_auth_san_ip: text(45).optional(),
  tls_client_auth_san_email: text(254).optional(),
  /** With `spiffe_jwt`: the workload that is the client, or with a trailing `/*` the path all its workloads are under. */
  spiffe_id: text(2048).optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  tls_client_certificate_bound_access_tokens: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  use_mtls_endpoint_aliases: z.boolean().optional(),
  require_auth_time: z.boolean().optional(),
  default_max_age: z.number().int().min(0).max(31_536_000).optional(),
  /** Who users are to the client: `pairwise` gives each sector subjects of its own. */
  subject_type: z.enum(['public', 'pairwise']).optional(),
  sector_identifier_uri: text(2048).optional(),
  request_uris: z.array(z.string()).optional(),
  post_logout_redirect_uris: z.array(z.string()).optional(),
  backchannel_logout_uri: z.string().optional(),
  /** Accepted for those who ask: a logout token always names the session. */
  backchannel_logout_session_required: z.boolean().optional(),
  /** Types of `authorization_details` the client may ask for (RFC 9396). */
  authorization_details_types: z.array(text(128)).max(50).optional(),
  /** CIBA: `poll` or `ping`. */
  backchannel_token_delivery_mode: z.string().optional(),
  /** CIBA: where a client with delivery mode `ping` listens. */
  backchannel_client_notification_endpoint: z.string().optional(),
  /** CIBA: set, every authentication request must be signed with it. */
  backchannel_authentication_request_signing_alg: z.string().optional(),
  /** CIBA: accepted as `false` only. */
  backchannel_user_code_parameter: z.boolean().optional(),
  frontchannel_logout_uri: z.string().optional(),
  /** Accepted for those who ask: issuer and session always go along. */
  frontchannel_logout_session_required: z.boolean().optional(),
  software_id: text(256).optional(),
  software_version: text(256).optional(),
})

/** Pushed requests of one client that may wait for a user at one time, on each node, unless its document says more. */
const defaultOutstandingRequestsMax = 1000

export const clientSpec = z.strictObject({
  metadata: clientMetadata,
  profile: z.string().default('fapi2-security'),
  status: z.enum(['active', 'suspended']).default('active'),
  /** Names of the resource servers that the client may ask tokens for. */
  resources: z.array(z.string()).max(50).default([]),
  /** Names of the resource servers whose tokens this client may introspect. */
  introspects: z.array(z.string()).max(50).default([]),
  /** Pushed requests that may wait at one time for a user to complete them, on each node. */
  outstandingRequestsMax: z.number().int().min(1).max(10_000_000).default(defaultOutstandingRequestsMax),
  /** What the client may exchange besides its own tokens (RFC 8693); nothing unless said. */
  exchanges: z
    .strictObject({
      /** Names of the clients whose tokens it may exchange. */
      tokensOf: z.array(z.string()).max(50).default([]),
      /** Names of the resource servers whose tokens it may exchange, e.g. its own. */
      tokensFor: z.array(z.string()).max(50).default([]),
    })
    .default({ tokensOf: [], tokensFor: [] }),
  /** Name of the only client that may act with this client's tokens: they carry it as `may_act`. */
  mayAct: z.string().optional(),
  /**
   * What the client may be given in its own name (client credentials), as `authorization_details`. It gets what it
   * asks for within these, and nothing unasked.
   */
  ownAuthorizationDetails: z.array(z.record(z.string(), z.unknown())).max(20).default([]),
  /** Names of the attesters of the issuer that may vouch for instances of this client. */
  attesters: z.array(z.string()).max(20).default([]),
  /** Origins a browser client calls from. */
  allowedOrigins: z
    .array(z.string().refine(isOrigin, 'must be an https origin such as `https://app.example`'))
    .max(20)
    .default([]),
})

export type ClientSpec = z.infer<typeof clientSpec>

function isOrigin(origin: string): boolean {
  return URL.canParse(origin) && origin.startsWith('https://') && new URL(origin).origin === origin
}
