import type { PlacedDocument } from '../snapshot/compile.ts'
import type { DocumentRecord, Write } from '../store/writes.ts'
import type { Change } from './admin-api.ts'
import { difference } from './difference.ts'
import { canonicalJson } from './document.ts'
import type { Problem } from './problem.ts'
import { kindNames } from './resources/index.ts'

/** What an apply will do to the documents of the store. */
export interface DocumentPlan {
  readonly changes: readonly Change[]
  readonly writes: readonly Write[]
  /** Every record as it will be afterwards: what must compile. */
  readonly after: readonly DocumentRecord[]
}

/**
 * Compares documents with the store. Users are not documents there; see `plan-users.ts`.
 * @param prune delete what is not given, within each pair of kind and issuer that is
 */
export function planDocuments(
  given: readonly PlacedDocument[],
  stored: readonly DocumentRecord[],
  prune: boolean,
): DocumentPlan {
  const before = new Map(stored.map(record => [keyOf(record), record]))
  const after = new Map(before)
  const changes: Change[] = []
  const writes: Write[] = []
  for (const record of given.filter(({ document }) => document.kind !== 'User').map(recordOf)) {
    const old = before.get(keyOf(record))
    const [from, to] = [old && JSON.parse(old.body), JSON.parse(record.body)]
    const { documentKind: kind, name, issuer } = record
    after.set(keyOf(record), record)
    if (old?.body === record.body) changes.push({ action: 'unchanged', kind, name, issuer, fields: [] })
    else {
      changes.push({ action: old ? 'update' : 'create', kind, name, issuer, fields: difference(from, to) })
      writes.push({ kind: 'put-document', document: record })
    }
  }
  for (const { documentKind, name, issuer } of prune ? absent(given, stored) : []) {
    changes.push({ action: 'delete', kind: documentKind, name, issuer, fields: [] })
    writes.push({ kind: 'delete-document', documentKind, name, issuer })
    after.delete(keyOf({ documentKind, name, issuer }))
  }
  return { changes: inOrder(changes), writes, after: [...after.values()] }
}

/** Stored records of the given kinds and issuers that nobody gave. */
function absent(
  given: readonly PlacedDocument[],
  stored: readonly DocumentRecord[],
): readonly DocumentRecord[] {
  const pairs = new Set(given.map(({ issuerUrl, document }) => `${document.kind} ${issuerUrl}`))
  const names = new Set(
    given.map(({ issuerUrl: issuer, document: { kind: documentKind, name } }) =>
      keyOf({ documentKind, name, issuer }),
    ),
  )
  const registered = new Set(
    stored.filter(({ documentKind }) => documentKind === 'RegisteredClient').map(registeredKey),
  )
  // Nobody wrote those into a file: a list that lacks them says nothing about them.
  const isSelfMade = (record: DocumentRecord): boolean =>
    record.documentKind === 'RegisteredClient' ||
    record.documentKind === 'ScopeGrant' ||
    record.documentKind === 'ClientOnboarding' ||
    record.documentKind === 'PolicySet' ||
    (record.documentKind === 'ClientSecret' && registered.has(registeredKey(record)))
  return stored.filter(
    record =>
      pairs.has(`${record.documentKind} ${record.issuer}`) &&
      !names.has(keyOf(record)) &&
      !isSelfMade(record),
  )
}

function registeredKey({ name, issuer }: Pick<DocumentRecord, 'name' | 'issuer'>): string {
  return `${name} ${issuer}`
}

/** What was issued under the id of a deleted client must stay dead, also when an older export is applied again. */
export function revived(
  given: readonly PlacedDocument[],
  stored: readonly DocumentRecord[],
): readonly PlacedDocument[] {
  const deleted = new Set(
    stored
      .filter(({ documentKind }) => documentKind === 'RegisteredClient')
      .filter(({ body }) => (JSON.parse(body) as { spec?: { status?: string } }).spec?.status === 'deleted')
      .map(registeredKey),
  )
  return given.filter(
    ({ issuerUrl, document }) =>
      document.kind === 'RegisteredClient' &&
      document.spec.status !== 'deleted' &&
      deleted.has(registeredKey({ name: document.name, issuer: issuerUrl })),
  )
}

/** Documents that have a way of their own, which the files would change: one problem for each. */
export function movedByCommands(
  given: readonly PlacedDocument[],
  stored: readonly DocumentRecord[],
): readonly Problem[] {
  const bodies = new Map(stored.map(record => [keyOf(record), record.body]))
  // Where an issuer has no policies, an export of them is taken back. An approval is a person's, never a file's.
  const withPolicies = new Set(
    stored.filter(({ documentKind }) => documentKind === 'PolicySet').map(({ issuer }) => issuer),
  )
  return given.flatMap(placed => {
    const { kind, name } = placed.document
    const record = recordOf(placed)
    if (bodies.get(keyOf(record)) === record.body) return []
    const document = `${kind}/${name}`
    if (kind === 'ScopeGrant') {
      const message = 'is requested and approved by persons with `holdfast govern`, not by documents'
      return [{ document, field: '', message, ruleId: 'scope-grant.by-person' }]
    }
    if (kind === 'ClientOnboarding') {
      const message = 'is drafted and approved by persons with `holdfast onboard`, not by documents'
      return [{ document, field: '', message, ruleId: 'onboarding.by-person' }]
    }
    if (kind !== 'PolicySet' || !withPolicies.has(placed.issuerUrl)) return []
    return [{ document, field: '', message: 'is moved on by `holdfast policy`, not by documents' }]
  })
}

function recordOf({ issuerUrl, document }: PlacedDocument): DocumentRecord {
  const { kind, name, source } = document
  return { documentKind: kind, issuer: issuerUrl, name, body: canonicalJson(source) }
}

function keyOf({ documentKind, name, issuer }: Omit<DocumentRecord, 'body'>): string {
  return `${documentKind} ${name} ${issuer}`
}

/** In the order of kinds, so that a plan reads from the ground up. */
export function inOrder(changes: readonly Change[]): readonly Change[] {
  const place = (change: Change): number => (kindNames as readonly string[]).indexOf(change.kind)
  return changes.toSorted((left, right) => place(left) - place(right) || (left.name < right.name ? -1 : 1))
}
