import { type EntityLookup, type EntityStore, entitiesAt } from './cedar/entities.ts'
import { type CedarResponse, type CompiledPolicy, evaluate as evaluateCompiled } from './cedar/evaluate.ts'
import { DataProblem } from './cedar/json.ts'
import { entityProblem, isKnownBySchema, questionProblem } from './cedar/schema.ts'
import type { Decision, DecisionError } from './decision.ts'
import { isWayOut, noObligations, type Obligations, obligationsOf } from './obligations.ts'
import type { PolicySet } from './policy-set.ts'
import { type Parsed, type Question, reading } from './question.ts'

/** Principals, resources and groups, checked against a schema. Made by `prepareEntities`, reused for many questions. */
export interface Entities {
  readonly schemaVersion: string
  /** The actions of the schema stand in it, too. */
  readonly store: EntityStore
}

/**
 * Reads Cedar's JSON entities format and holds every entity to the schema. Whatever stands above an entity is given
 * with it, when something could stand above that: a group that is left out would hide a forbid.
 */
export function prepareEntities(set: PolicySet, json: unknown): Parsed<Entities> {
  return reading(() => {
    const store = entitiesAt(json)
    for (const entity of store.values()) {
      const problem = entityProblem(set.schema, entity)
      if (problem !== undefined) throw new DataProblem('$', problem)
      for (const { key, type, id } of entity.ancestors.values())
        if (!store.has(key) && (set.schema.entityTypes.get(type)?.above.size ?? 0) > 0)
          throw new DataProblem('$', `${type}::${JSON.stringify(id)} stands above others and is not given`)
    }
    return Object.freeze({
      schemaVersion: set.schemaVersion,
      store: new Map([...store, ...set.schema.actionEntities]),
    })
  })
}

/** Entities as a decision needs them: looked up, never listed. */
export interface KnownEntities {
  readonly schemaVersion: string
  readonly store: EntityLookup
}

/** What Cedar itself answers, without our rule that every error denies: to be compared with other engines. */
export function evaluate(set: PolicySet, question: Question, { store }: KnownEntities): CedarResponse {
  return evaluateCompiled(set.compiled, environmentOf(question, store))
}

function environmentOf({ principal, action, resource, context }: Question, entities: EntityLookup) {
  return { principal, action, resource, context, entities }
}

/**
 * Decides one question. Whatever goes wrong is a deny: a question the schema does not know, entities of another
 * schema or without the parties, a policy that fails, obligations that contradict each other, a bug of ours.
 */
export function decide(set: PolicySet, question: Question, entities: KnownEntities): Decision {
  try {
    if (entities.schemaVersion !== set.schemaVersion)
      return denied(set, [{ place: 'entities', message: 'they were prepared for another schema' }])
    const problem = questionProblem(set.schema, question)
    if (problem !== undefined) return denied(set, [{ place: 'question', message: problem }])
    const missing = missingParty(set, question, entities)
    if (missing !== undefined)
      return denied(set, [{ place: 'entities', message: `the ${missing} is not among them` }])
    return judged(set, evaluate(set, question, entities))
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return denied(set, [{ place: 'engine', message }])
  }
}

/** Of a party that nobody looked up the groups are not known, and a forbid for one of them would not be seen. */
function missingParty(set: PolicySet, question: Question, { store }: KnownEntities): string | undefined {
  for (const name of ['principal', 'resource'] as const)
    if (!store.has(question[name].key) && !isKnownBySchema(set.schema, question[name])) return name
  return undefined
}

function judged(set: PolicySet, response: CedarResponse): Decision {
  const { decision, determining, errors, isPermitted, by } = response
  if (errors.length > 0)
    return denied(
      set,
      errors.map(({ policyId, message }) => ({ place: policyId, message })),
    )
  const obligations = decision === 'allow' ? obligationsOf(by) : wayOut(by, isPermitted)
  if (obligations === undefined)
    return denied(set, [{ place: 'obligations', message: 'the determining policies contradict each other' }])
  return Object.freeze({
    decision: decision === 'allow' ? 'permit' : 'deny',
    determining: Object.freeze(determining),
    errors: Object.freeze([]),
    obligations,
    version: set.version,
  })
}

/** A deny names a way out only when that leads somewhere: every policy that forbids has one, and another permits. */
function wayOut(forbids: readonly CompiledPolicy[], isPermitted: boolean): Obligations | undefined {
  return isPermitted && forbids.length > 0 && forbids.every(isWayOut) ? obligationsOf(forbids) : noObligations
}

/** A deny for what could not be decided. */
export function denied(set: Pick<PolicySet, 'version'>, errors: readonly DecisionError[]): Decision {
  return Object.freeze({
    decision: 'deny',
    determining: Object.freeze([]),
    errors: Object.freeze([...errors]),
    obligations: noObligations,
    version: set.version,
  })
}
