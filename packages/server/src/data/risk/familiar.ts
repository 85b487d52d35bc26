import type { EpochSeconds } from '@holdfast/protocol'
import type { RiskRules } from '../../snapshot/risk-rules.ts'
import type { FoundSighting, SightingKind } from '../../store/records.ts'
import type { Verdict } from './signal.ts'

/** Confirmed by a second factor, or seen so long ago that its owner would have noticed. */
export function isFamiliar(
  { isConfirmed, firstAt }: Pick<FoundSighting, 'isConfirmed' | 'firstAt'>,
  { settleHours }: Pick<RiskRules, 'settleHours'>,
  now: EpochSeconds,
): boolean {
  return isConfirmed || now - firstAt >= settleHours * 3600
}

/** Raised by what is none of the familiar ones; unknown where there are none yet. */
export function judgeFamiliar(
  what: SightingKind,
  item: string | undefined,
  { seen, now }: { readonly seen: readonly FoundSighting[]; readonly now: EpochSeconds },
  rules: RiskRules,
): Verdict {
  const familiar = seen.filter(one => one.what === what && isFamiliar(one, rules, now))
  if (familiar.length === 0) return 'unknown'
  return familiar.some(one => one.item === item) ? 'quiet' : 'raised'
}
