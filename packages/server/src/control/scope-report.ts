import { compileSnapshot, type PlacedDocument } from '../snapshot/compile.ts'
import { snapshotAt } from '../snapshot/snapshot-at.ts'
import type { ControlPorts } from './apply.ts'
import { daySeconds } from './content-approvals.ts'
import type { ControlDocument, DocumentOf } from './document.ts'
import { readDocuments, storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { type Checked, checked, wrong } from './problem.ts'
import {
  accessOf,
  broadOf,
  type Governed,
  type Right,
  rightsOf,
  unusedOf,
  usageKeys,
} from './scope-report-access.ts'
import type { Drift, ScopeReport, ScopeReportRequest } from './scope-report-api.ts'
import { driftBetween } from './scope-report-environments.ts'
import { driftOfGateway, readGatewayFile } from './scope-report-gateway.ts'
import { readScopeUsage, type ScopeUsage } from './scope-usage.ts'

/** Rows of who can do what in one answer; the rest is counted, and found by naming a client or an API. */
const accessMax = 20_000

/**
 * Who can do what, what of it nobody uses, which scopes let into too much, and where environments and the gateway
 * differ from the catalogues. Nothing is changed or recorded.
 */
export async function reportScopes(
  request: ScopeReportRequest,
  { store, clock, issuers }: ControlPorts,
): Promise<Checked<ScopeReport>> {
  const [binding, ...more] = issuersNamed(request.issuer, issuers)
  if (binding === undefined || more.length > 0)
    return wrong({ document: 'report', field: 'issuer', message: `name one of ${namesOf(issuers)}` })
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const compiled = compileSnapshot({ revision: 0, issuers: [binding], documents: stored.value })
  if (!compiled.ok) return compiled
  const now = clock.now()
  const snapshot = snapshotAt(compiled.value, now).issuers.get(binding.url)
  if (snapshot === undefined) throw new TypeError('a compiled issuer is in its snapshot')
  const documents = ofIssuer(stored.value, binding.url)
  const governed: Governed = {
    ...{ snapshot, now },
    servers: ofKind(documents, 'ResourceServer'),
    catalogues: ofKind(documents, 'ApiOperations'),
    grants: ofKind(documents, 'ScopeGrant'),
  }
  const { client, resourceServer, unusedDays, operationsMax } = request
  for (const [field, name, isThere] of [
    ['client', client, snapshot.clients.has(client ?? '')],
    ['resourceServer', resourceServer, governed.servers.some(one => one.name === resourceServer)],
  ] as const)
    if (name !== undefined && !isThere)
      return wrong({ document: 'report', field, message: `there is no \`${name}\`` })

  const environments = comparison(request, { label: binding.name, documents }, stored.value, issuers)
  if (!environments.ok) return environments
  const gateway = gatewayDrift(request.gateway, governed)
  if (!gateway.ok) return gateway
  const rights = rightsOf(governed, { client, resourceServer })
  const { access, uncatalogued } = accessOf(rights, governed)
  const usage =
    unusedDays === undefined ? undefined : await readScopeUsage(store, binding.url, usageKeys(rights))
  return checked({
    ...{ issuer: binding.url, environment: binding.environment, uncatalogued },
    access: access.slice(0, accessMax),
    accessUntold: Math.max(0, access.length - accessMax),
    ...unusedIn(rights, usage, unusedDays, now),
    broad: broadOf(governed, rights, operationsMax).filter(one => (resourceServer ?? one.api) === one.api),
    environments: environments.value,
    gateway: gateway.value,
  })
}

function unusedIn(
  rights: readonly Right[],
  usage: ScopeUsage | undefined,
  unusedDays = 0,
  now: number,
): Pick<ScopeReport, 'unused' | 'auditFrom' | 'isAuditLongEnough'> {
  if (usage === undefined) return { unused: undefined, auditFrom: undefined, isAuditLongEnough: false }
  const { from, isWhole } = usage
  return {
    unused: unusedOf(rights, usage, unusedDays, now),
    auditFrom: from,
    isAuditLongEnough: isWhole && from !== undefined && from <= now - unusedDays * daySeconds,
  }
}

/** With another issuer of this server, or with what was exported elsewhere. */
function comparison(
  { against, documents: file }: ScopeReportRequest,
  here: { readonly label: string; readonly documents: readonly ControlDocument[] },
  stored: readonly PlacedDocument[],
  issuers: ControlPorts['issuers'],
): Checked<readonly Drift[] | undefined> {
  if (file === undefined) {
    if (against === undefined) return checked(undefined)
    const [other, ...more] = issuersNamed(against, issuers)
    if (other === undefined || more.length > 0)
      return wrong({ document: 'report', field: 'against', message: `name one of ${namesOf(issuers)}` })
    return checked(driftBetween(here, { label: other.name, documents: ofIssuer(stored, other.url) }))
  }
  const read = readDocuments([file])
  if (!read.ok) return read
  const issuerOf = ({ kind, name, issuerName }: ControlDocument): string | undefined =>
    kind === 'Issuer' ? name : issuerName
  const names = new Set(read.value.flatMap(document => issuerOf(document) ?? []))
  if (against !== undefined && !names.has(against))
    return wrong({ document: file.path, field: '', message: `has no document of the issuer \`${against}\`` })
  if (against === undefined && names.size > 1)
    return wrong({
      ...{ document: file.path, field: '' },
      message: `is of several issuers; name one of ${[...names].join(', ')}`,
    })
  const documents = read.value.filter(one => against === undefined || (issuerOf(one) ?? against) === against)
  return checked(driftBetween(here, { label: file.path, documents }))
}

function gatewayDrift(
  text: string | undefined,
  { servers, catalogues }: Governed,
): Checked<readonly Drift[] | undefined> {
  if (text === undefined) return checked(undefined)
  const read = readGatewayFile(text)
  return read.ok ? checked(driftOfGateway(read.value, servers, catalogues)) : read
}

function namesOf(issuers: ControlPorts['issuers']): string {
  return issuers.map(({ name }) => name).join(', ')
}

function ofIssuer(stored: readonly PlacedDocument[], url: string): readonly ControlDocument[] {
  return stored.filter(({ issuerUrl }) => issuerUrl === url).map(({ document }) => document)
}

function ofKind<K extends ControlDocument['kind']>(
  documents: readonly ControlDocument[],
  kind: K,
): readonly DocumentOf<K>[] {
  return documents.filter(one => one.kind === kind) as unknown as readonly DocumentOf<K>[]
}
