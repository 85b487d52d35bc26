import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'
import { type Clock, type Entropy, systemClock, systemEntropy } from './ports.ts'
import type { Remembered, ReplayMemory } from './replay.ts'

/** What is used of a pool of the `pg` package; hand in the pool itself. */
export interface PostgresPool {
  readonly query: (question: {
    readonly name: string
    readonly text: string
    readonly values: unknown[]
  }) => Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>
}

export interface PostgresReplayOptions {
  readonly pool: PostgresPool
  /** How long an answer is waited for, 100 to 5000 ms; 2000 unless said. Later is a refusal. */
  readonly timeoutMs?: number
  readonly clock?: Clock
  readonly entropy?: Entropy
}

/** Proofs that wait for the database at one time; beyond it every proof is refused. */
const waitingMax = 10_000
const batchMax = 500
const batchesMax = 4
/** How far this machine's clock may be from that of the database (threat model, section 5). */
const driftSecondsMax = 30
/** How long a proof is kept beyond its time: as long as two clocks may differ, twice. */
const keptSeconds = 60
const sweepSeconds = 30
const sweepRowsMax = 5000
const sweepRoundsMax = 100

const lifeKey = 'life'
const never = '9223372036854775807'

/**
 * Which history of the database this is. A standby that takes over, and a restore to a moment, begin a new timeline;
 * a dump that is read back is another system. A database that only reads cannot say, and fails.
 */
const history = `(select system_identifier::text from pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)`

// Whoever comes second waits: two processes that create one table at the same time would fail.
const createText = `do $$ begin
  perform pg_advisory_xact_lock(hashtext('holdfast_replay'));
  if to_regclass('holdfast_replay') is null then
    create table holdfast_replay (
      key text not null primary key, expires_at bigint not null, epoch text, since bigint, history text
    );
    create index holdfast_replay_by_end on holdfast_replay (expires_at);
  end if;
end $$`

const beginText = `insert into holdfast_replay (key, expires_at, epoch, since, history)
  select '${lifeKey}', ${never}, $1, greatest($2::bigint, ceil(extract(epoch from clock_timestamp()))::bigint), ${history}
  on conflict (key) do update set epoch = excluded.epoch, since = excluded.since, history = excluded.history
    where holdfast_replay.history <> excluded.history`

// A question of its own: the statement before does not see what another process committed beside it.
const lifeText = `select epoch, since::float8 as since from holdfast_replay where key = '${lifeKey}'`

// One statement is one transaction: what it answers is on the disk. The life stands among what is remembered, so that
// whoever empties the table takes it along.
const rememberText = `with life as (
  select epoch from holdfast_replay where key = '${lifeKey}' and epoch = $3 and history = ${history}
), added as (
  insert into holdfast_replay (key, expires_at)
  select key, expires_at from unnest($1::text[], $2::bigint[]) as given (key, expires_at)
  where exists (select 1 from life)
  order by key
  on conflict (key) do nothing
  returning key
)
select exists (select 1 from life) as alive, array(select key from added) as added,
  extract(epoch from clock_timestamp())::float8 as now, set_config('synchronous_commit', 'on', true) as durable`

// By both clocks, so that one that stepped ahead forgets nothing.
const sweepText = `with ended as (
  select key from holdfast_replay
  where expires_at < least($1::bigint, floor(extract(epoch from clock_timestamp()))::bigint) - ${keptSeconds}
  limit ${sweepRowsMax} for update skip locked
)
delete from holdfast_replay where key in (select key from ended) returning 1 as gone`

/** Since when the table was filled without a gap. */
interface Life {
  readonly epoch: string
  readonly since: EpochSeconds
}

interface Waiting {
  readonly key: string
  readonly expiresAt: EpochSeconds
  readonly now: EpochSeconds
  readonly life: Life
  readonly heard: (remembered: Remembered) => void
  readonly failed: (cause: unknown) => void
}

/**
 * A replay memory that all nodes share: one row for each proof, on the disk before anybody hears `first`. What arrives
 * together goes in one statement. A database that does not answer, only reads, is 30 s off or began anew refuses.
 * @throws Error when the database does not answer or the table can be neither found nor made
 */
export async function openPostgresReplayMemory(options: PostgresReplayOptions): Promise<ReplayMemory> {
  const { pool, timeoutMs = 2000, clock = systemClock, entropy = systemEntropy } = options
  if (!(timeoutMs >= 100 && timeoutMs <= 5000))
    throw new TypeError(`timeoutMs is \`${timeoutMs}\`, outside 100 to 5000`)
  const memory = new PostgresReplayMemory({ pool, timeoutMs, clock, entropy })
  await memory.begin()
  return memory
}

class PostgresReplayMemory implements ReplayMemory {
  readonly #options: Required<PostgresReplayOptions>
  #life: Life = { epoch: '', since: epochSeconds(0) }
  #waiting: Waiting[] = []
  #batches = 0
  #beginning: Promise<void> | undefined
  #sweptAt: number | undefined

  constructor(options: Required<PostgresReplayOptions>) {
    this.#options = options
  }

  get completeSince(): EpochSeconds {
    return this.#life.since
  }

  get epoch(): string {
    return this.#life.epoch
  }

  remember(key: string, expiresAt: EpochSeconds, now: EpochSeconds): Remembered | Promise<Remembered> {
    if (this.#waiting.length >= waitingMax) return 'full'
    // Whoever calls has judged the age of its proof by this life, so it must be this one that remembers it.
    const life = this.#life
    return new Promise((heard, failed) => {
      this.#waiting.push({ key, expiresAt, now, life, heard, failed })
      if (this.#batches < batchesMax && this.#waiting.length === 1) queueMicrotask(() => void this.#flush())
    })
  }

  /** Finds the life of the table, or begins one. */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  async #begin(): Promise<void> {
    const { clock, entropy } = this.#options
    await this.#ask('holdfast-replay-create', createText, [])
    const epoch = entropy.bytes(16).toString('base64url')
    await this.#ask('holdfast-replay-begin', beginText, [epoch, clock.now()])
    const [row] = await this.#ask('holdfast-replay-life', lifeText, [])
    if (typeof row?.epoch !== 'string' || typeof row.since !== 'number')
      throw new Error('the table of the replay memory has no life')
    this.#life = { epoch: row.epoch, since: epochSeconds(row.since) }
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0 && this.#batches < batchesMax) {
      const batch = this.#waiting.splice(0, batchMax)
      this.#batches++
      try {
        await this.#write(batch)
      } catch (cause) {
        for (const { failed } of batch) failed(cause)
      } finally {
        this.#batches--
      }
    }
  }

  async #write(all: readonly Waiting[]): Promise<void> {
    const life = this.#life
    const batch = all.filter(one => one.life === life)
    for (const { failed, ...one } of all)
      if (one.life !== life) failed(new Error('the replay memory began anew'))
    const [first] = batch
    if (first === undefined) return
    // A key that stands twice in one batch is one row: only the first of them may hear `first`.
    const unique = new Map(batch.map(({ key, expiresAt }) => [key, expiresAt] as const))
    const values = [[...unique.keys()], [...unique.values()], life.epoch]
    const [row] = await this.#ask('holdfast-replay-remember', rememberText, values).catch(
      (cause: unknown) => {
        if (codeOf(cause) === undefinedTable) return []
        throw cause
      },
    )
    if (row?.alive !== true || !Array.isArray(row.added)) {
      await this.begin()
      throw new Error('the replay memory began anew')
    }
    const { now } = first
    if (typeof row.now !== 'number' || Math.abs(row.now - now) > driftSecondsMax)
      throw new Error(`the clock is more than ${driftSecondsMax} s off that of the replay memory`)
    const added = new Set<unknown>(row.added)
    for (const { key, heard } of batch) heard(added.delete(key) ? 'first' : 'seen')
    void this.#sweep(now)
  }

  /** What nobody could show again goes; when it fails the next one does it. */
  async #sweep(now: EpochSeconds): Promise<void> {
    if (this.#sweptAt !== undefined && Math.abs(now - this.#sweptAt) < sweepSeconds) return
    this.#sweptAt = now
    try {
      for (let round = 0; round < sweepRoundsMax; round++) {
        const gone = await this.#ask('holdfast-replay-sweep', sweepText, [now])
        if (gone.length < sweepRowsMax) return
      }
    } catch {
      // The table is only longer than it must be.
    }
  }

  async #ask(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { pool, timeoutMs } = this.#options
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`\`${name}\` took too long`)), timeoutMs)
    })
    try {
      return (await Promise.race([pool.query({ name, text, values }), late])).rows
    } finally {
      clearTimeout(timer)
    }
  }
}

/** SQLSTATE of a table that is not there. */
const undefinedTable = '42P01'

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
}
