import type { JsonObject } from '../cedar/json.ts'

/** The moments at which the authorization server asks. Each is an action of the schema. */
export type TokenMoment = TokenQuestion['moment']

/** Who asks for access. */
export interface AskingClient {
  readonly clientId: string
  readonly isPublic: boolean
  readonly isSelfRegistered: boolean
  /** `token_endpoint_auth_method`. */
  readonly authMethod: string
  /** Name of its own profile. */
  readonly profile: string
}

/** What is asked for, whoever asks. */
export interface AskedAccess {
  readonly environment: string
  /** Seconds since 1970. */
  readonly time: number
  /** Name of the profile that applies to all of it. */
  readonly tier: string
  readonly scopes: readonly string[]
  /** Resource identifiers. */
  readonly resources: readonly string[]
  readonly detailsTypes: readonly string[]
}

/** How the user authenticated; everything is absent where that is not known. */
export interface StatedUser {
  readonly subject: string | undefined
  readonly sid: string | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authAgeSeconds: number | undefined
}

/** One thing that speaks for a risk, and how much. */
export interface RaisedSignal {
  readonly name: string
  readonly weight: number
}

/** How risky the request looks, and why. */
export interface StatedRisk {
  /** 0 to 100. */
  readonly score: number
  readonly signals: readonly RaisedSignal[]
  /** Signals nobody could judge: what they would be judged by is not known. */
  readonly unknown: readonly string[]
}

/** What was already approved of this very request, and what is known beside it. */
interface Beside {
  /** Groups whose approval is there and fresh; absent: none. */
  readonly approvedBy?: readonly string[]
  /** Absent: no source was asked for policies. */
  readonly attributes?: Attributes
}

export interface AuthorizeQuestion extends Beside {
  readonly moment: 'authorize'
  readonly client: AskingClient
  readonly asked: AskedAccess
  readonly grantType: string
  readonly user: StatedUser & { readonly subject: string }
  /** Undefined: no policy wanted to know. */
  readonly risk: StatedRisk | undefined
}

/** What attribute sources told about the user or the client; each name stands once. */
export type Attributes = Readonly<Record<string, AttributeValue>>
export type AttributeValue = string | number | boolean | readonly string[]

export interface MintQuestion extends Beside {
  readonly moment: 'mint'
  readonly client: AskingClient
  readonly asked: AskedAccess
  readonly grantType: string
  readonly user: StatedUser
  readonly binding: string
  readonly lifetimeSeconds: number
  /** Undefined: no policy wanted to know. */
  readonly risk: StatedRisk | undefined
}

export interface RegisterQuestion {
  readonly moment: 'register'
  readonly client: AskingClient
  readonly asked: AskedAccess
  readonly grantTypes: readonly string[]
  readonly redirectHosts: readonly string[]
  readonly hasSoftwareStatement: boolean
  readonly initialToken: string
  readonly isUpdate: boolean
}

/** A call with a token that a gateway or an API verified. */
export interface AccessQuestion {
  readonly moment: 'access'
  readonly client: AskingClient
  /** What the token is for: its scopes, its audience, the types of its details. */
  readonly asked: AskedAccess
  /** As the API knows them; without a subject the client acts for itself. */
  readonly user: StatedUser
  /** What the client proved with this very request. */
  readonly binding: string
  /** What is done, in the words of the gateway or the API. */
  readonly operation: string
  /** What it is done to, in the same words. */
  readonly object: { readonly type: string; readonly id: string }
}

/** A question of the authorization server, whichever engine answers it. */
export type TokenQuestion = AuthorizeQuestion | MintQuestion | RegisterQuestion | AccessQuestion

/** Whether a token is still to come: others can approve then, and more can be found out about who asks. */
export function isBeforeToken(question: TokenQuestion): question is AuthorizeQuestion | MintQuestion {
  return question.moment === 'authorize' || question.moment === 'mint'
}

/** The question as Cedar's JSON, with the entities it needs: what `parseQuestion` and `prepareEntities` read. */
export function cedarOf(question: TokenQuestion): {
  readonly question: JsonObject
  readonly entities: readonly JsonObject[]
} {
  const { moment, client, asked } = question
  const { clientId, ...attrs } = client
  const { scopes, resources, detailsTypes, ...rest } = asked
  const principal = uid('Client', clientId)
  const resource = uid('Access', 'asked')
  const parts = [
    ...scopes.map(name => uid('Scope', name)),
    ...resources.map(audience => uid('Resource', audience)),
    ...detailsTypes.map(type => uid('DetailsType', type)),
  ]
  const refs = (type: string, ids: readonly string[]) => ids.map(id => ({ __entity: uid(type, id) }))
  return {
    question: {
      principal,
      action: uid('Action', moment),
      resource,
      context: {
        asked: {
          ...rest,
          scopes: refs('Scope', scopes),
          resources: refs('Resource', resources),
          detailsTypes: refs('DetailsType', detailsTypes),
        },
        ...contextOf(question),
      },
    },
    entities: [
      { uid: principal, attrs, parents: [] },
      { uid: resource, attrs: {}, parents: parts },
      ...attributeEntitiesOf(question),
    ],
  }
}

function contextOf(question: TokenQuestion): JsonObject {
  switch (question.moment) {
    case 'authorize':
      return {
        ...{ ...approvedOf(question), grantType: question.grantType },
        ...{ ...userOf(question.user), ...attributesOf(question), ...riskOf(question.risk) },
      }
    case 'mint': {
      const { grantType, user, binding, lifetimeSeconds, risk } = question
      return {
        ...approvedOf(question),
        ...{ grantType, ...userOf(user), binding, lifetimeSeconds },
        ...{ ...attributesOf(question), ...riskOf(risk) },
      }
    }
    case 'register': {
      const { grantTypes, redirectHosts, hasSoftwareStatement, initialToken, isUpdate } = question
      return { grantTypes, redirectHosts, hasSoftwareStatement, initialToken, isUpdate }
    }
    case 'access': {
      const { user, binding, operation, object } = question
      return { ...userOf(user), binding, operation, objectType: object.type, objectId: object.id }
    }
    default:
      return question satisfies never
  }
}

/** Which entity of the schema holds attributes of a type, as its tags, and its member of the context. */
export const attributeHolders = [
  { member: 'texts', type: 'Texts', holds: (value: AttributeValue) => typeof value === 'string' },
  { member: 'numbers', type: 'Numbers', holds: (value: AttributeValue) => typeof value === 'number' },
  { member: 'flags', type: 'Flags', holds: (value: AttributeValue) => typeof value === 'boolean' },
  { member: 'lists', type: 'Lists', holds: (value: AttributeValue) => typeof value === 'object' },
] as const

/** Id of each holder: there is one of its type in a question. */
export const holderId = 'asked'

function attributesOf({ attributes }: Beside): JsonObject {
  if (attributes === undefined) return {}
  const holders = attributeHolders.map(({ member, type }) => [member, { __entity: uid(type, holderId) }])
  return { attributes: Object.fromEntries(holders) }
}

function attributeEntitiesOf(question: TokenQuestion): readonly JsonObject[] {
  if (!isBeforeToken(question) || question.attributes === undefined) return []
  const all = Object.entries(question.attributes)
  return attributeHolders.map(({ type, holds }) => ({
    ...{ uid: uid(type, holderId), attrs: {}, parents: [] },
    tags: Object.fromEntries(all.filter(([, value]) => holds(value))),
  }))
}

function approvedOf({ approvedBy = [] }: Beside): JsonObject {
  return approvedBy.length === 0 ? {} : { approvedBy }
}

function userOf({ subject, sid, acr, amr, authAgeSeconds }: StatedUser): JsonObject {
  return {
    ...(subject !== undefined && { user: { __entity: uid('User', subject) } }),
    ...(sid !== undefined && { session: { __entity: uid('Session', sid) } }),
    ...(acr !== undefined && { acr }),
    amr,
    ...(authAgeSeconds !== undefined && { authAgeSeconds }),
  }
}

function riskOf(risk: StatedRisk | undefined): JsonObject {
  return risk === undefined ? {} : { risk: riskRecord(risk) }
}

/** As policies read it: without the weights. */
export function riskRecord({ score, signals, unknown }: StatedRisk): {
  readonly score: number
  readonly signals: readonly string[]
  readonly unknown: readonly string[]
} {
  return { score, signals: signals.map(({ name }) => name), unknown }
}

const uid = (type: string, id: string) => ({ type, id })
