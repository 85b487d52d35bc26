import { fail, pass, type Rule } from '../../rule.ts'
import type { ProvenSender } from '../rfc6749-token/rules.ts'

export const tokenExchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** Who acts for whom, newest outermost (section 4.1). Only the outermost is for access decisions. */
export interface Actor {
  readonly sub: string
  readonly act?: Actor
}

/** Actors behind one token; more than that is a loop, not a chain of services. */
export const actorsMax = 4

export function actorsOf(actor: Actor | undefined): readonly string[] {
  return actor === undefined ? [] : [actor.sub, ...actorsOf(actor.act)]
}

/** What the form says, before any token is looked up. */
export interface ExchangeRequestInput {
  readonly subjectToken: string | undefined
  readonly subjectTokenType: string | undefined
  readonly actorToken: string | undefined
  readonly actorTokenType: string | undefined
  readonly requestedTokenType: string | undefined
}

export const exchangeRequestRules: readonly Rule<ExchangeRequestInput>[] = [
  {
    id: 'exchange.subject-missing',
    clauses: ['RFC8693-2.1-1'],
    level: 'MUST',
    title: 'subject_token and subject_token_type are present',
    check: ({ subjectToken, subjectTokenType }) =>
      subjectToken === undefined || subjectTokenType === undefined
        ? fail('invalid_request', '`subject_token` or `subject_token_type` is missing')
        : pass,
  },
  {
    id: 'exchange.subject-type',
    clauses: ['RFC8693-2.1-1', 'RFC8693-3'],
    level: 'MUST',
    title: 'the subject token is said to be an access token: no other kind is taken',
    check: ({ subjectTokenType }) =>
      subjectTokenType === accessTokenType
        ? pass
        : fail('invalid_request', 'this `subject_token_type` is not supported'),
  },
  {
    id: 'exchange.actor-type',
    clauses: ['RFC8693-2.1-2', 'RFC8693-3'],
    level: 'MUST',
    title: 'actor_token and actor_token_type come together, and the actor token is an access token',
    check: ({ actorToken, actorTokenType }) => {
      if ((actorToken === undefined) !== (actorTokenType === undefined))
        return fail('invalid_request', '`actor_token` and `actor_token_type` come together or not at all')
      return actorTokenType === undefined || actorTokenType === accessTokenType
        ? pass
        : fail('invalid_request', 'this `actor_token_type` is not supported')
    },
  },
  {
    id: 'exchange.requested-type',
    clauses: ['RFC8693-2.1-3', 'RFC8693-3'],
    level: 'MUST',
    title: 'what is asked for is an access token: no other kind is issued',
    check: ({ requestedTokenType }) =>
      requestedTokenType === undefined || requestedTokenType === accessTokenType
        ? pass
        : fail('invalid_request', 'this `requested_token_type` is not issued'),
  },
]

/** A presented token as it stands now. */
export interface ExchangedToken {
  readonly isActive: boolean
  /** Whom it was issued to. */
  readonly clientId: string
  readonly subject: string
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly binding: ProvenSender
  readonly act: Actor | undefined
  /** The only actor its issuer allows; undefined: policy alone decides. */
  readonly mayAct: string | undefined
}

export interface ExchangeInput {
  readonly clientId: string
  readonly isPublic: boolean
  /** What the request proves about its sender. */
  readonly sender: ProvenSender
  /** Clients whose tokens this client may exchange. */
  readonly exchangesTokensOf: readonly string[]
  /** Audiences whose tokens this client may exchange. */
  readonly exchangesTokensFor: readonly string[]
  /** Undefined: we never issued such a token. */
  readonly subject: ExchangedToken | undefined
  readonly actor: ExchangedToken | 'absent' | undefined
  /** Asked for; undefined when the parameter is absent. */
  readonly scopes: readonly string[] | undefined
  readonly clientScopes: readonly string[]
  /** How many targets the client named, or else has. */
  readonly targets: number
}

/** Scopes that speak of a user to the client the user signed in at; they never travel on. */
const identityScopes: ReadonlySet<string> = new Set(['openid', 'offline_access'])

/** What the new token may carry when nothing narrower is asked for. */
export function exchangeableScopes(subject: readonly string[], client: readonly string[]): readonly string[] {
  return subject.filter(scope => client.includes(scope) && !identityScopes.has(scope))
}

/** Who acts with the new token; undefined when a client only narrows a token of its own. */
export function newActor({ clientId, subject, actor }: ExchangeInput): string | undefined {
  if (actor !== 'absent' && actor !== undefined) return actor.subject
  return subject?.clientId === clientId ? undefined : clientId
}

function isProven(binding: ProvenSender, sender: ProvenSender): boolean {
  return (
    (binding.jkt === undefined || binding.jkt === sender.jkt) &&
    (binding.x5tS256 === undefined || binding.x5tS256 === sender.x5tS256)
  )
}

const subjectRules: readonly Rule<ExchangeInput>[] = [
  {
    id: 'exchange.subject-active',
    clauses: ['RFC8693-2.2.2-1'],
    level: 'MUST',
    title: 'the subject token is one of ours and good now',
    check: ({ subject }) =>
      subject?.isActive === true ? pass : fail('invalid_request', 'the subject token is not active'),
  },
  {
    id: 'exchange.policy',
    clauses: ['RFC8693-2.1-4'],
    level: 'MUST',
    title: 'the token is the client’s own, or its document says whose or for whom it may exchange',
    check: ({ clientId, isPublic, subject, exchangesTokensOf: of, exchangesTokensFor: to }) => {
      if (subject === undefined) return fail('invalid_request', 'the subject token is not active')
      if (subject.clientId === clientId) return pass
      const isNamed = of.includes(subject.clientId) || subject.audience.some(one => to.includes(one))
      return isNamed && !isPublic
        ? pass
        : fail('invalid_request', 'no policy lets this client exchange tokens of another')
    },
  },
  {
    id: 'exchange.subject-binding',
    clauses: [],
    level: 'OURS',
    title: 'a client proves the key its own token is bound to',
    check: ({ clientId, subject, sender }) =>
      subject === undefined || subject.clientId !== clientId || isProven(subject.binding, sender)
        ? pass
        : fail('invalid_request', 'the request does not prove the key of the subject token'),
  },
  {
    id: 'exchange.unbound',
    clauses: [],
    level: 'OURS',
    title: 'a token that was bound is exchanged only by a request that proves a key',
    check: ({ subject, sender: { jkt, x5tS256 } }) => {
      const wasBound = subject?.binding.jkt !== undefined || subject?.binding.x5tS256 !== undefined
      return wasBound && jkt === undefined && x5tS256 === undefined
        ? fail('invalid_request', 'the subject token is bound and the request proves no key')
        : pass
    },
  },
]

const actorRules: readonly Rule<ExchangeInput>[] = [
  {
    id: 'exchange.actor-active',
    clauses: ['RFC8693-2.2.2-1'],
    level: 'MUST',
    title: 'the actor token is one of ours and good now',
    check: ({ actor }) =>
      actor === 'absent' || actor?.isActive === true
        ? pass
        : fail('invalid_request', 'the actor token is not active'),
  },
  {
    id: 'exchange.actor-owner',
    clauses: [],
    level: 'OURS',
    title: 'the actor token is the client’s own, with its key proven, and acts for nobody else',
    check: ({ actor, clientId, sender }) =>
      actor === 'absent' ||
      (actor?.clientId === clientId && isProven(actor.binding, sender) && actor.act === undefined)
        ? pass
        : fail('invalid_request', 'the actor token is not this client’s own'),
  },
  {
    id: 'exchange.may-act',
    clauses: ['RFC8693-4.4'],
    level: 'MUST',
    title: 'the actor is the one the subject token allows',
    check: input => {
      const actor = newActor(input)
      const mayAct = input.subject?.mayAct
      return actor === undefined || mayAct === undefined || mayAct === actor
        ? pass
        : fail('invalid_request', 'the subject token names another actor')
    },
  },
  {
    id: 'exchange.chain',
    clauses: ['RFC8693-4.1'],
    level: 'MUST',
    title: 'at most four actors stand behind a token',
    check: input => {
      const before = actorsOf(input.subject?.act).length
      return before + (newActor(input) === undefined ? 0 : 1) <= actorsMax
        ? pass
        : fail('invalid_request', `more than ${actorsMax} actors`, { actors: before })
    },
  },
]

const targetRules: readonly Rule<ExchangeInput>[] = [
  {
    id: 'exchange.target',
    clauses: ['RFC8693-2.2.2-2'],
    level: 'MUST',
    title: 'there is a resource the new token can be for',
    check: ({ targets }) =>
      targets > 0 ? pass : fail('invalid_target', 'the client may ask for no resource'),
  },
  {
    id: 'exchange.scope',
    clauses: ['RFC8693-2.1-5', 'FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'MUST',
    title: 'every scope is one of the subject token and of the client, and none is about signing in',
    check: ({ scopes, subject, clientScopes }) => {
      const possible = exchangeableScopes(subject?.scopes ?? [], clientScopes)
      if (scopes !== undefined && !scopes.every(scope => possible.includes(scope)))
        return fail('invalid_scope', 'a scope goes beyond the subject token or the client')
      return possible.length === 0 && subject !== undefined && subject.scopes.length > 0
        ? fail('invalid_scope', 'no scope of the subject token is one the client may have')
        : pass
    },
  },
]

export const exchangeRules: readonly Rule<ExchangeInput>[] = [...subjectRules, ...actorRules, ...targetRules]
