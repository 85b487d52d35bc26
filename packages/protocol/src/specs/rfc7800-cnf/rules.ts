import { fail, pass, type Rule } from '../../rule.ts'

/** Proof of possession that the request itself brought, already verified. */
export interface BindingEvidence {
  /** Thumbprint of the key of a verified DPoP proof. */
  readonly jkt?: string | undefined
  /** Thumbprint of the certificate of the TLS connection. */
  readonly x5tS256?: string | undefined
}

export interface BindingInput {
  /** The `cnf` of the token as it stands there; undefined when it has none. */
  readonly cnf: unknown
  readonly evidence: BindingEvidence
  /** Whether a token without binding is refused. */
  readonly required: boolean
}

const thumbprint = /^[\w-]{43}$/

function membersOf(cnf: unknown): Readonly<Record<string, unknown>> {
  return typeof cnf === 'object' && cnf !== null ? (cnf as Readonly<Record<string, unknown>>) : {}
}

function memberOf(cnf: unknown, name: 'jkt' | 'x5t#S256'): unknown {
  const members = membersOf(cnf)
  return Object.hasOwn(members, name) ? members[name] : undefined
}

const refusedToken = (reason: string): ReturnType<typeof fail> => fail('invalid_token', reason)

/** How a token's confirmation claim must be made, whoever proves it. */
export const confirmationRules: readonly Rule<BindingInput>[] = [
  {
    id: 'cnf.required',
    clauses: ['FAPI2-SP-FINAL-5.3.4-5', 'FAPI1-ADV-6.2.1-2', 'RFC9449-7.1'],
    level: 'MUST',
    title: 'a token has a confirmation where sender constraint is demanded',
    check: ({ cnf, required }) =>
      required && cnf === undefined ? refusedToken('token is not sender-constrained') : pass,
  },
  {
    id: 'cnf.form',
    clauses: ['RFC7800-3'],
    level: 'MUST',
    title: '`cnf` is a JSON object with at least one member',
    check: ({ cnf }) => {
      if (cnf === undefined) return pass
      const isObject = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf)
      return isObject && Object.keys(cnf).length > 0
        ? pass
        : refusedToken('token `cnf` is not a filled object')
    },
  },
  {
    id: 'cnf.known',
    clauses: ['RFC7800-3.1'],
    level: 'OURS',
    title: 'every confirmation method of the token is one we can check',
    check: ({ cnf }) =>
      Object.keys(membersOf(cnf)).every(name => name === 'jkt' || name === 'x5t#S256')
        ? pass
        : refusedToken('token `cnf` has a confirmation method that is not supported'),
  },
  {
    id: 'cnf.thumbprint',
    clauses: ['RFC9449-6.1', 'RFC8705-3.1'],
    level: 'MUST',
    title: 'a confirmation is the base64url of a SHA-256 digest',
    // By presence, not by value: a member that is there and undefined would bind to nothing.
    check: ({ cnf }) =>
      Object.values(membersOf(cnf)).every(value => typeof value === 'string' && thumbprint.test(value))
        ? pass
        : refusedToken('token `cnf` is not a SHA-256 thumbprint'),
  },
]

/** RFC 9449 section 7.1: the key of the proof. */
export const jktRule: Rule<BindingInput> = {
  id: 'cnf.jkt',
  clauses: ['RFC9449-7.1', 'RFC9449-7.2', 'RFC9449-4.3-12', 'FAPI2-SP-FINAL-5.3.4-5', 'FAPI1-ADV-6.2.1-2'],
  level: 'MUST',
  title: 'a token bound to a key comes with a proof of that key',
  check: ({ cnf, evidence }) => {
    const bound = memberOf(cnf, 'jkt')
    if (bound === undefined || bound === evidence.jkt) return pass
    return refusedToken(
      evidence.jkt === undefined
        ? 'token is bound to a DPoP key and came without a proof'
        : 'token is bound to another DPoP key',
    )
  },
}
