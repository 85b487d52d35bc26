import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Composition } from '../composition.ts'
import { runCommandLine } from '../program.ts'
import { openTerminal } from '../terminal.ts'

const never = (): never => {
  throw new Error('policy commands need no server')
}
const composition: Composition = {
  version: '0',
  env: {},
  adminDocuments: () => undefined,
  serve: never,
  gateway: never,
  drill: never,
  configuration: never,
  admin: never,
}

const schema = 'entity User; entity File; action "read" appliesTo { principal: User, resource: File };'
const policy = '@id("all") permit (principal, action, resource);'
const ask = (expect: unknown) => ({
  entities: [{ uid: { type: 'User', id: 'ada' } }, { uid: { type: 'File', id: 'f' } }],
  tests: [
    {
      name: 'ada reads',
      question: {
        principal: { type: 'User', id: 'ada' },
        action: { type: 'Action', id: 'read' },
        resource: { type: 'File', id: 'f' },
      },
      expect,
    },
  ],
})
const good = {
  's.cedarschema': schema,
  'deep/p.cedar': policy,
  't.tests.json': JSON.stringify(ask({ decision: 'permit', determining: ['all'] })),
}

async function run(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-policy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  let [out, err] = ['', '']
  const terminal = openTerminal(
    { write: (text: string) => (out += text) },
    { write: (text: string) => (err += text) },
    { NO_COLOR: '1' },
  )
  const [command = '', ...options] = args
  const code = await runCommandLine(['policy', command, folder, ...options], composition, terminal)
  return { code, out, err }
}

describe('holdfast policy', () => {
  it('check: says how many and which version, as text and as JSON', async t => {
    const text = await run(t, good, 'check')
    assert.deepEqual([text.code, text.err], [0, ''])
    assert.match(text.out, /^1 policy is well {2}sha256:/)
    const json = JSON.parse((await run(t, good, 'check', '-o', 'json')).out)
    assert.deepEqual([json.ok, json.policies], [true, ['all']])
    assert.ok(text.out.includes(json.version))
  })

  const refused: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no schema', { 'p.cedar': policy }, /found 0/],
    ['two schemas', { ...good, 'u.cedarschema': schema }, /found 2/],
    ['no policies', { 's.cedarschema': schema }, /found no `\.cedar` file/],
    ['a policy that is wrong', { ...good, 'q.cedar': '\npermit (principal' }, /^q\.cedar:2: /],
    [
      'two of one id',
      { ...good, 'q.cedar': policy },
      /q\.cedar:1: `@id\("all"\)` already stands at deep\/p\.cedar:1/,
    ],
  ]
  for (const [name, files, message] of refused)
    it(`check: ${name} is a no`, async t => {
      const { code, out, err } = await run(t, files, 'check')
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, message)
    })

  it('check: a folder that is not there is a fault, not a no', async t => {
    const { code } = await run(t, good, 'check', '-o', 'json')
    assert.equal(code, 0)
    const terminal = openTerminal({ write: () => undefined }, { write: () => undefined }, {})
    assert.equal(await runCommandLine(['policy', 'check', '/nowhere/at/all'], composition, terminal), 3)
  })

  it('test: all as expected', async t => {
    const { code, out, err } = await run(t, good, 'test', '--require-all')
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^1 of 1 tests as expected/)
  })

  const different: readonly (readonly [string, unknown, RegExp])[] = [
    ['the decision', { decision: 'deny' }, /decision: expected "deny", got "permit"/],
    ['the determining policies', { decision: 'permit', determining: [] }, /determining: expected \[\]/],
    [
      'errors that do not come',
      { decision: 'permit', errors: ['all'] },
      /errors: expected \["all"\], got \[\]/,
    ],
    [
      'an obligation',
      { decision: 'permit', obligations: { maxLifetimeSeconds: 60 } },
      /maxLifetimeSeconds: expected 60, got nothing/,
    ],
  ]
  for (const [name, expect, message] of different)
    it(`test: a difference in ${name} is a no`, async t => {
      const files = { ...good, 't.tests.json': JSON.stringify(ask(expect)) }
      const { code, err } = await run(t, files, 'test')
      assert.equal(code, 1)
      assert.match(err, message)
      const json = JSON.parse((await run(t, files, 'test', '-o', 'json')).out)
      assert.equal(json.ok, false)
    })

  it('test: a question the schema does not know is a difference, not a pass', async t => {
    const wrong = JSON.stringify(ask({ decision: 'deny' })).replace('"read"', '"write"')
    const { code, err } = await run(t, { ...good, 't.tests.json': wrong }, 'test')
    assert.equal(code, 1)
    assert.match(err, /errors: expected \[\], got \["question"\]/)
  })

  const unreadable: readonly (readonly [string, string, RegExp])[] = [
    ['no JSON', '{', /t\.tests\.json \$: /],
    ['no tests', '{"tests":[]}', /at least one/],
    ['a misspelt member', '{"test":[]}', /unknown member `test`/],
    ['a decision there is not', JSON.stringify(ask({ decision: 'allow' })), /expected `permit` or `deny`/],
    [
      'a misspelt obligation',
      JSON.stringify(ask({ decision: 'permit', obligations: { stepup: [] } })),
      /`stepup`/,
    ],
    [
      'entities that do not fit',
      '{"entities":[{"uid":{"type":"Dog","id":"r"}}],"tests":[1]}',
      /not in the schema/,
    ],
  ]
  for (const [name, text, message] of unreadable)
    it(`test: ${name} is a no`, async t => {
      const { code, err } = await run(t, { ...good, 't.tests.json': text }, 'test')
      assert.equal(code, 1)
      assert.match(err, message)
    })

  it('test: no tests at all, and with --require-all a policy that decides none, are a no', async t => {
    const { 't.tests.json': _tests, ...untested } = good
    assert.equal((await run(t, untested, 'test')).code, 1)
    const more = { ...good, 'q.cedar': '@id("more") forbid (principal == User::"eve", action, resource);' }
    const relaxed = await run(t, more, 'test')
    assert.deepEqual([relaxed.code, relaxed.err], [0, 'no test is decided by more\n'])
    assert.equal((await run(t, more, 'test', '--require-all')).code, 1)
  })
})
