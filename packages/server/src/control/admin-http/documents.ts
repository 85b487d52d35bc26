import { firstRefusal, type Refusal, refuse } from '@holdfast/protocol'
import { preconditionRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import { z } from 'zod'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { DocumentRecord } from '../../store/writes.ts'
import { applyBody } from '../admin-bodies.ts'
import { adminGroups, groupOfKind } from '../admin-scopes.ts'
import { apiVersion, canonicalJson } from '../document.ts'
import { documentPage } from '../document-page.ts'
import { readDocuments } from '../documents.ts'
import { issuersNamed } from '../issuers-named.ts'
import { pageOf, pageQuery } from '../page.ts'
import type { KindName } from '../resources/index.ts'
import { applyDocuments, type DocumentsInput, etagOfUser, scopesOfKinds } from './apply-documents.ts'
import { etagAt, etagOf, recordAt } from './etag.ts'
import { judgePage } from './list-operation.ts'
import { issuerQuery, operation } from './operation.ts'
import { issuerUnclear } from './unfit.ts'
import type { AdminOperation, AdminVisit, Done } from './visit.ts'

/** Kinds that are written here. The others are moved on by operations of their own, or hold nothing to be read. */
const written = [
  ...adminGroups.clients.kinds,
  ...adminGroups.apis.kinds,
  ...adminGroups.issuers.kinds,
  ...adminGroups.trust.kinds,
  ...adminGroups.administrators.kinds,
  'DecisionPoint',
] as const satisfies readonly KindName[]
const onlyRead = ['PolicySet', 'ScopeGrant', 'ClientOnboarding'] as const satisfies readonly KindName[]
/** Of a client that registered itself something stays: its id is never used again. */
const kept: ReadonlySet<string> = new Set(['RegisteredClient'])

export const documentBody = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.string(),
  metadata: z.strictObject({ name: z.string().max(2048), issuer: z.string().max(2048).optional() }),
  spec: z.record(z.string(), z.json()),
})

export const documentOperations: readonly AdminOperation[] = [
  ...[...written, ...onlyRead].flatMap(kind => [list(kind), read(kind)]),
  ...written.map(put),
  ...written.filter(kind => !kept.has(kind)).map(remove),
  readUser(),
  put('User'),
  operation({
    id: 'listDocuments',
    method: 'GET',
    path: '/admin/v1/documents',
    summary: 'Documents of the kinds that the caller may read, as `holdfast export` writes them.',
    scopes: [],
    query: pageQuery,
    work: async ({ caller, standing, query, desk }) => {
      const open = [...written, ...onlyRead].filter(kind =>
        scopesOfKinds([kind], 'read').every(scope => caller.scopes.includes(scope)),
      )
      const stored = standing.records.map(({ issuer }) => issuer)
      const refusal = judgePage({ desk }, query, open, { left: stored })
      if (refusal !== undefined) return refused(refusal)
      return { ok: true, status: 200, body: documentPage(standing, query, desk.options.ports.issuers, open) }
    },
  }),
  operation({
    id: 'applyDocuments',
    method: 'POST',
    path: '/admin/v1/apply',
    summary:
      'A set of documents in one commit, or with `dryRun` what it would change. 202: it waits for a second person.',
    scopes: scopesOfKinds([...written, 'User'], 'write'),
    needs: ({ body }) => scopesOfFiles(body),
    body: applyBody,
    work: async visit => applyDocuments(visit, { ...visit.body, deleted: [] }, {}),
  }),
]

/** What the kinds in the files need; files that are no documents need nothing, and are refused for what they are. */
function scopesOfFiles({ files }: Pick<DocumentsInput, 'files'>): readonly string[] {
  const documents = readDocuments(files)
  const kinds = documents.ok ? documents.value.map(({ kind }) => kind) : []
  return [
    ...scopesOfKinds(
      kinds.filter(kind => groupOfKind(kind) !== undefined),
      'write',
    ),
    // Secrets and changes that wait are nobody's to apply here.
    ...new Set(kinds.filter(kind => groupOfKind(kind) === undefined).map(kind => `admin.${kind}:write`)),
  ]
}

function list(kind: KindName): AdminOperation {
  return operation({
    id: `list${kind}`,
    method: 'GET',
    path: `/admin/v1/${kind}`,
    summary: `Documents of the kind ${kind} of one issuer, by name.`,
    scopes: scopesOfKinds([kind], 'read'),
    query: pageQuery,
    work: async visit => {
      const binding = issuerOf(visit, visit.query.issuer)
      if ('ok' in binding) return binding
      const own = visit.standing.records.filter(
        ({ documentKind, issuer }) => documentKind === kind && issuer === binding.url,
      )
      const { page, ...more } = pageOf(own, visit.query, {
        placeOf: ({ name }) => name,
        show: ({ body }) => ({ document: JSON.parse(body) as unknown, etag: etagOf(body) }),
      })
      return { ok: true, status: 200, body: { items: page, ...more } }
    },
  })
}

function read(kind: KindName): AdminOperation {
  return operation({
    id: `read${kind}`,
    method: 'GET',
    path: `/admin/v1/${kind}/:name`,
    summary: `One document of the kind ${kind}, with its entity tag.`,
    scopes: scopesOfKinds([kind], 'read'),
    query: issuerQuery,
    work: async visit => {
      const place = placeOf(visit, kind, visit.query.issuer)
      if ('ok' in place) return place
      const found = recordAt(visit.standing.records, place)
      return found === undefined ? notFound(place) : shown(200, JSON.parse(found.body), etagOf(found.body))
    },
  })
}

/** The directory keeps no documents: what is read is put together, without the password. */
function readUser(): AdminOperation {
  return operation({
    id: 'readUser',
    method: 'GET',
    path: '/admin/v1/User/:name',
    summary: 'One user by username, without the password.',
    scopes: ['admin.users:read'],
    query: issuerQuery,
    work: async visit => {
      const place = placeOf(visit, 'User', visit.query.issuer)
      if ('ok' in place) return place
      const user = await visit.desk.options.ports.store.findUserByUsername(place.issuer, place.name)
      if (user === undefined) return notFound(place)
      const { username, subject, status, claims, groups = [] } = user
      const spec = { username, subject, status, claims, groups }
      return shown(200, { apiVersion, kind: 'User', metadata: { name: place.name }, spec }, etagOfUser(user))
    },
  })
}

function put(kind: KindName): AdminOperation {
  return operation({
    id: `put${kind}`,
    method: 'PUT',
    path: `/admin/v1/${kind}/:name`,
    summary: `Makes or replaces a document of the kind ${kind}. 202: it waits for a second person.`,
    scopes: scopesOfKinds([kind], 'write'),
    query: issuerQuery,
    body: documentBody,
    preconditions: true,
    work: async visit => {
      const { body, standing } = visit
      const place = placeOf(visit, kind, visit.query.issuer)
      if ('ok' in place) return place
      if (body.kind !== kind || body.metadata.name !== place.name)
        return refused(
          refuse(
            'admin.place',
            ['HFA-4'],
            'invalid_request',
            `the body is not the ${kind} \`${place.name}\``,
          ),
        )
      const document = inIssuer(body, place, visit.desk.options.ports.issuers)
      if (document === undefined)
        return refused(refuse('admin.place', ['HFA-4'], 'invalid_request', 'the body names another issuer'))
      const found = recordAt(standing.records, place)
      // A repeated request whose first answer was lost finds what it wanted.
      const text = canonicalJson(document)
      if (found?.body === text && isConditional(visit)) return shown(200, document, etagOf(text))
      const user = kind === 'User' ? await userAt(visit, place.name, document) : undefined
      const etag = kind === 'User' ? user && etagOfUser(user) : found && etagOf(found.body)
      const missed = missedPrecondition(visit, etag)
      if (missed !== undefined) return refused(missed)
      const input = { ...one, files: [{ path: 'body', text }] }
      const applied = await applyDocuments(visit, input, { place, etag })
      if (!applied.ok || applied.status !== 200) return applied
      if (kind === 'User') {
        const now = await userAt(visit, place.name, document)
        return shown(etag === undefined ? 201 : 200, applied.body, now === undefined ? '' : etagOfUser(now))
      }
      return shown(etag === undefined ? 201 : 200, document, etagOf(text))
    },
  })
}

const one: DocumentsInput = { files: [], dryRun: false, prune: false, deleted: [] }

function userAt(visit: AdminVisit, name: string, { spec }: z.infer<typeof documentBody>) {
  const username = typeof spec.username === 'string' ? spec.username : name
  const place = placeOf(visit, 'User', (visit.query as { readonly issuer?: string }).issuer)
  if ('ok' in place) throw new TypeError('the place was found before')
  return visit.desk.options.ports.store.findUserByUsername(place.issuer, username)
}

function remove(kind: KindName): AdminOperation {
  return operation({
    id: `delete${kind}`,
    method: 'DELETE',
    path: `/admin/v1/${kind}/:name`,
    summary: `Deletes a document of the kind ${kind}. 202: it waits for a second person.`,
    scopes: scopesOfKinds([kind], 'write'),
    query: issuerQuery,
    preconditions: true,
    work: async visit => {
      const place = placeOf(visit, kind, visit.query.issuer)
      if ('ok' in place) return place
      const etag = etagAt(visit.standing.records, place)
      if (etag === undefined) return notFound(place)
      const missed = missedPrecondition(visit, etag)
      if (missed !== undefined) return refused(missed)
      const input = { ...one, deleted: [place] }
      return applyDocuments(visit, input, { place, etag })
    },
  })
}

interface Conditional {
  readonly header: AdminVisit['header']
}

function isConditional({ header }: Conditional): boolean {
  return header('if-match') !== undefined || header('if-none-match') !== undefined
}

export function missedPrecondition({ header }: Conditional, etag: string | undefined): Refusal | undefined {
  const ifMatch = header('if-match')
  return firstRefusal(preconditionRules, {
    etag,
    // `*` matches whatever is there: it says nothing of what the writer read.
    ifMatch: ifMatch?.split(',').map(tag => tag.trim()),
    ifNoneMatch: header('if-none-match')?.trim() === '*',
  })
}

/** The one issuer that is meant: the one named, or the only one there is. */
export function issuerOf(visit: AdminVisit, asked: string | undefined): IssuerBinding | Done {
  const { issuers } = visit.desk.options.ports
  const [binding, ...more] = issuersNamed(asked, issuers)
  if (binding !== undefined && more.length === 0) return binding
  return refused(issuerUnclear(issuers))
}

function placeOf(
  visit: AdminVisit,
  kind: KindName,
  asked: string | undefined,
): Omit<DocumentRecord, 'body'> | Extract<Done, { ok: false }> {
  const binding = issuerOf(visit, asked)
  if ('ok' in binding) return binding as Extract<Done, { ok: false }>
  return { documentKind: kind, name: visit.params.name ?? '', issuer: binding.url }
}

/** The document as it will be stored: at the issuer of its place, which it names when there are several. */
function inIssuer(
  document: z.infer<typeof documentBody>,
  { documentKind, issuer }: Omit<DocumentRecord, 'body'>,
  issuers: readonly IssuerBinding[],
): z.infer<typeof documentBody> | undefined {
  const name = issuers.find(({ url }) => url === issuer)?.name ?? ''
  const said = documentKind === 'Issuer' ? document.metadata.name : document.metadata.issuer
  if (said !== undefined) return said === name ? document : undefined
  if (issuers.length === 1) return document
  return { ...document, metadata: { ...document.metadata, issuer: name } }
}

function shown(status: number, body: unknown, etag: string): Done {
  return { ok: true, status, body, headers: [['etag', etag]] }
}

function notFound({ documentKind, name }: Omit<DocumentRecord, 'body'>): Extract<Done, { ok: false }> {
  return refused(refuse('admin.missing', [], 'invalid_request', `there is no ${documentKind} \`${name}\``))
}

export function refused(refusal: Refusal): Extract<Done, { ok: false }> {
  return { ok: false, refusal }
}
