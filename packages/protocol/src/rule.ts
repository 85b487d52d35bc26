import type { ErrorCode, Refusal } from './refusal.ts'

/** RFC 2119 levels; FAPI's "shall" is MUST. `OURS` marks a rule of our own threat model. */
export type Level = 'MUST' | 'SHOULD' | 'MAY' | 'OURS'

export interface Pass {
  readonly pass: true
}

export interface Fail {
  readonly pass: false
  readonly error: ErrorCode
  readonly reason: string
  readonly facts?: Refusal['facts']
}

export type Verdict = Pass | Fail

/** One requirement, one object. `check` is pure: whatever it needs is in its input. */
export interface Rule<Input> {
  readonly id: string
  readonly clauses: readonly string[]
  readonly level: Level
  readonly title: string
  readonly check: (input: Input) => Verdict
}

export const pass: Pass = { pass: true }

export function fail(error: ErrorCode, reason: string, facts?: Refusal['facts']): Fail {
  return facts === undefined ? { pass: false, error, reason } : { pass: false, error, reason, facts }
}

/** The refusal of the first rule that fails, in table order; undefined when all pass. */
export function firstRefusal<Input>(rules: readonly Rule<Input>[], input: Input): Refusal | undefined {
  for (const rule of rules) {
    const verdict = rule.check(input)
    if (!verdict.pass) {
      const { error, reason, facts } = verdict
      return { ok: false, ruleId: rule.id, clauses: rule.clauses, error, reason, ...(facts && { facts }) }
    }
  }
  return undefined
}

/** A spoiled input and the rule that must refuse it: the table a spec room's test runs. */
export interface Refused<Input> {
  readonly name: string
  readonly input: Input
  readonly ruleId: string
}
