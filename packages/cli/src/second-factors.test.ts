import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { broken, no, runWith } from './testing/run.ts'

test('second factors of a user are listed and reset', async () => {
  const asked: unknown[] = []
  const factor = { kind: 'passkey', name: 'Phone', createdAt: 1_700_000_000 } as const
  const owner = { username: 'alice', issuer: 'i' }
  const secondFactors: AdminApi['secondFactors'] = async query => {
    asked.push(query)
    return { ok: true, value: { ...owner, secondFactors: [{ ...factor, usedAt: 1_700_000_060 }] } }
  }
  const resetSecondFactors: AdminApi['resetSecondFactors'] = async query => {
    asked.push(query)
    return { ok: true, value: { ...owner, removed: [factor], sessions: 2, reference: 'r-1' } }
  }
  const base = ['users', 'second-factor']
  const listed = await runWith([...base, 'list', 'alice', '--issuer', 'main'], { secondFactors })
  assert.match(listed.out, /passkey +Phone +added 2023-11-14T22:13:20.000Z, last used 2023-11-14T22:14:20/)
  const nothing = async () => ({ ok: true, value: { ...owner, secondFactors: [] } }) as const
  assert.match((await runWith([...base, 'list', 'alice'], { secondFactors: nothing })).out, /nothing besides/)
  const reset = await runWith([...base, 'reset', 'alice'], { resetSecondFactors })
  assert.match(reset.out, /removed passkey +Phone .*not used yet\n2 sessions ended\nreference r-1/)
  const asJson = await runWith([...base, 'reset', 'alice', '-o', 'json'], { resetSecondFactors })
  assert.equal(JSON.parse(asJson.out).sessions, 2)
  assert.deepEqual(asked, [
    { username: 'alice', issuer: 'main' },
    { username: 'alice' },
    { username: 'alice' },
  ])
  const failed = await runWith([...base, 'reset', 'alice'], { resetSecondFactors: async () => no })
  assert.equal(failed.exitCode, 1)
  assert.equal((await runWith([...base, 'list', 'alice'], { secondFactors: async () => broken })).exitCode, 3)
})
