import type { ApiOperation } from '@holdfast/server/control/resources/api-operations.ts'
import { parseDocument } from 'yaml'

/** What an OpenAPI document says about who may call what, and what it leaves for people to decide. */
export interface ImportedApi {
  readonly title: string
  readonly operations: readonly ApiOperation[]
  /** Scopes that the document declares or asks for, with its words for them. */
  readonly scopes: ReadonlyMap<string, string>
  /** What to look at before the catalogue is applied. */
  readonly notes: readonly string[]
}

export type OpenApiAnswer =
  | { readonly ok: true; readonly value: ImportedApi }
  | { readonly ok: false; readonly problem: string }

type Members = Readonly<Record<string, unknown>>

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'] as const
const operationsMax = 2000
/** Schemas within schemas that are looked at for names of data. */
const schemaDepthMax = 6
const referencesMax = 10

/**
 * Reads an OpenAPI document (3.0 or 3.1), as JSON or YAML. Only its `oauth2` and `openIdConnect` schemes say what a
 * token must carry; whatever else protects an operation is noted.
 * @param tier risk of operations that do not say theirs as `x-risk-tier`
 */
export function importOpenApi(text: string, tier: ApiOperation['tier']): OpenApiAnswer {
  const yaml = parseDocument(text, { uniqueKeys: true, prettyErrors: false })
  const [error] = yaml.errors
  if (error !== undefined) return no(`is neither JSON nor YAML: ${error.message}`)
  const document = plain(() => yaml.toJS({ maxAliasCount: 0 }))
  if (document === undefined) return no('is no object, or uses YAML aliases')
  const { openapi } = document
  if (typeof openapi !== 'string' || !/^3\.[01]\.\d+/.test(openapi))
    return no('is no OpenAPI document of version 3.0 or 3.1')
  return read(document, tier)
}

function no(problem: string): OpenApiAnswer {
  return { ok: false, problem }
}

function plain(value: () => unknown): Members | undefined {
  try {
    return membersOf(value())
  } catch {
    return undefined
  }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

function read(document: Members, tier: number): OpenApiAnswer {
  const schemes = schemesOf(document)
  const scopes = new Map(schemes.declared)
  const notes: string[] = []
  const operations: ApiOperation[] = []
  const [prefix, others] = basePath(document)
  if (others) notes.push(`its servers have different paths; \`${prefix}\` of the first is taken`)
  for (const [path, written] of Object.entries(membersOf(document.paths) ?? {})) {
    if (!path.startsWith('/')) continue
    const item = resolved(document, written)
    if (item === undefined) notes.push(`${path} points to something that is not in the document`)
    for (const method of methods) {
      const operation = membersOf(item?.[method])
      if (operation === undefined) continue
      const name = `${method.toUpperCase()} ${path}`
      const cover = coverOf(listOrUndefined(operation.security ?? document.security), schemes.known)
      for (const way of cover.coveredBy)
        for (const scope of way.scopes) if (!scopes.has(scope)) scopes.set(scope, scope)
      notes.push(...cover.notes.map(note => `${name} ${note}`))
      operations.push({
        ...{ id: idOf(operation, name), method: method.toUpperCase() as ApiOperation['method'] },
        path: `${prefix}${path}`,
        description: (textOf(operation.summary) ?? textOf(operation.description) ?? name).slice(0, 400),
        dataTypes: [...dataTypesOf(document, operation)].slice(0, 50),
        ...{ tier: tierOf(operation, tier), public: cover.public, coveredBy: [...cover.coveredBy] },
      })
    }
  }
  if (operations.length === 0) return no('describes no operation')
  if (operations.length > operationsMax) return no(`describes more than ${operationsMax} operations`)
  const title = textOf(membersOf(document.info)?.title) ?? 'API'
  return { ok: true, value: { title, operations, scopes, notes } }
}

function listOrUndefined(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}

/** Path of the first server, without a slash at the end, and whether another server has another one. */
function basePath(document: Members): readonly [string, boolean] {
  const paths = listOf(document.servers).map(server => {
    const url = textOf(membersOf(server)?.url) ?? '/'
    return URL.parse(url, 'https://api.example')?.pathname.replace(/\/+$/, '') ?? ''
  })
  const [first = ''] = paths
  return [first, paths.some(path => path !== first)]
}

function schemesOf(document: Members): {
  readonly known: ReadonlySet<string>
  readonly declared: ReadonlyMap<string, string>
} {
  const known = new Set<string>()
  const declared = new Map<string, string>()
  const schemes = membersOf(membersOf(document.components)?.securitySchemes) ?? {}
  for (const [name, written] of Object.entries(schemes)) {
    const scheme = resolved(document, written)
    if (scheme?.type !== 'oauth2' && scheme?.type !== 'openIdConnect') continue
    known.add(name)
    for (const flow of Object.values(membersOf(scheme.flows) ?? {}))
      for (const [scope, words] of Object.entries(membersOf(membersOf(flow)?.scopes) ?? {}))
        declared.set(scope, textOf(words) ?? scope)
  }
  return { known, declared }
}

interface Cover extends Pick<ApiOperation, 'public' | 'coveredBy'> {
  readonly notes: readonly string[]
}

/** Security Requirement Objects: each entry alone is enough, everything within one is needed (OpenAPI 3.1.1 section 4.8.30). */
function coverOf(security: readonly unknown[] | undefined, known: ReadonlySet<string>): Cover {
  const none = { public: false, coveredBy: [] }
  if (security === undefined) return { ...none, notes: ['says nothing about security'] }
  const entries = security.map(entry => membersOf(entry) ?? {})
  if (entries.every(entry => Object.keys(entry).length === 0))
    return { ...none, public: true, notes: ['needs no token, the document says'] }
  const notes: string[] = []
  const ways = entries.flatMap(entry => {
    const names = Object.keys(entry)
    const others = names.filter(name => !known.has(name))
    if (names.length === 0) notes.push('may also be called without a token: decide whether it is `public`')
    if (others.length > 0) notes.push(`is also protected by ${others.join(', ')}, which is no scope`)
    const scopes = names.filter(name => known.has(name)).flatMap(name => listOf(entry[name]).map(String))
    return scopes.length === 0 ? [] : [{ scopes: [...new Set(scopes)], authorizationDetailsTypes: [] }]
  })
  if (ways.length === 0) notes.push('asks for no scope')
  return { public: false, coveredBy: ways, notes }
}

function idOf({ operationId }: Members, name: string): string {
  const id = (textOf(operationId) ?? name).replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return id.slice(0, 128).replace(/-+$/, '')
}

function tierOf(operation: Members, otherwise: number): number {
  const said = operation['x-risk-tier']
  return typeof said === 'number' && Number.isInteger(said) && said >= 0 && said <= 4 ? said : otherwise
}

/** Names of the schemas that bodies and answers are made of. */
function dataTypesOf(document: Members, operation: Members): ReadonlySet<string> {
  const found = new Set<string>()
  const bodies = [operation.requestBody, ...Object.values(membersOf(operation.responses) ?? {})]
  for (const body of bodies)
    for (const media of Object.values(membersOf(resolved(document, body)?.content) ?? {}))
      collect(membersOf(media)?.schema, found, 0)
  return found
}

function collect(schema: unknown, found: Set<string>, depth: number): void {
  const members = membersOf(schema)
  if (members === undefined || depth > schemaDepthMax) return
  const name = textOf(members.$ref)?.match(/^#\/components\/schemas\/([^/]+)$/)?.[1]
  if (name !== undefined) found.add(decoded(name))
  collect(members.items, found, depth + 1)
  for (const list of [members.allOf, members.anyOf, members.oneOf])
    for (const part of listOf(list)) collect(part, found, depth + 1)
  for (const part of Object.values(membersOf(members.properties) ?? {})) collect(part, found, depth + 1)
}

/** What a value is, or what its `$ref` within the document points to; undefined when there is nothing. */
function resolved(document: Members, value: unknown): Members | undefined {
  let current = membersOf(value)
  for (let steps = 0; steps < referencesMax; steps++) {
    const reference = textOf(current?.$ref)
    if (current === undefined || reference === undefined) return current
    if (!reference.startsWith('#/')) return undefined
    let target: unknown = document
    for (const part of reference.slice(2).split('/')) {
      const members = membersOf(target)
      const key = decoded(part)
      target = members !== undefined && Object.hasOwn(members, key) ? members[key] : undefined
    }
    current = membersOf(target)
  }
  return undefined
}

/** RFC 6901 section 4, after the percent-encoding of a fragment. */
function decoded(part: string): string {
  const text = /%(?![0-9A-Fa-f]{2})/.test(part) ? part : unescaped(part)
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
