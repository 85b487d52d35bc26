import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import type { Clock } from '../ports.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import { apply, type ControlPorts } from './apply.ts'
import { openRevision } from './revision.ts'
import { accounts, alice, bank, binding, documentOf, fileOf, shop } from './testing/documents.ts'

const clock: Clock = { now: () => 1_700_000_000 as EpochSeconds, monotonicMs: () => 0 }
const everything = [shop, bank, accounts, alice]

async function portsOf(t: TestContext): Promise<ControlPorts> {
  const entropy = openEntropy()
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  let count = 0
  const passwords = openPasswords({ entropy })
  return { store, clock, entropy, passwords, issuers: [binding], newReference: () => `reference-${++count}` }
}

function request(documents: readonly string[], options: { dryRun?: boolean; prune?: boolean } = {}) {
  return { files: [fileOf(...documents)], dryRun: options.dryRun ?? false, prune: options.prune ?? false }
}

async function actionsOf(
  documents: readonly string[],
  ports: ControlPorts,
  options: { dryRun?: boolean; prune?: boolean } = {},
): Promise<Record<string, string>> {
  const result = await apply(request(documents, options), ports)
  assert.ok(result.ok, JSON.stringify(result))
  return Object.fromEntries(result.value.changes.map(({ kind, name, action }) => [`${kind}/${name}`, action]))
}

describe('apply', () => {
  test('creates what is missing in one commit with one audit record', async t => {
    const ports = await portsOf(t)
    const result = await apply(request(everything), ports)
    assert.ok(result.ok)
    assert.deepEqual(
      result.value.changes.map(({ action, kind }) => `${action} ${kind}`),
      ['create Scope', 'create ResourceServer', 'create Client', 'create User'],
    )
    assert.equal(result.value.revision, 1)
    assert.equal(await ports.store.revision(), 1)
    const [record, ...more] = await ports.store.findAudit(result.value.reference ?? '', 10)
    assert.equal(more.length, 0)
    assert.equal(record?.event, 'control.applied')
    assert.deepEqual(record?.facts.create, [
      'Scope/accounts',
      'ResourceServer/bank',
      'Client/shop',
      'User/alice',
    ])
  })

  test('applying the same files again writes nothing', async t => {
    const ports = await portsOf(t)
    await actionsOf(everything, ports)
    const again = await apply(request(everything), ports)
    assert.ok(again.ok)
    assert.ok(again.value.changes.every(({ action }) => action === 'unchanged'))
    assert.equal(again.value.reference, undefined)
    assert.equal(await ports.store.revision(), 1)
  })

  test('member order and layout are not a change', async t => {
    const ports = await portsOf(t)
    await actionsOf([accounts], ports)
    const turned = documentOf('Scope', 'accounts', '{description: Read all., title: See accounts}')
    assert.deepEqual(await actionsOf([turned], ports), { 'Scope/accounts': 'unchanged' })
  })

  test('an update names the fields that change', async t => {
    const ports = await portsOf(t)
    await actionsOf([accounts], ports)
    const result = await apply(request([accounts.replace('See accounts', 'Look')]), ports)
    assert.deepEqual(result.ok && result.value.changes[0]?.fields, [
      { field: 'spec.title', from: '"See accounts"', to: '"Look"' },
    ])
  })

  test('a dry run plans and writes nothing', async t => {
    const ports = await portsOf(t)
    const actions = await actionsOf(everything, ports, { dryRun: true })
    assert.equal(actions['User/alice'], 'create')
    assert.equal(await ports.store.revision(), 0)
    assert.equal(await ports.store.findUserByUsername(binding.url, 'alice'), undefined)
    assert.deepEqual(await ports.store.listDocuments(), [])
  })

  test('prune deletes only within the kinds that are given', async t => {
    const ports = await portsOf(t)
    const extra = documentOf('Scope', 'extra', '{title: Extra, description: Extra.}')
    await actionsOf([...everything, extra], ports)
    assert.deepEqual(await actionsOf([accounts], ports), { 'Scope/accounts': 'unchanged' })
    const pruned = await actionsOf([accounts], ports, { prune: true })
    assert.deepEqual(pruned, { 'Scope/accounts': 'unchanged', 'Scope/extra': 'delete' })
    const kinds = (await ports.store.listDocuments()).map(
      ({ documentKind, name }) => `${documentKind}/${name}`,
    )
    assert.deepEqual(kinds.toSorted(), ['Client/shop', 'ResourceServer/bank', 'Scope/accounts'])
    assert.notEqual(await ports.store.findUserByUsername(binding.url, 'alice'), undefined)
  })

  test('prune removes users that the files no longer name', async t => {
    const ports = await portsOf(t)
    await actionsOf([alice], ports)
    const bob = alice.replace('{name: alice}', '{name: bob}')
    assert.deepEqual(await actionsOf([bob], ports, { prune: true }), {
      'User/alice': 'delete',
      'User/bob': 'create',
    })
    assert.equal(await ports.store.findUserByUsername(binding.url, 'alice'), undefined)
  })

  test('what another document needs cannot be pruned', async t => {
    const ports = await portsOf(t)
    await actionsOf(everything, ports)
    const other = documentOf('Scope', 'other', '{title: Other, description: Other.}')
    const result = await apply(request([other], { prune: true }), ports)
    assert.ok(!result.ok)
    assert.match(JSON.stringify(result.problems), /there is no scope `accounts`/)
    assert.equal(await ports.store.revision(), 1)
  })

  test('a revision that does not compile is refused, recorded, and nothing of it is stored', async t => {
    const ports = await portsOf(t)
    const result = await apply(request([shop, alice]), ports)
    assert.ok(!result.ok)
    assert.deepEqual(await ports.store.listDocuments(), [])
    assert.equal(await ports.store.findUserByUsername(binding.url, 'alice'), undefined)
    const [record] = await ports.store.findAudit('reference-1', 10)
    assert.equal(record?.event, 'control.refused')
    assert.equal(record?.outcome, 'refused')
  })

  test('a password is stored as argon2id only, and shows in no plan and no audit record', async t => {
    const ports = await portsOf(t)
    const result = await apply(request([alice]), ports)
    const user = await ports.store.findUserByUsername(binding.url, 'alice')
    assert.match(user?.passwordHash ?? '', /^\$argon2id\$/)
    assert.match(user?.subject ?? '', /^u_[A-Za-z0-9_-]{22}$/)
    assert.deepEqual(user?.claims, { name: 'Alice' })
    assert.doesNotMatch(
      JSON.stringify([result, await ports.store.findAudit('reference-1', 10), user]),
      /correct horse/,
    )
  })

  test('a changed password keeps the subject; a document without password keeps the hash', async t => {
    const ports = await portsOf(t)
    await actionsOf([alice], ports)
    const before = await ports.store.findUserByUsername(binding.url, 'alice')
    const changed = await apply(request([alice.replace('correct horse', 'wrong horse')]), ports)
    const after = await ports.store.findUserByUsername(binding.url, 'alice')
    assert.deepEqual(changed.ok && changed.value.changes[0]?.fields, [
      { field: 'spec.password', from: '(secret)', to: '(secret)' },
    ])
    assert.equal(after?.subject, before?.subject)
    assert.notEqual(after?.passwordHash, before?.passwordHash)
    const disabled = documentOf('User', 'alice', '{status: disabled, claims: {name: Alice}}')
    await actionsOf([disabled], ports)
    const last = await ports.store.findUserByUsername(binding.url, 'alice')
    assert.equal(last?.passwordHash, after?.passwordHash)
    assert.equal(last?.status, 'disabled')
  })

  for (const [name, document, says] of [
    ['a new user without password', documentOf('User', 'bob', '{claims: {name: Bob}}'), /needs `password`/],
    ['a short password', alice.replace('correct horse battery', 'short'), /at least 8 characters/],
    ['an unknown key', accounts.replace('title:', 'titel:'), /did you mean `title`/],
    ['an unknown kind', accounts.replace('kind: Scope', 'kind: Scop'), /did you mean `Scope`/],
    ['an alias', `${accounts}\nx: &a 1\ny: *a`, /test\.yaml:1/],
    ['a member twice', accounts.replace('{name: accounts}', '{name: accounts, name: b}'), /unique/],
  ] as const)
    test(`${name} is refused with its place`, async t => {
      const result = await apply(request([document]), await portsOf(t))
      assert.ok(!result.ok)
      assert.match(JSON.stringify(result.problems), says)
    })

  test('a client is never named like a subject, and a subject never like a client', async t => {
    const ports = await portsOf(t)
    const named = async (document: string): Promise<string> => {
      const result = await apply(request([document]), ports)
      return result.ok ? '' : JSON.stringify(result.problems)
    }
    assert.match(await named(shop.replace('name: shop', 'name: u_0123456789')), /is not a name for a Client/)
    assert.match(await named(alice.replace('{password', '{subject: shop, password')), /must be `u_`/)
    assert.equal(await named(alice.replace('{password', '{subject: u_0123456789, password')), '')
  })

  test('16 applies at once all arrive or are told to try again, and none is half done', async t => {
    const ports = await portsOf(t)
    const scope = (index: number) => documentOf('Scope', `s${index}`, '{title: T, description: D.}')
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, index) => apply(request([scope(index)]), ports)),
    )
    const done = results.filter(({ ok }) => ok).length
    assert.ok(done >= 3)
    assert.equal((await ports.store.listDocuments()).length, done)
    assert.equal(await ports.store.revision(), done)
  })
})

describe('the served revision', () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} }

  test('follows the store', async t => {
    const ports = await portsOf(t)
    const served = await openRevision({ store: ports.store, issuers: [binding], log, pollMs: 10 })
    assert.ok(served.ok)
    t.after(() => served.value.close())
    assert.equal(served.value.snapshot().issuers.get(binding.url)?.clients.size, 0)
    await actionsOf(everything, ports)
    await served.value.refresh()
    assert.equal(served.value.snapshot().revision, 1)
    assert.equal(served.value.snapshot().issuers.get(binding.url)?.clients.size, 1)
  })

  test('keeps the old one when a new one does not compile', async t => {
    const ports = await portsOf(t)
    const served = await openRevision({ store: ports.store, issuers: [binding], log })
    assert.ok(served.ok)
    t.after(() => served.value.close())
    const document = { documentKind: 'Scope', issuer: binding.url, name: 'x', body: '{}' }
    await ports.store.commit([
      { kind: 'raise-revision', from: 0 },
      { kind: 'put-document', document },
    ])
    await served.value.refresh()
    assert.equal(served.value.snapshot().revision, 0)
  })
})
