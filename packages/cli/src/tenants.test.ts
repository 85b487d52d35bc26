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

test('all access of a tenant ends by its name, everywhere or at one issuer', async () => {
  const asked: unknown[] = []
  const revokeTenant: AdminApi['revokeTenant'] = async request => {
    asked.push(request)
    const issuers = ['https://one.example', 'https://two.example']
    return { ok: true, value: { tenant: request.tenant, issuers, reference: 'reference-8' } }
  }
  const { out } = await run(['tenants', 'revoke', 'acme'], { revokeTenant })
  assert.match(
    out,
    /^tenant acme: .*reference-8\)\n {2}https:\/\/one\.example\n {2}https:\/\/two\.example\n$/,
  )
  const one = ['tenants', 'revoke', 'acme', '--issuer', 'main', '-o', 'json']
  assert.equal(JSON.parse((await run(one, { revokeTenant })).out).issuers.length, 2)
  assert.deepEqual(asked, [{ tenant: 'acme' }, { tenant: 'acme', issuer: 'main' }])
  assert.equal((await run(['tenants', 'revoke', 'acm'], { revokeTenant: async () => no })).exitCode, 1)
  assert.equal((await run(['tenants', 'revoke', 'acme'], { revokeTenant: async () => broken })).exitCode, 3)
})
