import { Breaker } from '@holdfast/protocol/breaker.ts'
import type { Evaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import { isJsonObject, type JsonValue } from '@holdfast/protocol/wire/json.ts'
import { withDeadline } from './deadline.ts'
import { type DecisionPoint, DecisionUnavailable } from './decision-point.ts'
import { UnwantedStatus } from './fetch-json.ts'
import { type Clock, systemClock } from './ports.ts'

/** How long a decision point is waited for, and when it is left alone. */
export interface GuardOptions {
  /** Longest wait for one answer, 1 to 10 000 ms; default 500. */
  readonly timeoutMs?: number
  /** After so many failures in a row nobody waits any more, 1 to 100; default 5. */
  readonly failuresMax?: number
  /** How long then nobody is asked, 100 to 60 000 ms; default 2000. After it one question is let through. */
  readonly pauseMs?: number
  readonly clock?: Clock
}

/**
 * Statuses of an answer to this one question: denied. Whoever names an object can have one that is too long, or odd, and
 * must not close the way to the decision point for everybody.
 */
const ofQuestion: ReadonlySet<number> = new Set([400, 413, 422])

/**
 * A decision point elsewhere, with a deadline over everything and a breaker. Nothing is remembered: each question is
 * asked, and what is no decision is none.
 * @param ask gives the answer of AuthZEN; throws `UnwantedStatus`, `DecisionUnavailable` or anything else
 * @throws TypeError that names the wrong option
 */
export function guardedPoint(
  options: GuardOptions,
  ask: (evaluation: Evaluation, timeoutMs: number) => Promise<JsonValue>,
): DecisionPoint {
  const { clock = systemClock } = options
  const timeoutMs = inRange('timeoutMs', options.timeoutMs ?? 500, 1, 10_000)
  const breaker = new Breaker({
    failuresMax: inRange('failuresMax', options.failuresMax ?? 5, 1, 100),
    pauseMs: inRange('pauseMs', options.pauseMs ?? 2000, 100, 60_000),
    monotonicMs: clock.monotonicMs ?? (() => performance.now()),
  })
  return {
    evaluate: async evaluation => {
      if (!breaker.mayAsk())
        throw new DecisionUnavailable('the decision point failed lately and is left alone')
      let isAnswered = false
      try {
        const answer = await withDeadline(ask(evaluation, timeoutMs), timeoutMs)
        isAnswered = isJsonObject(answer) && typeof answer.decision === 'boolean'
        return answer
      } catch (cause) {
        isAnswered = cause instanceof UnwantedStatus && ofQuestion.has(cause.status)
        if (isAnswered)
          return { decision: false, context: { error: { message: 'the question was refused' } } }
        if (cause instanceof DecisionUnavailable) throw cause
        throw new DecisionUnavailable('the decision point did not answer', { cause })
      } finally {
        breaker.saw(isAnswered)
      }
    },
  }
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most))
    throw new TypeError(`${name} is \`${value}\`, outside ${least} to ${most}`)
  return value
}
