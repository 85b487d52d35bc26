import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifyChain } from '../../src/store/chain.ts'
import { standingClock } from '../../src/store/contract/samples.ts'
import { openSqliteStore } from '../../src/store/drivers/sqlite.ts'

const child = fileURLToPath(new URL('limited-child.ts', import.meta.url))
const skip = process.platform === 'win32' ? 'file size limits are a thing of POSIX' : false

test('a write the operating system refuses acknowledges nothing and fences the store', { skip }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-limit-'))
  const path = join(directory, 'store.db')
  const script = `ulimit -f 4000; exec "${process.execPath}" "${child}" "${path}"`
  const { stdout } = await promisify(execFile)('sh', ['-c', script])
  const lines = stdout.trim().split('\n')
  assert.deepEqual(lines.slice(-2), ['store.unavailable', 'store.fenced'])
  const acknowledged = lines.slice(0, -2)
  assert.ok(acknowledged.length > 5)

  const store = await openSqliteStore({ path, clock: standingClock })
  const [chain = ''] = await store.listAuditChains()
  const records = await store.readAuditChain(chain, 0, 6000)
  assert.equal(verifyChain(records).intact, true)
  assert.deepEqual(
    records.slice(0, acknowledged.length).map(({ requestId }) => `acknowledged ${requestId}`),
    acknowledged,
  )
  // The commit whose outcome nobody knew may be there, whole, or not; nothing else may.
  assert.ok(records.length - acknowledged.length <= 1)
  await store.close()
  await rm(directory, { recursive: true })
})
