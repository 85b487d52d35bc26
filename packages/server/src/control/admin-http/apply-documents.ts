import { firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { adminRoleRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import type { UserRecord } from '../../store/records.ts'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import type { ApplyResult, Change } from '../admin-api.ts'
import { type AdminScope, groupOfKind } from '../admin-scopes.ts'
import { type ApplyInput, apply, type Gate } from '../apply.ts'
import type { ControlDocument, DocumentOf } from '../document.ts'
import { placeDocuments, readDocuments } from '../documents.ts'
import { checked, type Problem, wrong } from '../problem.ts'
import { judgeStepUp } from './authority.ts'
import { overtaken } from './bound-store.ts'
import { etagAt, etagOf, etagOfValue } from './etag.ts'
import { applyOperation, type Proposal, propose } from './propose.ts'
import { judgeReach } from './reach.ts'
import { decidesForOthers, groundOf, isAdministrators, placesOf, risksOf } from './risk.ts'
import { shownTo } from './shown-fields.ts'
import { type Actor, type AdminVisit, type Done, portsOf } from './visit.ts'

export type DocumentsInput = Required<ApplyInput>

/** What a request for one document was decided on. */
export interface Expected {
  readonly place?: Omit<DocumentRecord, 'body'>
  readonly etag?: string | undefined
}

/** Users that the documents name, as they are now, by how the base of a change calls them. */
type KnownUsers = ReadonlyMap<string, UserRecord | undefined>

/** Applies documents, or proposes them where one person is not enough. */
export async function applyDocuments(
  visit: AdminVisit,
  input: DocumentsInput,
  { place, etag }: Expected,
): Promise<Done> {
  const { desk, caller } = visit
  const users = await usersOf(input, visit)
  const early = passwordOfOthers(input, visit, users) ?? usersPruned(input)
  if (early !== undefined) return { ok: false, refusal: early }
  let found: Pick<Proposal, 'reasons' | 'base' | 'changes' | 'approveScopes'> | undefined
  const gate: Gate = (before, writes, changes) => {
    const missing = roleMissing(scopesOfWrites(writes, 'write'), caller.scopes)
    if (missing !== undefined) return wrong(problemOf(missing.ruleId, missing.reason))
    if (place !== undefined && etagOfPlace(place, before, users) !== etag)
      return wrong(problemOf('admin.precondition', 'the document is not the one you read'))
    const further = judgeReach(before, writes, desk.options.ports.issuers, caller.reach)
    if (further !== undefined) return wrong(problemOf(further.ruleId, further.reason))
    const reasons = risksOf(before, writes, groundOf(desk), users.values())
    if (reasons.length === 0) return checked(requiredUsers(users, writes))
    found = {
      ...{ reasons: [...reasons], base: baseOf(before, writes, users), changes: proposedOf(changes) },
      approveScopes: [...scopesOfWrites(writes, 'approve')],
    }
    return wrong(problemOf('admin.two-person', 'one person is not enough'))
  }
  const more: Actor = place === undefined ? {} : { etag_before: etag ?? '', etag_after: etagAfter(input) }
  const applied = await apply(input, { ...portsOf(visit, more), gate })
  if (applied.ok) return await served(visit, applied.value)
  if (found === undefined) return unfit(applied.problems)
  const refusal = judgeStepUp(visit) ?? secretIn(input)
  if (refusal !== undefined) return { ok: false, refusal }
  return await propose(visit, {
    ...{ operation: applyOperation, request: JSON.parse(JSON.stringify(input)), ...found },
  })
}

/** Applies what another person proposed, in the commit that takes the proposal away. */
export async function confirmDocuments(
  visit: AdminVisit,
  change: DocumentOf<'PendingChange'>,
  judge: JudgeConfirmation,
): Promise<Done> {
  const { desk, caller } = visit
  const { content } = change.spec
  const input = content.request as unknown as DocumentsInput
  const users = await usersOf(input, visit)
  let refusal: Refusal | undefined
  const gate: Gate = (before, writes) => {
    const approver = roleMissing(content.approveScopes, caller.scopes)
    if (approver !== undefined) return wrong(problemOf(approver.ruleId, approver.reason))
    refusal =
      judgeReach(before, writes, desk.options.ports.issuers, content.issuers) ??
      judge(scopesOfWrites(writes, 'write'), {
        base: baseOf(before, writes, users),
        reasons: risksOf(before, writes, groundOf(desk), users.values()),
      })
    return refusal === undefined
      ? checked(requiredUsers(users, writes))
      : wrong(problemOf(refusal.ruleId, refusal.reason))
  }
  const more = { change: change.name, proposed_by: content.proposedBy }
  const applied = await apply(input, { ...portsOf(visit, more), gate })
  if (applied.ok && applied.value.reference !== undefined) return await served(visit, applied.value)
  if (refusal !== undefined) return { ok: false, refusal }
  if (!applied.ok) return unfit(applied.problems)
  // Somebody else brought it about meanwhile: there is nothing left to confirm.
  return { ok: false, refusal: judge([], { base: {}, reasons: [] }) ?? overtaken }
}

/** What is stored now, on which a confirmed change would be done. */
export interface GroundNow {
  readonly base: Readonly<Record<string, string>>
  readonly reasons: readonly string[]
}

/** @param needed scopes of who proposed it: what it writes takes them */
export type JudgeConfirmation = (needed: readonly string[], now: GroundNow) => Refusal | undefined

async function served(visit: AdminVisit, result: ApplyResult): Promise<Done> {
  if (result.reference !== undefined) await visit.desk.options.onApplied()
  // Who may not read clients is not told their names by taking a scope away.
  const narrowed = visit.caller.scopes.includes('admin.clients:read') ? result.narrowed : []
  return {
    ok: true,
    status: 200,
    body: { ...result, narrowed, changes: shownTo(visit.caller, result.changes) },
  }
}

function proposedOf(changes: readonly Change[]): Proposal['changes'] {
  return changes.flatMap(({ action, kind, name, issuer, fields }) =>
    action === 'unchanged'
      ? []
      : [
          {
            ...{ action, kind, name, issuer },
            fields: fields.map(({ field, from, to }) => ({
              field,
              ...(from !== undefined && { from }),
              ...(to !== undefined && { to }),
            })),
          },
        ],
  )
}

type Base = Readonly<Record<string, string>>

function baseOf(before: readonly DocumentRecord[], writes: readonly Write[], users: KnownUsers): Base {
  const documents = [...placesOf(writes)].map(([key, place]) => [key, etagAt(before, place) ?? ''])
  const touched = [...users].map(([key, user]) => [key, user === undefined ? '' : etagOfUser(user)])
  return Object.fromEntries([...documents, ...touched])
}

/** What a commit that touches these users must still find. */
function requiredUsers(users: KnownUsers, writes: readonly Write[]): readonly Write[] {
  return [...users.values()].flatMap(record =>
    record !== undefined &&
    writes.some(write => write.kind === 'put-user' && write.record.subject === record.subject)
      ? [{ kind: 'require-user', record } as const]
      : [],
  )
}

async function usersOf({ files }: DocumentsInput, { desk }: AdminVisit): Promise<KnownUsers> {
  const { store, issuers } = desk.options.ports
  const read = readDocuments(files)
  const placed = read.ok ? placeDocuments(read.value, issuers) : read
  const users = new Map<string, UserRecord | undefined>()
  for (const { issuerUrl, document } of placed.ok ? placed.value : []) {
    if (document.kind !== 'User') continue
    const username = document.spec.username ?? document.name
    users.set(`User/${username} ${issuerUrl}`, await store.findUserByUsername(issuerUrl, username))
  }
  return users
}

function etagOfPlace(
  place: Omit<DocumentRecord, 'body'>,
  before: readonly DocumentRecord[],
  users: KnownUsers,
): string | undefined {
  if (place.documentKind !== 'User') return etagAt(before, place)
  const [user] = users.values()
  return user && etagOfUser(user)
}

export function etagOfUser(user: UserRecord): string {
  return etagOfValue(user)
}

function etagAfter({ files: [file], deleted }: DocumentsInput): string {
  if (file === undefined || deleted.length > 0) return ''
  const { kind } = JSON.parse(file.text) as { readonly kind: string }
  // A password may stand in it, and nothing that is made of one stands in the audit.
  return kind === 'User' ? '' : etagOf(file.text)
}

/** Before anything is compared: whether a password is the one there is would be a guess, and the answer to it. */
function passwordOfOthers(
  { files }: DocumentsInput,
  { desk, standing }: AdminVisit,
  users: KnownUsers,
): Refusal | undefined {
  const ground = { before: standing.documents, after: [], audience: desk.audience }
  const read = readDocuments(files)
  const placed = read.ok ? placeDocuments(read.value, desk.options.ports.issuers) : read
  const isOne = (placed.ok ? placed.value : []).some(({ issuerUrl, document }) => {
    if (!hasPassword(document)) return false
    const username = document.spec.username ?? document.name
    const user = users.get(`User/${username} ${issuerUrl}`)
    return isAdministrators(username, issuerUrl, ground) || (user !== undefined && decidesForOthers(user))
  })
  if (!isOne) return undefined
  const reason = 'the password of who administers or approves is set on the machine, by nobody over HTTPS'
  return refuse('admin.password', ['HFA-7'], 'access_denied', reason)
}

/** Users are read and written by name here: what a list of them lacks would be everybody else. */
function usersPruned({ files, prune }: DocumentsInput): Refusal | undefined {
  const read = prune ? readDocuments(files) : undefined
  if (read?.ok !== true || !read.value.some(({ kind }) => kind === 'User')) return undefined
  const reason = 'users are not pruned over HTTPS: their list is read on the machine'
  return refuse('admin.users-pruned', ['HFA-3'], 'invalid_request', reason)
}

function hasPassword(document: ControlDocument): document is DocumentOf<'User'> {
  if (document.kind !== 'User') return false
  return document.spec.password !== undefined || document.spec.passwordHash !== undefined
}

/** What waits is read by others, and is kept as it came: no password may be in it. */
function secretIn({ files }: DocumentsInput): Refusal | undefined {
  const read = readDocuments(files)
  if (!read.ok || !read.value.some(hasPassword)) return undefined
  const reason = 'a change that waits for a second person holds no password: apply that user by itself'
  return refuse('admin.change-secret', ['HFA-6'], 'invalid_request', reason)
}

/** One scope for each group of kinds that the writes touch. */
function scopesOfWrites(writes: readonly Write[], verb: 'write' | 'approve'): readonly AdminScope[] {
  const kinds = [...placesOf(writes).values()].map(({ documentKind }) => documentKind)
  const isAboutUsers = writes.some(({ kind }) => kind === 'put-user' || kind === 'delete-user')
  return scopesOfKinds([...kinds, ...(isAboutUsers ? ['User'] : [])], verb)
}

export function scopesOfKinds(kinds: readonly string[], verb: 'read' | 'write' | 'approve'): AdminScope[] {
  return [...new Set(kinds)].map(kind => {
    const group = groupOfKind(kind)
    if (group === undefined) throw new TypeError(`no group has the kind ${kind}`)
    return `admin.${group}:${verb}` as const
  })
}

export function roleMissing(required: readonly string[], held: readonly string[]): Refusal | undefined {
  return firstRefusal(adminRoleRules, { required, held })
}

function problemOf(ruleId: string, message: string): Problem {
  return { document: 'change', field: '', message, ruleId }
}

/** Statuses of refusals that the gate made; everything else is about the documents. */
const gateStatuses: Readonly<Record<string, number>> = {
  'admin.precondition': 412,
  'admin.role': 403,
  'admin.reach': 403,
}

function unfit(problems: readonly Problem[]): Extract<Done, { ok: false }> {
  const [first] = problems
  const status = gateStatuses[first?.ruleId ?? '']
  if (status !== undefined && first?.ruleId !== undefined)
    return {
      ok: false,
      problem: { type: 'about:blank', title: first.message, status, problems },
    }
  const detail = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return {
    ok: false,
    problem: { type: 'about:blank', title: 'the documents are not valid', status: 422, detail, problems },
  }
}
