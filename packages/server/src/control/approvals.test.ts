import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { approvalKey, newApproval } from '../data/approvals/approval.ts'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import type { ApprovalContent } from '../store/approval-records.ts'
import { later, standingClock, start } from '../store/contract/samples.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { ApprovalChange } from './admin-api.ts'
import { apply, type ControlPorts } from './apply.ts'
import { changeApproval, listApprovals } from './approvals.ts'
import type { PageRequest } from './page-api.ts'
import { accounts, bank, binding, fileOf, shop } from './testing/documents.ts'

const user = (name: string, groups: readonly string[], status = 'active'): string => `apiVersion: holdfast/v1
kind: User
metadata: { name: ${name} }
spec: { password: a long password, subject: u_${name}-00000000, groups: [${groups.join(', ')}], status: ${status} }
`

const content: ApprovalContent = {
  moment: 'authorize',
  clientId: 'shop',
  subject: 'u_ada-00000000',
  scopes: ['accounts'],
  resources: ['https://accounts.example'],
  authorizationDetails: [],
  groups: ['legal', 'treasury'],
  seconds: 900,
  isReusable: false,
}

async function open(t: TestContext) {
  const store = await openSqliteStore({ path: ':memory:', clock: standingClock })
  t.after(() => store.close())
  const entropy = openEntropy()
  const ports: ControlPorts = {
    ...{ store, clock: standingClock, entropy, passwords: openPasswords({ entropy }) },
    issuers: [binding],
    newReference: () => 'reference-1',
  }
  const users = [
    user('ada', ['treasury']),
    user('tess', ['treasury']),
    user('lena', ['legal']),
    user('both', ['legal', 'treasury']),
    user('bob', []),
    user('gone', ['treasury'], 'disabled'),
  ]
  const files = [fileOf(shop, bank, accounts, ...users)]
  const applied = await apply({ files, dryRun: false, prune: false }, ports)
  assert.ok(applied.ok, JSON.stringify(applied))
  const again = await apply({ files, dryRun: false, prune: false }, ports)
  assert.ok(again.ok && again.value.changes.every(({ action }) => action === 'unchanged'))
  const record = newApproval(binding.url, content, 'txn-1', start)
  await store.commit([{ kind: 'ask-approval', record, at: start, ofAskerMax: 20 }])
  const change = (as: string, more: Partial<ApprovalChange> = {}) =>
    changeApproval({ step: 'approve', as, name: record.name, ...more }, ports)
  return { ports, store, record, change }
}

describe('approvals on the command line', () => {
  test('are listed in words, with who is missing', async t => {
    const { ports, record, change } = await open(t)
    await change('tess')
    const listed = await listApprovals({}, ports)
    assert.ok(listed.ok)
    const [one, ...more] = listed.value.approvals
    assert.deepEqual(more, [])
    assert.deepEqual(
      [one?.name, one?.client, one?.user, one?.missing, one?.scopes.map(({ name }) => name), one?.waitsUntil],
      [record.name, 'shop', 'ada', ['legal'], ['accounts'], later(86_400)],
    )
  })

  test('are listed in pages, those that wait longest first, each once', async t => {
    const { ports, store, record, change } = await open(t)
    const names = [record.name]
    for (let index = 1; index < 6; index++) {
      const at = later(index)
      const one = newApproval(binding.url, { ...content, seconds: 900 + index }, `txn-${index}`, at)
      await store.commit([{ kind: 'ask-approval', record: one, at, ofAskerMax: 20 }])
      names.push(one.name)
    }
    const pageAt = async (asked: PageRequest): Promise<readonly [readonly string[], string | undefined]> => {
      const listed = await listApprovals(asked, ports)
      assert.ok(listed.ok, JSON.stringify(listed))
      return [listed.value.approvals.map(({ name }) => name), listed.value.next]
    }
    assert.deepEqual(await pageAt({ limit: 6 }), [names, undefined])
    const [first, next] = await pageAt({ limit: 2 })
    assert.deepEqual(first, names.slice(0, 2))
    // What was answered is not listed any more, and makes nothing else be skipped.
    for (const name of [names[1], names[3]]) await change('tess', { step: 'deny', name: name ?? '' })
    const [second, last] = await pageAt({ limit: 2, after: next })
    assert.deepEqual(second, [names[2], names[4]])
    assert.deepEqual(await pageAt({ limit: 2, after: last, issuer: binding.name }), [[names[5]], undefined])

    for (const [asked, field] of [
      [{ issuer: 'nowhere' }, 'issuer'],
      [{ after: '' }, 'after'],
      [{ after: String(next).replace('Approval', 'ScopeGrant') }, 'after'],
      [{ after: String(next).replace(binding.url, 'https://gone.example') }, 'after'],
    ] as const) {
      const refused = await listApprovals(asked, ports)
      assert.deepEqual(refused.ok ? [] : refused.problems.map(problem => problem.field), [field])
    }
  })

  for (const [name, as, more, ruleId] of [
    ['nobody unknown', 'nobody', {}, undefined],
    ['who is in no such group', 'bob', {}, 'approval.group'],
    ['who it is for', 'ada', {}, 'approval.own'],
    ['who may not act any more', 'gone', {}, 'approval.person'],
    ['for a group that is theirs and not asked', 'tess', { group: 'legal' }, 'approval.group'],
  ] as const)
    test(`refuse ${name}`, async t => {
      const { change, store, record } = await open(t)
      for (const step of ['approve', 'deny'] as const) {
        const answer = await change(as, { ...more, step })
        assert.ok(!answer.ok)
        assert.equal(answer.problems[0]?.ruleId, ruleId)
      }
      assert.equal((await store.findApproval(record.key))?.version, 0)
    })

  test('one person answers for one group, and not for a second one, nor a second person for the same', async t => {
    const { change, store } = await open(t)
    const first = await change('both', { group: 'treasury' })
    assert.ok(first.ok)
    assert.deepEqual([first.value.state, first.value.missing], ['waiting', ['legal']])
    for (const [as, ruleId] of [
      ['both', 'approval.second-person'],
      ['tess', 'approval.group-answered'],
    ] as const) {
      const again = await change(as)
      assert.ok(!again.ok)
      assert.equal(again.problems[0]?.ruleId, ruleId)
    }
    const second = await change('lena')
    assert.ok(second.ok && second.value.state === 'approved')
    const records = await store.findAudit('reference-1', 10)
    assert.deepEqual(
      records.filter(({ event }) => event === 'approval.given').map(({ facts }) => [facts.person, facts.by]),
      [
        ['u_both-00000000', 'operator'],
        ['u_lena-00000000', 'operator'],
      ],
    )
  })

  test('a denial takes back what was approved and not used; what was used stays', async t => {
    const { change, store, record } = await open(t)
    await change('tess')
    await change('lena')
    const taken = await change('lena', { step: 'deny' })
    assert.ok(taken.ok && taken.value.state === 'denied', JSON.stringify(taken))
    assert.notEqual((await store.findApproval(record.key))?.deniedAt, undefined)
    const spent = await store.commit([{ kind: 'spend-approval', key: record.key, at: start }])
    assert.equal(spent.committed, false)
    const again = await change('lena', { step: 'deny' })
    assert.ok(!again.ok && again.problems[0]?.ruleId === 'approval.decided')
  })

  test('a name that is not there, or of another issuer, is told as such', async t => {
    const { change } = await open(t)
    const answer = await change('tess', { name: 'a-x' })
    assert.ok(!answer.ok)
    assert.match(answer.problems[0]?.message ?? '', /no request of this name/)
    assert.notEqual(approvalKey('https://other.example', 'a-x'), approvalKey(binding.url, 'a-x'))
  })

  test('of 16 persons at the same moment one counts for a group', async t => {
    const { change } = await open(t)
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => change(index % 2 ? 'tess' : 'both', { group: 'treasury' })),
    )
    assert.equal(answers.filter(({ ok }) => ok).length, 1)
  })
})
