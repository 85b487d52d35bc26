import { accept, type Outcome, refuse } from '../../refusal.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '../../wire/json.ts'
import type { ClientMetadata } from '../rfc7591-client-metadata/metadata.ts'

/** What a client says about itself; nothing of it has been judged but its form. */
export interface StatedMetadata {
  readonly metadata: ClientMetadata
  /** Human-readable members in further languages, by name and tag: `client_name#de` (RFC 7591 section 2.2). */
  readonly localized: Readonly<Record<string, string>>
  /** Members that mean something, which we do not have; see `registration.unsupported`. */
  readonly unsupported: readonly string[]
}

export interface RegistrationRequest {
  readonly stated: StatedMetadata
  readonly softwareStatement: string | undefined
  /** Members that belong to the server: an update must repeat the first and may repeat the second. */
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  /** Names of other members that only the server sets. */
  readonly issued: readonly string[]
}

const list = (value: JsonValue): boolean =>
  Array.isArray(value) && value.length <= listMax && value.every(item => typeof item === 'string')
const text = (value: JsonValue): boolean => typeof value === 'string'
const flag = (value: JsonValue): boolean => typeof value === 'boolean'
const count = (value: JsonValue): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const keySet = (value: JsonValue): boolean =>
  isJsonObject(value) && Array.isArray(value.keys) && value.keys.every(isJsonObject)

const listMax = 100

/** Every member we register, with its form. */
export const metadataMembers: Readonly<Record<keyof ClientMetadata, (value: JsonValue) => boolean>> = {
  redirect_uris: list,
  response_types: list,
  grant_types: list,
  application_type: value => value === 'web' || value === 'native',
  client_name: text,
  client_uri: text,
  logo_uri: text,
  policy_uri: text,
  tos_uri: text,
  contacts: list,
  scope: text,
  jwks: keySet,
  jwks_uri: text,
  token_endpoint_auth_method: text,
  token_endpoint_auth_signing_alg: text,
  id_token_signed_response_alg: text,
  request_object_signing_alg: text,
  require_signed_request_object: flag,
  authorization_signed_response_alg: text,
  introspection_signed_response_alg: text,
  response_modes: list,
  tls_client_auth_subject_dn: text,
  tls_client_auth_san_dns: text,
  tls_client_auth_san_uri: text,
  tls_client_auth_san_ip: text,
  tls_client_auth_san_email: text,
  spiffe_id: text,
  dpop_bound_access_tokens: flag,
  tls_client_certificate_bound_access_tokens: flag,
  require_pushed_authorization_requests: flag,
  use_mtls_endpoint_aliases: flag,
  require_auth_time: flag,
  request_uris: list,
  default_max_age: count,
  subject_type: value => value === 'public' || value === 'pairwise',
  sector_identifier_uri: text,
  post_logout_redirect_uris: list,
  backchannel_logout_uri: text,
  backchannel_logout_session_required: flag,
  frontchannel_logout_uri: text,
  frontchannel_logout_session_required: flag,
  userinfo_signed_response_alg: text,
  id_token_encrypted_response_alg: text,
  id_token_encrypted_response_enc: text,
  userinfo_encrypted_response_alg: text,
  userinfo_encrypted_response_enc: text,
  authorization_encrypted_response_alg: text,
  authorization_encrypted_response_enc: text,
  introspection_encrypted_response_alg: text,
  introspection_encrypted_response_enc: text,
  authorization_details_types: list,
  backchannel_token_delivery_mode: text,
  backchannel_client_notification_endpoint: text,
  backchannel_authentication_request_signing_alg: text,
  backchannel_user_code_parameter: flag,
  software_id: text,
  software_version: text,
}

/** A client that asked for one of these would rely on it: saying nothing would be a promise. */
const unsupportedMembers: ReadonlySet<string> = new Set([
  'request_object_encryption_alg',
  'request_object_encryption_enc',
])

const issuedMembers = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
] as const

const localizedMembers: ReadonlySet<string> = new Set([
  'client_name',
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
])
/** Two letters or more, then subtags (BCP 47), and nothing a page or a log could stumble over. */
const languageTag = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/

/** Longest software statement that is read. */
export const softwareStatementBytesMax = 16_384

/**
 * A registration or an update (RFC 7591 section 3.1, RFC 7592 section 2.2). Members we do not know are passed over, as
 * RFC 7591 section 2 says; `null` is absent.
 * @param text body, already bounded in length
 */
export function parseRegistration(text: string): Outcome<RegistrationRequest> {
  const body = parseJsonObject(text)
  if (body === undefined)
    return refuse(
      'registration.json',
      ['RFC7591-3.1'],
      'invalid_client_metadata',
      'the body is not one JSON object with members that stand once each',
    )
  const stated = readStated(body)
  if (!stated.ok) return stated
  const { software_statement: statement, client_id: clientId, client_secret: clientSecret } = body
  for (const [name, value] of Object.entries({ statement, clientId, clientSecret }))
    if (value !== undefined && value !== null && typeof value !== 'string')
      return misshapen(name === 'statement' ? 'software_statement' : 'client_id')
  return accept({
    stated: stated.value,
    softwareStatement: textOf(statement),
    clientId: textOf(clientId),
    clientSecret: textOf(clientSecret),
    issued: issuedMembers.filter(name => body[name] !== undefined && body[name] !== null),
  })
}

/** Metadata of a request or of the claims of a software statement. */
export function readStated(body: JsonObject): Outcome<StatedMetadata> {
  const metadata: Record<string, JsonValue> = {}
  const localized: Record<string, string> = {}
  const unsupported: string[] = []
  for (const [name, value] of Object.entries(body)) {
    if (value === null) continue
    if (unsupportedMembers.has(name)) unsupported.push(name)
    else if (Object.hasOwn(metadataMembers, name)) {
      if (!metadataMembers[name as keyof typeof metadataMembers](value)) return misshapen(name)
      metadata[name] = name === 'jwks' ? keysOf(value) : value
    } else if (name.includes('#')) {
      const [base = '', ...tags] = name.split('#')
      if (!localizedMembers.has(base)) continue
      if (tags.length !== 1 || !languageTag.test(tags[0] ?? '') || typeof value !== 'string')
        return misshapen(base, 'a language variant is not `name#tag` with a text')
      localized[name] = value
    }
  }
  return accept({ metadata: metadata as ClientMetadata, localized, unsupported })
}

/** What a software statement says wins over what the client says beside it (RFC 7591 section 2.3). */
export function mergeStated(plain: StatedMetadata, certified: StatedMetadata): StatedMetadata {
  return {
    metadata: { ...plain.metadata, ...certified.metadata },
    localized: { ...plain.localized, ...certified.localized },
    unsupported: [...new Set([...plain.unsupported, ...certified.unsupported])],
  }
}

function keysOf(value: JsonValue): JsonValue {
  return isJsonObject(value) ? { keys: value.keys ?? [] } : value
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function misshapen(field: string, reason = `\`${field}\` does not have the form of its registration`) {
  return refuse('registration.member-form', ['RFC7591-2-form'], 'invalid_client_metadata', reason, { field })
}
