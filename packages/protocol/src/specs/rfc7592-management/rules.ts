import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { type ClientMetadata, metadataDefaults } from '../rfc7591-client-metadata/metadata.ts'

/** A registration access token as presented with a client id, and what is known of that client. */
export interface ManagementInput {
  /** Whether the token is the one that manages this client; also false when there is no such client. */
  readonly isManaging: boolean
  readonly status: 'active' | 'suspended' | 'deleted' | undefined
  /** Whether somebody else's document names the client: deleting it would break that document. */
  readonly isNamedByOthers: boolean
  readonly method: string
}

export const managementRules: readonly Rule<ManagementInput>[] = [
  {
    id: 'management.token',
    clauses: ['RFC7592-2', 'RFC7592-2.1-401', 'RFC7592-2.3-401'],
    level: 'MUST',
    title: 'the registration access token is the one that manages this client',
    check: ({ isManaging, status }) =>
      isManaging && status !== undefined && status !== 'deleted'
        ? pass
        : fail('invalid_token', 'this token does not manage this client'),
  },
  {
    id: 'management.suspended',
    clauses: ['RFC7592-2.1-403'],
    level: 'MUST',
    title: 'a client that the operator suspended does not manage itself',
    check: ({ status }) => (status === 'active' ? pass : fail('access_denied', 'the client is suspended')),
  },
  {
    id: 'management.named-by-others',
    clauses: ['RFC7592-2.3-403'],
    level: 'OURS',
    title: "a client that another client's document names is deleted by the operator",
    check: ({ method, isNamedByOthers }) =>
      method === 'DELETE' && isNamedByOthers
        ? fail(
            'access_denied',
            'documents of other clients name this one: the operator must change those first',
          )
        : pass,
  },
]

/** An update beside what it updates. */
export interface UpdateInput {
  readonly managed: string
  readonly clientId: string | undefined
  /** Undefined: none was sent. */
  readonly isSecretCurrent: boolean | undefined
  readonly issued: readonly string[]
  readonly before: ClientMetadata
  readonly after: ClientMetadata
}

const malformed = (reason: string): Verdict => fail('invalid_request', reason)
const lowered = (field: string, reason: string): Verdict => fail('invalid_client_metadata', reason, { field })

/** What a client said once to be held to, it is held to until its operator says otherwise. */
const kept = [
  'require_pushed_authorization_requests',
  'require_signed_request_object',
  'require_auth_time',
] as const

/** Who registered a signature or encryption of what it is told does not lose it by a stolen token. */
const keptAlgs = [
  'userinfo_signed_response_alg',
  'id_token_encrypted_response_alg',
  'userinfo_encrypted_response_alg',
  'authorization_encrypted_response_alg',
  'introspection_encrypted_response_alg',
  'backchannel_authentication_request_signing_alg',
] as const

export const updateRules: readonly Rule<UpdateInput>[] = [
  {
    id: 'management.client-id',
    clauses: ['RFC7592-2.2-client_id'],
    level: 'MUST',
    title: 'an update names the client that it updates',
    check: ({ managed, clientId }) =>
      clientId === managed ? pass : malformed('`client_id` is not that of this client'),
  },
  {
    id: 'management.issued-members',
    clauses: ['RFC7592-2.2-issued'],
    level: 'MUST',
    title: 'an update holds no member that only the server sets',
    check: ({ issued }) =>
      issued.length === 0 ? pass : malformed(`\`${issued[0]}\` is set by the server alone`),
  },
  {
    id: 'management.client-secret',
    clauses: ['RFC7592-2.2-client_secret'],
    level: 'MUST',
    title: 'a secret in an update is the current one: a client never chooses its own',
    check: ({ isSecretCurrent }) =>
      isSecretCurrent === false ? malformed('`client_secret` is not the current one') : pass,
  },
  {
    id: 'management.auth-method',
    clauses: ['RFC7592-5-escalation'],
    level: 'OURS',
    title: 'an update does not change to an authentication method of another kind',
    check: ({ before, after }) => {
      const [was, becomes] = [before, after].map(metadata => kindOf(metadataDefaults(metadata).authMethod))
      return was === becomes
        ? pass
        : lowered('token_endpoint_auth_method', `from ${was} to ${becomes}: the operator decides that`)
    },
  },
  {
    id: 'management.constraint-kept',
    clauses: ['RFC7592-5-escalation'],
    level: 'OURS',
    title: 'an update gives up no protection that the client registered',
    check: ({ before, after }) => {
      const given =
        kept.find(field => before[field] === true && after[field] !== true) ??
        keptAlgs.find(field => before[field] !== undefined && after[field] === undefined)
      if (given !== undefined) return lowered(given, `\`${given}\` was registered and stays`)
      return isBound(before) && !isBound(after)
        ? lowered('dpop_bound_access_tokens', 'bound access tokens were registered and stay')
        : pass
    },
  },
  {
    id: 'management.subject-type',
    clauses: ['OIDCC-8.1-stable'],
    level: 'OURS',
    title: 'an update does not change who users are to the client',
    check: ({ before, after }) =>
      (before.subject_type ?? 'public') === (after.subject_type ?? 'public') &&
      sectorOf(before) === sectorOf(after)
        ? pass
        : lowered('subject_type', 'another subject type or sector would make strangers of all users'),
  },
]

function kindOf(method: string): string {
  if (method === 'none') return 'public'
  // What is kept of a secret that is presented makes no MAC.
  if (method === 'client_secret_jwt') return 'shared secret that signs'
  if (method.startsWith('client_secret')) return 'shared secret'
  return method.startsWith('attest') ? 'attested instance' : 'own key'
}

function isBound(metadata: ClientMetadata): boolean {
  return (
    metadata.dpop_bound_access_tokens === true || metadata.tls_client_certificate_bound_access_tokens === true
  )
}

/** Undefined for those whose subjects are public: they have no sector. */
function sectorOf(metadata: ClientMetadata): string | undefined {
  if (metadata.subject_type !== 'pairwise') return undefined
  const { sector_identifier_uri: uri, redirect_uris: [first = ''] = [] } = metadata
  return URL.canParse(uri ?? first) ? new URL(uri ?? first).hostname : ''
}
