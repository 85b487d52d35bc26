import { secondsAfter, profiles as shippedProfiles } from '@holdfast/protocol'
import { hashOfHandle, newHandle } from '../data/handle.ts'
import type { IssuerBinding } from '../snapshot/compile.ts'
import type { AuditRecord } from '../store/records.ts'
import type { FoundInitialAccessToken } from '../store/store.ts'
import type { Write } from '../store/writes.ts'
import type {
  CreatedRegistrationToken,
  CreateRegistrationTokenRequest,
  PageRequest,
  RegistrationTokenInfo,
  RegistrationTokenList,
  RenewedRegistration,
  RenewRegistrationRequest,
  RevokedRegistrationToken,
  RevokeRegistrationTokenRequest,
} from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import type { ControlDocument } from './document.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { misfitOfPage, pageOf, placeAt } from './page.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import type { KindName } from './resources/index.ts'
import { standardScopes } from './resources/scope.ts'
import { judgeRoom } from './room-for-records.ts'
import { unknownName } from './suggestion.ts'

const document = 'registration token'
/** In the places of the list of them, where documents have their kind. */
export const registrationTokenPlace = 'registration-token'

/**
 * A token that lets its holder register so many clients, which can never be more than it says. Shown once; what is
 * stored is its hash. Everything it names must exist, so that no registration is the first to find that out.
 */
export async function createRegistrationToken(
  request: CreateRegistrationTokenRequest,
  ports: ControlPorts,
): Promise<Checked<CreatedRegistrationToken>> {
  const binding = bindingOf(request.issuer, ports.issuers)
  if (!binding.ok) return binding
  const { url } = binding.value
  const stored = storedDocuments(await ports.store.listDocuments())
  if (!stored.ok) return stored
  const own = stored.value.filter(({ issuerUrl }) => issuerUrl === url).map(placed => placed.document)
  const problems = unknownIn(request, own)
  if (problems.length > 0) return wrong(...problems)

  const now = ports.clock.now()
  const { uses, lifetimeSeconds, policy, note } = request
  const { value, hash } = newHandle(ports.entropy, 'initial_access_token', url, now)
  const id = ports.entropy.bytes(16).toString('base64url')
  const expiresAt = secondsAfter(now, lifetimeSeconds)
  const record = { hash, id, issuer: url, uses, policy, note, issuedAt: now, expiresAt }
  const kept = (await ports.store.listInitialAccessTokens(url)).map(spec => ({ spec }))
  const message = judgeRoom(kept, { spec: record }, 'each goes when its time is over')
  if (message !== undefined) return wrong({ document, field: '', message })
  const facts = {
    ...{ token_id: id, uses, expires_at: expiresAt, profile: policy.profile, scopes: policy.scopes },
    ...{ grant_types: policy.grantTypes, resources: policy.resources, redirect_hosts: policy.redirectHosts },
    ...(policy.authorizationDetailsTypes && {
      authorization_details_types: policy.authorizationDetailsTypes,
    }),
    software_statement: policy.softwareStatement,
  }
  const { reference, audit } = auditOf('registration-token.created', url, facts, ports)
  await ports.store.commit([{ kind: 'insert-initial-access-token', record }, audit])
  return checked({ id, token: value, issuer: url, uses, expiresAt, reference })
}

/** Tokens of an issuer, or of all: one page, by issuer and id. */
export async function listRegistrationTokens(
  asked: PageRequest,
  { store, issuers }: ControlPorts,
): Promise<Checked<RegistrationTokenList>> {
  const misfit = misfitOfPage(asked, issuers, [registrationTokenPlace])
  if (misfit !== undefined) return wrong({ document, ...misfit })
  const urls = issuersNamed(asked.issuer, issuers).map(({ url }) => url)
  const found = await Promise.all(urls.map(url => store.listInitialAccessTokens(url)))
  const { page, ...more } = pageOf(found.flat(), asked, {
    placeOf: ({ issuer, id }) => placeAt(registrationTokenPlace, { issuer, name: id }),
    show: infoOf,
  })
  return checked({ tokens: page, ...more })
}

function infoOf(token: FoundInitialAccessToken): RegistrationTokenInfo {
  const { id, issuer, uses, usesLeft, policy, note, issuedAt, expiresAt, revokedAt } = token
  return {
    ...{ id, issuer, uses, usesLeft, policy, note, issuedAt, expiresAt },
    ...(revokedAt !== undefined && { revokedAt }),
  }
}

/** Takes a token back: no client is registered with it any more. Those that were, stay. */
export async function revokeRegistrationToken(
  { id }: RevokeRegistrationTokenRequest,
  ports: ControlPorts,
): Promise<Checked<RevokedRegistrationToken>> {
  for (const { url } of ports.issuers) {
    const token = (await ports.store.listInitialAccessTokens(url)).find(one => one.id === id)
    if (token === undefined) continue
    const { reference, audit } = auditOf('registration-token.revoked', url, { token_id: id }, ports)
    const revoke: Write = { kind: 'revoke-initial-access-token', hash: token.hash, at: ports.clock.now() }
    await ports.store.commit([revoke, audit])
    return checked({ id, issuer: url, reference })
  }
  return wrong({ document, field: 'id', message: `there is no token \`${id}\`` })
}

/** A new token to manage a client with, when the old one was lost or stolen: that one is dead at once. */
export async function renewRegistration(
  { clientId, issuer: asked }: RenewRegistrationRequest,
  ports: ControlPorts,
): Promise<Checked<RenewedRegistration>> {
  const stored = storedDocuments(await ports.store.listDocuments())
  if (!stored.ok) return stored
  const found = stored.value.filter(({ issuerUrl, document: { kind, name } }) => {
    const binding = ports.issuers.find(({ url }) => url === issuerUrl)
    const isAsked = asked === undefined || asked === binding?.name || asked === binding?.url
    return binding !== undefined && isAsked && kind === 'RegisteredClient' && name === clientId
  })
  const [first, ...more] = found
  const place = `RegisteredClient/${clientId}`
  if (first === undefined || !isThere(first.document))
    return wrong({ document: place, field: 'metadata.name', message: 'there is no such registered client' })
  if (more.length > 0)
    return wrong({ document: place, field: 'metadata.issuer', message: 'stands at several issuers' })
  const { issuerUrl: issuer } = first
  const now = ports.clock.now()
  const { value } = newHandle(ports.entropy, 'registration_access_token', issuer, now)
  const tokenHash = hashOfHandle('registration_access_token', issuer, value)
  const { reference, audit } = auditOf('registration.renewed', issuer, {}, ports, clientId)
  await ports.store.commit([{ kind: 'put-registration', issuer, clientId, tokenHash }, audit])
  const uri = `${issuer}/register/${clientId}`
  return checked({ clientId, issuer, registrationAccessToken: value, registrationClientUri: uri, reference })
}

function isThere(written: ControlDocument): boolean {
  return written.kind === 'RegisteredClient' && written.spec.status !== 'deleted'
}

function bindingOf(asked: string | undefined, issuers: readonly IssuerBinding[]): Checked<IssuerBinding> {
  const [first, ...more] = issuersNamed(asked, issuers)
  if (first === undefined) return wrong({ document, field: 'issuer', message: 'there is no such issuer' })
  return more.length === 0
    ? checked(first)
    : wrong({ document, field: 'issuer', message: 'there are several issuers: name one' })
}

function unknownIn(
  { policy }: CreateRegistrationTokenRequest,
  own: readonly ControlDocument[],
): readonly Problem[] {
  const namesOf = (kind: KindName): readonly string[] =>
    own.filter(written => written.kind === kind).map(({ name }) => name)
  const knownAs = (names: readonly string[]): ReadonlyMap<string, unknown> =>
    new Map(names.map(name => [name, name]))
  const profiles = knownAs([...shippedProfiles.keys(), ...namesOf('SecurityProfile')])
  const scopes = knownAs([...standardScopes.map(({ name }) => name), ...namesOf('Scope')])
  const resources = knownAs(namesOf('ResourceServer'))
  const unknown = (
    field: string,
    what: string,
    names: readonly string[],
    known: ReadonlyMap<string, unknown>,
  ) => names.filter(name => !known.has(name)).map(name => unknownName(document, field, what, name, known))
  return [
    ...unknown('policy.profile', 'profile', [policy.profile], profiles),
    ...unknown('policy.scopes', 'scope', policy.scopes, scopes),
    ...unknown('policy.resources', 'resource server', policy.resources, resources),
    ...unusableTypes(policy, own),
  ]
}

/** A type that no client with this policy could ever ask for: there is none, or its resource server is left out. */
function unusableTypes(
  { authorizationDetailsTypes = [], resources }: CreateRegistrationTokenRequest['policy'],
  own: readonly ControlDocument[],
): readonly Problem[] {
  const types = new Map(
    own.flatMap(written =>
      written.kind === 'AuthorizationDetailsType' ? [[written.name, written.spec.resourceServer]] : [],
    ),
  )
  const field = 'policy.authorizationDetailsTypes'
  return authorizationDetailsTypes.flatMap(name => {
    const server = types.get(name)
    if (server === undefined)
      return [unknownName(document, field, 'type of authorization details', name, types)]
    const message = `\`${name}\` belongs to the resource server \`${server}\`, which \`policy.resources\` does not name`
    return resources.includes(server) ? [] : [{ document, field, message }]
  })
}

function auditOf(
  event: string,
  issuer: string,
  facts: AuditRecord['facts'],
  { clock, newReference }: ControlPorts,
  clientId?: string,
): { readonly reference: string; readonly audit: Write } {
  const reference = newReference()
  const base = {
    at: clock.now(),
    issuer,
    event,
    requestId: reference,
    ...(clientId !== undefined && { clientId }),
  }
  return { reference, audit: { kind: 'append-audit', record: { ...base, outcome: 'accepted', facts } } }
}
