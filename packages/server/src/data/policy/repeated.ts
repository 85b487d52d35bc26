import type { Decision, TokenQuestion } from '@holdfast/policy'
import type { Policies } from '../../snapshot/snapshot.ts'
import { lastingFacts } from '../../store/chain.ts'
import type { AuditRecord } from '../../store/records.ts'

/** What policies said, and what a record says of question and answer. */
export interface PolicyAnswer {
  readonly decision: Decision
  readonly facts: AuditRecord['facts']
}

/** Answers kept for one version of the policies, and characters of a question that is worth keeping. */
const answersMax = 1000
const keyLengthMax = 2000

/** Another revision has other policies, and begins anew. */
const answers = new WeakMap<Policies, Map<string, PolicyAnswer>>()

/**
 * Everything policies can see of a question but its time; undefined when the same is hardly asked twice. Only a client
 * that acts for itself repeats itself: with a user come their name, their session and how long ago they signed in.
 */
export function keyOfRepeated(question: TokenQuestion, { readsTime }: Policies): string | undefined {
  if (readsTime || question.moment !== 'mint') return undefined
  const { user, risk, attributes, approvedBy } = question
  if (user.subject !== undefined || user.sid !== undefined || user.authAgeSeconds !== undefined)
    return undefined
  if (risk !== undefined || attributes !== undefined || approvedBy !== undefined) return undefined
  const { client, asked, grantType, binding, lifetimeSeconds } = question
  const key = JSON.stringify([
    ...[client.clientId, client.isPublic, client.isSelfRegistered, client.authMethod, client.profile],
    ...[asked.environment, asked.tier, asked.scopes, asked.resources, asked.detailsTypes],
    ...[grantType, user.acr, user.amr, binding, lifetimeSeconds],
  ])
  return key.length > keyLengthMax ? undefined : key
}

export function repeatedAnswer(policies: Policies, key: string): PolicyAnswer | undefined {
  return answers.get(policies)?.get(key)
}

/** @returns the answer as it will be found, its facts written out once for all records */
export function rememberAnswer(
  policies: Policies,
  key: string,
  { decision, facts }: PolicyAnswer,
): PolicyAnswer {
  const known = answers.get(policies) ?? new Map<string, PolicyAnswer>()
  if (known.size >= answersMax) known.clear()
  const repeated = { decision, facts: lastingFacts(facts) }
  known.set(key, repeated)
  answers.set(policies, known)
  return repeated
}
