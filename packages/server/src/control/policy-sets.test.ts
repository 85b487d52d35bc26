import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type MintQuestion, shippedPolicies, shippedTests } from '@holdfast/policy'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import type { Clock } from '../ports.ts'
import { versionOfPolicies } from '../snapshot/compile-policies.ts'
import { postgresAbsence } from '../store/drivers/postgres-for-tests.ts'
import { openEmptyPostgresStore } from '../store/drivers/schemas-for-tests.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { Store } from '../store/store.ts'
import type { NamedPolicyChange } from './admin-api.ts'
import { apply, type ControlPorts } from './apply.ts'
import { changePolicies, listPolicies, policyVersionsMax, submitPolicies } from './policy-sets.ts'
import { openRevision } from './revision.ts'
import { accounts, alice, bank, binding, fileOf, shop } from './testing/documents.ts'

const clock: Clock = { now: () => 1_700_000_000 as EpochSeconds, monotonicMs: () => 0 }
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const noPostgres = await postgresAbsence()

const stores = [
  { name: 'SQLite', skip: false as const, open: openOnSqlite },
  { name: 'PostgreSQL', skip: noPostgres, open: openOnPostgres },
]

async function openOnSqlite(t: TestContext): Promise<Store> {
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  return store
}

async function openOnPostgres(t: TestContext): Promise<Store> {
  const store = await openEmptyPostgresStore({ clock, node: 'n0' })
  t.after(() => store.close())
  return store
}

async function portsOf(t: TestContext, open = openOnSqlite): Promise<ControlPorts> {
  const entropy = openEntropy()
  let count = 0
  const passwords = openPasswords({ entropy })
  const newReference = () => `reference-${++count}`
  return { store: await open(t), clock, entropy, passwords, issuers: [binding], newReference }
}

/** The shipped policies and one that forbids a client to have tokens. */
function without(clientId: string) {
  const forbid = `@id("no-${clientId}") forbid (principal == Client::"${clientId}", action == Action::"mint", resource);`
  const [file = ''] = Object.values(shippedTests)
  const cases = JSON.parse(file.replaceAll('web-shop', clientId)) as {
    tests: { expect: unknown; question: { action: { id: string } } }[]
    entities: { uid: { id: string } }[]
  }
  for (const one of cases.tests)
    if (one.question.action.id === 'mint') one.expect = { decision: 'deny', determining: [`no-${clientId}`] }
  const others = JSON.parse(file) as unknown
  return {
    set: 'tokens',
    policies: { ...shippedPolicies, 'own.cedar': forbid },
    tests: { 'own.tests.json': JSON.stringify(cases), 'shipped.tests.json': JSON.stringify(others) },
  }
}

async function done<T extends object>(
  work: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false }>,
): Promise<T> {
  const result = await work
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

async function refusedWith(work: Promise<{ readonly ok: boolean }>, message: RegExp): Promise<void> {
  const result = await work
  assert.equal(result.ok, false, JSON.stringify(result))
  assert.match(JSON.stringify(result), message)
}

const step = (name: string, of: NamedPolicyChange['step'], ports: ControlPorts) =>
  changePolicies({ step: of, name }, ports)

async function active(text: ReturnType<typeof without>, ports: ControlPorts): Promise<string> {
  const { name } = await done(submitPolicies(text, ports))
  await done(step(name, 'approve', ports))
  await done(step(name, 'activate', ports))
  return name
}

const question = (clientId: string): MintQuestion => ({
  moment: 'mint',
  client: {
    ...{ clientId, isPublic: false, isSelfRegistered: false },
    ...{ authMethod: 'private_key_jwt', profile: 'fapi2-security' },
  },
  asked: {
    ...{ environment: 'production', time: 1_800_000_000, tier: 'fapi2-security' },
    ...{ scopes: ['accounts'], resources: [], detailsTypes: [] },
  },
  grantType: 'client_credentials',
  user: { subject: undefined, sid: undefined, acr: undefined, amr: [], authAgeSeconds: undefined },
  binding: 'dpop',
  lifetimeSeconds: 300,
  risk: undefined,
})

async function servedBy(ports: ControlPorts, t: TestContext) {
  const served = await openRevision({ store: ports.store, issuers: ports.issuers, log })
  assert.ok(served.ok, JSON.stringify(served))
  t.after(served.value.close)
  const policies = () => {
    const issuer = served.value.snapshot().issuers.get(binding.url)
    assert.ok(issuer)
    return issuer.policies
  }
  return { refresh: served.value.refresh, policies }
}

for (const { name: storeName, skip, open } of stores)
  describe(`versions of policies on ${storeName}`, { skip }, () => {
    test('from draft over checked and approved to active, each step in the audit; then back at once', async t => {
      const ports = await portsOf(t, open)
      const { refresh, policies } = await servedBy(ports, t)
      assert.equal(policies().name, 'shipped')
      const submitted = await done(submitPolicies(without('shop'), ports))
      assert.deepEqual([submitted.state, submitted.problems], ['checked', []])
      assert.equal(submitted.name, `tokens.${submitted.version}`)
      await refusedWith(step(submitted.name, 'activate', ports), /is `checked`, not `approved`/)
      await refusedWith(step('tokens.nothing', 'approve', ports), /no such version/)
      await done(step(submitted.name.slice(0, 12), 'approve', ports))
      await refusedWith(step(submitted.name, 'approve', ports), /is `approved`, not `checked`/)
      const { reference } = await done(step(submitted.name, 'activate', ports))
      await refresh()
      assert.deepEqual([policies().name, policies().version], [submitted.name, submitted.version])
      assert.equal((await policies().decide(question('shop'))).decision, 'deny')
      assert.equal((await policies().decide(question('other'))).decision, 'permit')
      const [record] = await ports.store.findAudit(reference, 10)
      assert.deepEqual(
        [record?.event, record?.facts.policies, record?.facts.replaced],
        ['policies.activated', submitted.name, 'shipped'],
      )

      const second = await active(without('other'), ports)
      await refresh()
      assert.equal((await policies().decide(question('other'))).decision, 'deny')
      assert.equal((await done(changePolicies({ step: 'rollback' }, ports))).name, submitted.name)
      await refresh()
      assert.equal(policies().name, submitted.name)
      assert.equal((await done(changePolicies({ step: 'rollback' }, ports))).name, 'shipped')
      await refresh()
      assert.equal(policies().name, 'shipped')
      await refusedWith(changePolicies({ step: 'rollback' }, ports), /nothing was before/)
      await done(step(second, 'activate', ports))
    })

    test('two activations at once: one version is active, and the other one is what a roll-back goes to or still waits', async t => {
      const ports = await portsOf(t, open)
      const names = await Promise.all(
        ['a', 'b', 'c'].map(async client => (await done(submitPolicies(without(client), ports))).name),
      )
      for (const name of names) await done(step(name, 'approve', ports))
      const results = await Promise.all(names.map(name => step(name, 'activate', ports)))
      assert.ok(results.every(({ ok }) => ok))
      const listed = await done(listPolicies(undefined, ports))
      assert.deepEqual(listed.map(({ state }) => state).toSorted(), [
        'active',
        'retired',
        'retired',
        'retired',
      ])
    })
  })

/** Fits the schema as it was before there was the moment `access`, and no later one. */
const older =
  '@id("own.older") permit (principal, action, resource) unless { action == Action::"register" || context.grantType == "x" };'

/** As a server stored it before there was that moment. */
async function storedByAnOlderServer(ports: ControlPorts, state: 'active' | 'retired' | 'approved') {
  const content = { policies: { 'own.cedar': older }, tests: {} }
  const name = `tokens.${versionOfPolicies(content)}`
  const spec = { ...content, state, shadow: false }
  const body = JSON.stringify({ apiVersion: 'holdfast/v1', kind: 'PolicySet', metadata: { name }, spec })
  const applied = await apply({ files: [fileOf(body)], dryRun: false, prune: false }, ports)
  assert.ok(applied.ok, JSON.stringify(applied))
  return name
}

describe('versions that were made active before there was the moment `access`', () => {
  test('go on deciding what they know, deny calls, and stop neither the server nor a change', async t => {
    const ports = await portsOf(t)
    const name = await storedByAnOlderServer(ports, 'active')
    const { refresh, policies } = await servedBy(ports, t)
    assert.equal(policies().name, name)
    assert.equal((await policies().decide(question('shop'))).decision, 'permit')
    const { grantType: _type, lifetimeSeconds: _seconds, risk: _risk, ...asked } = question('shop')
    const about = { moment: 'access', operation: 'read', object: { type: 'account', id: '7' } } as const
    const call = await policies().decide({ ...asked, ...about })
    assert.deepEqual([call.decision, call.errors.map(({ place }) => place)], ['deny', ['schema']])

    await active(without('shop'), ports)
    await refresh()
    assert.equal((await policies().decide({ ...asked, ...about })).decision, 'permit')
    assert.equal((await done(changePolicies({ step: 'rollback' }, ports))).name, name)
    await refresh()
    assert.deepEqual(
      [policies().name, (await policies().decide(question('shop'))).decision],
      [name, 'permit'],
    )
  })

  test('and those that were not are not made active any more: what to write is said', async t => {
    const ports = await portsOf(t)
    const name = await storedByAnOlderServer(ports, 'approved')
    await refusedWith(step(name, 'activate', ports), /name the actions that each policy is for/)
  })
})

describe('versions of policies', () => {
  test('what does not compile or fails its tests stays a draft, and nothing makes it active', async t => {
    const ports = await portsOf(t)
    const good = without('shop')
    const spoiled = [
      [{ ...good, policies: { 'own.cedar': 'permit (' } }, /own\.cedar/],
      [{ ...good, policies: shippedPolicies }, /expected \\?"deny\\?", got \\?"permit\\?"/],
      [{ ...good, tests: {} }, /there are none/],
      [{ ...good, tests: shippedTests }, /decides no test/],
      [{ ...good, tests: { 'x.tests.json': '{' } }, /is no JSON/],
      [
        {
          ...good,
          policies: { 'a.cedar': '@id("a") @max_lifetime("60") permit (principal, action, resource);' },
        },
        /is for tokens/,
      ],
    ] as const
    for (const [content, message] of spoiled) {
      const submitted = await done(submitPolicies(content, ports))
      assert.equal(submitted.state, 'draft')
      assert.match(JSON.stringify(submitted.problems), message)
      for (const one of ['approve', 'activate', 'shadow'] as const)
        await refusedWith(step(submitted.name, one, ports), /is `draft`/)
    }
    const { policies } = await servedBy(ports, t)
    assert.equal(policies().name, 'shipped')
    await refusedWith(submitPolicies({ ...good, set: 'no name' }, ports), /not a name/)
    await refusedWith(submitPolicies({ ...good, issuer: 'nobody' }, ports), /name one of main/)
  })

  test('the shadow is one version; what is active or needed for a roll-back is not removed', async t => {
    const ports = await portsOf(t)
    const first = await active(without('a'), ports)
    const second = await active(without('b'), ports)
    const { name: third } = await done(submitPolicies(without('c'), ports))
    for (const name of [first, second])
      await refusedWith(step(name, 'remove', ports), /active, in the shadow/)
    await done(step(first, 'shadow', ports))
    await done(step(third, 'shadow', ports))
    const { refresh, policies } = await servedBy(ports, t)
    assert.deepEqual([policies().name, policies().shadow?.name], [second, third])
    await refusedWith(step(third, 'remove', ports), /in the shadow/)
    await done(changePolicies({ step: 'unshadow' }, ports))
    await refusedWith(changePolicies({ step: 'unshadow' }, ports), /none is in the shadow/)
    await done(step(third, 'remove', ports))
    await refresh()
    assert.equal(policies().shadow, undefined)
    const listed = await done(listPolicies(undefined, ports))
    assert.equal(listed.length, 3)
  })

  test('documents cannot move a version on, take one away or change it; an export comes back into an empty store', async t => {
    const ports = await portsOf(t)
    const name = await active(without('shop'), ports)
    const [stored] = await ports.store.listDocuments()
    const exported = stored?.body ?? ''
    const files = (text: string) => ({ files: [fileOf(text)], dryRun: false, prune: true })
    const same = await apply(files(exported), ports)
    assert.ok(same.ok)
    assert.ok(same.value.changes.every(({ action }) => action === 'unchanged'))
    const other = exported.replace('"active"', '"retired"')
    await refusedWith(apply(files(other), ports), /moved on by `holdfast policy`/)
    const everything = { files: [fileOf(shop, bank, accounts, alice)], dryRun: false, prune: true }
    await done(apply(everything, ports))
    assert.equal((await done(listPolicies('main', ports))).length, 2)

    const empty = await portsOf(t)
    const forged = exported.replace(String.raw`Client::\"shop\"`, String.raw`Client::\"nobody\"`)
    assert.notEqual(forged, exported)
    await refusedWith(apply(files(forged), empty), /does not end in its content/)
    await done(apply(files(exported), empty))
    assert.deepEqual(
      (await done(listPolicies('main', empty))).map(one => [one.name, one.state]),
      [
        [name, 'active'],
        ['shipped', 'retired'],
      ],
    )
  })

  test('there is a most of versions', async t => {
    const ports = await portsOf(t)
    const draft = (index: number) => ({ set: 'many', policies: { 'p.cedar': `// ${index}` }, tests: {} })
    for (let index = 0; index < policyVersionsMax; index++) await done(submitPolicies(draft(index), ports))
    await refusedWith(submitPolicies(draft(policyVersionsMax), ports), /remove one first/)
    const again = await done(submitPolicies(draft(0), ports))
    await done(step(again.name, 'remove', ports))
    await done(submitPolicies(draft(policyVersionsMax), ports))
  })
})
