import type { EpochSeconds } from '@holdfast/protocol'
import type { Row } from './finders.ts'
import { ownerKey } from './owners.ts'
import type { FoundSighting, SightingKind, SightingName, SightingRecord } from './records.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

/** What was seen before. One that ended and is not swept yet begins anew. */
export const sightingStatements = {
  'remember-sighting': `insert into sightings (key, place, count, first_at, last_at, confirmed, expires_at)
    values ($1, $2, 1, $3, $3, $4, $5)
    on conflict (key) do update set
      place = excluded.place,
      count = case when sightings.expires_at <= excluded.last_at then 1 else sightings.count + 1 end,
      first_at = case when sightings.expires_at <= excluded.last_at
        then excluded.first_at else sightings.first_at end,
      confirmed = case when sightings.expires_at <= excluded.last_at or excluded.confirmed > sightings.confirmed
        then excluded.confirmed else sightings.confirmed end,
      last_at = excluded.last_at,
      expires_at = excluded.expires_at`,
  'forget-sighting': 'delete from sightings where key = $1',
  'forget-sightings': 'delete from sightings where key > $1 and key < $2',
  'list-sightings': `select key, place, count, first_at, last_at, confirmed from sightings
    where key > $1 and key < $2 and expires_at > $3 order by key limit $4`,
} as const

type OfSighting = Extract<Write, { kind: 'remember-sighting' | 'forget-sighting' | 'forget-sightings' }>

export function sightingStepOf(write: OfSighting): Step {
  switch (write.kind) {
    case 'remember-sighting': {
      const { record } = write
      const place = record.place === undefined ? '' : JSON.stringify(record.place)
      const { seenAt, isConfirmed, expiresAt } = record
      return {
        name: write.kind,
        values: [sightingKey(record), place, seenAt, isConfirmed ? 1 : 0, expiresAt],
      }
    }
    case 'forget-sighting':
      return { name: write.kind, values: [sightingKey(write.sighting)] }
    case 'forget-sightings':
      return { name: write.kind, values: sightingRange(write.issuer, write.owner) }
    default:
      return write satisfies never
  }
}

/** No part holds a line feed. */
function sightingKey({ issuer, owner, what, item }: SightingName): string {
  return `${ownerKey(issuer, owner)}\n${what}\n${item}`
}

/** The keys of all that was seen of one owner lie strictly between these. */
export function sightingRange(issuer: string, owner: string): readonly [from: string, to: string] {
  const key = ownerKey(issuer, owner)
  return [`${key}\n`, `${key}\u000b`]
}

export function sightingOf(row: Row): FoundSighting {
  const [item = '', what = ''] = String(row.key).split('\n').toReversed()
  const place = String(row.place)
  return {
    what: what as SightingKind,
    item,
    ...(place !== '' && { place: JSON.parse(place) as NonNullable<SightingRecord['place']> }),
    count: Number(row.count),
    firstAt: Number(row.first_at) as EpochSeconds,
    lastAt: Number(row.last_at) as EpochSeconds,
    isConfirmed: Number(row.confirmed) === 1,
  }
}
