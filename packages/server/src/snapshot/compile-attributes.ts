import { createHash } from 'node:crypto'
import { canonicalJson, type DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { AttributeSourceSpec } from '../control/resources/attribute-source.ts'
import { unknownName } from '../control/suggestion.ts'
import type { AttributeSource, NamedConnection, SourcedAttribute, SourceOf } from './snapshot.ts'

/** Sources of one issuer. */
const sourcesMax = 32

interface AttributeContext {
  readonly servers: readonly DocumentOf<'ResourceServer'>[]
  /** Of the configuration. */
  readonly connections: readonly NamedConnection[]
  readonly problems: Problem[]
}

/** By document name. Every attribute has one source, and every name that an API asks for is an attribute. */
export function compileAttributeSources(
  documents: readonly DocumentOf<'AttributeSource'>[],
  { servers, connections, problems }: AttributeContext,
): ReadonlyMap<string, AttributeSource> {
  const owners = new Map<string, string>()
  const compiled = new Map<string, AttributeSource>()
  if (documents.length > sourcesMax)
    problems.push({ document: 'AttributeSource', field: '', message: `there are more than ${sourcesMax}` })
  for (const { name, spec } of documents) {
    const document = `AttributeSource/${name}`
    for (const attribute of Object.keys(spec.attributes)) {
      const other = owners.get(attribute)
      if (other !== undefined)
        problems.push({
          document,
          field: `spec.attributes.${attribute}`,
          message: `is told by \`${other}\`, too`,
        })
      owners.set(attribute, name)
    }
    problems.push(...connectionProblems(document, spec, connections), ...entryProblems(document, spec))
    compiled.set(name, sourceOf(name, spec))
  }
  for (const { name, spec } of servers)
    for (const [index, attribute] of spec.attributes.entries())
      if (!owners.has(attribute))
        problems.push(
          unknownName(`ResourceServer/${name}`, `spec.attributes[${index}]`, 'attribute', attribute, owners),
        )
  return compiled
}

function connectionProblems(
  document: string,
  spec: AttributeSourceSpec,
  connections: readonly NamedConnection[],
): readonly Problem[] {
  if (spec.source === 'static' || spec.source === 'directory') return []
  const kind = spec.source === 'sql' ? 'postgres' : spec.source
  const fitting = new Map(connections.filter(one => one.kind === kind).map(one => [one.name, one]))
  return fitting.has(spec.connection)
    ? []
    : [unknownName(document, 'spec.connection', `${kind} connection`, spec.connection, fitting)]
}

function entryProblems(document: string, spec: AttributeSourceSpec): readonly Problem[] {
  if (spec.source !== 'static') return []
  return Object.entries(spec.entries).flatMap(([key, told]) =>
    Object.entries(told).flatMap(([name, value]) => {
      const field = `spec.entries.${key}.${name}`
      const attribute = Object.hasOwn(spec.attributes, name) ? spec.attributes[name] : undefined
      if (attribute === undefined) return [{ document, field, message: 'is not among `spec.attributes`' }]
      return isOfType(value, attribute.type) ? [] : [{ document, field, message: `is no ${attribute.type}` }]
    }),
  )
}

function isOfType(value: unknown, type: SourcedAttribute['type']): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  return type === 'strings' ? Array.isArray(value) : typeof value === type
}

function sourceOf(name: string, spec: AttributeSourceSpec): AttributeSource {
  const isAsked = spec.source !== 'static'
  return {
    name,
    digest: createHash('sha256').update(canonicalJson(spec)).digest('base64url'),
    keyedBy: spec.keyedBy,
    isForPolicies: spec.policies,
    attributes: new Map(
      Object.entries(spec.attributes).map(([claim, { type, required }]) => [
        claim,
        { type, isRequired: required },
      ]),
    ),
    onFailure: isAsked ? spec.onFailure : 'deny',
    deadlineMs: isAsked ? spec.deadlineMs : 0,
    cacheSeconds: isAsked ? spec.cacheSeconds : 0,
    unknownCacheSeconds: isAsked ? spec.unknownCacheSeconds : 0,
    of: ofSpec(spec),
  }
}

function ofSpec(spec: AttributeSourceSpec): SourceOf {
  const at = <Told>(place: (told: Told) => string, all: Readonly<Record<string, Told>>) =>
    new Map(Object.entries(all).map(([claim, told]) => [claim, place(told)] as const))
  switch (spec.source) {
    case 'static':
      return {
        source: 'static',
        entries: new Map(
          Object.entries(spec.entries).map(([key, told]) => [key, new Map(Object.entries(told))]),
        ),
      }
    case 'directory':
      return { source: 'directory', keyedBy: spec.keyedBy, claims: at(({ claim }) => claim, spec.attributes) }
    case 'http':
      return {
        ...{ source: 'http', connection: spec.connection, path: spec.path },
        pointers: at(told => told.at, spec.attributes),
      }
    case 'ldap': {
      const { source, connection, base, match, objectClass, attributes } = spec
      const places = new Map(
        Object.entries(attributes).map(
          ([claim, { attribute, type }]) => [claim, { attribute, type }] as const,
        ),
      )
      return { source, connection, base, match, objectClass, places }
    }
    case 'sql':
      return {
        ...{ source: 'sql', connection: spec.connection, query: spec.query },
        columns: at(({ column }) => column, spec.attributes),
      }
    default:
      return spec satisfies never
  }
}
