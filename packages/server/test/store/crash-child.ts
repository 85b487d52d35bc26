// Runs commits on a SQLite file and dies where it is told; says on stdout, at once, what was acknowledged.
// Arguments: path, mode. `point N`: every flow, one by one, killed at write point N. `together N`: every flow of
// three chains side by side, killed at write point N. `load`: until somebody kills it.
import { writeSync } from 'node:fs'
import { standingClock } from '../../src/store/contract/samples.ts'
import { openSqliteStore } from '../../src/store/drivers/sqlite.ts'
import { firstChain, flowsOf } from './flows.ts'

const [path = '', mode = '', argument = '0'] = process.argv.slice(2)
const chainsSideBySide = 16
let point = 0

const store = await openSqliteStore({
  path,
  clock: standingClock,
  beforeWrite: () => {
    if (mode !== 'load' && point++ === Number(argument)) process.kill(process.pid, 'SIGKILL')
  },
})

async function walk(name: string): Promise<void> {
  for (const flow of flowsOf(name)) {
    const result = await store.commit(flow.writes)
    if (!result.committed) throw new Error(`${name} ${flow.name}: ${result.guard} failed`)
    writeSync(1, `${name} ${flow.name}\n`)
  }
}

async function walkForEver(worker: number): Promise<void> {
  for (let round = 0; round < 1_000_000; round++) await walk(`${argument}.${worker}.${round}`)
}

if (mode === 'point') await walk(firstChain)
else if (mode === 'together') await Promise.all([firstChain, 'two', 'three'].map(walk))
else if (mode === 'load')
  await Promise.all(Array.from({ length: chainsSideBySide }, (_, n) => walkForEver(n)))
await store.close()
writeSync(1, `points ${point}\n`)
