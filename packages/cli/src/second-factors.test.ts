import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi, Answer } from '@holdfast/server/control/admin-api.ts'
import { runCommandLine } from './program.ts'
import { openTerminal } from './terminal.ts'

const refused = (title: string, status: number): Answer<never> => ({
  ok: false,
  problem: { type: 'about:blank', title, status },
})
const no = refused('the documents are not valid', 422)
const broken = refused('the store is away', 503)

/** Runs a command line against the answers that the test makes up, and no others. */
async function run(
  args: readonly string[],
  answers: Partial<AdminApi>,
): Promise<{ readonly exitCode: number; readonly out: string }> {
  const texts = { out: '' }
  const composition = {
    version: '9.9.9',
    env: {},
    adminDocuments: () => undefined,
    serve: async () => 0,
    gateway: async () => 0,
    drill: async () => ({ evidence: {}, lines: [], failures: [] }),
    configuration: () => ({ ok: false, problems: [] }) as const,
    admin: async () => ({ api: answers as AdminApi, via: 'store', close: async () => {} }) as const,
  }
  const terminal = openTerminal(
    { isTTY: false, write: text => (texts.out += text) },
    { write: () => undefined },
    {},
  )
  return { exitCode: await runCommandLine(args, composition, terminal), ...texts }
}

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
  const listed = await run([...base, 'list', 'alice', '--issuer', 'main'], { secondFactors })
  assert.match(listed.out, /passkey +Phone +added 2023-11-14T22:13:20.000Z, last used 2023-11-14T22:14:20/)
  const nothing = async () => ({ ok: true, value: { ...owner, secondFactors: [] } }) as const
  assert.match((await run([...base, 'list', 'alice'], { secondFactors: nothing })).out, /nothing besides/)
  const reset = await run([...base, 'reset', 'alice'], { resetSecondFactors })
  assert.match(reset.out, /removed passkey +Phone .*not used yet\n2 sessions ended\nreference r-1/)
  const asJson = await run([...base, 'reset', 'alice', '-o', 'json'], { resetSecondFactors })
  assert.equal(JSON.parse(asJson.out).sessions, 2)
  assert.deepEqual(asked, [
    { username: 'alice', issuer: 'main' },
    { username: 'alice' },
    { username: 'alice' },
  ])
  const failed = await run([...base, 'reset', 'alice'], { resetSecondFactors: async () => no })
  assert.equal(failed.exitCode, 1)
  assert.equal((await run([...base, 'list', 'alice'], { secondFactors: async () => broken })).exitCode, 3)
})
