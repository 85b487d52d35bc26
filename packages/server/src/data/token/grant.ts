import type { EpochSeconds, Outcome, Refusal } from '@holdfast/protocol'
import type { GrantStanding, ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client, GrantTypeName } from '../../snapshot/snapshot.ts'
import type { GrantRecord, UserRecord } from '../../store/records.ts'
import type { Found } from '../../store/store.ts'
import type { GuardKind, Write } from '../../store/writes.ts'
import type { AuditContext } from '../audit-of.ts'
import { forgettingWith } from '../consents/remembered.ts'
import type { Entitlement } from '../mint/order.ts'

/** A token request whose client is authenticated and whose sender is proven. */
export interface TokenRequest {
  readonly exchange: Exchange
  readonly form: Form
  readonly client: Client
  readonly sender: ProvenSender
  readonly now: EpochSeconds
}

/** A refusal that changes something: a replayed code takes its grant along. */
export interface GrantRefusal {
  readonly refusal: Refusal
  readonly context: AuditContext
  /** What changes with the refusal without being an alarm, e.g. when a device asked. */
  readonly writes?: readonly Write[]
  /** Present: an alert under this event name, with these writes. */
  readonly alert?: { readonly event: string; readonly writes: readonly Write[] }
}

export interface Decision {
  readonly entitlement: Entitlement
  /** Guards: what is spent, what must still be live. */
  readonly writes: readonly Write[]
  /** For a client that polls, when others still have to approve what its user allowed. */
  readonly pending?: Pending
  /** What it means when one of `writes` lost its race. */
  readonly conflict: (guard: GuardKind) => GrantRefusal
}

/** What a client that has to go on polling leaves behind. */
export interface Pending {
  readonly writes: readonly Write[]
  /** Set when it asked too soon. */
  readonly slowDown: Refusal | undefined
}

export type Decided =
  | { readonly ok: true; readonly value: Decision }
  | ({ readonly ok: false } & GrantRefusal)

/** A slot: parse, load, judge. */
export interface GrantSlot<Parsed, Facts> {
  readonly grantType: GrantTypeName
  readonly parse: (request: TokenRequest) => Outcome<Parsed>
  readonly load: (parsed: Parsed, request: TokenRequest, ports: Ports) => Facts | Promise<Facts>
  readonly judge: (parsed: Parsed, facts: Facts, request: TokenRequest) => Decided
}

/** A slot with its inner types closed over. */
export interface Grant {
  readonly grantType: GrantTypeName
  readonly decide: (request: TokenRequest, ports: Ports) => Promise<Decided>
}

export function grantOf<Parsed, Facts>(slot: GrantSlot<Parsed, Facts>): Grant {
  return {
    grantType: slot.grantType,
    decide: async (request, ports) => {
      const parsed = slot.parse(request)
      if (!parsed.ok) return { ok: false, refusal: parsed, context: {} }
      const loading = slot.load(parsed.value, request, ports)
      const facts = loading instanceof Promise ? await loading : loading
      return slot.judge(parsed.value, facts, request)
    },
  }
}

/** The grant behind a one-time value, and its owner, as the store has them now. */
export interface GrantFacts {
  readonly grant: Found<GrantRecord> | undefined
  readonly user: UserRecord | undefined
}

export async function loadGrant(grantId: string | undefined, ports: Ports): Promise<GrantFacts> {
  const grant = grantId === undefined ? undefined : await ports.store.findGrant(grantId)
  const user = grant && (await ports.store.findUserBySubject(grant.issuer, grant.subject))
  return { grant, user }
}

export function standingOf({ grant, user }: GrantFacts, now: EpochSeconds): GrantStanding {
  return {
    isFound: grant !== undefined,
    isRevoked: grant?.revokedAt !== undefined,
    expiresAt: grant?.expiresAt ?? now,
    isUserActive: user?.status === 'active',
  }
}

export function contextOf(grant: GrantRecord | undefined): AuditContext {
  return grant === undefined ? {} : { txn: grant.txn, subject: grant.subject }
}

/**
 * Somebody presents a second time what serves once. Nobody can tell the owner from the thief, so the grant ends with
 * all it bought, and what was remembered of its consent.
 */
export function endOfFamily(
  event: string,
  refusal: Refusal,
  { grantId }: { readonly grantId: string },
  grant: GrantRecord | undefined,
  { now }: TokenRequest,
): GrantRefusal {
  const revoke: Write = { kind: 'revoke-grant', id: grantId, at: now }
  return { refusal, context: contextOf(grant), alert: { event, writes: [revoke, ...forgettingWith(grant)] } }
}

/** Scope tokens of a request, without repeats; undefined when the parameter is absent. */
export function requestedScopes(form: Form): readonly string[] | undefined {
  const scope = form.get('scope')
  return scope === undefined ? undefined : [...new Set(scope.split(' ').filter(token => token !== ''))]
}
