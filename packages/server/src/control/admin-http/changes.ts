import { firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { confirmationRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import { z } from 'zod'
import { canonicalJson, type DocumentOf } from '../document.ts'
import { confirmDocuments, type JudgeConfirmation, roleMissing } from './apply-documents.ts'
import { overtaken, type Spending } from './bound-store.ts'
import { operation } from './operation.ts'
import { applyOperation, auditOfChange, deletionOf, shownChange } from './propose.ts'
import { isWithin, type Reach } from './reach.ts'
import {
  type AdminOperation,
  type AdminVisit,
  type Done,
  portsOf,
  type Stored,
  type TwoPersons,
  visitWithin,
} from './visit.ts'

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

function waitingAt({ changes, desk }: AdminVisit): readonly object[] {
  const now = desk.options.ports.clock.now()
  return changes
    .map(({ document }) => document)
    .filter(({ spec }) => spec.content.expiresAt > now)
    .toSorted((one, other) => one.spec.content.proposedAt - other.spec.content.proposedAt)
    .map(({ name, spec }) => shownChange(name, spec.content))
}

function storedChange({ changes, params }: AdminVisit): Stored<'PendingChange'> | undefined {
  return changes.find(({ document }) => document.name === params.name)
}

function changeOf(visit: AdminVisit): DocumentOf<'PendingChange'> | undefined {
  return storedChange(visit)?.document
}

/** Judged on what is stored, done within the reach of who proposed it, and spent in the commit that does it. */
async function confirm(visit: AdminVisit, find: (id: string) => AdminOperation | undefined): Promise<Done> {
  const stored = storedChange(visit)
  const early = judge(visit, stored?.document, { isBaseSame: true })
  if (early !== undefined || stored === undefined)
    return early === undefined ? unknown() : { ok: false, refusal: early }
  const { document: change } = stored
  const { content } = change.spec
  const proposer = visit.administrators.find(({ document }) => document.name === content.proposedBy)
  const judgeNow: JudgeConfirmation = (needed, { base, reasons }) =>
    judge(visit, change, {
      isBaseSame:
        isStillLet(proposer?.document, needed, content.issuers) &&
        canonicalJson(base) === canonicalJson(content.base) &&
        reasons.every(reason => content.reasons.includes(reason)),
    })
  const isDocuments = content.operation === applyOperation
  const spending: Spending = {
    revision: isDocuments ? undefined : visit.standing.revision,
    stands: [stored.record, ...(proposer === undefined ? [] : [proposer.record])],
    writes: [
      deletionOf(change.name, visit.desk),
      auditOfChange(visit, 'admin.change.confirmed', change.name, content),
    ],
    isSpent: false,
  }
  const inside = { ...visitWithin(visit, content.issuers), spending }
  if (isDocuments) return await confirmDocuments(inside, change, judgeNow)
  const asked = find(content.operation)
  const body = asked?.body?.safeParse(content.request)
  if (asked?.twoPersons === undefined || body?.success !== true) return unknown()
  return await confirmOperation({ ...inside, body: body.data, query: {} }, asked, asked.twoPersons, judgeNow)
}

/** Other things than documents. What comes to nothing leaves the change waiting. */
async function confirmOperation(
  visit: AdminVisit & Required<Pick<AdminVisit, 'spending'>>,
  asked: AdminOperation,
  { base, reasons }: TwoPersons,
  judgeNow: JudgeConfirmation,
): Promise<Done> {
  const now = { base: await base(visit), reasons: await reasons(visit) }
  const refusal = judgeNow(asked.needs(visit), now)
  if (refusal !== undefined) return { ok: false, refusal }
  const done = await asked.work(visit)
  // There was nothing to be written, and it is done all the same: it does not wait any longer.
  if (done.ok && !visit.spending.isSpent) await portsOf(visit).store.commit([])
  if (visit.spending.isSpent) await visit.desk.options.onApplied()
  return done
}

/** Whether who proposed it may still write what it needs, where it is to be done. */
function isStillLet(
  proposer: DocumentOf<'Administrator'> | undefined,
  needed: readonly string[],
  reach: Reach,
): boolean {
  return (
    proposer !== undefined &&
    roleMissing(needed, proposer.spec.scopes) === undefined &&
    isWithin(reach, proposer.spec.issuers)
  )
}

function judge(
  { caller, desk }: AdminVisit,
  change: DocumentOf<'PendingChange'> | undefined,
  { isBaseSame }: { readonly isBaseSame: boolean },
): Refusal | undefined {
  const now = desk.options.ports.clock.now()
  return firstRefusal(confirmationRules, {
    ...{ now, change: change?.spec.content, by: caller.name, isPerson: caller.isPerson, isBaseSame },
  })
}

async function withdraw(visit: AdminVisit): Promise<Done> {
  const { desk, standing } = visit
  const stored = storedChange(visit)
  if (stored === undefined) return unknown()
  const { name, spec } = stored.document
  const committed = await portsOf(visit).store.commit([
    { kind: 'raise-revision', from: standing.revision },
    deletionOf(name, desk),
    auditOfChange(visit, 'admin.change.withdrawn', name, spec.content),
  ])
  if (!committed.committed) return { ok: false, refusal: overtaken }
  await desk.options.onApplied()
  return { ok: true, status: 200, body: { name, withdrawn: true } }
}

function unknown(): Done {
  const reason = 'no change of this name waits: it never did, or it is done or withdrawn'
  return { ok: false, refusal: refuse('admin.change-unknown', ['HFA-6'], 'invalid_request', reason) }
}
