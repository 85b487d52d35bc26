import type {
  ChangedScopeGrant,
  ListedScopeGrant,
  PageRequest,
  RequestScopeGrant,
  ScopeGrantChange,
  ScopeGrantList,
} from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { type Changed, changeDocuments, type DocumentsChange } from './change-documents.ts'
import { approvalsNeeded, daySeconds, hashOfContent } from './content-approvals.ts'
import { type ControlDocument, type DocumentOf, ofKind } from './document.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { misfitOfPage, pageOf, placeAt } from './page.ts'
import { type Checked, checked, wrong } from './problem.ts'
import type { ScopeGrantContent, ScopeGrantSpec } from './resources/scope-grant.ts'
import { judgeRoom } from './room-for-records.ts'
import { operationsOf, reviewDueAt, scopeGrantName, scopeGrantState } from './scope-grant-state.ts'
import { unknownName } from './suggestion.ts'

type Grant = DocumentOf<'ScopeGrant'>
type Answer = Pick<ChangedScopeGrant, 'name' | 'state' | 'approvalsMissing' | 'content'>
type Step = DocumentsChange<'ScopeGrant', Answer>
type Documents = readonly ControlDocument[]

/** Asks that a client may have scopes of an API; gives nothing yet. */
export function requestScopeGrant(
  request: RequestScopeGrant,
  ports: ControlPorts,
): Promise<Checked<Changed<Answer>>> {
  return changeDocuments('ScopeGrant', request.issuer, ports, own => {
    const content = contentOf(request, own, ports.clock.now())
    if (!content.ok) return content
    const spec: ScopeGrantSpec = { content: content.value, state: 'requested', approvals: [] }
    const message = judgeRoom(ofKind(own, 'ScopeGrant'), { spec })
    if (message !== undefined) return wrong({ document: 'ScopeGrant', field: '', message })
    return moved('requested', { name: scopeGrantName(content.value), spec }, request.as)
  })
}

function contentOf(
  { client, resourceServer, scopes, authorizationDetailsTypes, ...request }: RequestScopeGrant,
  own: Documents,
  now: number,
): Checked<ScopeGrantContent> {
  const document = 'ScopeGrant'
  const catalogue = ofKind(own, 'ApiOperations').find(({ name }) => name === resourceServer)
  const clients = new Map(own.filter(isClient).map(found => [found.name, found]))
  if (!clients.has(client)) return wrong(unknownName(document, 'client', 'client', client, clients))
  if (catalogue === undefined) {
    const known = new Map(ofKind(own, 'ApiOperations').map(found => [found.name, found]))
    return wrong(unknownName(document, 'resourceServer', 'catalogue of operations', resourceServer, known))
  }
  const ways = catalogue.spec.operations.flatMap(({ coveredBy }) => coveredBy)
  const known = {
    scopes: new Map(ways.flatMap(way => way.scopes).map(name => [name, name])),
    types: new Map(ways.flatMap(way => way.authorizationDetailsTypes).map(name => [name, name])),
  }
  const problems = [
    ...scopes
      .filter(name => !known.scopes.has(name))
      .map(name => unknownName(document, 'scopes', `scope of \`${resourceServer}\``, name, known.scopes)),
    ...authorizationDetailsTypes
      .filter(name => !known.types.has(name))
      .map(name =>
        unknownName(
          document,
          'authorizationDetailsTypes',
          `type of \`${resourceServer}\``,
          name,
          known.types,
        ),
      ),
  ]
  if (problems.length > 0) return wrong(...problems)
  if (scopes.length + authorizationDetailsTypes.length === 0)
    return wrong({ document, field: 'scopes', message: 'names neither a scope nor a type' })
  const asked = {
    scopes: [...new Set(scopes)].toSorted(),
    authorizationDetailsTypes: [...new Set(authorizationDetailsTypes)].toSorted(),
  }
  const operations = operationsOf(catalogue.spec, asked)
  if (operations.length === 0)
    return wrong({ document, field: 'scopes', message: 'let into no operation by themselves' })
  return checked({
    ...{ client, resourceServer, ...asked, purpose: request.purpose.trim() },
    ...{ requestedBy: request.as, requestedAt: now },
    expiresAt: now + request.days * daySeconds,
    reviewDays: request.reviewDays,
    tier: Math.max(...operations.map(({ tier }) => tier)),
    operations,
  })
}

function isClient(found: ControlDocument): boolean {
  return found.kind === 'Client' || (found.kind === 'RegisteredClient' && found.spec.status !== 'deleted')
}

/** One step of one grant, by a person. The name is the hash of the content, so it is given whole. */
export function changeScopeGrant(
  request: ScopeGrantChange,
  ports: ControlPorts,
): Promise<Checked<Changed<Answer>>> {
  return changeDocuments('ScopeGrant', request.issuer, ports, own => {
    const grants = ofKind(own, 'ScopeGrant')
    const grant = grants.find(({ name }) => name === request.name)
    if (grant === undefined)
      return wrong({ document: `ScopeGrant/${request.name}`, field: '', message: 'there is no such grant' })
    const now = ports.clock.now()
    const state = scopeGrantState(grant.spec, now)
    if (!before[request.step].includes(state)) {
      const message = `is \`${state}\`, not \`${before[request.step].join('` or `')}\``
      return refused(grant, 'scope-grant.state', message)
    }
    return steps[request.step](grant, { request, now, own, grants })
  })
}

/** The states a step may begin in. */
const before: Readonly<Record<ScopeGrantChange['step'], readonly string[]>> = {
  approve: ['requested'],
  activate: ['approved'],
  review: ['active'],
  revoke: ['requested', 'approved', 'active'],
  remove: ['revoked', 'expired'],
}

interface StepInput {
  readonly request: ScopeGrantChange
  readonly now: number
  readonly own: Documents
  readonly grants: readonly Grant[]
}

const steps: Readonly<Record<ScopeGrantChange['step'], (grant: Grant, input: StepInput) => Checked<Step>>> = {
  approve: (grant, { request: { as: by }, now: at, own }) => {
    const { content, approvals } = grant.spec
    if (by === content.requestedBy)
      return refused(grant, 'scope-grant.own-request', 'nobody approves their own request')
    if (approvals.some(approval => approval.by === by))
      return refused(
        grant,
        'scope-grant.second-person',
        `\`${by}\` approved it already: another person is needed`,
      )
    if (hasMoved(grant, own)) return refused(grant, 'scope-grant.catalogue', catalogueMoved)
    const after = [...approvals, { by, at, content: hashOfContent(content) }]
    const state = after.length >= approvalsNeeded(content.tier) ? 'approved' : 'requested'
    return moved('approved', { name: grant.name, spec: { ...grant.spec, state, approvals: after } }, by)
  },
  activate: (grant, { request: { as: by }, now: at, own, grants }) => {
    if (hasMoved(grant, own)) return refused(grant, 'scope-grant.catalogue', catalogueMoved)
    const { client, resourceServer } = grant.spec.content
    const replaced = grants
      .filter(({ spec }) => spec.state === 'active')
      .filter(
        ({ spec: { content } }) => content.client === client && content.resourceServer === resourceServer,
      )
      .map(({ name, spec }) => {
        const revoked = { by, at, reason: `replaced by ${grant.name}` }
        return { name, spec: { ...spec, state: 'revoked' as const, revoked } }
      })
    const spec: ScopeGrantSpec = { ...grant.spec, state: 'active', activated: { by, at } }
    return moved('activated', { name: grant.name, spec }, by, replaced)
  },
  review: (grant, { request: { as: by }, now: at }) => {
    if (by === grant.spec.content.requestedBy)
      return refused(grant, 'scope-grant.own-request', 'nobody reviews their own request')
    return moved('reviewed', { name: grant.name, spec: { ...grant.spec, reviewed: { by, at } } }, by)
  },
  revoke: (grant, { request: { as: by, reason = 'not needed' }, now: at }) => {
    const spec = { ...grant.spec, state: 'revoked' as const, revoked: { by, at, reason } }
    return moved('revoked', { name: grant.name, spec }, by)
  },
  remove: ({ name, spec }, { request: { as: by } }) => {
    const removed = moved('removed', { name, spec }, by)
    return removed.ok ? checked({ ...removed.value, put: [], deleted: name }) : removed
  },
}

const catalogueMoved = 'the scopes let into other operations than when it was requested: request it again'

function hasMoved({ spec: { content } }: Grant, own: Documents): boolean {
  const catalogue = ofKind(own, 'ApiOperations').find(({ name }) => name === content.resourceServer)
  if (catalogue === undefined) return true
  return JSON.stringify(operationsOf(catalogue.spec, content)) !== JSON.stringify(content.operations)
}

function refused({ name }: Grant, ruleId: string, message: string): Checked<never> {
  return wrong({ document: `ScopeGrant/${name}`, field: 'spec.state', message, ruleId })
}

function moved(
  step: string,
  { name, spec }: Step['put'][number],
  person: string,
  replaced: Step['put'] = [],
): Checked<Step> {
  const { content, state, approvals } = spec
  const { client, resourceServer, scopes, authorizationDetailsTypes, tier, expiresAt } = content
  return checked({
    put: [{ name, spec }, ...replaced],
    event: `scope-grant.${step}`,
    clientId: client,
    facts: {
      // Who reaches the socket can say any name; over HTTPS the token says it, and the record says that.
      identity: 'claimed',
      ...{ scope_grant: name, person, state, tier, approvals: approvals.length, expires_at: expiresAt },
      ...{ resource_server: resourceServer, scopes, authorization_details_types: authorizationDetailsTypes },
      ...(replaced.length > 0 && { replaced: replaced.map(one => one.name) }),
      ...(step === 'revoked' && { reason: spec.revoked?.reason ?? '' }),
    },
    answer: { name, state, approvalsMissing: approvalsNeeded(content.tier) - approvals.length, content },
  })
}

/** Grants of an issuer, or of all, as they are now: one page, by issuer and name. */
export async function listScopeGrants(
  asked: PageRequest,
  { store, issuers, clock }: ControlPorts,
): Promise<Checked<ScopeGrantList>> {
  const document = 'ScopeGrant'
  const misfit = misfitOfPage(asked, issuers, [document])
  if (misfit !== undefined) return wrong({ document, ...misfit })
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const now = clock.now()
  const urls = issuersNamed(asked.issuer, issuers).map(({ url }) => url)
  const grants = stored.value.flatMap(({ issuerUrl: issuer, document }) =>
    document.kind === 'ScopeGrant' && urls.includes(issuer) ? [{ ...document, issuer }] : [],
  )
  const { page, ...more } = pageOf(grants, asked, {
    placeOf: grant => placeAt(document, grant),
    show: ({ issuer, ...grant }) => listed(grant, issuer, now),
  })
  return checked({ grants: page, ...more })
}

function listed({ name, spec }: Pick<Grant, 'name' | 'spec'>, issuer: string, now: number): ListedScopeGrant {
  const state = scopeGrantState(spec, now)
  const due = state === 'active' ? reviewDueAt(spec) : undefined
  return {
    ...{ name, issuer, state, content: spec.content },
    approvedBy: spec.approvals.map(({ by }) => by),
    ...(due !== undefined && { reviewDueAt: due, isReviewDue: due <= now }),
  }
}
