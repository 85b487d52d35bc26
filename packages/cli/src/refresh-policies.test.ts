import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { shippedPolicies, shippedTests, tokenSchema } from '@holdfast/policy'
import { refreshPolicies } from './refresh-policies.ts'
import { shippedTexts } from './shipped-before.ts'
import { run, temporaryFolder } from './testing/run.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const oldSchema =
  'entity Client; entity Access; action "mint" appliesTo { principal: Client, resource: Access };'
const oldShipped = '@id("shipped.mint") permit (principal, action == Action::"mint", resource);\n'
const own = '@id("own.night") forbid (principal, action, resource);\n'

/** A folder as `init` wrote it, with one policy of its owner, spoiled as asked; undefined removes a file. */
async function folderOf(t: TestContext, spoil: Readonly<Record<string, string | undefined>> = {}) {
  const folder = join(temporaryFolder(t), 'policies')
  assert.equal((await run(['policy', 'init', folder])).exitCode, 0)
  mkdirSync(join(folder, 'ours'))
  writeFileSync(join(folder, 'ours', 'night.cedar'), own)
  for (const [name, text] of Object.entries(spoil)) {
    if (text === undefined) rmSync(join(folder, name))
    else writeFileSync(join(folder, name), text)
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const refresh = () => run(['policy', 'init', folder, '--refresh'])
  return { folder, read, refresh, names: () => readdirSync(folder, { recursive: true }).toSorted() }
}

describe('holdfast policy init --refresh', () => {
  it('the hash of every shipped text stands last in its list: append the new one when a text changes', () => {
    for (const [name, text] of Object.entries({ ...shippedPolicies, ...shippedTests }))
      assert.equal(shippedTexts[name]?.at(-1), sha256(text), name)
    assert.deepEqual(
      Object.keys(shippedTexts).toSorted(),
      Object.keys({ ...shippedPolicies, ...shippedTests }).toSorted(),
    )
  })

  it('writes the schema of this version, and nothing else where all else is as it is', async t => {
    const { folder, read, refresh, names } = await folderOf(t, { 'tokens.cedarschema': oldSchema })
    const before = names()
    const { exitCode, out, err } = await refresh()
    assert.deepEqual([exitCode, out, err], [0, `wrote ${join(folder, 'tokens.cedarschema')}\n`, ''])
    assert.equal(read('tokens.cedarschema'), tokenSchema.text)
    assert.equal(read('ours/night.cedar'), own)
    assert.deepEqual(names(), before)
    assert.equal((await run(['policy', 'check', folder])).exitCode, 0)
    assert.match((await refresh()).out, /^nothing to write/)
  })

  it('replaces what was shipped and never edited', async t => {
    const { folder, read } = await folderOf(t, {
      'tokens.cedarschema': oldSchema,
      'shipped.cedar': oldShipped,
    })
    const before = {
      ...shippedTexts,
      'shipped.cedar': [sha256(oldShipped), ...(shippedTexts['shipped.cedar'] ?? [])],
    }
    const answer = await refreshPolicies(folder, before)
    assert.deepEqual(answer, {
      ok: true,
      value: {
        written: ['tokens.cedarschema', 'shipped.cedar'].map(name => join(folder, name)),
        kept: [],
        absent: [],
      },
    })
    assert.equal(read('shipped.cedar'), shippedPolicies['shipped.cedar'])
  })

  it('keeps what was edited, and says which shipped policies are not there', async t => {
    const { folder, read, refresh } = await folderOf(t, {
      'shipped.cedar': oldShipped,
      'shipped.tests.json': '{}',
    })
    const { exitCode, err } = await refresh()
    assert.equal(exitCode, 0)
    assert.equal(read('shipped.cedar'), oldShipped)
    assert.equal(read('shipped.tests.json'), '{}')
    for (const name of ['shipped.cedar', 'shipped.tests.json'])
      assert.ok(err.includes(`kept ${join(folder, name)}: it is not as it was shipped`))
    assert.match(err, /no policy here is `shipped\.authorize`/)
    assert.doesNotMatch(err, /`shipped\.mint`/)
  })

  it('does not bring back what its owner took away: that would permit more', async t => {
    const { folder, refresh, names } = await folderOf(t, { 'shipped.cedar': undefined })
    const before = names()
    const { exitCode, out, err } = await refresh()
    assert.deepEqual([exitCode, out.startsWith('nothing to write')], [0, true])
    assert.match(err, /no policy here is `shipped\.register`/)
    assert.deepEqual(names(), before)
    renameSync(join(folder, 'ours', 'night.cedar'), join(folder, 'night.cedar'))
    writeFileSync(join(folder, 'ours', 'moved.cedar'), shippedPolicies['shipped.cedar'] ?? '')
    assert.equal((await refresh()).err, '', 'a shipped policy in another file is there')
  })

  it('leaves a folder for other questions, and what is none, as they are', async t => {
    const { folder, read, refresh } = await folderOf(t, {
      'tokens.cedarschema': undefined,
      'bank.cedarschema': oldSchema,
    })
    const other = await refresh()
    assert.deepEqual([other.exitCode, other.out], [1, ''])
    assert.match(other.err, /bank\.cedarschema: is not the schema of the server, `tokens\.cedarschema`/)
    assert.equal(read('bank.cedarschema'), oldSchema)
    const empty = temporaryFolder(t)
    assert.equal((await run(['policy', 'init', empty, '--refresh'])).exitCode, 1)
    assert.deepEqual(readdirSync(empty), [])
    assert.equal((await run(['policy', 'init', join(folder, 'gone'), '--refresh'])).exitCode, 3)
  })

  it('is what `check` and `submit` tell of, where the schema is of another version', async t => {
    const older = tokenSchema.text.replace('attributes?: Attributes,', '')
    const { folder } = await folderOf(t, { 'tokens.cedarschema': older })
    const says =
      /^tokens\.cedarschema:? is the schema of another version: `holdfast policy init <folder> --refresh`/
    const checked = await run(['policy', 'check', folder])
    assert.equal(checked.exitCode, 0)
    assert.match(checked.err, says)
    assert.match(checked.err, /until then `submit` refuses the folder/)
    writeFileSync(
      join(folder, 'new.cedar'),
      '@id("new") permit (principal, action == Action::"authorize", resource) when { context has attributes };',
    )
    const refused = await run(['policy', 'check', folder])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.err, says)
    const submitted = await run(['policy', 'submit', folder])
    assert.equal(submitted.exitCode, 1)
    assert.match(submitted.err, says)
  })
})
