import type { CompiledPolicy } from '../cedar/evaluate.ts'
import { decide, denied } from '../decide.ts'
import type { Decision } from '../decision.ts'
import { enginesOf } from '../obligations.ts'
import { compilePolicySet, type PolicySet, type PolicySource } from '../policy-set.ts'
import type { Parsed } from '../question.ts'
import { valuesOf } from './entities.ts'
import type { TokenQuestion } from './question.ts'
import { tokenSchema } from './schema.ts'

/** Obligations that only a token about to be minted can meet. */
const mintOnly = ['max_lifetime', 'drop_scope', 'drop_details', 'add_claim'] as const

/**
 * Compiles policies for the questions of the authorization server. A policy with an obligation that not every moment
 * it speaks at can meet is refused: it would deny where its author meant to permit.
 */
export function compileTokenPolicies(policies: PolicySource['policies']): Parsed<PolicySet> {
  const compiled = compilePolicySet({ schema: tokenSchema, policies })
  if (!compiled.ok) return compiled
  const problems = compiled.value.compiled.policies.flatMap(policy =>
    mintOnly
      .filter(name => policy.annotations.has(name) && !isForMint(policy))
      .map(name => ({
        place: policy.id,
        message: `\`@${name}\` is for tokens: write \`action == Action::"mint"\``,
      })),
  )
  return problems.length === 0 ? compiled : { ok: false, problems }
}

function isForMint({ scope: { action } }: CompiledPolicy): boolean {
  return action.entities.length > 0 && action.entities.every(({ id }) => id === 'mint')
}

/** Remote engines that these policies may ask. */
export function askedEngines({ compiled: { policies } }: PolicySet): readonly string[] {
  return enginesOf(policies)
}

/** Asks compiled policies one question. Every error is a deny. */
export function decideToken(set: PolicySet, question: TokenQuestion): Decision {
  const values = valuesOf(set, question)
  if (values.ok) return decide(set, values.value.question, values.value.entities)
  return denied(
    set,
    values.problems.map(({ place, message }) => ({ place: `question ${place}`, message })),
  )
}
