import { accept, type ClientAuthenticationMethod, firstRefusal, type Outcome } from '@holdfast/protocol'
import { orderRules } from '@holdfast/protocol/specs/rfc6749-token/order-rules.ts'
import type { ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { MintOrder } from './order.ts'

export interface LintEvidence {
  readonly method: ClientAuthenticationMethod
  readonly proven: ProvenSender
  readonly hasNonce: boolean
}

/** The last look at an order. Whatever a grant forgot, nothing that breaks the effective profile is minted. */
export function lint(order: MintOrder, { method, proven, hasNonce }: LintEvidence): Outcome<MintOrder> {
  const { profile, binding, inputBinding, scopes, allowedScopes, lifetimeSeconds, accessTokenAlg } = order
  const refusal = firstRefusal(orderRules, {
    profile,
    grantType: order.grantType,
    authenticationMethod: method,
    sender: proven,
    hasNonce,
    binding,
    inputBinding,
    scopes,
    allowedScopes,
    lifetimeSeconds,
    accessTokenAlg,
    idToken: order.idToken,
    authenticationAgeSeconds: order.authTime === undefined ? undefined : order.issuedAt - order.authTime,
  })
  return refusal ?? accept(order)
}
