import { EvaluationError, type EvaluationErrorCode } from './evaluation-error.ts'
import { bool, type Compiled, compileExpression, type Environment } from './expression.ts'
import { arrayAt, DataProblem, objectAt, onlyMembers, stringAt } from './json.ts'
import { type Scope, scopeAt, scopeMatches } from './scope.ts'
import { indexScopes, type ScopeIndex } from './scope-index.ts'

/** One policy, compiled from Cedar's JSON policy format. */
export interface CompiledPolicy {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly annotations: ReadonlyMap<string, string>
  readonly scope: Scope
  readonly conditions: readonly Condition[]
}

interface Condition {
  /** The condition holds when its expression is this. */
  readonly holdsWhen: boolean
  readonly run: Compiled['run']
}

export interface CompiledPolicies {
  /** In the order of their ids. */
  readonly policies: readonly CompiledPolicy[]
  readonly index: ScopeIndex
}

/** What Cedar answers: a policy that fails is skipped and named. */
export interface CedarResponse {
  readonly decision: 'allow' | 'deny'
  /** Ids of the policies that made the decision, sorted. */
  readonly determining: readonly string[]
  /** Sorted by policy id. */
  readonly errors: readonly PolicyError[]
  /** Whether a permit held, also when a forbid overrode it. Cedar does not tell; a way out of a deny needs it. */
  readonly isPermitted: boolean
  /** The determining policies themselves, in the order of their ids. */
  readonly by: readonly CompiledPolicy[]
}

export interface PolicyError {
  readonly policyId: string
  readonly code: EvaluationErrorCode
  readonly message: string
}

/** @throws DataProblem when the policy is not in Cedar's JSON format, or a template */
export function compilePolicy(id: string, json: unknown): CompiledPolicy {
  const object = objectAt(json, '$')
  onlyMembers(object, ['effect', 'principal', 'action', 'resource', 'conditions', 'annotations'], '$')
  const { effect } = object
  if (effect !== 'permit' && effect !== 'forbid') throw new DataProblem('$.effect', 'unknown effect')
  const annotations = Object.entries(objectAt(object.annotations ?? {}, '$.annotations')).map(
    ([name, value]) => [name, stringAt(value, `$.annotations.${name}`)] as const,
  )
  return {
    id,
    effect,
    annotations: new Map(annotations),
    scope: scopeAt(object),
    conditions: arrayAt(object.conditions, '$.conditions').map(conditionAt),
  }
}

function conditionAt(json: unknown, index: number): Condition {
  const place = `$.conditions[${index}]`
  const { kind, body } = objectAt(json, place)
  if (kind !== 'when' && kind !== 'unless') throw new DataProblem(place, 'unknown kind of condition')
  return { holdsWhen: kind === 'when', run: compileExpression(body, place).run }
}

export function collectPolicies(policies: readonly CompiledPolicy[]): CompiledPolicies {
  const sorted = policies.toSorted((left, right) => (left.id < right.id ? -1 : 1))
  return { policies: sorted, index: indexScopes(sorted.map(({ scope }) => scope)) }
}

/** Evaluates as Cedar does. Nothing is thrown for what a policy does wrong: it stands in `errors`. */
export function evaluate({ policies, index }: CompiledPolicies, at: Environment): CedarResponse {
  const permits: CompiledPolicy[] = []
  const forbids: CompiledPolicy[] = []
  const errors: PolicyError[] = []
  for (const position of index.candidates(at)) {
    const policy = policies[position]
    if (policy === undefined || !scopeMatches(policy.scope, at)) continue
    try {
      if (holds(policy, at)) (policy.effect === 'permit' ? permits : forbids).push(policy)
    } catch (thrown) {
      if (!(thrown instanceof EvaluationError)) throw thrown
      errors.push({ policyId: policy.id, code: thrown.code, message: thrown.message })
    }
  }
  const isPermitted = permits.length > 0
  const by = forbids.length > 0 ? forbids : permits
  const decision = isPermitted && forbids.length === 0 ? 'allow' : 'deny'
  return { decision, determining: by.map(({ id }) => id), errors, isPermitted, by }
}

/** Conditions in the order they are written: one that does not hold ends the policy before the next can fail. */
function holds({ conditions }: CompiledPolicy, at: Environment): boolean {
  for (const { holdsWhen, run } of conditions) if (bool(run(at)) !== holdsWhen) return false
  return true
}
