import type { Decision, TokenQuestion } from '@holdfast/policy'
import type { Checked } from '../../control/problem.ts'

/** Answers a question. What it throws, and what it does not answer in time, is a deny. */
export type Decide = (question: TokenQuestion) => Decision | Promise<Decision>

/** Policies ready to be asked. */
export interface CompiledPolicies {
  readonly decide: Decide
  /** Remote engines that a permit may ask, by name. */
  readonly asks: readonly string[]
  /** Whether they may look at `context.risk`. */
  readonly readsRisk: boolean
  /** Whether those for the moment `authorize` may look at `context.attributes`. */
  readonly readsAttributesAtAuthorize: boolean
  /** Whether the time may change what they answer, all else being equal; yes, where that is not known. */
  readonly readsTime: boolean
}

/** A slot: one kind of policies. */
export interface PolicyEngine {
  readonly name: string
  /**
   * @param document what to call the policies in a problem
   * @param policies texts by the name of their file
   */
  readonly compile: (
    document: string,
    policies: Readonly<Record<string, string>>,
  ) => Checked<CompiledPolicies>
}
