import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { RiskRules } from '../../snapshot/risk-rules.ts'
import type { FoundSighting, SightingKind, SightingRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { keptCookie } from '../interaction/cookies.ts'
import type { SignInFacts } from './facts.ts'
import { isFamiliar } from './familiar.ts'
import { deviceItemOf, riskCounters } from './recognition.ts'
import { hourOf } from './signals/unusual-hour.ts'

/** Browsers of one user; one more takes the place of the least familiar. */
export const devicesMax = 20
/** Networks of one user. */
export const networksMax = 50
/** Countries of one user. */
export const countriesMax = 20
/** Keys of one client. */
export const keysMax = 20

interface Remembering {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly subject: string
  readonly username: string
  readonly facts: SignInFacts
  readonly isConfirmed: boolean
}

/**
 * What is remembered of a user who allowed something, never of one who only knew the password. With the cookie the
 * browser is known by: it says nothing, is read by this issuer only and ends with what is remembered.
 */
export function rememberSignIn({ exchange, ports, subject, username, facts, isConfirmed }: Remembering): {
  readonly writes: readonly Write[]
  readonly cookie: Reply['headers'][number]
} {
  const { issuer } = exchange
  const { now, network, place, country, seen } = facts
  const { hash, header } = keptCookie(exchange, ports, 'device', issuer.risk.rememberDays * 86_400)
  const device = deviceItemOf(exchange, ports, subject, hash)
  const sighting = (what: SightingKind, item: string): SightingRecord => ({
    ...{ issuer: issuer.url, owner: subject, what, item, isConfirmed, seenAt: now },
    expiresAt: rememberedUntil(issuer.risk, now),
  })
  const remember = (record: SightingRecord, most: number): readonly Write[] => [
    ...forgetting(record, seen, most, issuer.risk),
    { kind: 'remember-sighting', record },
  ]
  const writes: readonly Write[] = [
    ...remember(sighting('device', device), devicesMax),
    ...(network === undefined ? [] : remember(sighting('network', network), networksMax)),
    ...(country === undefined ? [] : remember(sighting('country', country.item), countriesMax)),
    { kind: 'remember-sighting', record: sighting('hour', String(hourOf(now))) },
    ...(place === undefined
      ? []
      : [{ kind: 'remember-sighting', record: { ...sighting('place', ''), place } } as const]),
    ...(isConfirmed
      ? [{ kind: 'clear-failures', key: riskCounters(exchange, ports).failures(username) } as const]
      : []),
  ]
  return { writes, cookie: header }
}

export function rememberedUntil({ rememberDays }: RiskRules, now: EpochSeconds): EpochSeconds {
  return secondsAfter(now, rememberDays * 86_400)
}

/** What makes room for one that was not seen before: strangers first, then whoever was away longest. */
export function forgetting(
  { issuer, owner, what, item, seenAt }: SightingRecord,
  seen: readonly FoundSighting[],
  most: number,
  rules: RiskRules,
): readonly Write[] {
  const others = seen.filter(one => one.what === what && one.item !== item)
  const rank = (one: FoundSighting): number => (isFamiliar(one, rules, seenAt) ? 1 : 0)
  return others
    .toSorted((left, right) => rank(left) - rank(right) || left.lastAt - right.lastAt)
    .slice(0, Math.max(0, others.length + 1 - most))
    .map(one => ({ kind: 'forget-sighting', sighting: { issuer, owner, what, item: one.item } }))
}
