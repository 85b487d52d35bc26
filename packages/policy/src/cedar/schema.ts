import type { Entity, EntityStore } from './entities.ts'
import { arrayAt, DataProblem, type JsonObject, objectAt } from './json.ts'
import { type EntityUid, entityUid, typeOf, type Value } from './value.ts'

/** A compiled Cedar schema: what questions may be asked, and what entities look like. */
export interface Schema {
  readonly entityTypes: ReadonlyMap<string, EntityShape>
  /** By `EntityUid.key`. */
  readonly actions: ReadonlyMap<string, ActionShape>
  /** The actions as entities, with their groups. */
  readonly actionEntities: EntityStore
}

export interface EntityShape {
  /** The only ids there are, for an enumerated type. */
  readonly ids: ReadonlySet<string> | undefined
  readonly attributes: Fields
  readonly tags: Conforms | undefined
  /** Types that may stand above this one, near or far. */
  readonly above: ReadonlySet<string>
}

export interface ActionShape {
  readonly principalTypes: ReadonlySet<string>
  readonly resourceTypes: ReadonlySet<string>
  readonly context: Conforms
  /** Attributes the context may have: no policy can read any other. */
  readonly contextNames: ReadonlySet<string>
}

type Fields = ReadonlyMap<string, { readonly conforms: Conforms; readonly isRequired: boolean }>

/**
 * @returns what is wrong with the value, after the way to it (`.a[]: expected …`), so that who conforms pays for no text;
 * undefined when it conforms
 */
type Conforms = (value: Value) => string | undefined

interface Definitions {
  readonly commonTypes: ReadonlyMap<string, JsonObject>
  /** Filled while entity types are read: entity references look here when they are checked. */
  readonly entityTypes: Map<string, EntityShape>
}

/** Compiles the JSON schema format with resolved types, as the reference writes it. @throws DataProblem */
export function schemaAt(json: unknown): Schema {
  const namespaces = Object.entries(objectAt(json, '$')).map(
    ([name, body]) => [name, objectAt(body, `$.${name}`)] as const,
  )
  const qualified = (kind: string): readonly (readonly [string, JsonObject])[] =>
    namespaces.flatMap(([namespace, body]) =>
      Object.entries(objectAt(body[kind] ?? {}, '$')).map(
        ([name, definition]) => [inNamespace(namespace, name), objectAt(definition, '$')] as const,
      ),
    )
  const definitions: Definitions = {
    commonTypes: new Map(qualified('commonTypes')),
    entityTypes: new Map(),
  }
  const types = qualified('entityTypes')
  const above = ancestorTypes(types)
  for (const [name, definition] of types)
    definitions.entityTypes.set(name, entityShape(definition, above.get(name) ?? new Set(), definitions))
  const actions = namespaces.flatMap(([namespace, body]) =>
    Object.entries(objectAt(body.actions ?? {}, '$')).map(([id, definition]) => ({
      uid: entityUid(inNamespace(namespace, 'Action'), id),
      definition: objectAt(definition, '$'),
    })),
  )
  return {
    entityTypes: definitions.entityTypes,
    actions: new Map(
      actions.map(({ uid, definition }) => [uid.key, actionShape(definition, definitions)] as const),
    ),
    actionEntities: actionEntities(actions),
  }
}

function inNamespace(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`
}

function ancestorTypes(types: readonly (readonly [string, JsonObject])[]): ReadonlyMap<string, Set<string>> {
  const parents = new Map(types.map(([name, { memberOfTypes }]) => [name, strings(memberOfTypes)] as const))
  return new Map(
    types.map(([name]) => {
      const found = new Set<string>()
      const waiting = [...(parents.get(name) ?? [])]
      for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
        if (found.has(type)) continue
        found.add(type)
        waiting.push(...(parents.get(type) ?? []))
      }
      return [name, found] as const
    }),
  )
}

function strings(list: unknown): readonly string[] {
  return list === undefined ? [] : arrayAt(list, '$').map(String)
}

function entityShape(definition: JsonObject, above: Set<string>, definitions: Definitions): EntityShape {
  const shape = definition.shape === undefined ? {} : objectAt(definition.shape, '$')
  return {
    ids: definition.enum === undefined ? undefined : new Set(strings(definition.enum)),
    attributes: fieldsOf(resolved(shape, definitions), definitions),
    tags: definition.tags === undefined ? undefined : conformsTo(definition.tags, definitions),
    above,
  }
}

function actionShape({ appliesTo }: JsonObject, definitions: Definitions): ActionShape {
  const applies = appliesTo === undefined ? {} : objectAt(appliesTo, '$')
  const context = resolved(objectAt(applies.context ?? { type: 'Record', attributes: {} }, '$'), definitions)
  return {
    principalTypes: new Set(strings(applies.principalTypes)),
    resourceTypes: new Set(strings(applies.resourceTypes)),
    context: conformsTo(context, definitions),
    contextNames: new Set(Object.keys(objectAt(context.attributes ?? {}, '$'))),
  }
}

/** Follows names of common types to what they stand for; the reference refused circles. */
function resolved(type: JsonObject, definitions: Definitions): JsonObject {
  const common = typeof type.type === 'string' ? definitions.commonTypes.get(type.type) : undefined
  return common === undefined ? type : resolved(common, definitions)
}

function fieldsOf(record: JsonObject, definitions: Definitions): Fields {
  if (record.additionalAttributes === true)
    throw new DataProblem('$', 'a record with additional attributes cannot be checked')
  return new Map(
    Object.entries(objectAt(record.attributes ?? {}, '$')).map(([name, type]) => [
      name,
      {
        conforms: conformsTo(type, definitions),
        isRequired: objectAt(type, '$').required !== false,
      },
    ]),
  )
}

const plain: Readonly<Record<string, (value: Value) => boolean>> = {
  Bool: value => typeof value === 'boolean',
  Boolean: value => typeof value === 'boolean',
  Long: value => typeof value === 'number' || typeof value === 'bigint',
  String: value => typeof value === 'string',
  decimal: value => typeof value === 'object' && value.kind === 'decimal',
  datetime: value => typeof value === 'object' && value.kind === 'datetime',
  duration: value => typeof value === 'object' && value.kind === 'duration',
  ipaddr: value => typeof value === 'object' && value.kind === 'ipaddr',
}

function conformsTo(json: unknown, definitions: Definitions): Conforms {
  const type = resolved(objectAt(json, '$'), definitions)
  if (type.type === 'Set') return setConforms(conformsTo(type.element, definitions))
  if (type.type === 'Record') return recordConforms(fieldsOf(type, definitions))
  if (type.type === 'Entity') return entityConforms(String(type.name), definitions.entityTypes)
  const name = String(type.type === 'Extension' ? type.name : type.type).replace(/^__cedar::/, '')
  const test = Object.hasOwn(plain, name) ? plain[name] : undefined
  if (test === undefined) throw new DataProblem('$', `unknown type \`${name}\` in the schema`)
  return value => (test(value) ? undefined : `: expected ${name}, got ${typeOf(value)}`)
}

function setConforms(element: Conforms): Conforms {
  return value => {
    if (typeof value !== 'object' || value.kind !== 'set') return `: expected Set, got ${typeOf(value)}`
    for (const item of value.elements) {
      const wrong = element(item)
      if (wrong !== undefined) return `[]${wrong}`
    }
    return undefined
  }
}

function recordConforms(fields: Fields): Conforms {
  return value =>
    typeof value === 'object' && value.kind === 'record'
      ? fieldsConform(value.fields, fields)
      : `: expected Record, got ${typeOf(value)}`
}

function fieldsConform(values: ReadonlyMap<string, Value>, fields: Fields): string | undefined {
  for (const [name, { conforms, isRequired }] of fields) {
    const value = values.get(name)
    const wrong = value === undefined ? undefined : conforms(value)
    if (wrong !== undefined) return `.${name}${wrong}`
    if (value === undefined && isRequired) return `.${name}: is missing`
  }
  for (const name of values.keys()) if (!fields.has(name)) return `.${name}: is not in the schema`
  return undefined
}

function entityConforms(type: string, known: ReadonlyMap<string, EntityShape>): Conforms {
  return value => {
    if (typeof value !== 'object' || value.kind !== 'entity' || value.type !== type)
      return `: expected an entity of type ${type}, got ${typeOf(value)}`
    return idConforms(value, known.get(type))
  }
}

function idConforms({ type, id }: EntityUid, shape: EntityShape | undefined): string | undefined {
  return shape?.ids === undefined || shape.ids.has(id) ? undefined : `: ${type} has no id \`${id}\``
}

function actionEntities(
  actions: readonly { readonly uid: EntityUid; readonly definition: JsonObject }[],
): EntityStore {
  const parents = new Map<string, readonly EntityUid[]>()
  for (const { uid, definition } of actions)
    parents.set(
      uid.key,
      arrayAt(definition.memberOf ?? [], '$').map(item => {
        const { type, id } = objectAt(item, '$')
        return entityUid(typeof type === 'string' ? type : uid.type, String(id))
      }),
    )
  return new Map(
    actions.map(({ uid }): readonly [string, Entity] => {
      const ancestors = new Map<string, EntityUid>()
      const waiting = [...(parents.get(uid.key) ?? [])]
      for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
        if (ancestors.has(parent.key)) continue
        ancestors.set(parent.key, parent)
        waiting.push(...(parents.get(parent.key) ?? []))
      }
      return [uid.key, { uid, attributes: new Map(), tags: new Map(), ancestors }]
    }),
  )
}

/** @returns what is wrong with the question; undefined when the schema allows it to be asked */
export function questionProblem(
  schema: Schema,
  question: {
    readonly principal: EntityUid
    readonly action: EntityUid
    readonly resource: EntityUid
    readonly context: Value
  },
): string | undefined {
  const { principal, action, resource, context } = question
  const shape = schema.actions.get(action.key)
  if (shape === undefined)
    return `action: \`${action.type}::${JSON.stringify(action.id)}\` is not in the schema`
  if (!shape.principalTypes.has(principal.type)) return `principal: the action is not for ${principal.type}`
  if (!shape.resourceTypes.has(resource.type)) return `resource: the action is not for ${resource.type}`
  const wrongPrincipal = idConforms(principal, schema.entityTypes.get(principal.type))
  if (wrongPrincipal !== undefined) return `principal${wrongPrincipal}`
  const wrongResource = idConforms(resource, schema.entityTypes.get(resource.type))
  if (wrongResource !== undefined) return `resource${wrongResource}`
  const wrongContext = shape.context(context)
  return wrongContext === undefined ? undefined : `context${wrongContext}`
}

/**
 * Whether everything about an entity is known without being told: an enumerated one has neither attributes nor
 * anything above it.
 */
export function isKnownBySchema(schema: Schema, { type }: EntityUid): boolean {
  return schema.entityTypes.get(type)?.ids !== undefined
}

/** @returns what is wrong with the entity; undefined when it conforms to the schema */
export function entityProblem(schema: Schema, entity: Entity): string | undefined {
  const wrong = wrongWith(schema, entity)
  return wrong === undefined ? undefined : `${entity.uid.type}::${JSON.stringify(entity.uid.id)}${wrong}`
}

function wrongWith(schema: Schema, { uid, attributes, tags, ancestors }: Entity): string | undefined {
  if (uid.type === 'Action' || uid.type.endsWith('::Action')) return ': actions come from the schema'
  const shape = schema.entityTypes.get(uid.type)
  if (shape === undefined) return ': the type is not in the schema'
  const wrongId = idConforms(uid, shape)
  if (wrongId !== undefined) return wrongId
  for (const ancestor of ancestors.values()) {
    if (!shape.above.has(ancestor.type)) return `: ${ancestor.type} may not stand above ${uid.type}`
    const wrongAncestor = idConforms(ancestor, schema.entityTypes.get(ancestor.type))
    if (wrongAncestor !== undefined) return wrongAncestor
  }
  for (const [name, value] of tags) {
    if (shape.tags === undefined) return ': has no tags'
    const wrong = shape.tags(value)
    if (wrong !== undefined) return ` tag ${name}${wrong}`
  }
  return fieldsConform(attributes, shape.attributes)
}
