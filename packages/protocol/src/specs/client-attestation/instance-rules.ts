import { fail, pass, type Rule } from '../../rule.ts'

/** What a code or refresh token is bound to, and who asks; thumbprints of instance keys. */
export interface InstanceInput {
  readonly bound: string | undefined
  readonly proven: string | undefined
}

const isSame = ({ bound, proven }: InstanceInput): boolean => bound === undefined || bound === proven

export const codeInstanceRules: readonly Rule<InstanceInput>[] = [
  {
    id: 'code.instance-key',
    clauses: ['CLIENT-ATTESTATION-9.4'],
    level: 'SHOULD',
    title: 'a code is redeemed by the client instance that pushed its request',
    check: input =>
      isSame(input) ? pass : fail('invalid_grant', 'the code is bound to another instance of the client'),
  },
]

export const refreshInstanceRules: readonly Rule<InstanceInput>[] = [
  {
    id: 'refresh.instance-key',
    clauses: ['CLIENT-ATTESTATION-9.3'],
    level: 'MUST',
    title: 'a refresh token is used by the client instance it was issued to',
    check: input =>
      isSame(input)
        ? pass
        : fail('invalid_grant', 'the refresh token is bound to another instance of the client'),
  },
]
