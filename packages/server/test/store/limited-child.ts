// Commits until the file may not grow any more (the parent sets the limit), and says what was acknowledged and
// what the store said then.
import { writeSync } from 'node:fs'
import { accessToken, audit, jti, newHash, standingClock } from '../../src/store/contract/samples.ts'
import { openSqliteStore } from '../../src/store/drivers/sqlite.ts'

const [path = ''] = process.argv.slice(2)
// The signal's default is to end the process; ignored, the write fails as a broken disk's would.
process.on('SIGXFSZ', () => undefined)
const store = await openSqliteStore({ path, clock: standingClock })
for (let count = 0; count < 5000; count++) {
  try {
    await store.commit([
      jti(newHash()),
      { kind: 'insert-access-token', record: accessToken() },
      audit(`r-${count}`),
    ])
    writeSync(1, `acknowledged r-${count}\n`)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    writeSync(1, `${code}\n`)
    if (code === 'store.fenced') break
  }
}
