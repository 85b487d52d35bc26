import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  refuse,
} from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  introspectedRules,
  type TokenClaims,
  tokenClaimsRules,
} from '@holdfast/protocol/specs/rfc9068-at-verification/rules.ts'
import { introspectionJwtRules } from '@holdfast/protocol/specs/rfc9701-introspection-jwt/rules.ts'
import type { Issuer } from './issuer.ts'
import { signingKeyOf } from './signing-key.ts'
import { factsOf, type TokenFacts } from './token.ts'

/** Longest answer of introspection that is read. */
export const answerBytesMax = 65_536

export interface SignedAnswerPorts {
  readonly issuer: Issuer
  readonly issuerUrl: string
  /** Resource identifier of the API. */
  readonly audience: string
  readonly algs: readonly JwsAlg[]
  readonly futureSeconds: number
}

/** RFC 9701: the issuer's word, for this API, of this moment; whatever is not that lets nobody in. */
export async function judgeSignedAnswer(
  text: string,
  { issuer, issuerUrl, audience, algs, futureSeconds }: SignedAnswerPorts,
  now: EpochSeconds,
): Promise<Outcome<Readonly<Record<string, unknown>>>> {
  const jws = parseCompactJws(text, answerBytesMax, 'temporarily_unavailable')
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const input = { header, claims, issuer: issuerUrl, audience, algs, now, futureSeconds }
  const refusal = firstRefusal(introspectionJwtRules, input)
  if (refusal !== undefined) return refusal
  const key = await signingKeyOf(jws.value, issuer, algs)
  return key.ok && key.value !== undefined
    ? accept(claims.token_introspection as Readonly<Record<string, unknown>>)
    : refuse(
        'introspection.unavailable',
        [],
        'temporarily_unavailable',
        'no key of the issuer made the signature of the introspection answer',
      )
}

/** What an answer says about a token of this issuer for this API. */
export function judgeIntrospected(
  response: Readonly<Record<string, unknown>>,
  issuer: string,
  audience: string,
): Outcome<TokenFacts> {
  const claims = response as TokenClaims
  const refusal =
    firstRefusal(introspectedRules, { response }) ??
    firstRefusal(tokenClaimsRules, { claims, issuer, audience })
  return refusal ?? accept(factsOf(claims, 'opaque'))
}
