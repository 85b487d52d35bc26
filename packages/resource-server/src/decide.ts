import { accept, type Outcome, refuse } from '@holdfast/protocol'
import { deadline, withDeadline } from './deadline.ts'
import { DecisionUnavailable } from './decision-point.ts'
import type { VerifiedToken } from './token.ts'

/** What the domain is asked: this token, this request, this very object. */
export interface Question<Native = unknown> {
  readonly token: Omit<VerifiedToken, 'policyVersion' | 'responseHeaders'>
  readonly method: string
  readonly path: string
  /** The framework's own request, to find the object in. */
  readonly request: Native
}

export interface Decision {
  readonly allow: boolean
  /** For the audit; the client never sees it. */
  readonly reason?: string
  readonly policyVersion?: string
  /** A denial that better authentication would turn: answered as a step-up challenge (RFC 9470). */
  readonly stepUp?: { readonly acrValues?: readonly string[]; readonly maxAgeSeconds?: number }
}

/** Object-level authorization. Only `true` or `allow: true` permits; a throw, a timeout and anything else deny. */
export type Decide<Native = unknown> = (
  question: Question<Native>,
) => boolean | Decision | Promise<boolean | Decision>

export interface Decided {
  readonly policyVersion: string | undefined
}

/** A refusal of the domain, with the challenge that would help. */
export type DecisionOutcome = Outcome<Decided> & Pick<Decision, 'stepUp' | 'policyVersion'>

/** Asks the domain, for at most `timeoutMs` (I24). */
export async function judgeDecision<Native>(
  decide: Decide<Native>,
  question: Question<Native>,
  timeoutMs: number,
): Promise<DecisionOutcome> {
  let answer: unknown
  try {
    answer = await withDeadline(decide(question), timeoutMs)
  } catch (cause) {
    if (cause instanceof DecisionUnavailable)
      return refuse('decision.unreachable', [], 'temporarily_unavailable', cause.message)
    const reason = cause === deadline ? 'the decision took too long' : 'the decision failed'
    return refuse('decision.unavailable', [], 'access_denied', reason)
  }
  const { allow, reason, policyVersion, stepUp } = readDecision(answer)
  const version = policyVersion === undefined ? {} : { policyVersion }
  if (allow === true) return accept({ policyVersion })
  const why = reason ?? 'the domain denied'
  return stepUp === undefined
    ? { ...refuse('decision.denied', [], 'access_denied', why), ...version }
    : {
        ...refuse('decision.step-up', ['RFC9470-3'], 'insufficient_user_authentication', why),
        ...version,
        stepUp,
      }
}

function readDecision(answer: unknown): Partial<Decision> {
  if (typeof answer === 'boolean') return { allow: answer }
  return typeof answer === 'object' && answer !== null ? (answer as Partial<Decision>) : {}
}
