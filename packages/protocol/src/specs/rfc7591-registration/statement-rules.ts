import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** What an operator trusts an issuer of software statements with. */
export interface StatementTrust {
  readonly maxAgeSeconds: number
  /** Claims without which its statements say too little. */
  readonly requiredClaims: readonly string[]
}

/** A decoded software statement; `hasValidSignature` was found out with the keys of its trusted issuer. */
export interface StatementInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Of the issuer that `iss` names; undefined: nobody trusts it. */
  readonly trust: StatementTrust | undefined
  readonly hasValidSignature: boolean
  readonly now: EpochSeconds
}

export const statementAlgs: readonly JwsAlg[] = ['PS256', 'ES256', 'EdDSA', 'Ed25519']

/** How far the clock of an issuer of statements may be ahead. */
const aheadSeconds = 30

const invalid = (reason: string): Verdict => fail('invalid_software_statement', reason)
const unapproved = (reason: string): Verdict => fail('unapproved_software_statement', reason)
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

export const statementRules: readonly Rule<StatementInput>[] = [
  {
    id: 'statement.issuer',
    clauses: ['RFC7591-2.3-trust'],
    level: 'MUST',
    title: 'the software statement comes from an issuer that the operator trusts',
    check: ({ claims: { iss }, trust }) => {
      if (typeof iss !== 'string' || iss === '') return invalid('the software statement has no `iss`')
      return trust === undefined
        ? unapproved('nobody here trusts the issuer of the software statement')
        : pass
    },
  },
  {
    id: 'statement.typ',
    clauses: ['RFC8725-3.11'],
    level: 'OURS',
    title: 'no other kind of JWT is a software statement',
    check: ({ header: { typ } }) =>
      typ === undefined ||
      (typeof typ === 'string' && /^(application\/)?(jwt|software-statement\+jwt)$/i.test(typ))
        ? pass
        : invalid('the software statement is another kind of JWT'),
  },
  {
    id: 'statement.signature',
    clauses: ['RFC7591-2.3-signed', 'RFC8725-3.1'],
    level: 'MUST',
    title: 'the software statement is signed with a key of its issuer, by an algorithm we take',
    check: ({ hasValidSignature }) =>
      hasValidSignature ? pass : invalid('the software statement is not signed by its issuer'),
  },
  {
    id: 'statement.time',
    clauses: ['RFC7591-2.3-signed'],
    level: 'OURS',
    title: 'the software statement was issued lately and has not expired',
    check: ({ claims: { iat, exp, nbf }, trust, now }) => {
      if (!isTime(iat)) return invalid('the software statement has no `iat`')
      if (iat > now + aheadSeconds) return invalid('the software statement is from the future')
      if (now >= iat + (trust?.maxAgeSeconds ?? 0)) return invalid('the software statement is too old')
      if (nbf !== undefined && !(isTime(nbf) && nbf <= now + aheadSeconds))
        return invalid('the software statement is not valid yet')
      return exp === undefined || (isTime(exp) && now < exp)
        ? pass
        : invalid('the software statement has expired')
    },
  },
  {
    id: 'statement.claims',
    clauses: ['RFC7591-2.3-trust'],
    level: 'OURS',
    title: 'the software statement has every claim that the operator requires of its issuer',
    check: ({ claims, trust }) => {
      const missing = trust?.requiredClaims.find(name => claims[name] === undefined)
      return missing === undefined ? pass : unapproved(`the software statement has no \`${missing}\``)
    },
  },
]
