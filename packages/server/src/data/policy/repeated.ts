import {
  type Decision,
  isBeforeToken,
  lastingFactsOf,
  passingFactsOf,
  type TokenQuestion,
} from '@holdfast/policy'
import type { Policies } from '../../snapshot/snapshot.ts'
import { commonFactsOf } from '../../store/chain.ts'
import type { AuditRecord, CommonFacts } from '../../store/records.ts'

/** What policies said, and what a record says of question and answer. */
export interface PolicyAnswer {
  readonly decision: Decision
  readonly recorded: Pick<AuditRecord, 'facts' | 'commonFacts'>
}

/** A question that others may be like. */
export interface Repeatable {
  /** Equal for questions that have the same answer. */
  readonly key: string
  /** Facts of its own. */
  readonly passing: AuditRecord['facts']
}

/** Answers kept for one version of the policies, and characters of a question that is worth keeping. */
const answersMax = 5000
const keyLengthMax = 2000

interface Kept {
  readonly decision: Decision
  readonly facts: CommonFacts
}

/** Another revision has other policies, and begins anew. */
const answers = new WeakMap<Policies, Map<string, Kept>>()

/**
 * The question, as far as policies can tell it from others: what each flow brings anew is left out, where they do not
 * look at it. The rest is all that a record tells of a question, from which it can be asked again; only of attributes
 * the record knows less.
 */
export function repeatableOf(question: TokenQuestion, policies: Policies): Repeatable | undefined {
  if (!isBeforeToken(question) || question.attributes !== undefined) return undefined
  if (!policies.ignoresPassing(question)) return undefined
  const passing = passingFactsOf(question)
  const { moment, client } = question
  const lasting = Object.values(lastingFactsOf(question))
  const key = JSON.stringify([moment, client.clientId, Object.keys(passing), lasting])
  return key.length > keyLengthMax ? undefined : { key, passing }
}

export function repeatedAnswer(policies: Policies, { key, passing }: Repeatable): PolicyAnswer | undefined {
  const known = answers.get(policies)?.get(key)
  return known && { decision: known.decision, recorded: { facts: passing, commonFacts: known.facts } }
}

/** @returns the answer as it will be found, its facts written out once for all records */
export function rememberAnswer(
  policies: Policies,
  { key, passing }: Repeatable,
  { decision, recorded }: PolicyAnswer,
): PolicyAnswer {
  const known = answers.get(policies) ?? new Map<string, Kept>()
  if (known.size >= answersMax) known.clear()
  const facts = commonFactsOf(recorded.facts, Object.keys(passing))
  known.set(key, { decision, facts })
  answers.set(policies, known)
  return { decision, recorded: { facts: passing, commonFacts: facts } }
}
