import type { EpochSeconds, Refusal } from '@holdfast/protocol'
import type { z } from 'zod'
import type { Reply } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import type { PlacedDocument } from '../../snapshot/compile.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import type { DocumentRecord } from '../../store/writes.ts'
import { type AdminOptions, adminOver } from '../admin.ts'
import type { AdminApi, Answer, ProblemDetails } from '../admin-api.ts'
import type { AdminScope } from '../admin-scopes.ts'
import type { ControlPorts } from '../apply.ts'
import { storedDocuments } from '../documents.ts'

/** What the admin API is made of. */
export interface AdminDesk {
  readonly options: AdminOptions
  /** The issuer whose tokens are good here, and among whose documents the administrators stand. */
  readonly issuerUrl: string
  /** Resource identifier. */
  readonly audience: string
  /** Least `acr` of a user who writes what needs two persons. */
  readonly highRiskAcr: string
}

/** Who is asking. */
export interface AdminCaller {
  /** Of the Administrator document: the person's name in approvals and in the audit. */
  readonly name: string
  /** Whether a user stands behind the token. */
  readonly isPerson: boolean
  /** Of the user. */
  readonly username: string | undefined
  /** For a client, who answers for it. */
  readonly responsible: readonly string[]
  /** What the token and the Administrator document both allow. */
  readonly scopes: readonly string[]
  readonly clientId: string
  readonly acr: string | undefined
  readonly authTime: EpochSeconds | undefined
  /** Values of `acr` that are enough for what needs two persons. */
  readonly highAcrs: readonly string[]
}

/** All documents of one revision. */
export interface Standing {
  readonly revision: number
  readonly records: readonly DocumentRecord[]
  readonly documents: readonly PlacedDocument[]
}

/** One request, after its token. */
export interface AdminVisit<B = unknown, Q = unknown> {
  readonly desk: AdminDesk
  readonly caller: AdminCaller
  readonly requestId: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  readonly header: (name: string) => string | undefined
  readonly standing: Standing
}

export type Done =
  | {
      readonly ok: true
      readonly status: number
      readonly body: unknown
      readonly headers?: Reply['headers']
    }
  | { readonly ok: false; readonly problem: ProblemDetails }
  | { readonly ok: false; readonly refusal: Refusal }

/** One line of the table, as `operation` makes it. */
export interface AdminOperation {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the origin, `:name` for what varies. */
  readonly path: string
  readonly summary: string
  /** Every scope that it may need; which of them, `needs` says. */
  readonly scopes: readonly AdminScope[]
  readonly needs: (visit: AdminVisit) => readonly string[]
  /** Whether clients that speak for themselves are turned away. */
  readonly isPersonal: boolean
  /** Whether the user must have authenticated as for what needs two persons. */
  readonly isHighRisk: (visit: AdminVisit) => boolean
  readonly query: z.ZodType | undefined
  readonly body: z.ZodType | undefined
  /** Whether the body is kept from the answer of others: 200 or 201 with a secret in it. */
  readonly status: 200 | 201
  /** Headers it reads, for the OpenAPI document. */
  readonly preconditions: boolean
  readonly twoPersons: TwoPersons | undefined
  readonly work: (visit: AdminVisit) => Promise<Done>
}

/** How an operation on other things than documents waits for a second person. */
export interface TwoPersons {
  readonly approve: AdminScope
  /** Why one is not enough; empty: one is. */
  readonly reasons: (visit: AdminVisit) => readonly string[] | Promise<readonly string[]>
  /** What it is decided on, by name: entity tags. */
  readonly base: (visit: AdminVisit) => Promise<Readonly<Record<string, string>>>
}

export function done(answer: Answer<unknown>, status = 200): Done {
  return answer.ok ? { ok: true, status, body: answer.value } : { ok: false, problem: answer.problem }
}

/** What the audit says of the person behind every record of an operation. */
export type Actor = Readonly<Record<string, NonNullable<AuditRecord['facts'][string]>>>

/** The ports of one operation: its records name who did it, under the reference id of the request. */
export function portsOf(visit: AdminVisit, more: Actor = {}): ControlPorts {
  const { ports } = visit.desk.options
  return {
    ...ports,
    store: auditedAs(ports.store, { ...actorOf(visit), ...more }),
    newReference: () => visit.requestId,
  }
}

export function actorOf({ caller }: AdminVisit): Actor {
  return {
    ...{ person: caller.name, identity: 'token', admin_client: caller.clientId },
    admin_scopes: caller.scopes,
  }
}

function auditedAs(store: Store, actor: Actor): Store {
  return {
    ...store,
    commit: writes =>
      store.commit(
        writes.map(write =>
          write.kind === 'append-audit'
            ? {
                ...write,
                record: { ...write.record, facts: { ...actor, ...write.record.facts, identity: 'token' } },
              }
            : write,
        ),
      ),
  }
}

/** The admin API as this caller uses it. */
export function apiOf(visit: AdminVisit, ports: ControlPorts = portsOf(visit)): AdminApi {
  return adminOver({ ...visit.desk.options, ports })
}

/** Reads the documents when the revision says that they changed, and not for every request. */
export function openStanding(store: Pick<Store, 'revision' | 'listDocuments'>): () => Promise<Standing> {
  let known: Standing | undefined
  return async () => {
    const revision = await store.revision()
    if (known?.revision === revision) return known
    const records = await store.listDocuments()
    const stored = storedDocuments(records)
    // Another version of the program wrote it: the socket, which needs no administrators, is the way in.
    if (!stored.ok) throw new Fault('revision.broken')
    known = { revision, records, documents: stored.value }
    return known
  }
}
