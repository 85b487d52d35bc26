import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { snapshotOfFiles } from '@holdfast/server/control/documents.ts'
import { scopeGrantName } from '@holdfast/server/control/scope-grant-state.ts'
import { fill } from '@holdfast/server/control/testing/control-world.ts'
import { binding } from '@holdfast/server/control/testing/documents.ts'
import { governedDocuments } from '@holdfast/server/control/testing/governed.ts'
import { administered, run, temporaryFolder } from './testing/run.ts'

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

function folder(t: TestContext): string {
  const path = temporaryFolder(t)
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
    const { run: command } = await administered(t, governedDocuments)
    return (...args: readonly string[]) => command('govern', ...args)
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
    const report = await govern('report', '--only', 'access,unused', '--client', 'batch')
    assert.equal(report.exitCode, 0, report.err)
    assert.match(report.out, new RegExp(`batch +bank +pay +POST /pay +4 +- +payments\\+accounts +${name}`))
    assert.equal((await govern('report', '--client', 'nobody')).exitCode, 1)
    assert.equal((await govern('review', name, '--as', 'carol')).exitCode, 0)
    assert.match((await govern('revoke', name, '--as', 'carol', '--reason', 'over')).out, /^revoked/)
    assert.match((await govern('remove', name, '--as', 'carol')).out, /^removed/)
    assert.equal((await govern('show', name)).exitCode, 1)
  })

  test('all of them are listed and found, however many pages they are', async t => {
    const administration = await administered(t, governedDocuments)
    const govern = (...args: readonly string[]) => administration.run('govern', ...args)
    await govern('request', '--as', 'bob', ...asked, '--scopes', 'accounts')
    await fill(administration, 'ScopeGrant', 1001, scopeGrantName)
    const listed = JSON.parse((await govern('list', '-o', 'json')).out) as readonly { name: string }[]
    const names = listed.map(({ name }) => name)
    assert.equal(new Set(names).size, 1001)
    assert.deepEqual(names, names.toSorted())
    for (const index of [0, 499, 500, 999, 1000])
      assert.equal((await govern('show', names[index] ?? '')).exitCode, 0)
    const documents = await administration.run('export', '-o', 'json')
    const kinds = (JSON.parse(documents.out) as readonly { kind: string }[]).map(({ kind }) => kind)
    assert.equal(kinds.filter(kind => kind === 'ScopeGrant').length, 1001)
    assert.equal(kinds.length, 1001 + governedDocuments.length)
    const nowhere = await govern('list', '--issuer', 'nowhere')
    assert.equal(nowhere.exitCode, 1)
    assert.match(nowhere.err, /name one of main as `issuer`/)
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
