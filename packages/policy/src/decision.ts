import type { Obligations } from './obligations.ts'

/** What the policies say to one question. Frozen. */
export interface Decision {
  /** `permit` holds only together with `obligations`: who cannot meet one of them denies. */
  readonly decision: 'permit' | 'deny'
  /** Ids of the policies that made the decision, sorted; empty when nothing permitted or something failed. */
  readonly determining: readonly string[]
  /** Why it is a deny whatever the policies say. Not for the one who asked: it names policies and attributes. */
  readonly errors: readonly DecisionError[]
  readonly obligations: Obligations
  /** Content hash of the schema and policies that decided. */
  readonly version: string
}

export interface DecisionError {
  /** A policy's id, or `question`, `entities`, `obligations` or `engine`. */
  readonly place: string
  readonly message: string
}
