import type { Entity } from '../cedar/entities.ts'
import { DataProblem, stringAt } from '../cedar/json.ts'
import { type EntityUid, entityUid, setOf, type Value } from '../cedar/value.ts'
import type { KnownEntities } from '../decide.ts'
import { layer } from '../pdp/layer.ts'
import type { PolicySet } from '../policy-set.ts'
import { type Parsed, type Question, reading } from '../question.ts'
import {
  type AskedAccess,
  type AskingClient,
  type AttributeValue,
  type AuthorizeQuestion,
  attributeHolders,
  holderId,
  isBeforeToken,
  type MintQuestion,
  type StatedRisk,
  type StatedUser,
  type TokenQuestion,
} from './question.ts'

export interface TokenValues {
  readonly question: Question
  readonly entities: KnownEntities
}

/**
 * What `cedarOf` writes as JSON, as the values it is read into: tokens are asked about too often to write and read them
 * each time. A test holds the two to each other.
 */
export function valuesOf(set: PolicySet, question: TokenQuestion): Parsed<TokenValues> {
  return reading(() => asValues(set, question))
}

function asValues(set: PolicySet, question: TokenQuestion): TokenValues {
  const { moment, client, asked } = question
  const parts = partsOf(asked)
  const principal = clientEntity(client)
  const resource = accessEntity(parts)
  const own = new Map([
    [principal.uid.key, principal],
    [resource.uid.key, resource],
  ])
  for (const holder of holdersOf(question)) own.set(holder.uid.key, holder)
  return {
    question: {
      principal: principal.uid,
      action: entityUid('Action', moment),
      resource: resource.uid,
      context: { kind: 'record', fields: contextOf(question, askedRecord(asked, parts)) },
    },
    entities: { schemaVersion: set.schemaVersion, store: layer(own, set.schema.actionEntities) },
  }
}

type Fields = Map<string, Value>
const noAttributes: ReadonlyMap<string, Value> = new Map()
const nothingAbove: ReadonlyMap<string, EntityUid> = new Map()

function clientEntity({ clientId, isPublic, isSelfRegistered, authMethod, profile }: AskingClient): Entity {
  const attributes: Fields = new Map<string, Value>([
    ['isPublic', isPublic],
    ['isSelfRegistered', isSelfRegistered],
    ['authMethod', text(authMethod)],
    ['profile', text(profile)],
  ])
  return { uid: entityUid('Client', text(clientId)), attributes, tags: noAttributes, ancestors: nothingAbove }
}

/** What is asked for, as entities: they stand in the context, and above the access. */
interface Parts {
  readonly scopes: readonly EntityUid[]
  readonly resources: readonly EntityUid[]
  readonly detailsTypes: readonly EntityUid[]
}

function partsOf({ scopes, resources, detailsTypes }: AskedAccess): Parts {
  return {
    scopes: uids('Scope', scopes),
    resources: uids('Resource', resources),
    detailsTypes: uids('DetailsType', detailsTypes),
  }
}

const access = entityUid('Access', 'asked')

function accessEntity({ scopes, resources, detailsTypes }: Parts): Entity {
  const ancestors = new Map<string, EntityUid>()
  for (const above of [scopes, resources, detailsTypes])
    for (const part of above) ancestors.set(part.key, part)
  return { uid: access, attributes: noAttributes, tags: noAttributes, ancestors }
}

const uids = (type: string, ids: readonly string[]): readonly EntityUid[] =>
  ids.map(id => entityUid(type, text(id)))

function contextOf(question: TokenQuestion, asked: Value): Fields {
  const fields: Fields = new Map<string, Value>([['asked', asked]])
  switch (question.moment) {
    case 'mint':
      fields.set('binding', text(question.binding))
      fields.set('lifetimeSeconds', whole(question.lifetimeSeconds))
      return withGrant(fields, question)
    case 'authorize':
      return withGrant(fields, question)
    case 'register':
      fields.set('grantTypes', setOf(question.grantTypes.map(text)))
      fields.set('redirectHosts', setOf(question.redirectHosts.map(text)))
      fields.set('hasSoftwareStatement', question.hasSoftwareStatement)
      fields.set('initialToken', text(question.initialToken))
      fields.set('isUpdate', question.isUpdate)
      return fields
    case 'access':
      fields.set('binding', text(question.binding))
      fields.set('operation', text(question.operation))
      fields.set('objectType', text(question.object.type))
      fields.set('objectId', text(question.object.id))
      return withUser(fields, question.user)
    default:
      return question satisfies never
  }
}

/** What a request for a grant or a token says, and a call with a token does not. */
function withGrant(
  fields: Fields,
  { approvedBy = [], attributes, risk, grantType, user }: AuthorizeQuestion | MintQuestion,
): Fields {
  if (attributes !== undefined) fields.set('attributes', holdersRecord)
  if (approvedBy.length > 0) fields.set('approvedBy', setOf(approvedBy.map(text)))
  fields.set('grantType', text(grantType))
  return withUser(withRisk(fields, risk), user)
}

const holdersRecord: Value = {
  kind: 'record',
  fields: new Map(attributeHolders.map(({ member, type }) => [member, entityUid(type, holderId)])),
}

/** Attributes are tags: their names are data, and a schema cannot name them. */
function holdersOf(question: TokenQuestion): readonly Entity[] {
  if (!isBeforeToken(question) || question.attributes === undefined) return []
  const all = Object.entries(question.attributes)
  return attributeHolders.map(({ type, holds }) => ({
    ...{ uid: entityUid(type, holderId), attributes: noAttributes, ancestors: nothingAbove },
    tags: new Map(
      all.filter(([, value]) => holds(value)).map(([name, value]) => [text(name), tagOf(value)] as const),
    ),
  }))
}

function tagOf(value: AttributeValue): Value {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return text(value)
  return typeof value === 'number' ? whole(value) : setOf(value.map(text))
}

function askedRecord({ environment, time, tier }: AskedAccess, parts: Parts): Value {
  const fields = new Map<string, Value>([
    ['environment', text(environment)],
    ['time', whole(time)],
    ['tier', text(tier)],
    ['scopes', setOf(parts.scopes)],
    ['resources', setOf(parts.resources)],
    ['detailsTypes', setOf(parts.detailsTypes)],
  ])
  return { kind: 'record', fields }
}

function withRisk(fields: Fields, risk: StatedRisk | undefined): Fields {
  if (risk === undefined) return fields
  const { score, signals, unknown } = risk
  const stated = new Map<string, Value>([
    ['score', whole(score)],
    ['signals', setOf(signals.map(({ name }) => text(name)))],
    ['unknown', setOf(unknown.map(text))],
  ])
  return fields.set('risk', { kind: 'record', fields: stated })
}

function withUser(fields: Fields, { subject, sid, acr, amr, authAgeSeconds }: StatedUser): Fields {
  fields.set('amr', setOf(amr.map(text)))
  if (subject !== undefined) fields.set('user', entityUid('User', text(subject)))
  if (sid !== undefined) fields.set('session', entityUid('Session', text(sid)))
  if (acr !== undefined) fields.set('acr', text(acr))
  if (authAgeSeconds !== undefined) fields.set('authAgeSeconds', whole(authAgeSeconds))
  return fields
}

const text = (value: string): string => stringAt(value, '$')

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new DataProblem('$', 'not a whole number')
  return value
}
