import type { StatedRisk } from '@holdfast/policy'
import type { RiskRules } from '../../snapshot/risk-rules.ts'
import type { Signal } from './signal.ts'

/** What signals said, without weights: those that are raised, and those nobody could judge. */
export interface Judged {
  readonly signals: readonly string[]
  readonly unknown: readonly string[]
}

export function judgeSignals<Facts>(
  signals: readonly Signal<Facts>[],
  facts: Facts,
  rules: RiskRules,
): Judged {
  const verdicts = signals.map(({ name, judge }) => ({ name, verdict: judge(facts, rules) }))
  const named = (verdict: string): readonly string[] =>
    verdicts.filter(one => one.verdict === verdict).map(({ name }) => name)
  return { signals: named('raised'), unknown: named('unknown') }
}

/** Of signals that nobody had a chance to judge. */
export function unjudged(signals: readonly Signal<never>[]): Judged {
  return { signals: [], unknown: signals.map(({ name }) => name) }
}

/** Where a score ends. */
export const scoreMax = 100

/** The weights of everything raised, up to a hundred. One more signal never makes it less. */
export function scoreOf(judged: readonly Judged[], { weights }: Pick<RiskRules, 'weights'>): StatedRisk {
  const named: Readonly<Record<string, number>> = weights
  // A signal that was judged long ago and does not exist any more weighs nothing.
  const signals = judged
    .flatMap(one => one.signals)
    .toSorted()
    .map(name => ({ name, weight: Object.hasOwn(named, name) ? (named[name] ?? 0) : 0 }))
  const sum = signals.reduce((total, { weight }) => total + weight, 0)
  return {
    score: Math.min(scoreMax, sum),
    signals,
    unknown: judged.flatMap(one => one.unknown).toSorted(),
  }
}
