import { Breaker } from '@holdfast/protocol/breaker.ts'
import type { Evaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import { isJsonObject, type JsonValue } from '@holdfast/protocol/wire/json.ts'
import { type DecisionPoint, DecisionUnavailable } from './decision-point.ts'
import { fetchJsonObject, UnwantedStatus } from './fetch-json.ts'
import {
  type Clock,
  type Entropy,
  type Fetch,
  requestIdsOf,
  systemClock,
  systemEntropy,
  systemFetch,
} from './ports.ts'

export interface RemoteOptions {
  /** URL of the evaluation endpoint, or of OPA's document, https. */
  readonly url: string
  /** Headers of each request, e.g. the access token this API presents; asked for each time. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** Longest wait for one answer, 1 to 10 000 ms; default 500. */
  readonly timeoutMs?: number
  /** After so many failures in a row nobody waits any more, 1 to 100; default 5. */
  readonly failuresMax?: number
  /** How long then nobody is asked, 100 to 60 000 ms; default 2000. After it one question is let through. */
  readonly pauseMs?: number
  readonly fetch?: Fetch
  readonly clock?: Clock
  readonly entropy?: Entropy
}

const answerBytesMax = 262_144
/**
 * Statuses of an answer to this one question: denied. Whoever names an object can have one that is too long, and must
 * not close the way to the decision point for everybody.
 */
const ofQuestion: ReadonlySet<number> = new Set([400, 413])

/**
 * Any AuthZEN 1.0 decision point. Nothing is remembered: each question is asked.
 * @throws TypeError that names the wrong option
 */
export function remoteDecisionPoint(options: RemoteOptions): DecisionPoint {
  return remote(
    options,
    evaluation => evaluation,
    answer => answer,
  )
}

/**
 * Open Policy Agent by its REST API, `POST /v1/data/<path>`: the evaluation is `input`; the document is `true` or `false`, or
 * an AuthZEN answer. A document that is not there denies.
 * @throws TypeError that names the wrong option
 */
export function remoteOpa(options: RemoteOptions): DecisionPoint {
  return remote(
    options,
    evaluation => ({ input: evaluation }),
    ({ result = false }) => (typeof result === 'boolean' ? { decision: result } : result),
  )
}

function remote(
  options: RemoteOptions,
  question: (evaluation: Evaluation) => object,
  answerOf: (answer: Readonly<Record<string, JsonValue>>) => JsonValue,
): DecisionPoint {
  const {
    url,
    headers = () => ({}),
    fetch = systemFetch,
    clock = systemClock,
    entropy = systemEntropy,
  } = options
  const timeoutMs = inRange('timeoutMs', options.timeoutMs ?? 500, 1, 10_000)
  const breaker = new Breaker({
    failuresMax: inRange('failuresMax', options.failuresMax ?? 5, 1, 100),
    pauseMs: inRange('pauseMs', options.pauseMs ?? 2000, 100, 60_000),
    monotonicMs: clock.monotonicMs ?? (() => performance.now()),
  })
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new TypeError(`the URL of the decision point, \`${url}\`, is not https`)
  const requestIds = requestIdsOf(entropy)
  return {
    evaluate: async evaluation => {
      if (!breaker.mayAsk())
        throw new DecisionUnavailable('the decision point failed lately and is left alone')
      let isAnswered = false
      try {
        const answer = await fetchJsonObject({
          fetch,
          url,
          method: 'POST',
          headers: { ...(await headers()), 'content-type': 'application/json', 'x-request-id': requestIds() },
          body: JSON.stringify(question(evaluation)),
          bytesMax: answerBytesMax,
          timeoutMs,
        })
        const read = answerOf(answer)
        isAnswered = isJsonObject(read) && typeof read.decision === 'boolean'
        return read
      } catch (cause) {
        isAnswered = cause instanceof UnwantedStatus && ofQuestion.has(cause.status)
        if (isAnswered)
          return { decision: false, context: { error: { message: 'the question was refused' } } }
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
