import { announcing, factsOfNarrowed } from '../data/mint/narrowed.ts'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import type { AuditRecord } from '../store/records.ts'
import type { Write } from '../store/writes.ts'
import type { ControlPorts } from './apply.ts'
import {
  apiVersion,
  type ControlDocument,
  canonicalJson,
  type DocumentOf,
  parseDocument,
} from './document.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { narrowedClients } from './narrowed-clients.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import type { KindName } from './resources/index.ts'

/** How often a change starts again because another one came first. */
const attemptsMax = 10

/** Documents as they are to be, and what the audit says of it. */
export interface DocumentsChange<K extends KindName, T> {
  readonly put: readonly Pick<DocumentOf<K>, 'name' | 'spec'>[]
  /** Name of a document that is no longer there afterwards. */
  readonly deleted?: string
  /** What else goes into the commit. */
  readonly writes?: readonly Write[]
  readonly event: string
  readonly clientId?: string
  readonly facts: AuditRecord['facts']
  readonly answer: T
}

type Decide<K extends KindName, T> = (
  own: readonly ControlDocument[],
  binding: IssuerBinding,
) => Checked<DocumentsChange<K, T>>

export type Changed<T> = T & {
  readonly issuer: string
  readonly reference: string
  readonly revision: number
}

/**
 * Changes documents of one kind at one issuer in a commit of their own, decided on what is stored: for documents that
 * commands move on and files do not. A refusal that names a rule is kept in the audit.
 * @param decide with every document of the issuer; called again when another change came first
 */
export async function changeDocuments<K extends KindName, T>(
  kind: K,
  issuer: string | undefined,
  ports: ControlPorts,
  decide: Decide<K, T>,
): Promise<Checked<Changed<T>>> {
  const [binding, ...more] = issuersNamed(issuer, ports.issuers)
  if (binding === undefined || more.length > 0) {
    const names = ports.issuers.map(({ name }) => name).join(', ')
    return wrong({ document: kind, field: 'issuer', message: `name one of ${names}` })
  }
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const result = await changeOnce(kind, binding, ports, decide)
    if (result === 'overtaken') continue
    if (!result.ok) await recordRefusal(result.problems, kind, binding, ports)
    return result
  }
  return wrong({ document: 'revision', field: '', message: 'others keep changing it; try again' })
}

async function changeOnce<K extends KindName, T>(
  kind: K,
  binding: IssuerBinding,
  ports: ControlPorts,
  decide: Decide<K, T>,
): Promise<Checked<Changed<T>> | 'overtaken'> {
  const { store, issuers, clock } = ports
  const { url } = binding
  // The revision is read first: whatever changes after this line fails the guard below.
  const revision = await store.revision()
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const own = stored.value.filter(({ issuerUrl }) => issuerUrl === url).map(({ document }) => document)
  const decided = decide(own, binding)
  if (!decided.ok) return decided
  const { put, deleted, writes: more = [], event, clientId, facts, answer } = decided.value

  const problems: Problem[] = []
  const changed: PlacedDocument[] = []
  for (const { name, spec } of put) {
    const source = { apiVersion, kind, metadata: { name, issuer: binding.name }, spec }
    const parsed = parseDocument(`${kind}/${name}`, source)
    if (parsed.ok) changed.push({ issuerUrl: url, document: parsed.value })
    else problems.push(...parsed.problems)
  }
  if (problems.length > 0) return wrong(...problems)
  const names = new Set([...changed.map(({ document }) => document.name), deleted])
  const others = stored.value.filter(
    ({ issuerUrl, document }) => issuerUrl !== url || document.kind !== kind || !names.has(document.name),
  )
  const compiled = compileSnapshot({ revision: revision + 1, issuers, documents: [...others, ...changed] })
  if (!compiled.ok) return compiled
  const narrowed = narrowedClients([{ kind, issuer: url }], () => stored.value, compiled.value, issuers)
  const reference = ports.newReference()
  const record = {
    at: clock.now(),
    issuer: url,
    event,
    ...(clientId !== undefined && { clientId }),
    requestId: reference,
  }
  const writes: readonly Write[] = [
    ...changed.map(({ document: { name, source } }) => {
      const body = canonicalJson(source)
      return { kind: 'put-document', document: { documentKind: kind, issuer: url, name, body } } as const
    }),
    ...(deleted === undefined
      ? []
      : [{ kind: 'delete-document', documentKind: kind, name: deleted, issuer: url } as const]),
    ...more,
    ...announcing(narrowed),
  ]
  const committed = await store.commit([
    { kind: 'raise-revision', from: revision },
    ...writes,
    {
      kind: 'append-audit',
      record: {
        ...record,
        outcome: 'accepted',
        facts: { ...facts, ...factsOfNarrowed(narrowed, url), revision: revision + 1 },
      },
    },
  ])
  if (!committed.committed) return 'overtaken'
  return checked({ ...answer, issuer: url, reference, revision: revision + 1 })
}

/** Somebody who approves his own request is worth remembering; a name that does not exist is not. */
async function recordRefusal(
  problems: readonly Problem[],
  kind: KindName,
  { url }: IssuerBinding,
  { store, clock, newReference }: ControlPorts,
): Promise<void> {
  const found = problems.find(({ ruleId }) => ruleId !== undefined)
  if (found?.ruleId === undefined) return
  const { ruleId, clauses = [], document, message } = found
  const base = { at: clock.now(), issuer: url, event: 'control.refused', requestId: newReference() }
  const facts = { kind, document: document.slice(0, 200), reason: message.slice(0, 200) }
  await store.commit([
    { kind: 'append-audit', record: { ...base, outcome: 'refused', ruleId, clauses, facts } },
  ])
}
