import { accept, firstRefusal, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import { phantomBytesMax } from '@holdfast/protocol/specs/holdfast-evidence/rules.ts'
import { forwardedMethods, framingRules } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import type { ApiRequest, VerifiedToken } from '@holdfast/resource-server'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import type { Route } from './apis.ts'
import type { Asked, Desk, Visit } from './desk.ts'
import type { Peer } from './peer.ts'
import { answerOf, type GatewayAnswer } from './refused.ts'
import { judgeTarget } from './route-table.ts'

/** A request that may go on: its route, who sent it, and what its token says. */
export interface Admitted {
  readonly route: Route
  readonly peer: Peer
  readonly target: string
  readonly token: VerifiedToken
  /** What the API gets in place of the client's token. */
  readonly phantom: string
}

export type Admission =
  | { readonly ok: true; readonly value: Admitted }
  | { readonly ok: false; readonly answer: GatewayAnswer }

/** Errors of those who try what is not theirs. */
const guessing: ReadonlySet<string> = new Set(['invalid_token', 'invalid_dpop_proof', 'invalid_request'])

/** Everything that is judged before an upstream hears of a request, cheap things first (HFG-6). */
export async function admit(
  asked: Asked,
  sender: Outcome<Peer>,
  desk: Desk,
  visit: Visit,
): Promise<Admission> {
  const placed = judgePlace(asked, sender, desk, visit)
  if (!placed.ok) return refused(placed, desk, visit)
  const { route, peer } = placed.value
  const failureWait = desk.failures.waitSeconds(peer.prefix, desk.limits.failuresPerMinute)
  if (failureWait > 0) return refusedUntil('gateway.failures', failureWait, desk, visit)

  const verified = await route.guard(apiRequestOf(asked, peer))
  if (!verified.ok) {
    visit.reference = verified.requestId
    visit.ruleId = verified.ruleId
    // To need a nonce, a scope or a better login is no failure, and an issuer that is down is not the client's.
    if (verified.error !== undefined && guessing.has(verified.error))
      desk.failures.count(peer.prefix, desk.limits.failuresPerMinute)
    return { ok: false, answer: verified }
  }
  const token = verified.value
  visit.reference = token.requestId
  visit.clientId = token.clientId
  const { requestsPerMinute } = route
  if (requestsPerMinute !== undefined) {
    const key = `${token.clientId}\n${route.path}`
    const callWait = desk.calls.waitSeconds(key, requestsPerMinute)
    if (callWait > 0) return refusedUntil('gateway.rate', callWait, desk, visit)
    desk.calls.count(key, requestsPerMinute)
  }
  const phantom = phantomOf(token)
  if (!phantom.ok) return refused(phantom, desk, visit)
  return { ok: true, value: { route, peer, token, phantom: phantom.value, target: asked.url ?? '' } }
}

interface Placed {
  readonly route: Route
  readonly peer: Peer
}

/** Whether the request has one reading, and which route that is. Costs no cryptography. */
function judgePlace(asked: Asked, peer: Outcome<Peer>, desk: Desk, visit: Visit): Outcome<Placed> {
  if (desk.state.inFlight > desk.limits.inFlightMax)
    return refuse('gateway.busy', ['HFG-6'], 'temporarily_unavailable', 'too many requests are under way')
  if (!peer.ok) return peer
  visit.address = peer.value.address
  const { rawHeaders, httpVersion, method = '', url = '' } = asked
  const values = (name: string): readonly string[] => headerValues(rawHeaders, name)
  const contentLength = values('content-length')
  const unclear = firstRefusal(framingRules, {
    ...{ rawHeaders, httpVersion, method, contentLength },
    host: values('host'),
    authority: desk.authority,
    transferEncoding: values('transfer-encoding'),
    contentEncoding: values('content-encoding'),
    expect: values('expect'),
    connection: values('connection'),
  })
  if (unclear !== undefined) return unclear
  const path = judgeTarget(url)
  if (!path.ok) return path
  visit.path = path.value
  const route = desk.table.find(method, path.value)
  if (!route.ok) return route
  visit.route = route.value.path
  if (Number(contentLength[0] ?? 0) > route.value.bodyBytesMax) return tooLarge(route.value)
  return accept({ route: route.value, peer: peer.value })
}

export function tooLarge({ bodyBytesMax }: Route): Refusal {
  return refuse(
    'gateway.body-size',
    ['HFG-6'],
    'invalid_request',
    `the body is longer than ${bodyBytesMax} bytes`,
  )
}

/** The JWT of a split token, or the issuer's signed answer about any other. */
function phantomOf({ signedAnswer, joinedJwt }: VerifiedToken): Outcome<string> {
  const phantom = joinedJwt ?? signedAnswer
  return phantom !== undefined && phantom.length <= phantomBytesMax
    ? accept(phantom)
    : refuse(
        'gateway.phantom',
        ['HFE-5'],
        'temporarily_unavailable',
        'the phantom token does not fit a header',
      )
}

function apiRequestOf(asked: Asked, { certificate }: Peer): ApiRequest<Asked> {
  const { rawHeaders, method = '', url = '' } = asked
  return {
    method,
    target: url,
    headers: name => headerValues(rawHeaders, name),
    isSecure: true,
    peerCertificate: certificate,
    isTokenInBody: false,
    native: asked,
  }
}

function refused(refusal: Refusal, desk: Desk, visit: Visit): Admission {
  return { ok: false, answer: refusalAnswer(refusal, desk, visit) }
}

function refusedUntil(
  ruleId: 'gateway.failures' | 'gateway.rate',
  seconds: number,
  desk: Desk,
  visit: Visit,
): Admission {
  const refusal =
    ruleId === 'gateway.rate'
      ? refuse('gateway.rate', ['HFG-6'], 'temporarily_unavailable', 'the client calls this route too often')
      : refuse('gateway.failures', ['HFG-6'], 'temporarily_unavailable', 'too many refused credentials')
  return { ok: false, answer: refusalAnswer(refusal, desk, visit, [['retry-after', String(seconds)]]) }
}

/** @param more further header fields */
export function refusalAnswer(
  refusal: Refusal,
  { explain, table }: Desk,
  visit: Visit,
  more: GatewayAnswer['headers'] = [],
): GatewayAnswer {
  visit.ruleId = refusal.ruleId
  const allow =
    refusal.ruleId === 'gateway.route-method'
      ? table.methodsOf(visit.path ?? '/')
      : refusal.ruleId === 'gateway.method'
        ? [...forwardedMethods]
        : undefined
  return answerOf(refusal, {
    reference: visit.reference,
    explain,
    more: allow === undefined ? more : [...more, ['allow', allow.join(', ')]],
  })
}
