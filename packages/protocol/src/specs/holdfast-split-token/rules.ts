import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** What a client holds begins so: a scanner of secrets finds it, and no other token of ours does. */
export const splitTokenPrefix = 'st_'
/** Member of an introspection answer: head and payload, the JWS Signing Input of RFC 7515 section 2. */
export const signingInputMember = 'jws_signing_input'

/** Prefix, six characters of time, and a signature: 64 bytes of an elliptic curve at least, ML-DSA-87 at most. */
const half = /^st_[\w-]{6}([\w-]{86,6170})$/
const twoParts = /^[\w-]+\.[\w-]+$/

/** @returns the signature in what a client holds, base64url; undefined when it is no split token */
export function splitSignatureOf(token: string): string | undefined {
  return half.exec(token)?.[1]
}

/** @returns the whole JWT, not judged; undefined when `token` is no split token */
export function joinedToken(token: string, signingInput: string): string | undefined {
  const signature = splitSignatureOf(token)
  return signature === undefined ? undefined : `${signingInput}.${signature}`
}

/** What introspection gave for a token. */
export interface SplitHalvesInput {
  readonly token: string
  readonly signingInput: unknown
}

// The answer is what is wrong, not the token: nobody is let in, and the caller may try again.
const reject = (reason: string): Verdict => fail('temporarily_unavailable', reason)

export const splitHalvesRules: readonly Rule<SplitHalvesInput>[] = [
  {
    id: 'split-token.halves',
    clauses: ['HST-2'],
    level: 'MUST',
    title: 'a signature comes back with head and payload, and no other token does',
    check: ({ token, signingInput }) => {
      if (splitSignatureOf(token) === undefined)
        return signingInput === undefined
          ? pass
          : reject('head and payload came for a token that is not split')
      return typeof signingInput === 'string' && twoParts.test(signingInput)
        ? pass
        : reject('head and payload are missing')
    },
  },
]

/** The claims of the joined token, its signature found good, and what introspection says. */
export interface SplitClaimsInput {
  readonly joined: Readonly<Record<string, unknown>>
  readonly told: Readonly<Record<string, unknown>>
}

const identifying = [
  'iss',
  'sub',
  'client_id',
  'jti',
  'iat',
  'exp',
  'scope',
  'tenant_id',
  'txn',
  'acr',
] as const
const structured = ['aud', 'cnf', 'act', 'may_act'] as const

export const splitClaimsRules: readonly Rule<SplitClaimsInput>[] = [
  {
    id: 'split-token.claims',
    clauses: ['HST-4'],
    level: 'MUST',
    title:
      'issuer, subject, client, audience, times, scope, binding and actor are those of the introspection answer',
    check: ({ joined, told }) => {
      const other =
        identifying.find(name => joined[name] !== told[name]) ??
        structured.find(name => textOf(joined[name]) !== textOf(told[name]))
      return other === undefined ? pass : reject(`\`${other}\` of the token is not what introspection says`)
    },
  },
]

/** The same text for the same value, in whatever order its members came. */
function textOf(value: unknown): string {
  return (
    JSON.stringify(value, (_name, member: unknown) =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1)))
        : member,
    ) ?? ''
  )
}
