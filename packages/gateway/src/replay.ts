import { openPostgresReplayMemory, type ReplayMemory } from '@holdfast/resource-server'
import type { GatewayOptions } from './options.ts'
import { codeOf } from './upstream.ts'

const connectionsMax = 4
const timeoutMs = 2000

export interface OpenReplay {
  /** Undefined: each API remembers in this process. */
  readonly memory: ReplayMemory | undefined
  readonly close: () => Promise<void>
}

/** @throws Error when the database that is to be shared does not answer */
export async function openReplay({
  replay,
  replayMemory,
  clock,
  entropy,
}: GatewayOptions): Promise<OpenReplay> {
  if (replay === undefined) return { memory: replayMemory, close: async () => undefined }
  if (replayMemory !== undefined) throw new TypeError('replay: there is a `replayMemory` beside it')
  if (replay.nonceSecret.byteLength < 32) throw new TypeError('replay.nonceSecret: has less than 32 bytes')
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({
    connectionString: replay.connectionString,
    max: connectionsMax,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'holdfast gateway',
  })
  // An idle connection that breaks is replaced at the next question; the question sees its own error.
  pool.on('error', () => undefined)
  try {
    const memory = await openPostgresReplayMemory({
      ...{ pool, timeoutMs },
      ...(clock && { clock }),
      ...(entropy && { entropy }),
    })
    return { memory, close: () => pool.end() }
  } catch (cause) {
    await pool.end()
    // Not its message: that may repeat what it was given, which holds a password.
    const code = codeOf(cause)
    throw new Error(`replay: the database does not answer, or the table cannot be made: \`${code}\``, {
      cause,
    })
  }
}
