import { type ContextReads, readsOfContext } from '../cedar/context-reads.ts'
import type { CompiledPolicy } from '../cedar/evaluate.ts'
import { entityUid } from '../cedar/value.ts'
import { decide, denied } from '../decide.ts'
import type { Decision } from '../decision.ts'
import { enginesOf } from '../obligations.ts'
import { compilePolicySet, type PolicySet, type PolicySource } from '../policy-set.ts'
import type { Parsed } from '../question.ts'
import { valuesOf } from './entities.ts'
import type { TokenMoment, TokenQuestion } from './question.ts'
import { schemaBeforeAccess, tokenSchema } from './schema.ts'

/** Obligations that only a token about to be minted can meet. */
const mintOnly = ['max_lifetime', 'drop_scope', 'drop_details', 'add_claim'] as const

/**
 * Compiles policies for the questions of the authorization server. A policy with an obligation that not every moment
 * it speaks at can meet is refused: it would deny where its author meant to permit.
 */
export function compileTokenPolicies(policies: PolicySource['policies']): Parsed<PolicySet> {
  const compiled = compiledBy(tokenSchema, policies)
  if (compiled.ok || !compiledBy(schemaBeforeAccess, policies).ok) return compiled
  return { ok: false, problems: [...compiled.problems, { place: tokenSchema.name, message: newMoment }] }
}

const newMoment =
  'they fit the schema before there was the moment `access`: name the actions that each policy is for, such as ' +
  '`action in [Action::"authorize", Action::"mint"]`'

/**
 * Compiles what is stored, and perhaps decides already. A version that fits only the schema before `access` goes on
 * deciding the moments it knows, and denies that one.
 */
export function compileStoredPolicies(policies: PolicySource['policies']): Parsed<PolicySet> {
  const compiled = compiledBy(tokenSchema, policies)
  if (compiled.ok) return compiled
  const before = compiledBy(schemaBeforeAccess, policies)
  return before.ok ? before : compiled
}

function compiledBy(schema: PolicySource['schema'], policies: PolicySource['policies']): Parsed<PolicySet> {
  const compiled = compilePolicySet({ schema, policies })
  if (!compiled.ok) return compiled
  const problems = compiled.value.compiled.policies.flatMap(policy => [
    ...mintOnly
      .filter(name => policy.annotations.has(name) && !isFor(policy, 'mint'))
      .map(name => ({
        place: policy.id,
        message: `\`@${name}\` is for tokens: write \`action == Action::"mint"\``,
      })),
    ...(policy.annotations.has('remember_consent') && !isFor(policy, 'authorize')
      ? [{ place: policy.id, message: forConsent }]
      : []),
  ])
  return problems.length === 0 ? compiled : { ok: false, problems }
}

const forConsent = '`@remember_consent` is for what users allow: write `action == Action::"authorize"`'

function isFor({ scope: { action } }: CompiledPolicy, moment: TokenMoment): boolean {
  return action.entities.length > 0 && action.entities.every(({ id }) => id === moment)
}

/**
 * Whether policies look at an attribute of the context: what nobody looks at need not be found out.
 * @param moment of policies that may speak at it; without one, of all
 */
export function readsContext(set: PolicySet, attribute: string, moment?: TokenMoment): boolean {
  return readsOf(set, moment).some(reads => readsOfContext(reads, attribute))
}

/** What each policy that may speak at a moment looks at. */
export function readsOf(
  { compiled: { policies }, contextReads }: PolicySet,
  moment?: TokenMoment,
): readonly ContextReads[] {
  return policies
    .filter(policy => speaksAt(policy, moment))
    .map(({ id }) => contextReads.get(id) ?? 'everything')
}

function speaksAt({ scope: { action } }: CompiledPolicy, moment: TokenMoment | undefined): boolean {
  return (
    moment === undefined || action.entities.length === 0 || action.entities.some(({ id }) => id === moment)
  )
}

/** Remote engines that these policies may ask. */
export function askedEngines({ compiled: { policies } }: PolicySet): readonly string[] {
  return enginesOf(policies)
}

/** Asks compiled policies one question. Every error is a deny. */
export function decideToken(set: PolicySet, question: TokenQuestion): Decision {
  if (!set.schema.actions.has(entityUid('Action', question.moment).key))
    return denied(set, [
      { place: 'schema', message: `written before there was the moment \`${question.moment}\`` },
    ])
  const values = valuesOf(set, question)
  if (values.ok) return decide(set, values.value.question, values.value.entities)
  return denied(
    set,
    values.problems.map(({ place, message }) => ({ place: `question ${place}`, message })),
  )
}
