import { fail, pass, type Rule } from '../../rule.ts'

/** What an authorization request says about the key its code is for. */
export interface CodeBindingInput {
  /** The `dpop_jkt` parameter. */
  readonly dpopJkt: string | undefined
  /** Thumbprint of a verified proof that came with the pushed request. */
  readonly proofJkt: string | undefined
}

export const codeBindingRules: readonly Rule<CodeBindingInput>[] = [
  {
    id: 'dpop-jkt.form',
    clauses: ['RFC9449-10'],
    level: 'MUST',
    title: 'dpop_jkt is the base64url form of a SHA-256 thumbprint',
    check: ({ dpopJkt }) =>
      dpopJkt === undefined || /^[A-Za-z0-9_-]{43}$/.test(dpopJkt)
        ? pass
        : fail('invalid_request', '`dpop_jkt` is not the base64url form of a SHA-256 thumbprint'),
  },
  {
    id: 'dpop-jkt.same',
    clauses: ['RFC9449-10.1', 'FAPI2-SP-FINAL-5.3.2.1-12'],
    level: 'MUST',
    title: 'a proof that comes with a pushed request is made with the key of dpop_jkt',
    check: ({ dpopJkt, proofJkt }) =>
      dpopJkt === undefined || proofJkt === undefined || dpopJkt === proofJkt
        ? pass
        : fail('invalid_dpop_proof', '`dpop_jkt` names another key than the proof'),
  },
]
