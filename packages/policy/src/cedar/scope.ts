import type { Environment } from './expression.ts'
import {
  arrayAt,
  DataProblem,
  entityUidAt,
  type JsonObject,
  objectAt,
  onlyMembers,
  stringAt,
} from './json.ts'
import type { EntityUid } from './value.ts'

/** The head of a policy, `permit (principal …, action …, resource …)`, as data: what the index is built from. */
export interface Scope {
  readonly principal: PartyScope
  readonly action: ActionScope
  readonly resource: PartyScope
}

/** `==`: exactly `entity`. `in`: it or one below it. Without `entity`: anyone, or anyone of `type`. */
export interface PartyScope {
  readonly relation: 'any' | '==' | 'in'
  readonly entity?: EntityUid
  readonly type?: string
}

/** `==`: exactly that action. `in`: one of them or one below. `any`: every action. */
export interface ActionScope {
  readonly relation: 'any' | '==' | 'in'
  readonly entities: readonly EntityUid[]
}

/** Reads the scope of a policy in Cedar's JSON policy format. @throws DataProblem */
export function scopeAt(policy: JsonObject): Scope {
  return {
    principal: partyAt(policy.principal, '$.principal'),
    action: actionAt(policy.action, '$.action'),
    resource: partyAt(policy.resource, '$.resource'),
  }
}

function operatorAt(object: JsonObject, place: string): string {
  if (Object.hasOwn(object, 'slot'))
    throw new DataProblem(place, 'templates are not offered: name the entity')
  return stringAt(object.op, `${place}.op`)
}

function partyAt(json: unknown, place: string): PartyScope {
  const object = objectAt(json, place)
  onlyMembers(object, ['op', 'entity', 'entity_type', 'in', 'slot'], place)
  const op = operatorAt(object, place)
  switch (op) {
    case 'All':
      return { relation: 'any' }
    case '==':
    case 'in':
      return { relation: op, entity: entityUidAt(object.entity, `${place}.entity`) }
    case 'is': {
      const type = stringAt(object.entity_type, `${place}.entity_type`)
      if (object.in === undefined) return { relation: 'any', type }
      const within = objectAt(object.in, `${place}.in`)
      operatorAt({ op: 'in', ...within }, `${place}.in`)
      return { relation: 'in', type, entity: entityUidAt(within.entity, `${place}.in.entity`) }
    }
    default:
      throw new DataProblem(place, 'unknown relation')
  }
}

function actionAt(json: unknown, place: string): ActionScope {
  const object = objectAt(json, place)
  onlyMembers(object, ['op', 'entity', 'entities'], place)
  switch (object.op) {
    case 'All':
      return { relation: 'any', entities: [] }
    case '==':
      return { relation: '==', entities: [entityUidAt(object.entity, `${place}.entity`)] }
    case 'in': {
      const listed = object.entities === undefined ? [object.entity] : arrayAt(object.entities, place)
      return { relation: 'in', entities: listed.map(entity => entityUidAt(entity, place)) }
    }
    default:
      throw new DataProblem(place, 'unknown relation')
  }
}

export function scopeMatches(scope: Scope, at: Environment): boolean {
  const { relation, entities } = scope.action
  return (
    partyMatches(scope.principal, at.principal, at) &&
    partyMatches(scope.resource, at.resource, at) &&
    (relation === 'any' || entities.some(entity => isWithin(at.action, relation, entity, at)))
  )
}

function partyMatches({ relation, entity, type }: PartyScope, party: EntityUid, at: Environment): boolean {
  if (type !== undefined && party.type !== type) return false
  return relation === 'any' || (entity !== undefined && isWithin(party, relation, entity, at))
}

function isWithin(party: EntityUid, relation: '==' | 'in', entity: EntityUid, at: Environment): boolean {
  if (party.key === entity.key) return true
  return relation === 'in' && at.entities.get(party.key)?.ancestors.has(entity.key) === true
}
