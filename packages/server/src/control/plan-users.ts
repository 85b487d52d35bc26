import { endingOfUser } from '../data/logout/end-of-user.ts'
import type { Ports } from '../ports.ts'
import type { PlacedDocument } from '../snapshot/compile.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { UserRecord } from '../store/records.ts'
import { revocationOfSubject } from '../store/revocations.ts'
import type { Write } from '../store/writes.ts'
import type { Change } from './admin-api.ts'
import { difference } from './difference.ts'
import { canonicalJson, type DocumentOf } from './document.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'

export type UserPorts = Pick<Ports, 'store' | 'passwords' | 'entropy' | 'clock'>

export interface UserPlan {
  readonly changes: readonly Change[]
  readonly writes: readonly Write[]
}

/**
 * Compares User documents with the directory. A password is compared by verifying it, so that applying the same
 * file again changes nothing; a new one is hashed unless this is a dry run.
 */
export async function planUsers(
  given: readonly PlacedDocument[],
  ports: UserPorts,
  options: {
    readonly prune: boolean
    readonly dryRun: boolean
    /** As it will be afterwards. */
    readonly snapshot: Snapshot
    readonly reference: string
  },
): Promise<Checked<UserPlan>> {
  const changes: Change[] = []
  const writes: Write[] = []
  const problems: Problem[] = []
  const seen = new Map<string, Set<string>>()
  for (const { issuerUrl, document } of given) {
    if (document.kind !== 'User') continue
    const username = document.spec.username ?? document.name
    const names = seen.get(issuerUrl) ?? new Set()
    seen.set(issuerUrl, names)
    if (names.has(username)) problems.push(problemOf(document, 'username', `\`${username}\` stands twice`))
    names.add(username)
    const planned = await planUser(issuerUrl, username, document, ports, options)
    if (!planned.ok) problems.push(...planned.problems)
    else {
      changes.push(planned.value.change)
      writes.push(...planned.value.writes)
    }
  }
  for (const [issuer, names] of options.prune ? seen : [])
    for (const { username, subject } of await ports.store.listUsers(issuer))
      if (!names.has(username)) {
        changes.push({ action: 'delete', kind: 'User', name: username, issuer, fields: [] })
        writes.push(
          { kind: 'delete-user', issuer, subject },
          { kind: 'delete-authenticators-of-user', issuer, subject },
          { kind: 'forget-sightings', issuer, owner: subject },
          // Whoever gets this subject later is somebody else: nothing of the one before comes back with it.
          ...revocationOfSubject(issuer, subject, ports.clock.now()),
          ...(await endOfSessions(ports, issuer, subject, options)),
        )
      }
  return problems.length === 0 ? checked({ changes, writes }) : wrong(...problems)
}

async function planUser(
  issuer: string,
  username: string,
  document: DocumentOf<'User'>,
  ports: UserPorts,
  options: EndOptions & { readonly dryRun: boolean },
): Promise<Checked<{ readonly change: Change; readonly writes: readonly Write[] }>> {
  const { spec, name } = document
  const old = await ports.store.findUserByUsername(issuer, username)
  if (old === undefined && spec.password === undefined && spec.passwordHash === undefined)
    return wrong(problemOf(document, 'password', 'a new user needs `password` or `passwordHash`'))
  if (old !== undefined && spec.subject !== undefined && spec.subject !== old.subject)
    return wrong(problemOf(document, 'subject', 'the subject of an existing user never changes'))
  if (spec.subject !== undefined && old === undefined) {
    const holder = await ports.store.findUserBySubject(issuer, spec.subject)
    if (holder !== undefined)
      return wrong(problemOf(document, 'subject', `is the subject of \`${holder.username}\``))
  }

  const isSamePassword = await samePassword(document, old, ports)
  const { status, claims, groups } = spec
  const changed =
    isSamePassword &&
    old?.status === status &&
    canonicalJson(old.claims) === canonicalJson(claims) &&
    canonicalJson(old.groups ?? []) === canonicalJson(groups)
  if (changed)
    return checked({ change: { action: 'unchanged', kind: 'User', name, issuer, fields: [] }, writes: [] })

  const fields = difference(
    old && { spec: { status: old.status, claims: old.claims, ...groupsOf(old.groups), password: 'old' } },
    {
      spec: { status, claims, ...groupsOf(groups), password: isSamePassword ? 'old' : 'new' },
    },
  )
  const change: Change = {
    action: old === undefined ? 'create' : 'update',
    kind: 'User',
    name,
    issuer,
    fields,
  }
  if (options.dryRun) return checked({ change, writes: [] })
  const passwordHash =
    isSamePassword && old !== undefined
      ? old.passwordHash
      : (spec.passwordHash ?? (await ports.passwords.hash(spec.password ?? '')))
  const subject = old?.subject ?? spec.subject ?? `u_${ports.entropy.bytes(16).toString('base64url')}`
  const record: UserRecord = { issuer, subject, username, passwordHash, status, claims, ...groupsOf(groups) }
  // Whoever knew the old password, or sits in a session of somebody who may no longer act, is out.
  const isEnded = old !== undefined && (!isSamePassword || (status !== 'active' && old.status === 'active'))
  const ending = isEnded ? await endOfSessions(ports, issuer, subject, options) : []
  return checked({ change, writes: [{ kind: 'put-user', record }, ...ending] })
}

/** In no group: the record says nothing of groups, like one that is older than they are. */
function groupsOf(groups: readonly string[] = []): Pick<UserRecord, 'groups'> {
  return groups.length === 0 ? {} : { groups }
}

interface EndOptions {
  readonly snapshot: Snapshot
  readonly reference: string
}

async function endOfSessions(
  ports: UserPorts,
  issuerUrl: string,
  subject: string,
  { snapshot, reference }: EndOptions,
): Promise<readonly Write[]> {
  const issuer = snapshot.issuers.get(issuerUrl)
  if (issuer === undefined) throw new TypeError('a user of an issuer that is not served')
  const at = ports.clock.now()
  const { writes, sids } = await endingOfUser(ports, issuer, {
    ...{ subject, requestId: reference, except: undefined, at },
  })
  if (sids.length === 0) return writes
  const record = { at, issuer: issuerUrl, event: 'sessions.ended', requestId: reference, subject }
  return [
    ...writes,
    {
      kind: 'append-audit',
      record: { ...record, outcome: 'accepted', facts: { ended_sids: sids, by: 'operator' } },
    },
  ]
}

/** A document that names no password leaves the stored one as it is. */
async function samePassword(
  { spec }: DocumentOf<'User'>,
  old: UserRecord | undefined,
  { passwords }: UserPorts,
): Promise<boolean> {
  if (old === undefined) return false
  if (spec.passwordHash !== undefined) return spec.passwordHash === old.passwordHash
  return spec.password === undefined || passwords.verify(spec.password, old.passwordHash)
}

function problemOf({ name }: DocumentOf<'User'>, field: string, message: string): Problem {
  return { document: `User/${name}`, field: `spec.${field}`, message }
}
