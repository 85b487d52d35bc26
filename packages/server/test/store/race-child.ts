// A node of its own over the shared PostgreSQL: told what to spend, it tries many times at once and reports.
import { accessToken, audit, standingClock } from '../../src/store/contract/samples.ts'
import { openPostgresStore } from '../../src/store/drivers/postgres.ts'
import type { Write } from '../../src/store/writes.ts'

/** Both nodes try `writes` in `tries` lists each; `isTurned` gives them in the other order. */
export interface Order {
  readonly round: number
  readonly writes: readonly Write[]
  readonly tries: number
  readonly isTurned: boolean
}

export interface Report {
  readonly wins: number
  readonly losses: number
  readonly faults: readonly string[]
}

const [connectionString = '', schema = '', node = ''] = process.argv.slice(2)
const store = await openPostgresStore({ connectionString, schema, clock: standingClock, node })

async function attempt({ round, writes, isTurned }: Order, index: number): Promise<'win' | 'loss' | string> {
  const spends = isTurned ? [...writes].reverse() : writes
  try {
    const result = await store.commit([
      ...spends,
      { kind: 'insert-access-token', record: accessToken() },
      audit(`${node}-${round}-${index}`, `round-${round}`),
    ])
    return result.committed ? 'win' : 'loss'
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown'
  }
}

process.on('message', async (order: Order) => {
  const tried = await Promise.all(Array.from({ length: order.tries }, (_, index) => attempt(order, index)))
  const report: Report = {
    wins: tried.filter(one => one === 'win').length,
    losses: tried.filter(one => one === 'loss').length,
    faults: tried.filter(one => one !== 'win' && one !== 'loss'),
  }
  process.send?.(report)
})
process.on('disconnect', () => void store.close())
process.send?.('ready')
