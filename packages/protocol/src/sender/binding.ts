import { accept, type Outcome } from '../refusal.ts'
import { firstRefusal, type Rule } from '../rule.ts'
import { type BindingInput, confirmationRules, jktRule } from '../specs/rfc7800-cnf/rules.ts'
import { certificateRule } from '../specs/rfc8705-mtls/rules.ts'

export type { BindingEvidence, BindingInput } from '../specs/rfc7800-cnf/rules.ts'

/** How a token is bound. Empty: not at all. Both: both must be proven. */
export interface SenderBinding {
  readonly jkt?: string
  readonly x5tS256?: string
}

/** The `cnf` claim (RFC 7800), in tokens and in introspection responses. */
export interface Confirmation {
  readonly jkt?: string
  readonly 'x5t#S256'?: string
}

/** Every rule between a token's `cnf` and the evidence of a request, in the order they are asked. */
export const bindingRules: readonly Rule<BindingInput>[] = [...confirmationRules, jktRule, certificateRule]

/**
 * The one place where a token's binding meets what the request proved (I9). Every confirmation of the token must be
 * proven; a confirmation we do not know is refused.
 */
export function judgeBinding(input: BindingInput): Outcome<SenderBinding> {
  return firstRefusal(bindingRules, input) ?? accept(bindingOf(input.cnf))
}

/** @param cnf a confirmation that passed every rule; own members only, so that nothing inherited binds */
function bindingOf(cnf: unknown): SenderBinding {
  const confirmation = (cnf ?? {}) as Confirmation
  return {
    ...(Object.hasOwn(confirmation, 'jkt') && { jkt: confirmation.jkt }),
    ...(Object.hasOwn(confirmation, 'x5t#S256') && { x5tS256: confirmation['x5t#S256'] }),
  }
}

/** The `cnf` a token with this binding carries; undefined when it has none. */
export function cnfOf(binding: SenderBinding): Confirmation | undefined {
  const { jkt, x5tS256 } = binding
  if (jkt === undefined && x5tS256 === undefined) return undefined
  return { ...(jkt !== undefined && { jkt }), ...(x5tS256 !== undefined && { 'x5t#S256': x5tS256 }) }
}
