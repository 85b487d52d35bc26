import {
  type Decision,
  factsOfDecision,
  factsOfQuestion,
  noObligations,
  policyEvents,
  type TokenQuestion,
  textsOfObligations,
} from '@holdfast/policy'
import type { Exchange } from '../../http/exchange.ts'
import type { Policies } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { AuditContext } from '../audit-of.ts'

/** How long a decision may take; what takes longer is a deny. */
export const decisionTimeoutMs = 250

/** What the policies said to one question. */
export interface Answered {
  readonly question: TokenQuestion
  readonly decision: Decision
  /** Of the version that decided. */
  readonly policies: Pick<Policies, 'name' | 'version'>
  /** What the version in the shadow said, when it would change anything. */
  readonly shadow: { readonly policies: Policies; readonly decision: Decision } | undefined
}

/** Asks the active policies, and those in their shadow beside them. Never throws: what breaks is a deny. */
export async function askPolicies(question: TokenQuestion, { issuer }: Exchange): Promise<Answered> {
  const { policies } = issuer
  const { shadow } = policies
  const [decision, beside] = await Promise.all([
    answerOf(policies, question),
    shadow && answerOf(shadow, question),
  ])
  const { name, version } = policies
  const isOther = shadow !== undefined && beside !== undefined && effectOf(beside) !== effectOf(decision)
  return {
    ...{ question, decision, policies: { name, version } },
    shadow: isOther ? { policies: shadow, decision: beside } : undefined,
  }
}

/** What a decision changes, whichever policies made it. */
export function effectOf({ decision, obligations }: Decision): string {
  return [decision, ...textsOfObligations(obligations)].join('\n')
}

function answerOf(policies: Policies, question: TokenQuestion): Decision | Promise<Decision> {
  const failed = (cause: unknown): Decision => deniedBy(policies, cause)
  try {
    const decision = policies.decide(question)
    return decision instanceof Promise ? inTime(decision).catch(failed) : decision
  } catch (cause) {
    return failed(cause)
  }
}

async function inTime(decision: Promise<Decision>): Promise<Decision> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer in ${decisionTimeoutMs} ms`)), decisionTimeoutMs)
  })
  try {
    return await Promise.race([decision, late])
  } finally {
    clearTimeout(timer)
  }
}

function deniedBy({ version }: Policies, cause: unknown): Decision {
  const message = cause instanceof Error ? cause.message : String(cause)
  const errors = [{ place: 'engine', message }]
  return { decision: 'deny', determining: [], errors, obligations: noObligations, version }
}

/**
 * The record of one moment, for the commit of what was decided; with one more when the shadow would have decided
 * otherwise.
 * @param isFollowed whether it went on; a permit whose obligations were not met did not
 */
export function recordsOf(
  { question, decision, policies, shadow }: Answered,
  isFollowed: boolean,
  context: AuditContext,
  { issuer, requestId }: Exchange,
): readonly Write[] {
  const { clientId } = question.client
  const base = {
    at: question.asked.time as AuditRecord['at'],
    issuer: issuer.url,
    requestId,
    ...context,
    clientId,
  }
  const by = { policies: policies.name, policy_version: policies.version }
  const record: AuditRecord = {
    ...{ ...base, event: policyEvents[question.moment], outcome: isFollowed ? 'accepted' : 'refused' },
    facts: { ...factsOfQuestion(question), ...by, ...factsOfDecision(decision) },
  }
  if (shadow === undefined) return [{ kind: 'append-audit', record }]
  const beside: AuditRecord = {
    ...{ ...base, event: 'policy.shadow-differs', outcome: 'accepted' },
    facts: {
      ...{ moment: question.moment, ...by, decision: decision.decision },
      ...{ obligations: textsOfObligations(decision.obligations) },
      ...{ shadow: shadow.policies.name, shadow_version: shadow.policies.version },
      ...Object.fromEntries(
        Object.entries(factsOfDecision(shadow.decision)).map(([name, value]) => [`shadow_${name}`, value]),
      ),
    },
  }
  return [
    { kind: 'append-audit', record },
    { kind: 'append-audit', record: beside },
  ]
}
