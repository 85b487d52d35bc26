import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { snapshotOfFiles } from '@holdfast/server/control/documents.ts'
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

async function run(args: readonly string[]) {
  const texts = { out: '', err: '' }
  const terminal = openTerminal(
    { isTTY: false, write: text => (texts.out += text) },
    { write: text => (texts.err += text) },
    {},
  )
  const unused = async () => assert.fail('asks a server')
  const composition: Composition = {
    version: '9.9.9',
    ...{ serve: unused, gateway: unused, admin: unused },
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
    const binding = {
      ...{ name: 'main', url: 'https://localhost:8443', mtlsUrl: 'https://localhost:8444' },
      ...{ environment: 'development' as const, clientTrustAnchors: [] },
    }
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
