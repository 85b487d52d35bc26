import { type EpochSeconds, firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { confirmationRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import type { UserRecord } from '../../store/records.ts'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import type { ApplyResult } from '../admin-api.ts'
import { type AdminScope, groupOfKind } from '../admin-scopes.ts'
import { type ApplyInput, apply, type Gate } from '../apply.ts'
import { type ControlDocument, canonicalJson, type DocumentOf } from '../document.ts'
import { placeDocuments, readDocuments } from '../documents.ts'
import { checked, type Problem, wrong } from '../problem.ts'
import { judgeStepUp, scopesStillHeld } from './authority.ts'
import { etagAt, etagOf, etagOfValue } from './etag.ts'
import { applyOperation, auditOfChange, changesAmong, deletionOf, propose } from './propose.ts'
import { decidesForOthers, isAdministrators, placesOf, risksOf } from './risk.ts'
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
  const guess = passwordOfOthers(input, visit, users)
  if (guess !== undefined) return { ok: false, refusal: guess }
  let found: { readonly reasons: readonly string[]; readonly base: Base } | undefined
  const gate: Gate = (before, writes) => {
    const authority = scopesStillHeld(before, desk, caller.name, scopesOfWrites(writes, 'write'))
    if (!authority.ok) return authority
    if (place !== undefined && etagOfPlace(place, before, users) !== etag)
      return wrong(problemOf('admin.precondition', 'the document is not the one you read'))
    const reasons = risksOf(before, writes, desk.audience, users.values())
    if (reasons.length === 0) return checked(requiredUsers(users, writes))
    found = { reasons, base: baseOf(before, writes, users) }
    return wrong(problemOf('admin.two-person', 'one person is not enough'))
  }
  const more: Actor = place === undefined ? {} : { etag_before: etag ?? '', etag_after: etagAfter(input) }
  const applied = await apply(input, { ...portsOf(visit, more), gate })
  if (applied.ok) return await served(visit, applied.value)
  if (found === undefined) return unfit(applied.problems)

  const refusal = judgeStepUp(visit) ?? secretIn(input)
  if (refusal !== undefined) return { ok: false, refusal }
  const planned = await apply({ ...input, dryRun: true }, desk.options.ports)
  if (!planned.ok) return unfit(planned.problems)
  const changes = changesOf(planned.value)
  return await propose(visit, {
    ...{ operation: applyOperation, request: JSON.parse(JSON.stringify(input)), changes },
    ...{ reasons: found.reasons.slice(0, reasonsMax), base: found.base },
    approveScopes: scopesOfKinds(
      changes.map(({ kind }) => kind),
      'approve',
    ),
  })
}

const reasonsMax = 100

/** Applies what another person proposed, in the commit that takes the proposal away. */
export async function confirmDocuments(
  visit: AdminVisit,
  change: DocumentOf<'PendingChange'>,
): Promise<Done> {
  const { desk, caller } = visit
  const { content } = change.spec
  const input = content.request as unknown as DocumentsInput
  const users = await usersOf(input, visit)
  let refusal: Refusal | undefined
  const gate: Gate = (before, writes) => {
    const proposer = scopesStillHeld(before, desk, content.proposedBy, scopesOfWrites(writes, 'write'))
    const approver = scopesStillHeld(before, desk, caller.name, content.approveScopes)
    if (!approver.ok) return approver
    const waiting = changesAmong(before, desk).find(({ name }) => name === change.name)
    const reasons = risksOf(before, writes, desk.audience, users.values())
    refusal = judgeConfirmation(visit, waiting, {
      isBaseSame:
        proposer.ok &&
        canonicalJson(baseOf(before, writes, users)) === canonicalJson(content.base) &&
        reasons.every(reason => content.reasons.includes(reason)),
    })
    if (refusal !== undefined) return wrong(problemOf(refusal.ruleId, refusal.reason))
    return checked([
      deletionOf(change.name, desk),
      ...requiredUsers(users, writes),
      auditOfChange(visit, 'admin.change.confirmed', change.name, content),
    ])
  }
  const more = { change: change.name, proposed_by: content.proposedBy }
  const applied = await apply(input, { ...portsOf(visit, more), gate })
  if (applied.ok && applied.value.reference !== undefined) return await served(visit, applied.value)
  if (refusal !== undefined) return { ok: false, refusal }
  if (!applied.ok) return unfit(applied.problems)
  // Somebody else brought it about meanwhile: there is nothing left to confirm.
  const stale = judgeConfirmation(visit, change, { isBaseSame: false })
  if (stale === undefined) throw new TypeError('rule table')
  return { ok: false, refusal: stale }
}

export function judgeConfirmation(
  { caller, desk }: AdminVisit,
  change: DocumentOf<'PendingChange'> | undefined,
  { isBaseSame }: { readonly isBaseSame: boolean },
): Refusal | undefined {
  const now: EpochSeconds = desk.options.ports.clock.now()
  return firstRefusal(confirmationRules, {
    ...{ now, change: change?.spec.content, by: caller.name, isPerson: caller.isPerson, isBaseSame },
  })
}

async function served({ desk }: AdminVisit, result: ApplyResult): Promise<Done> {
  if (result.reference !== undefined) await desk.options.onApplied()
  return { ok: true, status: 200, body: result }
}

function changesOf({ changes }: ApplyResult) {
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

function problemOf(ruleId: string, message: string): Problem {
  return { document: 'change', field: '', message, ruleId }
}

/** Statuses of refusals that the gate made; everything else is about the documents. */
const gateStatuses: Readonly<Record<string, number>> = {
  'admin.precondition': 412,
  'admin.role': 403,
  'admin.administrator': 403,
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
