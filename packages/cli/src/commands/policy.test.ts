import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Ran, run } from '../testing/run.ts'

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

function ran(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-policy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const [command = '', ...options] = args
  return run(['policy', command, folder, ...options])
}

describe('holdfast policy', () => {
  it('check: says how many and which version, as text and as JSON', async t => {
    const text = await ran(t, good, 'check')
    assert.deepEqual([text.exitCode, text.err], [0, ''])
    assert.match(text.out, /^1 policy is well {2}sha256:/)
    const json = JSON.parse((await ran(t, good, 'check', '-o', 'json')).out)
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
      const { exitCode, out, err } = await ran(t, files, 'check')
      assert.deepEqual([exitCode, out], [1, ''])
      assert.match(err, message)
    })

  it('check: a folder that is not there is a fault, not a no', async t => {
    const { exitCode } = await ran(t, good, 'check', '-o', 'json')
    assert.equal(exitCode, 0)
    assert.equal((await run(['policy', 'check', '/nowhere/at/all'])).exitCode, 3)
  })

  it('test: all as expected', async t => {
    const { exitCode, out, err } = await ran(t, good, 'test', '--require-all')
    assert.deepEqual([exitCode, err], [0, ''])
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
      const { exitCode, err } = await ran(t, files, 'test')
      assert.equal(exitCode, 1)
      assert.match(err, message)
      const json = JSON.parse((await ran(t, files, 'test', '-o', 'json')).out)
      assert.equal(json.ok, false)
    })

  it('test: a question the schema does not know is a difference, not a pass', async t => {
    const wrong = JSON.stringify(ask({ decision: 'deny' })).replace('"read"', '"write"')
    const { exitCode, err } = await ran(t, { ...good, 't.tests.json': wrong }, 'test')
    assert.equal(exitCode, 1)
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
      const { exitCode, err } = await ran(t, { ...good, 't.tests.json': text }, 'test')
      assert.equal(exitCode, 1)
      assert.match(err, message)
    })

  it('test: no tests at all, and with --require-all a policy that decides none, are a no', async t => {
    const { 't.tests.json': _tests, ...untested } = good
    assert.equal((await ran(t, untested, 'test')).exitCode, 1)
    const more = { ...good, 'q.cedar': '@id("more") forbid (principal == User::"eve", action, resource);' }
    const relaxed = await ran(t, more, 'test')
    assert.deepEqual([relaxed.exitCode, relaxed.err], [0, 'no test is decided by more\n'])
    assert.equal((await ran(t, more, 'test', '--require-all')).exitCode, 1)
  })
})
