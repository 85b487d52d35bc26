import type { Evaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { JsonValue } from '@holdfast/protocol/wire/json.ts'
import { BoundClient } from './bound-client.ts'
import { clientParameters, type IntrospectionAuthentication } from './client-authentication.ts'
import { type DecisionPoint, DecisionUnavailable } from './decision-point.ts'
import { jsonObjectIn, UnwantedStatus } from './fetch-json.ts'
import { type GuardOptions, guardedPoint } from './guarded-decision.ts'
import { Issuer } from './issuer.ts'
import { OwnToken } from './own-token.ts'
import { type Entropy, type Fetch, requestIdsOf, systemClock, systemEntropy, systemFetch } from './ports.ts'
import { decisionBytesMax } from './remote-decision.ts'

export interface IssuerDecisionOptions extends GuardOptions {
  /** The issuer of the tokens, https. */
  readonly issuer: string
  /**
   * The client that asks: it may have the scope `access_evaluation` by client credentials, and answers for the resource
   * servers whose tokens it asks about (`introspects`).
   */
  readonly authentication: Extract<IntrospectionAuthentication, { readonly method: 'private_key_jwt' }>
  /**
   * An evaluation endpoint of the issuer that is asked in place of its policies: that of its `DecisionPoint` document,
   * `…/access/v1/evaluation`.
   */
  readonly url?: string
  /** Must tell the headers of answers: the issuer gives nonces there. */
  readonly fetch?: Fetch
  readonly entropy?: Entropy
  /** Told why the issuer's metadata could not be had. */
  readonly onAlarm?: (alarm: string, cause: unknown) => void
}

/**
 * The active policies of the issuer decide about each call, as they decided about consent and token. Asked with a token
 * of this API's own, bound to a key of this process, and a proof for each question (RFC 9449).
 * @throws TypeError that names the wrong option
 */
export function issuerDecisionPoint(options: IssuerDecisionOptions): DecisionPoint {
  const { issuer: issuerUrl, url: ownUrl, authentication, onAlarm = () => undefined } = options
  const { fetch = systemFetch, clock = systemClock, entropy = systemEntropy } = options
  if (!URL.canParse(issuerUrl) || new URL(issuerUrl).protocol !== 'https:')
    throw new TypeError(`the issuer, \`${issuerUrl}\`, is not https`)
  // A token for the issuer is shown to the issuer.
  if (ownUrl !== undefined && (!URL.canParse(ownUrl) || new URL(ownUrl).origin !== new URL(issuerUrl).origin))
    throw new TypeError(`\`${ownUrl}\` is not at the issuer`)
  const monotonicMs = clock.monotonicMs ?? (() => performance.now())
  const issuer = new Issuer({ issuer: issuerUrl, fetch, clock, onAlarm })
  const client = new BoundClient({ fetch, clock, entropy })
  const tokens = new OwnToken({
    client,
    authenticate: () => clientParameters(authentication, issuerUrl, clock, entropy),
    monotonicMs,
  })
  const requestIds = requestIdsOf(entropy)

  const ask = async (evaluation: Evaluation, timeoutMs: number): Promise<JsonValue> => {
    const endsAtMs = monotonicMs() + timeoutMs
    const known = await issuer.ready()
    if (!known.ok) throw new DecisionUnavailable('the metadata of the issuer is not at hand')
    const { policyEvaluationEndpoint, tokenEndpoint } = known.value.metadata
    const url = ownUrl ?? policyEvaluationEndpoint
    if (url === undefined || tokenEndpoint === undefined)
      throw new DecisionUnavailable('the issuer publishes no endpoint for questions about calls')
    const body = JSON.stringify(evaluation)
    const headers = { 'content-type': 'application/json', 'x-request-id': requestIds() }
    const leftMs = (): number => {
      const left = Math.ceil(endsAtMs - monotonicMs())
      // Nobody waits for the answer any more: the issuer must not record a permit that nobody used.
      if (left <= 0) throw new DecisionUnavailable('it is too late to ask')
      return left
    }
    const askWith = (token: string) =>
      client.post({ url, headers, body: () => body, token, bytesMax: decisionBytesMax, timeoutMs: leftMs })
    const token = await tokens.get(tokenEndpoint)
    let answer = await askWith(token)
    if (answer.status === 401) {
      // It was revoked, or the issuer forgot it: the next one may do.
      tokens.drop(token)
      answer = await askWith(await tokens.get(tokenEndpoint))
    }
    if (answer.status === 401 || answer.status === 403)
      throw new DecisionUnavailable(`the issuer does not answer this client: ${answer.status}`)
    if (answer.status !== 200) throw new UnwantedStatus(url, answer.status)
    return jsonObjectIn(answer.text, url)
  }
  return guardedPoint(options, ask)
}
