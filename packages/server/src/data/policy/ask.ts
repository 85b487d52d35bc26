import {
  type Decision,
  factsOfDecision,
  factsOfQuestion,
  noObligations,
  policyEvents,
  type RemoteVerdict,
  type TokenQuestion,
  textsOfObligations,
  withVerdicts,
} from '@holdfast/policy'
import type { Exchange } from '../../http/exchange.ts'
import { inTime } from '../../in-time.ts'
import type { RemoteEngines } from '../../ports.ts'
import type { Policies } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { AuditContext } from '../audit-of.ts'
import { type PolicyAnswer, rememberAnswer, repeatableOf, repeatedAnswer } from './repeated.ts'

/** How long a decision may take; what takes longer is a deny. */
export const decisionTimeoutMs = 250

/** What the policies said to one question. */
export interface Answered {
  readonly question: TokenQuestion
  /** After the remote engines, where the policies asked any. */
  readonly decision: Decision
  /** What a record says of question and decision; nothing of the engines. */
  readonly recorded: PolicyAnswer['recorded']
  /** What the policies permitted, and what the engines they named said to that; undefined: nobody was asked. */
  readonly remote: { readonly local: Decision; readonly verdicts: Verdicts } | undefined
  /** Of the version that decided. */
  readonly policies: Pick<Policies, 'name' | 'version'>
  /** What the version in the shadow said, when it would change anything. */
  readonly shadow: { readonly policies: Policies; readonly decision: Decision } | undefined
}

type Verdicts = ReadonlyMap<string, RemoteVerdict>

/**
 * Asks the active policies, those in their shadow beside them, and then the remote engines that a permit names. Never
 * throws: what breaks is a deny. A shadow is for comparing policies, and asks nobody else.
 */
export async function askPolicies(
  question: TokenQuestion,
  { issuer, requestId }: Exchange,
  { remoteEngines }: Asking,
): Promise<Answered> {
  const { policies } = issuer
  const { shadow } = policies
  // Both are asked before either is waited for.
  const [asking, askingBeside] = [answerOf(policies, question), shadow && answerOf(shadow, question)]
  const told = asking instanceof Promise ? await asking : asking
  const beside = (askingBeside instanceof Promise ? await askingBeside : askingBeside)?.decision
  const { name, version } = policies
  const local = told.decision
  const isOther = shadow !== undefined && beside !== undefined && effectOf(beside) !== effectOf(local)
  const verdicts =
    local.decision === 'permit' && local.obligations.ask.length > 0
      ? await verdictsOf(local.obligations.ask, question, { issuer: issuer.url, requestId }, remoteEngines)
      : undefined
  const decision = verdicts === undefined ? local : withVerdicts(local, verdicts)
  return {
    ...{ question, policies: { name, version }, decision },
    recorded: decision === local ? told.recorded : { facts: factsOf(question, policies, decision) },
    remote: verdicts && { local, verdicts },
    shadow: isOther ? { policies: shadow, decision: beside } : undefined,
  }
}

/** What policies need of the ports. */
export interface Asking {
  readonly remoteEngines: RemoteEngines
}

/** All at once; each has its own deadline, and none longer than a decision may take. */
async function verdictsOf(
  engines: readonly string[],
  question: TokenQuestion,
  from: Parameters<RemoteEngines['ask']>[2],
  remoteEngines: RemoteEngines,
): Promise<Verdicts> {
  const ask = async (engine: string): Promise<readonly [string, RemoteVerdict]> => {
    try {
      return [engine, await inTime(remoteEngines.ask(engine, question, from), decisionTimeoutMs)]
    } catch (cause) {
      return [engine, { verdict: 'failed', message: messageOf(cause) }]
    }
  }
  return new Map(await Promise.all(engines.map(ask)))
}

/** What a decision changes, whichever policies made it. */
export function effectOf({ decision, obligations }: Decision): string {
  return [decision, ...textsOfObligations(obligations)].join('\n')
}

function answerOf(policies: Policies, question: TokenQuestion): PolicyAnswer | Promise<PolicyAnswer> {
  const repeatable = repeatableOf(question, policies)
  const known = repeatable && repeatedAnswer(policies, repeatable)
  if (known !== undefined) return known
  const told = (decision: Decision): PolicyAnswer => ({
    decision,
    recorded: { facts: factsOf(question, policies, decision) },
  })
  const failed = (cause: unknown): PolicyAnswer => told(deniedBy(policies, cause))
  try {
    const decision = policies.decide(question)
    if (decision instanceof Promise) return inTime(decision, decisionTimeoutMs).then(told).catch(failed)
    const answer = told(decision)
    // What broke may hold the next time.
    if (repeatable === undefined || decision.errors.length > 0) return answer
    return rememberAnswer(policies, repeatable, answer)
  } catch (cause) {
    return failed(cause)
  }
}

function factsOf(
  question: TokenQuestion,
  { name, version }: Policies,
  decision: Decision,
): AuditRecord['facts'] {
  return {
    ...{ ...factsOfQuestion(question), policies: name, policy_version: version },
    ...factsOfDecision(decision),
  }
}

function deniedBy({ version }: Policies, cause: unknown): Decision {
  const errors = [{ place: 'engine', message: messageOf(cause) }]
  return { decision: 'deny', determining: [], errors, obligations: noObligations, version }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/**
 * What engines said, and what the policies alone had: a simulation asks policies again, and never an engine. What a
 * failed engine said of itself stands in the record of the refusal.
 */
function remoteFacts({ local, verdicts }: NonNullable<Answered['remote']>): AuditRecord['facts'] {
  return {
    local_obligations: textsOfObligations(local.obligations),
    remote: [...verdicts].map(([engine, { verdict }]) => `${engine}=${verdict}`),
  }
}

/**
 * The record of one moment, for the commit of what was decided; with one more when the shadow would have decided
 * otherwise.
 * @param isFollowed whether it went on; a permit whose obligations were not met did not
 * @param more facts of the record that are no part of the question
 */
export function recordsOf(
  { question, decision, recorded, policies, shadow, remote }: Answered,
  isFollowed: boolean,
  context: AuditContext,
  { issuer, requestId }: Exchange,
  more?: AuditRecord['facts'],
): readonly Write[] {
  const recordOf = (
    event: AuditRecord['event'],
    outcome: AuditRecord['outcome'],
    told: PolicyAnswer['recorded'],
  ): Write => {
    const at = question.asked.time as AuditRecord['at']
    const { clientId } = question.client
    const record = { at, issuer: issuer.url, event, outcome, requestId, ...context, clientId, ...told }
    return { kind: 'append-audit', record }
  }
  const written = recordOf(
    policyEvents[question.moment],
    isFollowed ? 'accepted' : 'refused',
    remote === undefined && more === undefined
      ? recorded
      : { ...recorded, facts: { ...recorded.facts, ...(remote && remoteFacts(remote)), ...more } },
  )
  if (shadow === undefined) return [written]
  // Policies beside policies, without what engines added.
  const alone = remote?.local ?? decision
  const beside = recordOf('policy.shadow-differs', 'accepted', {
    facts: {
      ...{ moment: question.moment, policies: policies.name, policy_version: policies.version },
      ...{ decision: alone.decision, obligations: textsOfObligations(alone.obligations) },
      ...{ shadow: shadow.policies.name, shadow_version: shadow.policies.version },
      ...Object.fromEntries(
        Object.entries(factsOfDecision(shadow.decision)).map(([name, value]) => [`shadow_${name}`, value]),
      ),
    },
  })
  return [written, beside]
}
