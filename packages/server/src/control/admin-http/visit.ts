import { createHash } from 'node:crypto'
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
import { canonicalJson, type DocumentOf } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import type { KindName } from '../resources/index.ts'
import type { PendingChangeContent } from '../resources/pending-change.ts'
import { boundStore, type Spending } from './bound-store.ts'
import { recordAt } from './etag.ts'
import { deskWithin, isWithin, type Reach, standingWithin } from './reach.ts'

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
  /** The Administrator document that says so. */
  readonly record: DocumentRecord
  /** Names of the issuers within reach; undefined: all. */
  readonly reach: Reach
  readonly clientId: string
  readonly acr: string | undefined
  readonly authTime: EpochSeconds | undefined
  /** Values of `acr` that are enough for what needs two persons. */
  readonly highAcrs: readonly string[]
}

/** A document with the record that it was read from. */
export interface Stored<K extends KindName> {
  readonly record: DocumentRecord
  readonly document: DocumentOf<K>
}

/** All documents of one revision. */
export interface Standing {
  readonly revision: number
  readonly records: readonly DocumentRecord[]
  readonly documents: readonly PlacedDocument[]
}

/** One request, after its token. Desk and documents are those within the reach of the caller. */
export interface AdminVisit<B = unknown, Q = unknown> {
  readonly desk: AdminDesk
  readonly caller: AdminCaller
  readonly requestId: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  readonly header: (name: string) => string | undefined
  readonly standing: Standing
  /** Every administrator. */
  readonly administrators: readonly Stored<'Administrator'>[]
  /** Changes within reach, also those that have expired. */
  readonly changes: readonly Stored<'PendingChange'>[]
  /** All that waits as it is now, of whomever: to be counted. */
  readonly waiting: () => Promise<Waiting>
  /** The change that the next commit spends. */
  readonly spending?: Spending
}

export interface Waiting {
  readonly revision: number
  readonly changes: readonly DocumentOf<'PendingChange'>[]
}

/** @param whole the desk with every issuer, and `standing` with every document */
export function visitOf(
  whole: AdminDesk,
  standing: Standing,
  caller: AdminCaller,
  asked: Pick<AdminVisit, 'requestId' | 'params' | 'query' | 'body' | 'header'>,
): AdminVisit {
  const { reach } = caller
  const desk = deskWithin(whole, reach)
  const { store } = whole.options.ports
  return {
    ...asked,
    ...{ desk, caller, standing: standingWithin(standing, desk, reach) },
    administrators: storedAt(standing, whole, 'Administrator'),
    changes: changesAt(standing, whole).filter(({ document }) =>
      isWithin(document.spec.content.issuers, reach),
    ),
    waiting: async () => {
      const revision = await store.revision()
      const now = standingOf(revision, await store.listDocuments())
      return { revision, changes: changesAt(now, whole).map(({ document }) => document) }
    },
  }
}

/** The same visit with no more within reach than this. */
export function visitWithin(visit: AdminVisit, reach: Reach): AdminVisit {
  const desk = deskWithin(visit.desk, reach)
  return { ...visit, desk, standing: standingWithin(visit.standing, desk, reach) }
}

/** A name that is not the hash of its content was approved by nobody. */
function changesAt(standing: Standing, desk: AdminDesk): readonly Stored<'PendingChange'>[] {
  return storedAt(standing, desk, 'PendingChange').filter(
    ({ document: { name, spec } }) => name === changeName(spec.content),
  )
}

function storedAt<K extends KindName>(
  { records, documents }: Standing,
  { issuerUrl }: AdminDesk,
  kind: K,
): readonly Stored<K>[] {
  const isOne = (placed: PlacedDocument): placed is PlacedDocument & { readonly document: DocumentOf<K> } =>
    placed.issuerUrl === issuerUrl && placed.document.kind === kind
  return documents.filter(isOne).flatMap(({ document }) => {
    const record = recordAt(records, { documentKind: kind, name: document.name, issuer: issuerUrl })
    return record === undefined ? [] : [{ record, document }]
  })
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
  /** Whether it is about every issuer at once, and administrators of some of them are turned away. */
  readonly isWhole: boolean
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
  /** Why it could not be done whoever confirmed it: it does not wait. */
  readonly misfit?: (visit: AdminVisit) => Done | undefined
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
  const { caller, spending } = visit
  const actor = { ...actorOf(visit), ...more }
  return {
    ...ports,
    store: boundStore(ports.store, { actor, administrator: caller.record, spending }),
    newReference: () => visit.requestId,
  }
}

export function actorOf({ caller }: AdminVisit): Actor {
  return {
    ...{ person: caller.name, identity: 'token', admin_client: caller.clientId },
    admin_scopes: caller.scopes,
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
    known = standingOf(revision, await store.listDocuments())
    return known
  }
}

function standingOf(revision: number, records: readonly DocumentRecord[]): Standing {
  const stored = storedDocuments(records)
  // Another version of the program wrote it: the socket, which needs no administrators, is the way in.
  if (!stored.ok) throw new Fault('revision.broken')
  return { revision, records, documents: stored.value }
}

/** SHA-256 of the content: who confirms a name confirms this and nothing else. */
export function changeName(content: PendingChangeContent): string {
  return `c-${createHash('sha256').update(canonicalJson(content)).digest('hex')}`
}
