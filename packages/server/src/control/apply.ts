import { announcing, type ClientAt, factsOfNarrowed, listedMax } from '../data/mint/narrowed.ts'
import type { Ports } from '../ports.ts'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import type { AuditRecord } from '../store/records.ts'
import { revocationOfClient } from '../store/revocations.ts'
import type { DocumentRecord, Write } from '../store/writes.ts'
import type { ApplyRequest, ApplyResult, Change } from './admin-api.ts'
import { placeDocuments, readDocuments, storedDocuments } from './documents.ts'
import { narrowedClients } from './narrowed-clients.ts'
import { type DeletedDocument, inOrder, movedByCommands, planDocuments, revived } from './plan.ts'
import { planUsers } from './plan-users.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'

export interface ControlPorts extends Pick<Ports, 'store' | 'clock' | 'entropy' | 'passwords'> {
  readonly issuers: readonly IssuerBinding[]
  /** Reference id of one operation, as for requests. */
  readonly newReference: () => string
  /** Judges what is about to be committed to the documents; a command without it may do everything. */
  readonly gate?: Gate
}

/**
 * Called with every document as it stands, with what will be written and what that changes, at the revision that the
 * commit is bound to.
 * @returns what goes into the same commit, or why there will be none
 */
export type Gate = (
  before: readonly DocumentRecord[],
  writes: readonly Write[],
  changes: readonly Change[],
) => Checked<readonly Write[]>

/** An apply as a program asks for it. */
export interface ApplyInput extends ApplyRequest {
  /** Documents that are to be gone; those that are not there are nobody's problem. */
  readonly deleted?: readonly DeletedDocument[]
}

/** How often an apply starts again because another one came first. */
const attemptsMax = 10

/**
 * Bring the store to what the files say: plan, compile what would be, then one commit. Applying the same files
 * again writes nothing.
 */
export async function apply(request: ApplyInput, ports: ControlPorts): Promise<Checked<ApplyResult>> {
  const read = readDocuments(request.files)
  const placed = read.ok ? placeDocuments(read.value, ports.issuers) : read
  if (!placed.ok) return recorded(request, ports, placed.problems)
  const twice = firstDouble(placed.value)
  if (twice !== undefined) return recorded(request, ports, [twice])
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const result = await applyOnce(request, placed.value, ports)
    if (result === 'overtaken') continue
    return result.ok ? result : recorded(request, ports, result.problems)
  }
  return wrong({ document: 'revision', field: '', message: 'others keep changing it; try again' })
}

async function applyOnce(
  { dryRun, prune, deleted }: ApplyInput,
  placed: readonly PlacedDocument[],
  ports: ControlPorts,
): Promise<Checked<ApplyResult> | 'overtaken'> {
  const { store, issuers } = ports
  // The revision is read first: whatever changes after this line fails the guard below.
  const revision = await store.revision()
  const before = await store.listDocuments()
  const dead = revived(placed, before)
  if (dead.length > 0)
    return wrong(
      ...dead.map(({ document: { name } }) => ({
        ...{ document: `RegisteredClient/${name}`, field: 'spec.status' },
        message: 'was deleted; the id of a deleted client is never used again',
      })),
    )
  const moved = movedByCommands(placed, before)
  if (moved.length > 0) return wrong(...moved)
  const documents = planDocuments(placed, before, prune, deleted)
  const stored = storedDocuments(documents.after)
  const compiled = stored.ok
    ? compileSnapshot({ revision: revision + 1, issuers, documents: stored.value })
    : stored
  if (!compiled.ok) return compiled
  const reference = ports.newReference()
  const users = await planUsers(placed, ports, { prune, dryRun, snapshot: compiled.value, reference })
  if (!users.ok) return users

  const changes = inOrder([...documents.changes, ...users.value.changes])
  const real = changes.filter(({ action }) => action !== 'unchanged')
  if (real.length === 0) return checked({ changes, narrowed: [], dryRun, revision })
  const then = () => {
    const documents = storedDocuments(before)
    return documents.ok ? documents.value : undefined
  }
  const narrowed = narrowedClients(real, then, compiled.value, issuers)
  if (dryRun) return checked({ changes, narrowed, dryRun, revision })

  const ended = endOfClients(documents.changes, ports)
  const planned = [...documents.writes, ...ended, ...users.value.writes]
  const gated = ports.gate?.(before, planned, changes) ?? checked([])
  if (!gated.ok) return gated
  const committed = await store.commit([
    { kind: 'raise-revision', from: revision },
    ...gated.value,
    ...planned,
    ...announcing(narrowed),
    ...auditOfChanges({ real, narrowed }, revision + 1, reference, ports),
  ])
  return committed.committed
    ? checked({ changes, narrowed, dryRun, revision: revision + 1, reference })
    : 'overtaken'
}

/** A client that is made again under the id of a deleted one is another client: what that one had is not its own. */
function endOfClients(changes: readonly Change[], { clock }: ControlPorts): readonly Write[] {
  return changes
    .filter(({ action, kind }) => action === 'delete' && (kind === 'Client' || kind === 'RegisteredClient'))
    .flatMap(({ issuer, name }): readonly Write[] => [
      ...revocationOfClient(issuer, name, clock.now()),
      { kind: 'forget-sightings', issuer, owner: name },
    ])
}

/** One record per issuer that changes. */
function auditOfChanges(
  { real, narrowed }: { readonly real: readonly Change[]; readonly narrowed: readonly ClientAt[] },
  revision: number,
  requestId: string,
  { clock }: ControlPorts,
): readonly Write[] {
  return [...new Set(real.map(({ issuer }) => issuer))].map(issuer => {
    const facts: Record<string, AuditRecord['facts'][string]> = { revision }
    for (const action of ['create', 'update', 'delete'] as const) {
      const names = real
        .filter(change => change.issuer === issuer && change.action === action)
        .map(({ kind, name }) => `${kind}/${name}`)
      facts[`${action}Count`] = names.length
      facts[action] = names.slice(0, listedMax)
    }
    Object.assign(facts, factsOfNarrowed(narrowed, issuer))
    const record = { at: clock.now(), issuer, event: 'control.applied', requestId, facts }
    return { kind: 'append-audit', record: { ...record, outcome: 'accepted' } }
  })
}

/** A refused apply is evidence too; a dry run asks and decides nothing. */
async function recorded(
  { dryRun }: ApplyRequest,
  { store, clock, issuers, newReference }: ControlPorts,
  problems: readonly Problem[],
): Promise<Checked<never>> {
  const [issuer, first] = [issuers[0], problems[0]]
  if (!dryRun && issuer !== undefined && first !== undefined) {
    const { ruleId = 'control.document', clauses = [], document, field } = first
    const base = { at: clock.now(), issuer: issuer.url, event: 'control.refused', requestId: newReference() }
    const facts = { problems: problems.length, document: document.slice(0, 200), field: field.slice(0, 200) }
    await store.commit([
      { kind: 'append-audit', record: { ...base, outcome: 'refused', ruleId, clauses, facts } },
    ])
  }
  return wrong(...problems)
}

function firstDouble(placed: readonly PlacedDocument[]): Problem | undefined {
  const seen = new Set<string>()
  for (const { issuerUrl, document } of placed) {
    const key = `${document.kind} ${document.name} ${issuerUrl}`
    if (seen.has(key))
      return {
        document: `${document.kind}/${document.name}`,
        field: 'metadata.name',
        message: 'stands twice in the files',
      }
    seen.add(key)
  }
  return undefined
}
