import { accept, firstRefusal, type JwsAlg, type Outcome, refuse } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  joinedToken,
  signingInputMember,
  splitClaimsRules,
  splitHalvesRules,
} from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import { tokenHeaderRules } from '@holdfast/protocol/specs/rfc9068-at-verification/rules.ts'
import type { Issuer } from './issuer.ts'
import { answerBytesMax } from './signed-answer.ts'
import { signingKeyOf } from './signing-key.ts'

export interface SplitTokenPorts {
  readonly issuer: Issuer
  readonly algs: readonly JwsAlg[]
}

/**
 * Whether what introspection gave belongs to the half that was presented: joined they are an access token of the issuer
 * that says the same. So a store that mixed up its rows, or was changed, lets nobody in.
 * @param response active
 * @returns head and payload; undefined when the token is not split
 */
export async function judgeSplitToken(
  token: string,
  response: Readonly<Record<string, unknown>>,
  { issuer, algs }: SplitTokenPorts,
): Promise<Outcome<string | undefined>> {
  const signingInput = response[signingInputMember]
  const apart = firstRefusal(splitHalvesRules, { token, signingInput })
  if (apart !== undefined) return apart
  if (typeof signingInput !== 'string') return accept(undefined)
  const whole = joinedToken(token, signingInput) ?? ''
  const jws = parseCompactJws(whole, answerBytesMax, 'temporarily_unavailable')
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const unfit = firstRefusal(tokenHeaderRules, { header, algs })
  if (unfit !== undefined) return unfit
  const key = await signingKeyOf(jws.value, issuer, algs)
  if (!key.ok) return key
  if (key.value === undefined)
    return refuse(
      'split-token.signature',
      ['HST-3'],
      'temporarily_unavailable',
      'head and payload are not those that were signed',
    )
  return firstRefusal(splitClaimsRules, { joined: claims, told: response }) ?? accept(signingInput)
}
