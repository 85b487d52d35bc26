import { fail, pass, type Rule } from '../../rule.ts'

/** A code as typed, and what is known about the secret it belongs to. */
export interface TotpInput {
  /** As typed, spaces removed. */
  readonly code: string
  /** The time step it belongs to; undefined when to none in the window. */
  readonly step: number | undefined
  /** The last step a code was taken of. */
  readonly lastStep: number
}

export const totpRules: readonly Rule<TotpInput>[] = [
  {
    id: 'totp.format',
    clauses: ['RFC4226-5.3'],
    level: 'MUST',
    title: 'a code is six digits',
    check: ({ code }) =>
      /^[0-9]{6}$/.test(code) ? pass : fail('access_denied', 'the code is not six digits'),
  },
  {
    id: 'totp.code',
    clauses: ['RFC6238-5.2', 'RFC4226-7.4'],
    level: 'MUST',
    title: 'a code belongs to the current time step or one beside it',
    check: ({ step }) =>
      step === undefined ? fail('access_denied', 'the code belongs to no step of the window') : pass,
  },
  {
    id: 'totp.once',
    clauses: ['RFC6238-5.2-once'],
    level: 'MUST',
    title: 'a code is taken once, and none older than one that was taken',
    check: ({ step, lastStep }) =>
      step !== undefined && step <= lastStep
        ? fail('access_denied', 'a code of this step or a later one was taken before')
        : pass,
  },
]
