import type { Evaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { JsonValue } from '@holdfast/protocol/wire/json.ts'
import type { DecisionPoint } from './decision-point.ts'
import { fetchJsonObject } from './fetch-json.ts'
import { type GuardOptions, guardedPoint } from './guarded-decision.ts'
import { type Entropy, type Fetch, requestIdsOf, systemEntropy, systemFetch } from './ports.ts'

export interface RemoteOptions extends GuardOptions {
  /** URL of the evaluation endpoint, or of OPA's document, https. */
  readonly url: string
  /** Headers of each request, e.g. the access token this API presents; asked for each time. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  readonly fetch?: Fetch
  readonly entropy?: Entropy
}

/** Bytes of one answer. */
export const decisionBytesMax = 262_144

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
  const { url, headers = () => ({}), fetch = systemFetch, entropy = systemEntropy } = options
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new TypeError(`the URL of the decision point, \`${url}\`, is not https`)
  const requestIds = requestIdsOf(entropy)
  return guardedPoint(options, async (evaluation, timeoutMs) =>
    answerOf(
      await fetchJsonObject({
        ...{ fetch, url, method: 'POST' },
        headers: { ...(await headers()), 'content-type': 'application/json', 'x-request-id': requestIds() },
        body: JSON.stringify(question(evaluation)),
        ...{ bytesMax: decisionBytesMax, timeoutMs },
      }),
    ),
  )
}
