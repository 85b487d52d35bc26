import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { PageRequest, RequestScopeGrant, ScopeGrantChange } from './admin-api.ts'
import { recordsMax } from './room-for-records.ts'
import { scopeGrantName } from './scope-grant-state.ts'
import { changeScopeGrant, listScopeGrants, requestScopeGrant } from './scope-grants.ts'
import {
  applied,
  type ControlWorld,
  day,
  done,
  exported,
  fill,
  issuerNow,
  openControlWorld,
  refusedWith,
  stores,
} from './testing/control-world.ts'
import { batch, catalogue, governedDocuments } from './testing/governed.ts'

type World = ControlWorld

const worldOf = (t: TestContext, open?: (typeof stores)[number]['open']): Promise<World> =>
  openControlWorld(t, governedDocuments, open)

const high = ['accounts', 'payments']
const asked: RequestScopeGrant = {
  ...{ as: 'bob', client: 'batch', resourceServer: 'bank', scopes: ['accounts'], purpose: 'nightly run' },
  ...{ authorizationDetailsTypes: [], days: 30, reviewDays: 10 },
}

const step = (name: string, as: string, of: ScopeGrantChange['step'], { ports }: World) =>
  changeScopeGrant({ step: of, name, as }, ports)

const grants = async (asked: PageRequest, { ports }: World) =>
  (await done(listScopeGrants(asked, ports))).grants

async function granted(world: World, request: RequestScopeGrant, ...approvers: readonly string[]) {
  const { name } = await done(requestScopeGrant(request, world.ports))
  for (const as of approvers) await done(step(name, as, 'approve', world))
  await done(step(name, request.as, 'activate', world))
  return name
}

/** What the client may have now, by what the store holds. */
async function clientNow(world: World) {
  const client = (await issuerNow(world)).clients.get('batch')
  assert.ok(client)
  return {
    scopes: client.scopes,
    types: client.authorizationDetailsTypes,
    own: client.ownAuthorizationDetails.length,
  }
}

const nothing = { scopes: ['openid'], types: [], own: 0 }

for (const { name: storeName, skip, open } of stores)
  describe(`grants of scopes on ${storeName}`, { skip }, () => {
    test('requested, approved by two for a high tier, active, revoked: what the client has follows', async t => {
      const world = await worldOf(t, open)
      assert.deepEqual(await clientNow(world), nothing)
      const all = { ...asked, scopes: ['payments', 'accounts'], authorizationDetailsTypes: ['mandate'] }
      const { name, approvalsMissing, content } = await done(requestScopeGrant(all, world.ports))
      assert.equal(approvalsMissing, 2)
      assert.deepEqual(
        [content.tier, content.operations.map(({ id }) => id)],
        [4, ['collect', 'list', 'pay']],
      )
      const first = await done(step(name, 'alice', 'approve', world))
      assert.deepEqual([first.state, first.approvalsMissing], ['requested', 1])
      await refusedWith(step(name, 'alice', 'activate', world), /is `requested`, not `approved`/)
      const second = await done(step(name, 'carol', 'approve', world))
      assert.deepEqual([second.state, second.approvalsMissing], ['approved', 0])
      assert.deepEqual(await clientNow(world), nothing)
      await done(step(name, 'bob', 'activate', world))
      assert.deepEqual(await clientNow(world), {
        ...{ scopes: ['openid', 'accounts', 'payments'], types: ['mandate'], own: 1 },
      })
      await done(step(name, 'bob', 'revoke', world))
      assert.deepEqual(await clientNow(world), nothing)
      await refusedWith(step(name, 'bob', 'activate', world), /is `revoked`, not `approved`/)
    })

    test('every step stands in the audit with the person, and so does a refused one with its rule', async t => {
      const world = await worldOf(t, open)
      const { name, reference } = await done(requestScopeGrant(asked, world.ports))
      await refusedWith(step(name, 'bob', 'approve', world), /scope-grant\.own-request/)
      const { reference: approval } = await done(step(name, 'alice', 'approve', world))
      const { store } = world.ports
      const [requested] = await store.findAudit(reference, 10)
      assert.deepEqual(
        [requested?.event, requested?.clientId, requested?.facts.person],
        ['scope-grant.requested', 'batch', 'bob'],
      )
      const [approved] = await store.findAudit(approval, 10)
      assert.deepEqual([approved?.event, approved?.facts.person], ['scope-grant.approved', 'alice'])
      assert.equal(approved?.facts.identity, 'claimed')
      assert.deepEqual([approved?.facts.state, approved?.facts.scopes], ['approved', ['accounts']])
      const refusal = `reference-${Number(reference.split('-')[1]) + 1}`
      const [refused] = await store.findAudit(refusal, 10)
      assert.deepEqual([refused?.outcome, refused?.ruleId], ['refused', 'scope-grant.own-request'])
    })

    test('two approvals by one person at the same time are one', async t => {
      const world = await worldOf(t, open)
      const { name } = await done(requestScopeGrant({ ...asked, scopes: high }, world.ports))
      const both = await Promise.all(['alice', 'alice'].map(as => step(name, as, 'approve', world)))
      assert.deepEqual(both.map(({ ok }) => ok).toSorted(), [false, true])
      const [grant] = await grants({}, world)
      assert.deepEqual([grant?.state, grant?.approvedBy], ['requested', ['alice']])
    })
  })

describe('what a grant is bound to', () => {
  test('there is room for so many records, and none for another one', async t => {
    const world = await worldOf(t)
    await done(requestScopeGrant(asked, world.ports))
    await fill(world, 'ScopeGrant', recordsMax - 1, scopeGrantName)
    await done(requestScopeGrant({ ...asked, purpose: 'the last one' }, world.ports))
    await refusedWith(
      requestScopeGrant({ ...asked, purpose: 'another one' }, world.ports),
      /there are 5000 of them/,
    )
  })

  test('a low tier needs one person, and never the one who asks', async t => {
    const world = await worldOf(t)
    const { name, approvalsMissing, content } = await done(requestScopeGrant(asked, world.ports))
    assert.deepEqual([approvalsMissing, content.tier], [1, 2])
    await refusedWith(step(name, 'bob', 'approve', world), /nobody approves their own request/)
    assert.equal((await done(step(name, 'alice', 'approve', world))).state, 'approved')
  })

  test('a second approval is another person', async t => {
    const world = await worldOf(t)
    const { name } = await done(requestScopeGrant({ ...asked, scopes: high }, world.ports))
    await done(step(name, 'alice', 'approve', world))
    await refusedWith(step(name, 'alice', 'approve', world), /scope-grant\.second-person/)
  })

  test('what the scopes let into when it was requested: also between approval and activation', async t => {
    const world = await worldOf(t)
    const { name } = await done(requestScopeGrant({ ...asked, scopes: high }, world.ports))
    await done(step(name, 'alice', 'approve', world))
    await done(applied([catalogue(3)], world.ports))
    await refusedWith(step(name, 'carol', 'approve', world), /scope-grant\.catalogue/)
    await done(applied([catalogue()], world.ports))
    await done(step(name, 'carol', 'approve', world))
    await done(applied([catalogue(3)], world.ports))
    await refusedWith(step(name, 'bob', 'activate', world), /request it again/)
    await done(applied([catalogue()], world.ports))
    await done(step(name, 'bob', 'activate', world))
  })

  test('other content is another grant without approvals, and replaces the old one when it is active', async t => {
    const world = await worldOf(t)
    const old = await granted(world, asked, 'alice')
    const { name, state } = await done(
      requestScopeGrant({ ...asked, scopes: ['accounts', 'payments'] }, world.ports),
    )
    assert.notEqual(name, old)
    assert.equal(state, 'requested')
    assert.deepEqual((await clientNow(world)).scopes, ['openid', 'accounts'])
    for (const as of ['alice', 'carol']) await done(step(name, as, 'approve', world))
    await done(step(name, 'dave', 'activate', world))
    assert.deepEqual((await clientNow(world)).scopes, ['openid', 'accounts', 'payments'])
    const states = (await grants({ issuer: 'main' }, world)).map(one => [one.name, one.state])
    assert.deepEqual(
      new Map(states as [string, string][]),
      new Map([
        [old, 'revoked'],
        [name, 'active'],
      ]),
    )
  })
})

describe('the end of a grant', () => {
  test('it gives until the second before it expires, and nothing from that second on', async t => {
    const world = await worldOf(t)
    const name = await granted(world, asked, 'alice')
    world.pass(30 * day - 1)
    assert.deepEqual((await clientNow(world)).scopes, ['openid', 'accounts'])
    world.pass(1)
    assert.deepEqual(await clientNow(world), nothing)
    const [grant] = await grants({}, world)
    assert.equal(grant?.state, 'expired')
    for (const taken of ['approve', 'activate', 'review', 'revoke'] as const)
      await refusedWith(step(name, 'alice', taken, world), /is `expired`/)
    await done(step(name, 'alice', 'remove', world))
    assert.deepEqual(await grants({}, world), [])
  })

  test('a request that nobody approved in its time is not approved later', async t => {
    const world = await worldOf(t)
    const { name } = await done(requestScopeGrant(asked, world.ports))
    world.pass(30 * day)
    await refusedWith(step(name, 'alice', 'approve', world), /is `expired`, not `requested`/)
  })

  test('an active one is not removed, and its client not deleted', async t => {
    const world = await worldOf(t)
    const name = await granted(world, asked, 'alice')
    await refusedWith(step(name, 'alice', 'remove', world), /is `active`, not `revoked` or `expired`/)
    const other = batch.replace('name: batch', 'name: other')
    await refusedWith(
      applied([other], world.ports, true),
      /the client `batch` is not there: revoke the grant/,
    )
    await done(step(name, 'alice', 'revoke', world))
    await done(applied([other], world.ports, true))
  })

  test('a review is due by time, and done by somebody else than who asked', async t => {
    const world = await worldOf(t)
    const name = await granted(world, asked, 'alice')
    const due = async () => (await grants({}, world))[0]?.isReviewDue
    world.pass(10 * day - 1)
    assert.equal(await due(), false)
    world.pass(1)
    assert.equal(await due(), true)
    await refusedWith(step(name, 'bob', 'review', world), /nobody reviews their own request/)
    await done(step(name, 'alice', 'review', world))
    assert.equal(await due(), false)
  })
})

describe('files never grant', () => {
  test('apply neither makes nor changes one, takes an unchanged one, and prunes none', async t => {
    const world = await worldOf(t)
    const name = await granted(world, asked, 'alice')
    const [body = ''] = await exported('ScopeGrant', world)
    const refusal = /scope-grant\.by-person/
    await refusedWith(applied([body.replace('"active"', '"revoked"')], world.ports), refusal)
    await refusedWith(applied([body.replace('nightly run', 'other run')], world.ports), refusal)
    await refusedWith(applied([body.replace(name, `${name}x`)], world.ports), refusal)
    await done(applied([body], world.ports))
    const other = await done(requestScopeGrant({ ...asked, purpose: 'another' }, world.ports))
    await done(applied([body], world.ports, true))
    assert.equal((await grants({}, world)).length, 2)
    assert.notEqual(other.name, name)
  })

  test('nor does a store where it never was', async t => {
    const [from, to] = [await worldOf(t), await worldOf(t)]
    await granted(from, asked, 'alice')
    await refusedWith(applied(await exported('ScopeGrant', from), to.ports), /scope-grant\.by-person/)
  })
})

describe('what is asked for must exist', () => {
  const requests: readonly (readonly [string, Partial<RequestScopeGrant>, RegExp])[] = [
    ['client', { client: 'bacth' }, /there is no client `bacth` \(did you mean `batch`\?\)/],
    ['API', { resourceServer: 'bnak' }, /there is no catalogue of operations `bnak`/],
    ['scope', { scopes: ['openid'] }, /there is no scope of `bank` `openid`/],
    ['type', { authorizationDetailsTypes: ['m'] }, /there is no type of `bank` `m`/],
    ['anything', { scopes: [] }, /names neither a scope nor a type/],
    ['operation by itself', { scopes: ['payments'] }, /let into no operation by themselves/],
    ['person', { as: 'Bob' }, /must be a name in small letters/],
    ['purpose', { purpose: ' ' }, /purpose/],
    ['issuer', { issuer: 'other' }, /name one of main/],
  ]
  for (const [name, part, message] of requests)
    test(`no such ${name}`, async t => {
      const { ports } = await worldOf(t)
      await refusedWith(requestScopeGrant({ ...asked, ...part }, ports), message)
    })

  test('nor a step of a grant that is not there', async t => {
    await refusedWith(step('g-none', 'alice', 'approve', await worldOf(t)), /there is no such grant/)
  })
})
