import { randomBytes } from 'node:crypto'
import { epochSeconds } from '@holdfast/protocol'
import { inMemoryReplayMemory, openPostgresReplayMemory, type ReplayMemory } from '@holdfast/resource-server'
import {
  dropSchema,
  newSchema,
  onServer,
  testConnectionString,
} from '@holdfast/server/store/drivers/postgres-for-tests.ts'
import pg from 'pg'

/** What it costs to remember a proof: in the process, and in a PostgreSQL that two nodes share. */

const seconds = 5
const now = () => epochSeconds(Math.floor(Date.now() / 1000))

async function measure(name: string, nodes: readonly ReplayMemory[], atOnce: number): Promise<void> {
  const took: number[] = []
  const cpuBefore = process.cpuUsage()
  const end = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: atOnce }, async (_, index) => {
      const node = nodes[index % nodes.length]
      if (node === undefined) throw new TypeError('there is no node')
      while (performance.now() < end) {
        const begun = performance.now()
        const answer = await node.remember(
          randomBytes(32).toString('base64url'),
          epochSeconds(now() + 90),
          now(),
        )
        if (answer !== 'first') throw new Error(`a new proof is \`${answer}\``)
        took.push(performance.now() - begun)
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpuBefore)
  took.sort((one, other) => one - other)
  const at = (share: number): string => (took[Math.floor(share * (took.length - 1))] ?? 0).toFixed(2)
  const perCpuSecond = Math.round(took.length / ((user + system) / 1e6))
  console.log(
    `${name}, ${atOnce} at once: ${Math.round(took.length / seconds)} per second, ${perCpuSecond} per CPU second of the node, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  )
}

const schema = newSchema()
await onServer(`create schema ${schema}`)
const pools = [1, 2].map(
  () => new pg.Pool({ connectionString: testConnectionString, options: `-c search_path=${schema}`, max: 4 }),
)
try {
  await measure(
    'in memory',
    [inMemoryReplayMemory({ completeSince: epochSeconds(0), entriesMax: 100_000_000 })],
    64,
  )
  const nodes = await Promise.all(pools.map(pool => openPostgresReplayMemory({ pool })))
  for (const atOnce of [1, 16, 64, 256]) await measure('PostgreSQL, two nodes', nodes, atOnce)
} finally {
  await Promise.all(pools.map(pool => pool.end()))
  await dropSchema(schema)
}
