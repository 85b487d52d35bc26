import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { DocumentRecord } from '../store/writes.ts'
import { type ControlDocument, parseDocument } from './document.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import { readYaml } from './read-yaml.ts'
import { unknownName } from './suggestion.ts'

/** A file as the operator gave it; JSON is YAML too. */
export interface DocumentFile {
  readonly path: string
  readonly text: string
}

/** A revision larger than this is several revisions (threat model section 6: admin import). */
export const documentsMax = 10_000

/** Problems that are told at once: who has more repairs these first. */
const problemsMax = 100

/** What was read of files: an apply over HTTPS asks for it before and after it is judged. */
const known = new WeakMap<readonly DocumentFile[], Checked<readonly ControlDocument[]>>()

/** All documents of some files, or what is wrong with them, with file and line. */
export function readDocuments(files: readonly DocumentFile[]): Checked<readonly ControlDocument[]> {
  const found = known.get(files) ?? readAll(files)
  known.set(files, found)
  return found
}

function readAll(files: readonly DocumentFile[]): Checked<readonly ControlDocument[]> {
  const documents: ControlDocument[] = []
  const problems: Problem[] = []
  for (const { path, text } of files)
    for (const found of readYaml(text)) {
      const place = `${path}:${found.line}`
      if ('error' in found) problems.push({ document: place, field: '', message: found.error })
      else {
        const document = parseDocument(place, found.value)
        if (document.ok) documents.push(document.value)
        else for (const problem of document.problems.slice(0, problemsMax)) problems.push(problem)
      }
      if (problems.length >= problemsMax) return wrong(...problems.slice(0, problemsMax))
      if (documents.length > documentsMax)
        return wrong({ document: path, field: '', message: `more than ${documentsMax} documents at once` })
    }
  return problems.length === 0 ? checked(documents) : wrong(...problems)
}

/** Each document with the issuer it belongs to: the one it names, or the only one there is. */
export function placeDocuments(
  documents: readonly ControlDocument[],
  issuers: readonly IssuerBinding[],
): Checked<readonly PlacedDocument[]> {
  const placed: PlacedDocument[] = []
  const problems: Problem[] = []
  const only = issuers.length === 1 ? issuers[0]?.name : undefined
  for (const document of documents) {
    const { kind, name, issuerName } = document
    const wanted = kind === 'Issuer' ? name : (issuerName ?? only)
    const issuer = issuers.find(({ name: candidate }) => candidate === wanted)
    if (issuer !== undefined) placed.push({ issuerUrl: issuer.url, document })
    else problems.push(homeless(document, wanted, issuers))
  }
  return problems.length === 0 ? checked(placed) : wrong(...problems)
}

function homeless(
  { kind, name }: ControlDocument,
  wanted: string | undefined,
  issuers: readonly IssuerBinding[],
): Problem {
  const document = `${kind}/${name}`
  const field = kind === 'Issuer' ? 'metadata.name' : 'metadata.issuer'
  const names = new Map(issuers.map(issuer => [issuer.name, issuer]))
  return wanted === undefined
    ? { document, field, message: `is missing; issuers are ${[...names.keys()].join(', ')}` }
    : unknownName(document, field, 'issuer', wanted, names)
}

/** A snapshot straight from files, without a store: for tests, benchmarks and checking before applying. */
export function snapshotOfFiles(
  files: readonly DocumentFile[],
  issuers: readonly IssuerBinding[],
): Checked<Snapshot> {
  const documents = readDocuments(files)
  if (!documents.ok) return documents
  const placed = placeDocuments(documents.value, issuers)
  return placed.ok ? compileSnapshot({ revision: 1, issuers, documents: placed.value }) : placed
}

/** Most documents remembered as parsed, so that a revision costs what it changes and not what there is. */
const rememberedMax = 2 * documentsMax
const remembered = new Map<string, Checked<ControlDocument>>()

/** Documents as the store keeps them; checked again, because an older version may have written them. */
export function storedDocuments(records: readonly DocumentRecord[]): Checked<readonly PlacedDocument[]> {
  const placed: PlacedDocument[] = []
  const problems: Problem[] = []
  for (const record of records) {
    const document = parsedOnce(record)
    if (document.ok) placed.push({ issuerUrl: record.issuer, document: document.value })
    else problems.push(...document.problems)
  }
  return problems.length === 0 ? checked(placed) : wrong(...problems)
}

function parsedOnce({ documentKind, name, body }: DocumentRecord): Checked<ControlDocument> {
  // The body holds kind and name, so equal bodies are equal documents.
  const known = remembered.get(body)
  if (known !== undefined) return known
  const document = parseDocument(`${documentKind}/${name}`, JSON.parse(body))
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(body, document)
  return document
}
