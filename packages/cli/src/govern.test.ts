import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { adminOver } from '@holdfast/server/control/admin.ts'
import { serveAdminSocket } from '@holdfast/server/control/admin-socket.ts'
import { adminSocketPath } from '@holdfast/server/control/admin-socket-path.ts'
import { snapshotOfFiles } from '@holdfast/server/control/documents.ts'
import { binding, fileOf } from '@holdfast/server/control/testing/documents.ts'
import { governedDocuments } from '@holdfast/server/control/testing/governed.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { openSqliteStore } from '@holdfast/server/store/drivers/sqlite.ts'
import { adminOverSocket } from './admin-client.ts'
import type { Composition } from './composition.ts'
import { runCommandLine } from './program.ts'
import { openTerminal } from './terminal.ts'

const openapi = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Bank', version: '1' },
  paths: {
    '/accounts': {
      get: { operationId: 'list', summary: 'See accounts', security: [{ login: ['accounts'] }] },
    },
    '/accounts/{id}': { delete: { operationId: 'close', security: [{ login: ['accounts'] }] } },
  },
  components: {
    securitySchemes: {
      login: { type: 'oauth2', flows: { clientCredentials: { scopes: { accounts: 'See accounts' } } } },
    },
  },
})
const bank = {
  apiVersion: 'holdfast/v1',
  kind: 'ResourceServer',
  metadata: { name: 'bank' },
  spec: { audience: 'https://api.example', scopes: ['accounts'] },
}

async function run(args: readonly string[], admin?: Composition['admin']) {
  const texts = { out: '', err: '' }
  const terminal = openTerminal(
    { isTTY: false, write: text => (texts.out += text) },
    { write: text => (texts.err += text) },
    {},
  )
  const unused = async () => assert.fail('asks a server')
  const composition: Composition = {
    version: '9.9.9',
    ...{ serve: unused, gateway: unused, drill: unused, admin: admin ?? unused },
    configuration: () => assert.fail('reads the configuration'),
  }
  return { exitCode: await runCommandLine(args, composition, terminal), ...texts }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'govern-'))
  t.after(() => rmSync(path, { recursive: true }))
  writeFileSync(join(path, 'openapi.json'), openapi)
  return path
}

describe('holdfast govern import', () => {
  const named = ['--resource-server', 'bank', '--owner', 'accounts team']

  test('writes documents that apply takes', async t => {
    const path = folder(t)
    const out = join(path, 'bank.yaml')
    const ran = await run([
      'govern',
      'import',
      join(path, 'openapi.json'),
      ...named,
      '--with-scopes',
      '--out',
      out,
    ])
    assert.equal(ran.exitCode, 0, ran.err)
    assert.match(ran.out, /2 operations/)
    assert.match(ran.err, /name these scopes in ResourceServer\/bank: accounts/)
    const text = readFileSync(out, 'utf8')
    const files = [
      { path: 'bank.json', text: JSON.stringify(bank) },
      { path: out, text },
    ]
    const compiled = snapshotOfFiles(files, [binding])
    assert.ok(compiled.ok, JSON.stringify(compiled))
    assert.equal(compiled.value.issuers.get(binding.url)?.scopes.get('accounts')?.title, 'See accounts')
    assert.match(text, /tier: 3/)
    const again = await run(['govern', 'import', join(path, 'openapi.json'), ...named, '--out', out])
    assert.equal(again.exitCode, 3)
    assert.equal(readFileSync(out, 'utf8'), text)
  })

  test('prints without --out, and without scopes unless asked', async t => {
    const ran = await run(['govern', 'import', join(folder(t), 'openapi.json'), ...named, '--tier', '1'])
    assert.equal(ran.exitCode, 0, ran.err)
    assert.match(ran.out, /kind: ApiOperations/)
    assert.match(ran.out, /tier: 1/)
    assert.doesNotMatch(ran.out, /kind: Scope/)
  })

  test('says no to what is no OpenAPI, wrong options and a file that is not there', async t => {
    const path = folder(t)
    const broken = join(path, 'broken.json')
    writeFileSync(broken, '{}')
    assert.equal((await run(['govern', 'import', broken, ...named])).exitCode, 1)
    assert.equal((await run(['govern', 'import', broken, ...named, '--tier', '5'])).exitCode, 2)
    assert.equal((await run(['govern', 'import', broken])).exitCode, 2)
    assert.equal((await run(['govern', 'import', join(path, 'none'), ...named])).exitCode, 3)
  })
})

describe('holdfast govern, from a request to its end', () => {
  /** The commands against the admin API over its socket, over a store of its own. */
  async function governed(t: TestContext) {
    const dataFolder = mkdtempSync(join(tmpdir(), 'govern-'))
    const clock = { now: () => 1_700_000_000 as never, monotonicMs: () => 0 }
    const entropy = openEntropy()
    const store = await openSqliteStore({ path: ':memory:', clock })
    let count = 0
    const ports = {
      ...{ store, clock, entropy, passwords: openPasswords({ entropy }), issuers: [binding] },
      newReference: () => `reference-${++count}`,
    }
    const api = adminOver({
      ...{ ports, snapshot: undefined, keys: undefined, startedAt: clock.now() },
      onApplied: async () => undefined,
    })
    const nothing = () => undefined
    const log = { info: nothing, warn: nothing, error: nothing }
    const socket = await serveAdminSocket({ dataFolder, cwd: process.cwd(), api, log })
    t.after(async () => {
      await socket.close()
      await store.close()
      rmSync(dataFolder, { recursive: true })
    })
    const overSocket = adminOverSocket(adminSocketPath(dataFolder, process.cwd()))
    const applied = await overSocket.apply({
      ...{ files: [fileOf(...governedDocuments)], dryRun: false, prune: false },
    })
    assert.ok(applied.ok, JSON.stringify(applied))
    return (...args: readonly string[]) =>
      run(['govern', ...args], async () => ({ api: overSocket, via: 'server', close: async () => undefined }))
  }
  const asked = ['--client', 'batch', '--resource-server', 'bank', '--purpose', 'nightly run'] as const

  test('two persons, then active, listed, shown, reviewed, revoked, removed', async t => {
    const govern = await governed(t)
    const requested = await govern('request', '--as', 'bob', ...asked, '--scopes', 'accounts, payments')
    assert.equal(requested.exitCode, 0, requested.err)
    assert.match(requested.out, /two persons have to approve/)
    const [, name = ''] = /(g-\S+)/.exec(requested.out) ?? []
    const own = await govern('approve', name, '--as', 'bob')
    assert.equal(own.exitCode, 1)
    assert.match(own.err, /nobody approves their own request \[scope-grant\.own-request\]/)
    assert.match((await govern('approve', name, '--as', 'alice')).out, /one more person has to approve/)
    assert.match((await govern('approve', name, '--as', 'carol')).out, /^approved/)
    const active = await govern('activate', name, '--as', 'bob', '-o', 'json')
    assert.equal((JSON.parse(active.out) as { state: string }).state, 'active')
    const listed = await govern('list', '--client', 'batch')
    assert.match(
      listed.out,
      new RegExp(`${name}\\s+active\\s+batch\\s+bank\\s+4\\s+2024-11-13.*accounts payments`),
    )
    assert.doesNotMatch((await govern('list', '--client', 'other')).out, /batch/)
    const shown = await govern('show', name)
    assert.match(shown.out, /approved by\s+alice, carol/)
    assert.match(shown.out, /pay\s+POST\s+\/pay\s+tier 4/)
    assert.equal((await govern('review', name, '--as', 'carol')).exitCode, 0)
    assert.match((await govern('revoke', name, '--as', 'carol', '--reason', 'over')).out, /^revoked/)
    assert.match((await govern('remove', name, '--as', 'carol')).out, /^removed/)
    assert.equal((await govern('show', name)).exitCode, 1)
  })

  test('a person is always named, and bounds are kept', async t => {
    const govern = await governed(t)
    assert.equal((await govern('request', ...asked, '--scopes', 'accounts')).exitCode, 2)
    const named = ['request', '--as', 'bob', ...asked, '--scopes', 'accounts'] as const
    assert.equal((await govern(...named, '--days', '733')).exitCode, 2)
    assert.equal((await govern(...named, '--review-days', '367')).exitCode, 2)
    assert.equal((await govern(...named, '--days', '732', '--review-days', '366')).exitCode, 0)
    assert.equal((await govern('approve', 'g-none', '--as', 'alice')).exitCode, 1)
    const capital = await govern('request', '--as', 'Bob', ...asked, '--scopes', 'accounts')
    assert.equal(capital.exitCode, 1)
    assert.match(capital.err, /`as` does not fit/)
  })
})
