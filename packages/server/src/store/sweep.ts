import type { EpochSeconds } from '@holdfast/protocol'
import { announcementKeptSeconds } from './announcements.ts'
import type { Row } from './finders.ts'
import type { SqlValue } from './statements.ts'

interface SweptTable {
  readonly name: string
  readonly key: string
  /** How long after its expiry a row still has a use. */
  readonly keptSeconds: number
}

export const jtiKeptSeconds = 60
/** An API may take a token for a minute after it expired, for its slow clock: till then its list says what it said. */
export const statusKeptSeconds = 60

/**
 * A code is kept an hour after it expired, so that a late second presentation still kills its grant; a device
 * code and a backchannel request ten minutes, so that their clients hear that they came too late. A `jti` is kept a minute longer than its window, so that a node whose clock is ahead forgets nothing that a node
 * whose clock is behind would accept.
 */
const sweptTables: readonly SweptTable[] = [
  { name: 'pushed_requests', key: 'hash', keptSeconds: 0 },
  { name: 'interactions', key: 'hash', keptSeconds: 0 },
  { name: 'sessions', key: 'hash', keptSeconds: 0 },
  { name: 'participants', key: 'key', keptSeconds: 0 },
  { name: 'logout_notices', key: 'id', keptSeconds: 0 },
  { name: 'grants', key: 'hash', keptSeconds: 0 },
  { name: 'codes', key: 'hash', keptSeconds: 3600 },
  { name: 'device_codes', key: 'hash', keptSeconds: 600 },
  { name: 'backchannel_requests', key: 'hash', keptSeconds: 600 },
  { name: 'prompts', key: 'key', keptSeconds: 0 },
  { name: 'pings', key: 'id', keptSeconds: 0 },
  { name: 'access_tokens', key: 'hash', keptSeconds: 0 },
  { name: 'status_entries', key: 'key', keptSeconds: statusKeptSeconds },
  { name: 'refresh_tokens', key: 'hash', keptSeconds: 0 },
  { name: 'initial_access_tokens', key: 'hash', keptSeconds: 0 },
  { name: 'jtis', key: 'key', keptSeconds: jtiKeptSeconds },
  { name: 'failures', key: 'key', keptSeconds: 0 },
  { name: 'verifiers', key: 'key', keptSeconds: 0 },
  { name: 'approvals', key: 'key', keptSeconds: 0 },
  { name: 'remembered_consents', key: 'key', keptSeconds: 0 },
  { name: 'sightings', key: 'key', keptSeconds: 0 },
]

const windowRowsMin = 256
const windowRowsMax = 1024
const frontWindowsMax = 16

export interface SweepStep {
  readonly text: string
  readonly values: readonly SqlValue[]
}

export interface SweepAnswer {
  readonly rows: readonly Row[]
  readonly changes: number
}

/** Where the patrol of each table goes on; one per open store. */
export type Patrol = Map<string, string>

/** A sweep of one table: asks, is told, and ends with how many rows it removed. */
export type Sweep = Generator<SweepStep, number, SweepAnswer>

/**
 * Removes rows past their last use, without an index on expiry (it would cost every insert): keys lead with
 * time, so the old rows stand in front. The front is swept as long as windows hold something dead; a patrol
 * of one window per call finds what died behind rows that live long.
 * Generators, so that one driver may answer at once and the other may wait; one per table, so that neither
 * holds a transaction over more.
 */
export function sweeps(now: EpochSeconds, limit: number, patrol: Patrol): readonly Sweep[] {
  return [
    ...sweptTables.map(table => sweepTable(table, now, limit, patrol)),
    sweepAnnouncements(now, Math.min(limit, windowRowsMax)),
  ]
}

/** Announcements stand in order of time; only their front is looked at. */
function* sweepAnnouncements(now: EpochSeconds, limit: number): Sweep {
  const { changes } = yield {
    text: `delete from revocations where sequence in (select sequence from (select sequence, at from revocations
      order by sequence limit $2) as front where at <= $1)`,
    values: [now - announcementKeptSeconds, limit],
  }
  return changes
}

function* sweepTable(table: SweptTable, now: EpochSeconds, limit: number, patrol: Patrol): Sweep {
  const rowsMax = Math.min(Math.max(limit, windowRowsMin), windowRowsMax)
  let removed = 0
  let after = ''
  for (let count = 0; count < frontWindowsMax && removed < limit; count++) {
    const window = yield* sweepWindow(table, now, after, rowsMax, limit - removed)
    removed += window.removed
    if (window.dead === 0) break
    after = window.last
  }
  if (removed >= limit) return removed
  const window = yield* sweepWindow(table, now, patrol.get(table.name) ?? '', rowsMax, limit - removed)
  patrol.set(table.name, window.seen < rowsMax ? '' : window.last)
  return removed + window.removed
}

function* sweepWindow(
  { name, key, keptSeconds }: SweptTable,
  now: EpochSeconds,
  after: string,
  rowsMax: number,
  limit: number,
): Generator<SweepStep, { seen: number; dead: number; last: string; removed: number }, SweepAnswer> {
  const deadBy = now - keptSeconds
  const { rows } = yield {
    text: `select count(*) as seen, max(${key}) as last,
      coalesce(sum(case when expires_at <= $3 then 1 else 0 end), 0) as dead
      from (select ${key}, expires_at from ${name} where ${key} > $1 order by ${key} limit $2) as front`,
    values: [after, rowsMax, deadBy],
  }
  const seen = Number(rows[0]?.seen ?? 0)
  const dead = Number(rows[0]?.dead ?? 0)
  const last = String(rows[0]?.last ?? '')
  if (dead === 0) return { seen, dead, last, removed: 0 }
  const { changes } = yield {
    text: `delete from ${name} where ${key} in (select ${key} from ${name}
      where ${key} > $1 and ${key} <= $2 and expires_at <= $3 order by ${key} limit $4)`,
    values: [after, last, deadBy, limit],
  }
  return { seen, dead, last, removed: changes }
}
