import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

export const introspectionJwtTyp = 'token-introspection+jwt'
export const introspectionJwtMediaType = `application/${introspectionJwtTyp}`

/** How old a signed answer may be: it was asked for a moment ago. */
export const introspectionJwtAgeSeconds = 60

/** A signed introspection answer before its signature is looked at. */
export interface IntrospectionJwtInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly issuer: string
  /** Resource identifier of the API that asked. */
  readonly audience: string
  readonly algs: readonly JwsAlg[]
  readonly now: EpochSeconds
  readonly futureSeconds: number
}

// The answer is what is wrong, not the token: nobody is let in, and the caller may try again.
const reject = (reason: string): Verdict => fail('temporarily_unavailable', reason)

export const introspectionJwtRules: readonly Rule<IntrospectionJwtInput>[] = [
  {
    id: 'introspection-jwt.typ',
    clauses: ['RFC9701-5', 'RFC9701-8.1'],
    level: 'MUST',
    title: '`typ` is token-introspection+jwt',
    check: ({ header: { typ } }) =>
      typ === introspectionJwtTyp ? pass : reject('the signed answer is another kind of JWT'),
  },
  {
    id: 'introspection-jwt.alg',
    clauses: ['RFC9701-6', 'RFC8725-3.1'],
    level: 'MUST',
    title: '`alg` is one this API takes',
    check: ({ header: { alg }, algs }) =>
      algs.some(allowed => allowed === alg) ? pass : reject('`alg` of the signed answer is not allowed'),
  },
  {
    id: 'introspection-jwt.iss',
    clauses: ['RFC9701-5'],
    level: 'MUST',
    title: '`iss` is the issuer that was asked',
    check: ({ claims: { iss }, issuer }) =>
      iss === issuer ? pass : reject('the signed answer is of another issuer'),
  },
  {
    id: 'introspection-jwt.aud',
    clauses: ['RFC9701-5'],
    level: 'MUST',
    title: '`aud` names this API',
    check: ({ claims: { aud }, audience }) =>
      aud === audience || (Array.isArray(aud) && aud.includes(audience))
        ? pass
        : reject('the signed answer is for another API'),
  },
  {
    id: 'introspection-jwt.iat',
    clauses: ['RFC9701-5'],
    level: 'MUST',
    title: '`iat` is now: an old answer is not taken for a new one',
    check: ({ claims: { iat }, now, futureSeconds }) =>
      typeof iat === 'number' && iat <= now + futureSeconds && now - iat <= introspectionJwtAgeSeconds
        ? pass
        : reject('`iat` of the signed answer is not of this moment'),
  },
  {
    id: 'introspection-jwt.body',
    clauses: ['RFC9701-5'],
    level: 'MUST',
    title: '`token_introspection` is an object',
    check: ({ claims: { token_introspection: body } }) =>
      typeof body === 'object' && body !== null && !Array.isArray(body)
        ? pass
        : reject('the signed answer has no `token_introspection`'),
  },
]
