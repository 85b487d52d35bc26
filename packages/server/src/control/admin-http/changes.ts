import { refuse } from '@holdfast/protocol'
import { z } from 'zod'
import { canonicalJson, type DocumentOf } from '../document.ts'
import { confirmDocuments, judgeConfirmation } from './apply-documents.ts'
import { scopesStillHeld } from './authority.ts'
import { operation } from './operation.ts'
import { applyOperation, auditOfChange, changesAmong, deletionOf, shownChange } from './propose.ts'
import type { AdminOperation, AdminVisit, Done } from './visit.ts'

const nothing = z.strictObject({})

/** @param find an operation by its id, in the table that this is part of */
export function changeOperations(
  find: (id: string) => AdminOperation | undefined,
): readonly AdminOperation[] {
  return [
    operation({
      id: 'listChanges',
      method: 'GET',
      path: '/admin/v1/changes',
      summary: 'Changes that wait for a second person, the oldest first.',
      scopes: ['admin.changes:read'],
      work: async visit => ({ ok: true, status: 200, body: { changes: waitingAt(visit) } }),
    }),
    operation({
      id: 'readChange',
      method: 'GET',
      path: '/admin/v1/changes/:name',
      summary: 'One change that waits, with all that it will do.',
      scopes: ['admin.changes:read'],
      work: async visit => {
        const change = changeOf(visit)
        return change === undefined
          ? unknown()
          : { ok: true, status: 200, body: shownChange(change.name, change.spec.content) }
      },
    }),
    operation({
      id: 'confirmChange',
      method: 'POST',
      path: '/admin/v1/changes/:name/confirmation',
      summary: 'Confirms exactly this change and brings it about. By a person who did not propose it.',
      scopes: [],
      needs: visit => changeOf(visit)?.spec.content.approveScopes ?? ['admin.changes:read'],
      body: nothing,
      isPersonal: true,
      isHighRisk: () => true,
      work: async visit => confirm(visit, find),
    }),
    operation({
      id: 'withdrawChange',
      method: 'DELETE',
      path: '/admin/v1/changes/:name',
      summary: 'Takes a change back: by who proposed it, or by a person who could confirm it.',
      scopes: [],
      needs: visit => {
        const content = changeOf(visit)?.spec.content
        if (content?.proposedBy === visit.caller.name) return []
        return content?.approveScopes ?? ['admin.changes:read']
      },
      work: async visit => withdraw(visit),
    }),
  ]
}

function waitingAt({ standing, desk }: AdminVisit): readonly object[] {
  const now = desk.options.ports.clock.now()
  return changesAmong(standing.records, desk)
    .filter(({ spec }) => spec.content.expiresAt > now)
    .toSorted((one, other) => one.spec.content.proposedAt - other.spec.content.proposedAt)
    .map(({ name, spec }) => shownChange(name, spec.content))
}

function changeOf({ standing, desk, params }: AdminVisit): DocumentOf<'PendingChange'> | undefined {
  return changesAmong(standing.records, desk).find(({ name }) => name === params.name)
}

async function confirm(visit: AdminVisit, find: (id: string) => AdminOperation | undefined): Promise<Done> {
  const change = changeOf(visit)
  const early = judgeConfirmation(visit, change, { isBaseSame: true })
  if (early !== undefined || change === undefined)
    return early === undefined ? unknown() : { ok: false, refusal: early }
  if (change.spec.content.operation === applyOperation) return await confirmDocuments(visit, change)
  const asked = find(change.spec.content.operation)
  const body = asked?.body?.safeParse(change.spec.content.request)
  if (asked?.twoPersons === undefined || body?.success !== true) return unknown()
  return await confirmOperation(visit, change, { ...asked, twoPersons: asked.twoPersons }, body.data)
}

/** Other things than documents: the proposal is taken away first, and then at most once what it asked for is done. */
async function confirmOperation(
  visit: AdminVisit,
  change: DocumentOf<'PendingChange'>,
  asked: AdminOperation & Required<Pick<AdminOperation, 'twoPersons'>>,
  body: unknown,
): Promise<Done> {
  const { desk, caller, standing } = visit
  const { content } = change.spec
  const inside: AdminVisit = { ...visit, body, query: {} }
  const { twoPersons } = asked
  const base = await twoPersons?.base(inside)
  const reasons = (await twoPersons?.reasons(inside)) ?? []
  const { records } = standing
  const proposer = scopesStillHeld(records, desk, content.proposedBy, asked.needs(inside))
  const refusal = judgeConfirmation(visit, change, {
    isBaseSame:
      proposer.ok &&
      canonicalJson(base) === canonicalJson(content.base) &&
      reasons.every(reason => content.reasons.includes(reason)),
  })
  if (refusal !== undefined) return { ok: false, refusal }
  const approver = scopesStillHeld(records, desk, caller.name, content.approveScopes)
  if (!approver.ok) return unknown()
  // Of two confirmations one raises the revision that both read; the other finds nothing to confirm.
  const committed = await desk.options.ports.store.commit([
    { kind: 'raise-revision', from: standing.revision },
    deletionOf(change.name, desk),
    auditOfChange(visit, 'admin.change.confirmed', change.name, content),
  ])
  if (!committed.committed) return overtaken()
  await desk.options.onApplied()
  return await asked.work(inside)
}

async function withdraw(visit: AdminVisit): Promise<Done> {
  const { desk, standing } = visit
  const change = changeOf(visit)
  if (change === undefined) return unknown()
  const committed = await desk.options.ports.store.commit([
    { kind: 'raise-revision', from: standing.revision },
    deletionOf(change.name, desk),
    auditOfChange(visit, 'admin.change.withdrawn', change.name, change.spec.content),
  ])
  if (!committed.committed) return overtaken()
  await desk.options.onApplied()
  return { ok: true, status: 200, body: { name: change.name, withdrawn: true } }
}

function unknown(): Done {
  const reason = 'no change of this name waits: it never did, or it is done or withdrawn'
  return { ok: false, refusal: refuse('admin.change-unknown', ['HFA-6'], 'invalid_request', reason) }
}

function overtaken(): Done {
  const reason = 'the documents changed in the same moment: look again'
  return { ok: false, refusal: refuse('admin.change-overtaken', ['HFA-6'], 'invalid_request', reason) }
}
