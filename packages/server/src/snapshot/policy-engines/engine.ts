import type { AuthorizeQuestion, Decision, MintQuestion, TokenQuestion } from '@holdfast/policy'
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
  /**
   * Whether time, user, session and age of the sign-in, as they are in a question, cannot change its answer; no, where
   * that is not known.
   */
  readonly ignoresPassing: (question: AuthorizeQuestion | MintQuestion) => boolean
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
