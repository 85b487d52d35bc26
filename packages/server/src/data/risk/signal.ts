import type { RiskRules, SignalName } from '../../snapshot/risk-rules.ts'
import type { ClientFacts, SignInFacts } from './facts.ts'

/** `unknown`: what it would be judged by is not there. It adds nothing, and policies are told. */
export type Verdict = 'raised' | 'quiet' | 'unknown'

/** A slot: one thing that may speak for a risk. Pure. */
export interface Signal<Facts> {
  readonly name: SignalName
  readonly judge: (facts: Facts, rules: RiskRules) => Verdict
}

export type SignInSignal = Signal<SignInFacts>
export type ClientSignal = Signal<ClientFacts>

export function raisedIf(isRaised: boolean): Verdict {
  return isRaised ? 'raised' : 'quiet'
}
