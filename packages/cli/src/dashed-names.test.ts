import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { runWith } from './testing/run.ts'

test('a reference id that begins with a dash, as one in 64 does, is one, before and behind options', async () => {
  const asked: string[] = []
  const audit: AdminApi['audit'] = async id => {
    asked.push(id)
    return { ok: true, value: { records: [] } }
  }
  const ids = ['-EFaoQKO2efB3JIzw1vQxg', '--FaoQKO2efB3JIzw1vQxg']
  for (const id of ids)
    for (const args of [
      [id, '--output', 'json'],
      ['-o', 'json', id],
      ['--', id],
    ])
      assert.equal((await runWith(['explain', ...args], { audit })).exitCode, 1)
  assert.deepEqual(asked, [ids[0], ids[0], ids[0], ids[1], ids[1], ids[1]])
  const { exitCode, err } = await runWith(['explain', '--no-such-option-at-al'])
  assert.equal(exitCode, 2)
  assert.match(err, /unknown option/)
})
