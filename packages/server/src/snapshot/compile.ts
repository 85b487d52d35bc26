import { profiles as shippedProfiles } from '@holdfast/protocol'
import { type ControlDocument, type DocumentOf, ofKind } from '../control/document.ts'
import { type Checked, checked, type Problem, wrong } from '../control/problem.ts'
import { issuerSpec } from '../control/resources/issuer.ts'
import { standardScopes } from '../control/resources/scope.ts'
import { unknownName } from '../control/suggestion.ts'
import { administratorProblems } from './check-administrators.ts'
import { operationsProblems } from './check-operations.ts'
import { compileAttesters } from './compile-attesters.ts'
import { compileAttributeSources } from './compile-attributes.ts'
import { type ClientContext, compileClient, rememberedMeet } from './compile-client.ts'
import { compileDecisionPoint } from './compile-decision-point.ts'
import { compileDetailTypes, namedProfile } from './compile-details.ts'
import { compileIdentityProviders } from './compile-identity-providers.ts'
import { checkAcrs, compileLevels } from './compile-levels.ts'
import { compileOnboarding } from './compile-onboarding.ts'
import { compilePolicies } from './compile-policies.ts'
import { compileProfiles, type ProfileTable } from './compile-profiles.ts'
import { compileRegistered, issuerAfter, issuerWith } from './compile-registered.ts'
import { compileScopeGrants } from './compile-scope-grants.ts'
import { secretsByClient } from './compile-secrets.ts'
import { compileSpiffeTrustDomains, spiffeClientProblems, spiffeClients } from './compile-spiffe.ts'
import { compileStatementIssuers } from './compile-statement-issuers.ts'
import { compileTrustedIssuers } from './compile-trusted-issuers.ts'
import { effectiveProfiles } from './effective-profile.ts'
import { onboardingEndings } from './onboarded.ts'
import { operationTiersOf } from './operation-tiers.ts'
import type {
  Client,
  IssuerSnapshot,
  NamedConnection,
  RegisteredClient,
  ResourceServer,
  Scope,
  Snapshot,
} from './snapshot.ts'

/** What the bootstrap configuration says about an issuer: its address is never a document's to change (I18). */
export interface IssuerBinding {
  /** Name of the Issuer document that goes with it. */
  readonly name: string
  readonly url: string
  readonly mtlsUrl: string
  readonly environment: 'development' | 'production'
  /** PEM certificates of the authorities that may sign `tls_client_auth` certificates. */
  readonly clientTrustAnchors: readonly string[]
  /** Connections that attribute sources may name; none when absent. */
  readonly connections?: readonly NamedConnection[]
  /** Engines that policies may ask, by name; none when absent. */
  readonly remoteEngines?: readonly string[]
}

/** A document and the issuer it was applied to. */
export interface PlacedDocument {
  readonly issuerUrl: string
  readonly document: ControlDocument
}

export interface CompileInput {
  readonly revision: number
  readonly issuers: readonly IssuerBinding[]
  /** Of any issuer; those of issuers that this process does not serve are left aside. */
  readonly documents: readonly PlacedDocument[]
}

/** The snapshot of a revision, or every contradiction in it. A revision that does not compile is never served. */
export function compileSnapshot({ revision, issuers, documents }: CompileInput): Checked<Snapshot> {
  const problems: Problem[] = []
  const compiled = new Map<string, IssuerSnapshot>()
  for (const binding of issuers) {
    const own = documents.filter(({ issuerUrl }) => issuerUrl === binding.url).map(({ document }) => document)
    const issuer = compileIssuer(binding, own)
    if (issuer.ok) compiled.set(binding.url, issuer.value)
    else problems.push(...issuer.problems)
  }
  return problems.length === 0 ? checked({ revision, issuers: compiled }) : wrong(...problems)
}

function compileIssuer(
  binding: IssuerBinding,
  documents: readonly ControlDocument[],
): Checked<IssuerSnapshot> {
  const problems: Problem[] = [...doubles(documents)]
  const spec = ofKind(documents, 'Issuer')[0]?.spec ?? issuerSpec.parse({})
  const document = `Issuer/${binding.name}`
  if (spec.environment !== undefined && spec.environment !== binding.environment)
    problems.push({
      document,
      field: 'spec.environment',
      message: `\`${spec.environment}\` contradicts \`${binding.environment}\` of the bootstrap configuration`,
    })

  const table = compileProfiles(shippedProfiles, ofKind(documents, 'SecurityProfile'), problems)
  const floor = table.get(spec.floor)
  if (floor === undefined) {
    problems.push(unknownName(document, 'spec.floor', 'profile', spec.floor, table))
    return wrong(...problems)
  }
  const levels = compileLevels(document, spec.authenticationLevels, problems)
  const scopes = compileScopes(ofKind(documents, 'Scope'), table, problems)
  checkAcrs(documents, levels, problems)
  const resources = compileResourceServers(ofKind(documents, 'ResourceServer'), { table, scopes, problems })
  const detailTypes = compileDetailTypes(ofKind(documents, 'AuthorizationDetailsType'), {
    ...{ table, resources, problems },
  })
  problems.push(...operationsProblems(ofKind(documents, 'ApiOperations'), { resources, scopes, detailTypes }))
  const secrets = secretsByClient(documents, problems)
  const attesters = compileAttesters(document, spec.attesters, problems)
  const statementIssuers = compileStatementIssuers(ofKind(documents, 'SoftwareStatementIssuer'), problems)
  const clients = new Map<string, Client>()
  const registered = new Map<string, RegisteredClient>()
  const written = ofKind(documents, 'Client')
  const registrations = ofKind(documents, 'RegisteredClient')
  const names = new Map([...written, ...registrations.filter(isThere)].map(client => [client.name, client]))
  // A client that ended its own registration keeps its name for ever, and its grants give nothing.
  const known = new Map([...written, ...registrations].map(client => [client.name, client]))
  const governance = compileScopeGrants(
    {
      servers: ofKind(documents, 'ResourceServer'),
      catalogues: ofKind(documents, 'ApiOperations'),
      grants: ofKind(documents, 'ScopeGrant'),
    },
    detailTypes,
    known,
    problems,
  )
  const onboarding = compileOnboarding(
    ofKind(documents, 'ClientOnboarding'),
    { isRequired: spec.onboarding === 'required', clients: known },
    problems,
  )
  const context: ClientContext = {
    ...{
      binding,
      floor,
      table,
      scopes,
      resources,
      detailTypes,
      secrets,
      attesters,
      governance,
      onboarding,
      meetOf: rememberedMeet(),
    },
    clients: names,
  }
  for (const client of written) {
    const compiled = compileClient(client, context)
    if (compiled.ok) clients.set(client.name, compiled.value)
    else problems.push(...compiled.problems)
  }
  problems.push(
    ...namedTwice(registrations, clients),
    ...compileRegistered(registrations, context, clients, registered),
  )
  const trustedIssuers = compileTrustedIssuers(ofKind(documents, 'TrustedIssuer'), {
    ...{ url: binding.url, clients, scopes, resources, problems },
  })
  const spiffeTrustDomains = compileSpiffeTrustDomains(ofKind(documents, 'SpiffeTrustDomain'), problems)
  problems.push(...spiffeClientProblems(written, spiffeTrustDomains))
  const identityProviders = compileIdentityProviders(
    ofKind(documents, 'IdentityProvider'),
    binding.url,
    problems,
  )
  problems.push(
    ...administratorProblems(binding.name, ofKind(documents, 'Administrator'), clients, registered),
  )
  const policies = compilePolicies(ofKind(documents, 'PolicySet'), binding.remoteEngines ?? [], problems)
  const attributeSources = compileAttributeSources(ofKind(documents, 'AttributeSource'), {
    servers: ofKind(documents, 'ResourceServer'),
    ...{ connections: binding.connections ?? [], problems },
  })
  const decisionPoint = compileDecisionPoint(ofKind(documents, 'DecisionPoint'), problems)
  if (problems.length > 0) return wrong(...problems)

  const { url, mtlsUrl, environment, clientTrustAnchors } = binding
  const resourceServers = new Map([...resources.values()].map(resource => [resource.audience, resource]))
  const effectiveProfile = effectiveProfiles({ resourceServers, scopes, detailTypes })
  const { tenant: tenantId, registration } = spec
  const ground = {
    ...{ url, mtlsUrl, tenantId, environment, floor, resourceServers, scopes, detailTypes },
    ...{ effectiveProfile, clientTrustAnchors, attesters, trustedIssuers, registration, statementIssuers },
    spiffeTrustDomains,
    clientOfSpiffeId: spiffeClients(clients.values()),
    identityProviders,
    policies,
    risk: spec.risk,
    decisionPoint,
    operationTiers: operationTiersOf(ofKind(documents, 'ApiOperations')),
    attributeSources,
    authenticationLevels: levels,
    scopeEndings: [...governance.endings.values()].flat(),
    onboardingEndings: onboardingEndings(onboarding),
  }
  return checked(issuerWith(ground, context, { clients, registered }))
}

/**
 * The snapshot after these documents changed and nothing else did; undefined when only a whole compilation can tell.
 * What it costs is those documents, not all there are.
 */
export function snapshotAfter(
  { issuers }: Snapshot,
  revision: number,
  changed: readonly PlacedDocument[],
): Checked<Snapshot> | undefined {
  const after = new Map(issuers)
  for (const [url, own] of Map.groupBy(changed, ({ issuerUrl }) => issuerUrl)) {
    const issuer = issuers.get(url)
    // Of an issuer that another process serves.
    if (issuer === undefined) continue
    const next = issuerAfter(
      issuer,
      own.map(({ document }) => document),
    )
    if (next === undefined || !next.ok) return next
    after.set(url, next.value)
  }
  return checked({ revision, issuers: after })
}

function isThere({ spec }: DocumentOf<'RegisteredClient'>): boolean {
  return spec.status !== 'deleted'
}

/** A name that registered itself, or once did, is nobody else's: what was issued under it must stay dead. */
function namedTwice(
  registrations: readonly DocumentOf<'RegisteredClient'>[],
  clients: ReadonlyMap<string, unknown>,
): readonly Problem[] {
  return registrations
    .filter(({ name }) => clients.has(name))
    .map(({ name }) => ({
      document: `Client/${name}`,
      field: 'metadata.name',
      message: 'is the name of a client that registered itself, or did once',
    }))
}

function doubles(documents: readonly ControlDocument[]): readonly Problem[] {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { kind, name } of documents) {
    const document = `${kind}/${name}`
    if (seen.has(document)) twice.add(document)
    seen.add(document)
  }
  return [...twice].map(document => ({ document, field: 'metadata.name', message: 'stands twice' }))
}

function compileScopes(
  documents: readonly DocumentOf<'Scope'>[],
  table: ProfileTable,
  problems: Problem[],
): ReadonlyMap<string, Scope> {
  const written: readonly Scope[] = documents.map(({ name, spec }) => {
    const profile = namedProfile(`Scope/${name}`, spec.profile, table, problems)
    return { ...spec, name, profile }
  })
  return new Map([...standardScopes, ...written].map(scope => [scope.name, scope]))
}

interface ResourceContext {
  readonly table: ProfileTable
  readonly scopes: ReadonlyMap<string, Scope>
  readonly problems: Problem[]
}

/** By document name: that is how clients point at them. */
function compileResourceServers(
  documents: readonly DocumentOf<'ResourceServer'>[],
  { table, scopes, problems }: ResourceContext,
): ReadonlyMap<string, ResourceServer> {
  const audiences = new Map<string, string>()
  return new Map(
    documents.map(({ name, spec }) => {
      const document = `ResourceServer/${name}`
      const other = audiences.get(spec.audience)
      if (other !== undefined)
        problems.push({ document, field: 'spec.audience', message: `is also the audience of \`${other}\`` })
      audiences.set(spec.audience, name)
      const profile = namedProfile(document, spec.profile, table, problems)
      for (const [index, scope] of spec.scopes.entries())
        if (!scopes.has(scope))
          problems.push(unknownName(document, `spec.scopes[${index}]`, 'scope', scope, scopes))
      const { displayName = name, statusList: hasStatusList } = spec
      if (hasStatusList && spec.accessTokenFormat === 'opaque')
        problems.push({
          document,
          field: 'spec.statusList',
          message: 'needs `accessTokenFormat: jwt` or `split`: an opaque token is introspected',
        })
      return [name, { ...spec, displayName, hasStatusList, profile }]
    }),
  )
}
