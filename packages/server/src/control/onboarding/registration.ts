import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { thumbprintInput } from '@holdfast/protocol/jose/thumbprint.ts'
import { metadataDefaults } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import { type ControlDocument, canonicalJson, type DocumentOf } from '../document.ts'
import { type ClientSpec, clientSpec } from '../resources/client.ts'
import type { ClientRegistration, OnboardedKey } from '../resources/client-onboarding.ts'
import type { RegisteredClientSpec } from '../resources/registered-client.ts'

/** Members that say who to write to and which build it is: they open nothing and may change unread. */
const freeMembers = ['contacts', 'software_version'] as const

/** Members of the metadata of which less than approved is harmless. What is absent there is none. */
const metadataLists = [
  'redirect_uris',
  'grant_types',
  'response_types',
  'post_logout_redirect_uris',
  'authorization_details_types',
  'request_uris',
  'scope',
] as const

const ownLists = [
  'audiences',
  'introspects',
  'exchangesTokensOf',
  'exchangesTokensFor',
  'attesters',
  'ownAuthorizationDetails',
  'allowedOrigins',
] as const

/** A client that registered itself, as an operator would have written it. */
export function writtenSpecOf({ metadata, policy, status }: RegisteredClientSpec): ClientSpec {
  return clientSpec.parse({
    metadata,
    profile: policy.profile,
    status: status === 'active' ? 'active' : 'suspended',
    resources: policy.resources,
  })
}

/** The client of this name, however it came here; undefined also for one that was deleted. */
export function findClientSpec(own: readonly ControlDocument[], name: string): ClientSpec | undefined {
  for (const document of own) {
    if (document.name !== name) continue
    if (document.kind === 'Client') return document.spec
    if (document.kind === 'RegisteredClient' && document.spec.status !== 'deleted')
      return writtenSpecOf(document.spec)
  }
  return undefined
}

/** What a client is registered for, in one form whoever wrote it and in which order. */
export function registrationOf(
  spec: ClientSpec,
  audienceOf: (resource: string) => string | undefined,
): ClientRegistration {
  const { jwks, scope = '', ...metadata } = spec.metadata
  const { authMethod, grantTypes, responseTypes } = metadataDefaults(spec.metadata)
  const stated: Record<string, unknown> = {
    ...metadata,
    grant_types: grantTypes,
    response_types: responseTypes,
    token_endpoint_auth_method: authMethod,
    scope: scope.split(' '),
  }
  for (const member of freeMembers) delete stated[member]
  for (const member of metadataLists) stated[member] = sorted((stated[member] ?? []) as readonly string[])
  stated.scope = (stated.scope as readonly string[]).filter(word => word !== '').join(' ')
  const audiences = (names: readonly string[]): string[] =>
    sorted(names.flatMap(resource => audienceOf(resource) ?? []))
  return {
    profile: spec.profile,
    metadata: Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)),
    audiences: audiences(spec.resources),
    introspects: audiences(spec.introspects),
    exchangesTokensOf: sorted(spec.exchanges.tokensOf),
    exchangesTokensFor: audiences(spec.exchanges.tokensFor),
    ...(spec.mayAct !== undefined && { mayAct: spec.mayAct }),
    attesters: sorted(spec.attesters),
    ownAuthorizationDetails: spec.ownAuthorizationDetails,
    allowedOrigins: sorted(spec.allowedOrigins),
    keys: (jwks?.keys ?? [])
      .map(onboardedKeyOf)
      .toSorted((left, right) => (left.thumbprint < right.thumbprint ? -1 : 1)),
  }
}

/** Resource identifiers by the names of their documents. */
export function audiencesBy(
  servers: readonly Pick<DocumentOf<'ResourceServer'>, 'name' | 'spec'>[],
): (resource: string) => string | undefined {
  const known = new Map(servers.map(({ name, spec }) => [name, spec.audience]))
  return resource => known.get(resource)
}

function sorted(list: readonly string[]): string[] {
  return [...new Set(list)].toSorted()
}

type Jwk = Readonly<Record<string, unknown>>

export function onboardedKeyOf(jwk: Jwk): OnboardedKey {
  const text = (member: string): { [name: string]: string } => {
    const value = jwk[member]
    return typeof value === 'string' ? { [member]: value } : {}
  }
  return {
    kty: '',
    ...text('kty'),
    thumbprint: thumbprintOfJwk(jwk),
    ...text('kid'),
    ...text('use'),
    ...text('alg'),
  }
}

/**
 * RFC 7638, also of keys that only encrypt; a key of a type nobody knows is known by all it says. A certificate beside
 * the key is a credential of its own (`self_signed_tls_client_auth`), so that both are what is approved.
 */
export function thumbprintOfJwk(jwk: Jwk): string {
  const [certificate] = Array.isArray(jwk.x5c) ? (jwk.x5c as readonly unknown[]) : []
  const key = thumbprintInput(jwk) ?? canonicalJson(jwk)
  return sha256(certificate === undefined ? key : canonicalJson([key, certificate]))
}

/** Members in which two registrations differ at all. */
export function movedMembers(approved: ClientRegistration, now: ClientRegistration): readonly string[] {
  return membersOf(approved, now).filter(
    member => canonicalJson(memberOf(approved, member)) !== canonicalJson(memberOf(now, member)),
  )
}

/** Of those, the ones that are no lists: what the client is cannot be what was approved. */
export function changedMembers(approved: ClientRegistration, now: ClientRegistration): readonly string[] {
  const lists: readonly string[] = [...metadataLists, ...ownLists, 'keys']
  return movedMembers(approved, now).filter(member => !lists.includes(member))
}

function membersOf(...registrations: readonly ClientRegistration[]): readonly string[] {
  const own = registrations.flatMap(one => Object.keys(one).filter(member => member !== 'metadata'))
  return sorted([...own, ...registrations.flatMap(({ metadata }) => Object.keys(metadata))])
}

/** One member, wherever it stands; our own names are no names of RFC 7591. */
function memberOf(registration: ClientRegistration, member: string): unknown {
  const value = (registration as Readonly<Record<string, unknown>>)[member] ?? registration.metadata[member]
  return value ?? null
}

/** A list of the approved metadata. */
export function approvedList(
  { metadata }: ClientRegistration,
  member: (typeof metadataLists)[number],
): readonly string[] {
  const value = metadata[member]
  if (typeof value === 'string') return value === '' ? [] : value.split(' ')
  return Array.isArray(value) ? (value as readonly string[]) : []
}
