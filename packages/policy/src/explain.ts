import type { CompiledPolicy } from './cedar/evaluate.ts'
import { EvaluationError } from './cedar/evaluation-error.ts'
import { bool, type Environment } from './cedar/expression.ts'
import { type Scope, scopeMatches } from './cedar/scope.ts'
import { decide, type KnownEntities } from './decide.ts'
import type { Decision } from './decision.ts'
import type { PolicySet } from './policy-set.ts'
import type { Question } from './question.ts'

/** Why one policy had, or had no, part in a decision. */
export interface ExplainedPolicy {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  /** `decides`: it made the decision. `overridden`: it held, and policies that forbid, or that failed, made it. */
  readonly outcome: 'decides' | 'overridden' | 'other-scope' | 'condition' | 'failed'
  /** Of another scope: which part does not fit, the first one. */
  readonly part?: 'principal' | 'action' | 'resource'
  /** The first condition that does not hold, or fails; counted from 1 as they are written. */
  readonly condition?: number
  readonly kind?: 'when' | 'unless'
  readonly message?: string
  /** What it obliges to and who it is, as written. */
  readonly annotations: Readonly<Record<string, string>>
}

export interface Explanation {
  readonly decision: Decision
  /** Those that had a part first; in the order of their ids. */
  readonly policies: readonly ExplainedPolicy[]
}

/** Decides, and says of each policy why it did or did not. For people: it looks at every policy of the set. */
export function explain(set: PolicySet, question: Question, entities: KnownEntities): Explanation {
  const decision = decide(set, question, entities)
  const at: Environment = { ...question, entities: entities.store }
  const policies = set.compiled.policies.map(policy => explained(policy, at, decision))
  const isPart = ({ outcome }: ExplainedPolicy): boolean => outcome !== 'other-scope'
  return { decision, policies: [...policies.filter(isPart), ...policies.filter(one => !isPart(one))] }
}

function explained(policy: CompiledPolicy, at: Environment, { determining }: Decision): ExplainedPolicy {
  const { id, effect, scope, annotations } = policy
  const base = { id, effect, annotations: Object.fromEntries(annotations) }
  const part = (['principal', 'action', 'resource'] as const).find(name => !fits(name, scope, at))
  if (part !== undefined) return { ...base, outcome: 'other-scope', part }
  for (const [index, { holdsWhen, run }] of policy.conditions.entries()) {
    const place = { condition: index + 1, kind: holdsWhen ? 'when' : 'unless' } as const
    try {
      if (bool(run(at)) !== holdsWhen) return { ...base, outcome: 'condition', ...place }
    } catch (thrown) {
      if (!(thrown instanceof EvaluationError)) throw thrown
      return { ...base, outcome: 'failed', ...place, message: thrown.message }
    }
  }
  return { ...base, outcome: determining.includes(id) ? 'decides' : 'overridden' }
}

const everybody: Scope = {
  principal: { relation: 'any' },
  action: { relation: 'any', entities: [] },
  resource: { relation: 'any' },
}

function fits(name: keyof Scope, scope: Scope, at: Environment): boolean {
  return scopeMatches({ ...everybody, [name]: scope[name] }, at)
}
