import { type Refusal, refuse } from '@holdfast/protocol'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import { apiVersion, canonicalJson, parseDocument } from '../document.ts'
import type { PendingChangeContent } from '../resources/pending-change.ts'
import { shownTo } from './shown-fields.ts'
import {
  type AdminCaller,
  type AdminDesk,
  type AdminVisit,
  actorOf,
  changeName,
  type Done,
  portsOf,
} from './visit.ts'

/** How long a change waits. */
export const changeLifetimeSeconds = 7 * 86_400
/** Changes that wait at one time: of one proposer, and in all. Each is a document of every revision. */
export const changesOfOneMax = 20
export const changesMax = 200
/** Bytes of what is kept of one. */
const changeBytesMax = 262_144
/** How often a proposal starts again because another change came first. */
const attemptsMax = 10

export type Proposal = Pick<
  PendingChangeContent,
  'operation' | 'request' | 'changes' | 'reasons' | 'base' | 'approveScopes'
>

/** Keeps what one person may not do alone, until another one confirms it. The same proposal again is the same change. */
export async function propose(visit: AdminVisit, proposal: Proposal): Promise<Done> {
  const { desk, caller } = visit
  const { store, clock } = portsOf(visit)
  const now = clock.now()
  const content: PendingChangeContent = {
    ...proposal,
    ...{ proposedBy: caller.name, client: caller.clientId, persons: [caller.name, ...caller.responsible] },
    ...(caller.reach !== undefined && { issuers: [...caller.reach] }),
    ...{ proposedAt: now, expiresAt: now + changeLifetimeSeconds },
  }
  const name = changeName(content)
  const record = recordOf(name, content, caller.record)
  // What does not fit its own schema would keep every later revision from being read.
  const fits = parseDocument(`PendingChange/${name}`, JSON.parse(record.body)).ok
  if (record.body.length > changeBytesMax || !fits)
    return refused(
      refuse(
        'admin.change-size',
        ['HFA-6'],
        'invalid_request',
        `it has more than ${changeBytesMax} characters or 1000 documents`,
      ),
    )
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { revision, changes: waiting } = await visit.waiting()
    const same = waiting.find(
      known => isSame(known.spec.content, content) && known.spec.content.expiresAt > now,
    )
    if (same !== undefined) return accepted(caller, same.name, same.spec.content)
    const ended = waiting.filter(({ spec }) => spec.content.expiresAt <= now)
    const open = waiting.filter(({ spec }) => spec.content.expiresAt > now)
    const own = open.filter(({ spec }) => spec.content.proposedBy === caller.name)
    if (own.length >= changesOfOneMax || open.length >= changesMax)
      return refused(
        refuse(
          'admin.change-limit',
          ['HFA-6'],
          'invalid_request',
          'too many changes wait: confirm or withdraw some first',
        ),
      )
    const committed = await store.commit([
      { kind: 'raise-revision', from: revision },
      ...ended.map(({ name: gone }) => deletionOf(gone, desk)),
      { kind: 'put-document', document: record },
      auditOfChange(visit, 'admin.change.proposed', name, content),
    ])
    if (committed.committed) {
      await desk.options.onApplied()
      return accepted(caller, name, content)
    }
  }
  return refused(
    refuse('admin.change-busy', ['HFA-6'], 'invalid_request', 'others keep changing the revision; try again'),
  )
}

/** By who, what and on what; when is not part of it. */
function isSame(one: PendingChangeContent, other: PendingChangeContent): boolean {
  const timeless = (content: PendingChangeContent): string =>
    canonicalJson({ ...content, proposedAt: 0, expiresAt: 0 })
  return timeless(one) === timeless(other)
}

export function deletionOf(name: string, { issuerUrl: issuer }: AdminDesk): Write {
  return { kind: 'delete-document', documentKind: 'PendingChange', name, issuer }
}

/** It stands where the administrators stand, and names that issuer as they do. */
function recordOf(name: string, content: PendingChangeContent, beside: DocumentRecord): DocumentRecord {
  const { metadata } = JSON.parse(beside.body) as { readonly metadata: { readonly issuer?: string } }
  const source = { apiVersion, kind: 'PendingChange', metadata: { ...metadata, name }, spec: { content } }
  return { documentKind: 'PendingChange', issuer: beside.issuer, name, body: canonicalJson(source) }
}

/** Who did what with it; the content stands in the audit as its hash, which is its name. */
export function auditOfChange(
  visit: AdminVisit,
  event: 'admin.change.proposed' | 'admin.change.confirmed' | 'admin.change.withdrawn',
  name: string,
  { operation, proposedBy, reasons, changes }: PendingChangeContent,
): Write {
  const { desk, requestId } = visit
  const base = { at: desk.options.ports.clock.now(), issuer: desk.issuerUrl, event, requestId }
  const facts = {
    ...actorOf(visit),
    ...{ change: name, operation, proposed_by: proposedBy, reasons: reasons.slice(0, 20) },
    documents: changes.slice(0, 100).map(({ kind, name: of }) => `${kind}/${of}`),
  }
  return { kind: 'append-audit', record: { ...base, outcome: 'accepted', facts } }
}

/** Id under which documents wait, in whatever form they came. */
export const applyOperation = 'applyDocuments'

/** How a change looks to those who decide about it: documents field by field, anything else as it was asked for. */
export function shownChange(name: string, { request, ...content }: PendingChangeContent): object {
  return { name, ...content, ...(content.operation !== applyOperation && { request }) }
}

function accepted(caller: AdminCaller, name: string, content: PendingChangeContent): Done {
  const location = `/admin/v1/changes/${name}`
  const body = shownChange(name, { ...content, changes: [...shownTo(caller, content.changes)] })
  return { ok: true, status: 202, body, headers: [['location', location]] }
}

function refused(refusal: Refusal): Done {
  return { ok: false, refusal }
}
