import type { Evaluation, Party } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { JsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Entity } from '../cedar/entities.ts'
import { DataProblem, entityUidAt, newBudget, recordAt } from '../cedar/json.ts'
import { entityProblem, isKnownBySchema, type Schema } from '../cedar/schema.ts'
import { type EntityUid, entityUid } from '../cedar/value.ts'
import type { Entities, KnownEntities } from '../decide.ts'
import { type Parsed, type Question, reading } from '../question.ts'
import { layer } from './layer.ts'

export interface Asked {
  readonly question: Question
  readonly entities: KnownEntities
}

/** Who knows what: stored entities, and types of which whoever asks tells everything. */
export interface Knowledge {
  readonly schema: Schema
  readonly stored: Entities
  readonly givenTypes: ReadonlySet<string>
}

/**
 * An AuthZEN evaluation as a Cedar question: types, ids and the action's name as they are, the context as it is, and
 * the action's properties as the context's `action`. One authority for each entity: what is stored is taken from the
 * store and the properties sent with it are ignored; of a given type the properties are all there is. What the schema
 * does not name no policy can read, so it is left out, and nulls say nothing.
 */
export function questionOf(
  { subject, action, resource, context }: Evaluation,
  knowledge: Knowledge,
): Parsed<Asked> {
  return reading(() => {
    const { schema, stored } = knowledge
    const principal = entityUidAt({ type: subject.type, id: subject.id }, '$.subject')
    const object = entityUidAt({ type: resource.type, id: resource.id }, '$.resource')
    const uid = actionUid(action.name, schema)
    const names = schema.actions.get(uid.key)?.contextNames ?? new Set()
    const circumstances = { ...context, ...(names.has('action') && { action: action.properties }) }
    const given = new Map<string, Entity>()
    giveEntity(given, principal, subject, '$.subject', knowledge)
    giveEntity(given, object, resource, '$.resource', knowledge)
    return {
      question: {
        principal,
        action: uid,
        resource: object,
        context: recordAt(known(circumstances, names), '$.context', newBudget()),
      },
      entities: { schemaVersion: stored.schemaVersion, store: layer(given, stored.store) },
    }
  })
}

/** The schema's one action of this name; a name that stands in several namespaces is written out, `Bank::Action::pay`. */
export function actionUid(name: string, schema: Schema): EntityUid {
  const plain = entityUid('Action', name)
  if (schema.actions.has(plain.key)) return plain
  const at = name.lastIndexOf('::Action::')
  const written = at === -1 ? undefined : entityUid(`${name.slice(0, at)}::Action`, name.slice(at + 10))
  if (written !== undefined && schema.actions.has(written.key)) return written
  const same = [...schema.actionEntities.values()].filter(
    ({ uid }) => uid.id === name && schema.actions.has(uid.key),
  )
  const [only] = same
  if (only === undefined) throw new DataProblem('$.action.name', 'the schema has no such action')
  if (same.length > 1) throw new DataProblem('$.action.name', 'several namespaces have this action')
  return only.uid
}

function giveEntity(
  given: Map<string, Entity>,
  uid: EntityUid,
  { properties }: Party,
  place: string,
  { schema, stored, givenTypes }: Knowledge,
): void {
  if (stored.store.has(uid.key) || isKnownBySchema(schema, uid)) return
  const shape = schema.entityTypes.get(uid.type)
  if (shape === undefined) throw new DataProblem(place, 'the schema has no such type')
  if (!givenTypes.has(uid.type)) throw new DataProblem(place, 'nothing is known of this one')
  const { fields } = recordAt(
    known(properties, new Set(shape.attributes.keys())),
    `${place}.properties`,
    newBudget(),
  )
  const entity = { uid, attributes: fields, tags: new Map(), ancestors: new Map() }
  const problem = entityProblem(schema, entity)
  if (problem !== undefined) throw new DataProblem(place, problem)
  given.set(uid.key, entity)
}

function known(properties: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(properties).filter(([name, value]) => names.has(name) && value !== null),
  )
}
