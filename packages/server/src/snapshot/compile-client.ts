import {
  type ClientAuthenticationMethod,
  type JwsAlg,
  meet,
  type Outcome,
  type ResponseType,
  type SecurityProfile,
} from '@holdfast/protocol'
import type { MacAlg } from '@holdfast/protocol/jose/mac.ts'
import { sectorOf } from '@holdfast/protocol/specs/oidc-registration/rules.ts'
import type { DeliveryMode } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { allMetadataRefusals } from '@holdfast/protocol/specs/rfc7591-client-metadata/judge.ts'
import { metadataDefaults } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import type { DocumentOf } from '../control/document.ts'
import { registrationOf } from '../control/onboarding/registration.ts'
import { type Checked, checked, type Problem, wrong } from '../control/problem.ts'
import type { ClientSpec } from '../control/resources/client.ts'
import type { ClientSecretSpec } from '../control/resources/client-secret.ts'
import { unknownName } from '../control/suggestion.ts'
import { ownSigningAlgs } from '../keys/signing-key.ts'
import type { IssuerBinding } from './compile.ts'
import { isAttestedMethod } from './compile-attesters.ts'
import { clientDetailsProblems, ownDetailsOf } from './compile-details.ts'
import { compileEncryption } from './compile-encryption.ts'
import type { ProfileTable } from './compile-profiles.ts'
import { compileSecrets, isSecretMethod } from './compile-secrets.ts'
import { type TieredThing, unreachableTiers } from './compile-tiers.ts'
import { type Governance, governedClient } from './governed.ts'
import { type Onboarding, onboardedClient } from './onboarded.ts'
import type {
  Attester,
  AuthorizationDetailsType,
  Client,
  GrantTypeName,
  ResourceServer,
  Scope,
  TlsClientSubject,
} from './snapshot.ts'

export interface ClientContext {
  readonly binding: IssuerBinding
  readonly floor: SecurityProfile
  readonly table: ProfileTable
  readonly scopes: ReadonlyMap<string, Scope>
  /** By document name. */
  readonly resources: ReadonlyMap<string, ResourceServer>
  readonly detailTypes: ReadonlyMap<string, AuthorizationDetailsType>
  /** Every client of the issuer, by name. */
  readonly clients: ReadonlyMap<string, unknown>
  /** By client. */
  readonly secrets: ReadonlyMap<string, ClientSecretSpec>
  readonly attesters: ReadonlyMap<string, Attester>
  readonly governance: Governance
  readonly onboarding: Onboarding
  /** Shared by all clients of an issuer: thousands of them have a handful of profiles. */
  readonly meetOf: MeetOf
}

export type MeetOf = (profiles: readonly [SecurityProfile, ...SecurityProfile[]]) => Outcome<SecurityProfile>

/** `meet`, worked out once per combination; names tell profiles of one issuer apart. */
export function rememberedMeet(): MeetOf {
  const known = new Map<string, Outcome<SecurityProfile>>()
  return profiles => {
    const key = profiles.map(({ name }) => name).join(' ')
    const met = known.get(key) ?? meet(profiles)
    known.set(key, met)
    return met
  }
}

/**
 * A client as the data plane reads it. Its metadata is judged against the strictest profile a request of this
 * client can meet, that is with all its resources, scopes and details at once: so no request is the first to find a contradiction.
 */
export function compileClient(
  client: Pick<DocumentOf<'Client'>, 'name' | 'spec'>,
  context: ClientContext,
  document: string = `Client/${client.name}`,
): Checked<Client> {
  const { floor, table, binding, meetOf } = context
  const { spec } = client
  const own = table.get(spec.profile)
  if (own === undefined) return wrong(unknownName(document, 'spec.profile', 'profile', spec.profile, table))

  const problems = [
    ...unknownReferences(document, spec, context),
    ...unusableTls(document, spec, binding),
    ...unusableAttesters(document, spec, context),
    ...clientDetailsProblems(document, spec, context),
  ]
  const resources = spec.resources.flatMap(name => context.resources.get(name) ?? [])
  const things = tieredThings(spec, context)
  const tierProblems = unreachableTiers(document, spec, things, {
    ...{ floor, own, meetOf, environment: binding.environment },
  })
  problems.push(...tierProblems)
  const strictest = meetOf([floor, own, ...new Set(things.map(({ profile }) => profile))])
  if (!strictest.ok) {
    if (tierProblems.some(({ ruleId }) => ruleId === strictest.ruleId)) return wrong(...problems)
    const message = `profile, floor and what the client may ask for contradict each other: ${strictest.reason}`
    return wrong(...problems, { document, field: 'spec.profile', message, ruleId: strictest.ruleId })
  }
  const { environment } = binding
  for (const refusal of allMetadataRefusals({
    metadata: spec.metadata,
    profile: strictest.value,
    environment,
  })) {
    const { reason: message, ruleId, clauses, error, facts } = refusal
    if (tierProblems.some(found => found.ruleId === ruleId)) continue
    problems.push({ document, field: `spec.metadata.${facts?.field}`, message, ruleId, clauses, error })
  }
  problems.push(...unfitTokenAlgs(document, resources, strictest.value))
  const signedResponseAlgs = signedResponseAlgsOf(spec, strictest.value)
  const profile = meetOf([floor, own])
  if (problems.length > 0 || !profile.ok) return wrong(...problems)
  const compiled = clientOf(client.name, spec, { profile: profile.value, signedResponseAlgs }, context)
  const audienceOf = (resource: string) => context.resources.get(resource)?.audience
  const registered = () => registrationOf(spec, audienceOf)
  return checked(
    onboardedClient(governedClient(compiled, context.governance), registered, context.onboarding),
  )
}

function clientOf(
  clientId: string,
  spec: ClientSpec,
  {
    profile,
    signedResponseAlgs,
  }: { readonly profile: SecurityProfile; readonly signedResponseAlgs: SignedResponseAlgs },
  context: ClientContext,
): Client {
  const { metadata } = spec
  const { authMethod, grantTypes, responseTypes } = metadataDefaults(metadata)
  const audiencesOf = (names: readonly string[]) =>
    names.flatMap(name => context.resources.get(name)?.audience ?? [])
  return {
    clientId,
    clientName: metadata.client_name ?? clientId,
    status: spec.status,
    isPublic: authMethod === 'none',
    profile,
    redirectUris: metadata.redirect_uris ?? [],
    postLogoutRedirectUris: metadata.post_logout_redirect_uris ?? [],
    backchannelLogoutUri: metadata.backchannel_logout_uri,
    frontchannelLogoutUri: metadata.frontchannel_logout_uri,
    grantTypes: grantTypes as readonly GrantTypeName[],
    responseTypes: responseTypes as readonly ResponseType[],
    tokenEndpointAuthMethod: authMethod as ClientAuthenticationMethod,
    tokenEndpointAuthSigningAlg: metadata.token_endpoint_auth_signing_alg as JwsAlg | MacAlg | undefined,
    jwks: metadata.jwks,
    jwksUri: metadata.jwks_uri,
    tlsClientAuth: tlsSubjectOf(spec),
    secrets: isSecretMethod(authMethod) ? compileSecrets(context.secrets.get(clientId)) : [],
    spiffeId: spec.metadata.spiffe_id,
    attesters: spec.attesters.flatMap(name => context.attesters.get(name) ?? []),
    dpopBoundAccessTokens: metadata.dpop_bound_access_tokens ?? false,
    tlsClientCertificateBoundAccessTokens: metadata.tls_client_certificate_bound_access_tokens ?? false,
    requirePushedAuthorizationRequests: metadata.require_pushed_authorization_requests ?? false,
    scopes: scopesOf(spec),
    resources: audiencesOf(spec.resources),
    authorizationDetailsTypes: metadata.authorization_details_types ?? [],
    ownAuthorizationDetails: ownDetailsOf(spec),
    scopeEndings: [],
    servedUntil: undefined,
    idTokenSignedResponseAlg: signedResponseAlgs.id_token_signed_response_alg,
    userinfoSignedResponseAlg: metadata.userinfo_signed_response_alg as JwsAlg | undefined,
    encryptedResponses: compileEncryption(metadata),
    requestObjectSigningAlg: metadata.request_object_signing_alg as JwsAlg | undefined,
    requestUris: metadata.request_uris ?? [],
    requireSignedRequestObject: metadata.require_signed_request_object ?? false,
    authorizationSignedResponseAlg: signedResponseAlgs.authorization_signed_response_alg,
    responseModes: metadata.response_modes,
    introspectionSignedResponseAlg: signedResponseAlgs.introspection_signed_response_alg,
    backchannelTokenDeliveryMode: metadata.backchannel_token_delivery_mode as DeliveryMode | undefined,
    backchannelClientNotificationEndpoint: metadata.backchannel_client_notification_endpoint,
    backchannelAuthenticationRequestSigningAlg: metadata.backchannel_authentication_request_signing_alg as
      | JwsAlg
      | undefined,
    requireAuthTime: metadata.require_auth_time ?? false,
    defaultMaxAgeSeconds: metadata.default_max_age,
    allowedOrigins: spec.allowedOrigins,
    introspects: audiencesOf(spec.introspects),
    outstandingRequestsMax: spec.outstandingRequestsMax,
    exchanges: { tokensOf: spec.exchanges.tokensOf, tokensFor: audiencesOf(spec.exchanges.tokensFor) },
    mayAct: spec.mayAct,
    sector: sectorOf(metadata),
  }
}

/** Everything the client may ask for that tightens a request. */
function tieredThings(spec: ClientSpec, context: ClientContext): readonly TieredThing[] {
  const { resources, scopes, detailTypes } = context
  const thingsOf = (
    names: readonly string[],
    known: ReadonlyMap<string, { readonly profile?: SecurityProfile | undefined }>,
    [field, kind]: readonly [string, string],
  ): readonly TieredThing[] =>
    names.flatMap(name => {
      const profile = known.get(name)?.profile
      return profile === undefined ? [] : [{ field, what: `${kind} \`${name}\``, profile }]
    })
  return [
    ...thingsOf(spec.resources, resources, ['spec.resources', 'resource server']),
    ...thingsOf(scopesOf(spec), scopes, ['spec.metadata.scope', 'scope']),
    ...thingsOf(spec.metadata.authorization_details_types ?? [], detailTypes, [
      'spec.metadata.authorization_details_types',
      'authorization details type',
    ]),
  ]
}

/** What we sign for the client, by the member of its metadata that names the algorithm. */
const signedResponses = [
  'id_token_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
] as const

type SignedResponseAlgs = Readonly<Record<(typeof signedResponses)[number], JwsAlg>>

/** The documents' default is RS256; where the profile does not know it, ES256 or else its first algorithm. */
function signedResponseAlgsOf({ metadata }: ClientSpec, profile: SecurityProfile): SignedResponseAlgs {
  const preferred: readonly JwsAlg[] = ['RS256', 'ES256', ...ownSigningAlgs]
  const usual = preferred.find(alg => profile.signingAlgs.includes(alg)) ?? profile.signingAlgs[0] ?? 'ES256'
  const algOf = (field: (typeof signedResponses)[number]): JwsAlg =>
    (metadata[field] as JwsAlg | undefined) ?? usual
  return {
    id_token_signed_response_alg: algOf('id_token_signed_response_alg'),
    authorization_signed_response_alg: algOf('authorization_signed_response_alg'),
    introspection_signed_response_alg: algOf('introspection_signed_response_alg'),
  }
}

function scopesOf({ metadata }: ClientSpec): readonly string[] {
  return (metadata.scope ?? '').split(' ').filter(scope => scope !== '')
}

function tlsSubjectOf({ metadata }: ClientSpec): TlsClientSubject | undefined {
  const forms: readonly (readonly [TlsClientSubject['kind'], string | undefined])[] = [
    ['subject_dn', metadata.tls_client_auth_subject_dn],
    ['san_dns', metadata.tls_client_auth_san_dns],
    ['san_uri', metadata.tls_client_auth_san_uri],
    ['san_ip', metadata.tls_client_auth_san_ip],
    ['san_email', metadata.tls_client_auth_san_email],
  ]
  for (const [kind, value] of forms) if (value !== undefined) return { kind, value }
  return undefined
}

function unknownReferences(document: string, spec: ClientSpec, context: ClientContext): Problem[] {
  const problems: Problem[] = []
  const { tokensOf, tokensFor } = spec.exchanges
  const lists = {
    resources: spec.resources,
    introspects: spec.introspects,
    'exchanges.tokensFor': tokensFor,
  }
  for (const [list, names] of Object.entries(lists))
    for (const [index, name] of names.entries())
      if (!context.resources.has(name))
        problems.push(
          unknownName(document, `spec.${list}[${index}]`, 'resource server', name, context.resources),
        )
  const { clients } = context
  for (const [index, name] of tokensOf.entries())
    if (!clients.has(name))
      problems.push(unknownName(document, `spec.exchanges.tokensOf[${index}]`, 'client', name, clients))
  if (spec.mayAct !== undefined && !clients.has(spec.mayAct))
    problems.push(unknownName(document, 'spec.mayAct', 'client', spec.mayAct, clients))
  for (const scope of scopesOf(spec))
    if (!context.scopes.has(scope))
      problems.push(unknownName(document, 'spec.metadata.scope', 'scope', scope, context.scopes))
  return problems
}

/** A PKI method without authorities to trust would refuse every login: say so now (RFC 8705 section 7.4). */
function unusableTls(document: string, { metadata }: ClientSpec, binding: IssuerBinding): readonly Problem[] {
  if (metadata.token_endpoint_auth_method !== 'tls_client_auth' || binding.clientTrustAnchors.length > 0)
    return []
  const field = 'spec.metadata.token_endpoint_auth_method'
  const message = 'the issuer has no `clientTrustAnchorFiles` in the bootstrap configuration'
  return [{ document, field, message }]
}

/** A client that nobody may vouch for could never authenticate. */
function unusableAttesters(
  document: string,
  { attesters, metadata }: ClientSpec,
  context: ClientContext,
): readonly Problem[] {
  const method = metadata.token_endpoint_auth_method ?? ''
  if (isAttestedMethod(method) && attesters.length === 0)
    return [{ document, field: 'spec.attesters', message: `\`${method}\` needs an attester` }]
  return attesters.flatMap((name, index) =>
    context.attesters.has(name)
      ? []
      : [unknownName(document, `spec.attesters[${index}]`, 'attester', name, context.attesters)],
  )
}

/** JWT access tokens are something we sign for the client, so its profile has a say in their algorithm. */
function unfitTokenAlgs(
  document: string,
  resources: readonly ResourceServer[],
  { name, signingAlgs }: SecurityProfile,
): readonly Problem[] {
  return resources
    .filter(rs => rs.accessTokenFormat !== 'opaque' && !signingAlgs.includes(rs.accessTokenSigningAlg))
    .map(({ audience, accessTokenSigningAlg }) => ({
      document,
      field: 'spec.resources',
      message: `\`${audience}\` has tokens signed with ${accessTokenSigningAlg}, which \`${name}\` does not allow`,
    }))
}
