// What a commit costs: `node packages/server/test/store/measure.ts [sqlite|postgres] [lists at once] [seconds]`.
// Each list is what a client-credentials token needs: two remembered jtis, one access token, one audit record.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EpochSeconds, type HandleHash, secondsAfter } from '@holdfast/protocol'
import { sortableTime } from '../../src/data/handle.ts'
import { accessToken, audit } from '../../src/store/contract/samples.ts'
import { openPostgresStore } from '../../src/store/drivers/postgres.ts'
import { dropSchema, newSchema, testConnectionString } from '../../src/store/drivers/postgres-for-tests.ts'
import { openSqliteStore } from '../../src/store/drivers/sqlite.ts'
import type { Write } from '../../src/store/writes.ts'

const [driver = 'sqlite', atOnceText = '32', secondsText = '4'] = process.argv.slice(2)
const atOnce = Number(atOnceText)
const milliseconds = Number(secondsText) * 1000
const directory = mkdtempSync(join(tmpdir(), 'holdfast-measure-'))
const schema = newSchema()
/** A second passes every so many lists, as on a server that does other work between commits. */
const listsPerSecond = 2000
let asked = 0
const clock = {
  now: () => (1_800_000_000 + Math.floor(asked / listsPerSecond)) as EpochSeconds,
  monotonicMs: () => performance.now(),
}
const store =
  driver === 'postgres'
    ? await openPostgresStore({ connectionString: testConnectionString, schema, clock })
    : await openSqliteStore({ path: join(directory, 'store.db'), clock })

// Random parts are made before the clock starts, as requests would bring them.
const randoms = Array.from({ length: 65_536 }, () => randomBytes(32).toString('base64url'))
let made = 0
const keyAt = (now: EpochSeconds): HandleHash => {
  made++
  // As real keys: time in front, then a digest. The counter at the end only keeps them apart.
  return `${sortableTime(now)}${randoms[(made * 7919) & 65_535]}${made.toString(36)}` as HandleHash
}
const sample = accessToken()

function tokenList(): readonly Write[] {
  asked++
  const now = clock.now()
  const expiresAt = secondsAfter(now, 300)
  const key = keyAt(now)
  return [
    { kind: 'remember-jti', what: 'client-assertion', key: keyAt(now), issuedAt: now, expiresAt },
    { kind: 'remember-jti', what: 'dpop-proof', key: keyAt(now), issuedAt: now, expiresAt },
    { kind: 'insert-access-token', record: { ...sample, hash: key, issuedAt: now, expiresAt } },
    audit(keyAt(now), keyAt(now)),
  ]
}

async function run(forMilliseconds: number): Promise<number> {
  const until = performance.now() + forMilliseconds
  let lists = 0
  while (performance.now() < until) {
    await Promise.all(Array.from({ length: atOnce }, () => store.commit(tokenList())))
    lists += atOnce
  }
  return lists
}

await run(1000)
const cpuBefore = process.cpuUsage()
const began = performance.now()
const lists = await run(milliseconds)
const cpu = process.cpuUsage(cpuBefore)
const wall = performance.now() - began
const each = (microseconds: number): string => (microseconds / lists).toFixed(1)
console.log(
  `${driver}, ${atOnce} at once: ${lists} lists, CPU ${each(cpu.user + cpu.system)} µs a list ` +
    `(user ${each(cpu.user)}, system ${each(cpu.system)}), wall ${each(wall * 1000)} µs, ` +
    `${Math.round(lists / (wall / 1000))} a second`,
)
await store.close()
if (driver === 'postgres') await dropSchema(schema)
rmSync(directory, { recursive: true })
