import type { AuthenticationMethod, EpochSeconds } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { SessionRecord, UserRecord } from '../../store/records.ts'
import type { CommitResult, Write } from '../../store/writes.ts'
import { type AuditContext, auditAccepted } from '../audit-of.ts'
import { countSignIn } from '../risk/counters.ts'
import type { NewCookie } from './cookies.ts'
import { succeedSession } from './session.ts'
import type { Visit } from './visit.ts'

export interface Progress {
  readonly event: 'login.accepted' | 'second-factor.accepted'
  readonly user: UserRecord
  readonly methods: readonly AuthenticationMethod[]
  /** Set when another provider says what the user did, and when. */
  readonly upstream?: { readonly provider: string; readonly provenAt: EpochSeconds }
  /** The session that is replaced; undefined when the browser brought none. */
  readonly previous: SessionRecord | undefined
  /** Guards of what was used, and what else goes with it. */
  readonly writes: readonly Write[]
}

/**
 * The user did one more thing: the interaction goes on with a new session, in one commit with what was spent for it.
 * The version of the interaction is a guard, so that of answers at the same moment one counts.
 */
export async function makeProgress(
  visit: Visit,
  ports: Ports,
  { event, user, methods, upstream, previous, writes }: Progress,
): Promise<{ readonly committed: CommitResult; readonly cookies: readonly NewCookie['header'][] }> {
  const { exchange, interaction, client, now } = visit
  const provenAt = upstream?.provenAt ?? now
  const session = succeedSession(exchange, ports, user, previous, methods, now, provenAt)
  const { hash, acr, amr, sid } = session.record
  // Of another user, or another session, nothing counts: not even towards what this browser is known by.
  const isSame = previous?.hash === interaction.sessionHash && previous?.subject === user.subject
  const proven = {
    ...(isSame && interaction.proven),
    ...Object.fromEntries(methods.map(method => [method, provenAt])),
  }
  const facts = { method: methods.join(' '), ...(upstream && { upstream: upstream.provider }) }
  const advanced = { ...interaction, sessionHash: hash, proven, upstream: undefined }
  const context: AuditContext = { txn: interaction.txn, clientId: client.clientId, subject: user.subject }
  const committed = await ports.store.commit([
    { kind: 'advance-interaction', record: advanced, at: now },
    ...writes,
    { kind: 'require-user', record: user },
    ...session.writes,
    ...(event === 'login.accepted' ? countSignIn(exchange, ports, user.subject, now) : []),
    auditAccepted(exchange, now, event, context, { ...facts, acr, amr, sid }),
  ])
  // Another answer was faster: its session, if any, is the one that counts.
  return { committed, cookies: committed.committed ? [session.cookie] : [] }
}
