import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { Store } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { openCourier } from '../logout/courier.ts'
import { participantOf } from '../logout/participant.ts'
import { paths } from '../paths.ts'
import { anotherBrowser, handlesOn, liveGrants, liveSessions, press } from '../testing/account.ts'
import { bothStores } from '../testing/both-stores.ts'
import { header } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { jsonOf, requestToken } from '../testing/flow.ts'
import { type SignedIn, signIn } from '../testing/logout.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const told = (clientId: string): Client =>
  clientOf({ clientId, backchannelLogoutUri: `https://${clientId}.example/out` })

interface Told {
  readonly world: World
  readonly posts: string[]
}

async function worldOf(): Promise<Told> {
  const posts: string[] = []
  const receive = async (url: string): Promise<{ status: number }> => {
    posts.push(url)
    return { status: 200 }
  }
  return { world: await openWorld({ clients: [told('one'), told('two')], receive }), posts }
}

function wentTo(reply: Reply): string {
  return (header(reply, 'location') ?? String(reply.status)).replace(issuerUrl, '')
}

async function isSignedIn({ browser }: Pick<SignedIn, 'browser'>): Promise<boolean> {
  return (await browser.get(paths.account)).status === 200
}

const ended = async (world: World): Promise<readonly unknown[]> =>
  (await world.audit()).flatMap(({ event, facts, outcome, subject }) =>
    event === 'session.ended' ? [[outcome, subject, facts.proof, facts.notified]] : [],
  )

describe('ending a session from the account page', () => {
  test('is a logout: its grants, its clients, its record, and no other session', async () => {
    const { world, posts } = await worldOf()
    await using _ = world
    const here = await signIn(world, 'one')
    world.clock.advance(1)
    const there = await signIn(world, 'two', { scope: 'openid accounts' })
    world.clock.advance(1)
    const lasting = await signIn(world, 'two', {
      browser: there.browser,
      scope: 'openid accounts offline_access',
    })
    const page = await here.browser.get(paths.account)
    const [row] = handlesOn(page, paths.endSession)
    const before = await liveSessions(world)
    const gone = before.find(({ sid }) => sid !== before[0]?.sid)
    assert.equal(
      wentTo(await press(here.browser, page, paths.endSession, row)),
      '/account?done=session-ended',
    )
    assert.deepEqual([await isSignedIn(here), await isSignedIn(there)], [true, false])
    assert.deepEqual(await ended(world), [['accepted', alice, 'account', ['two']]])
    const feed = await world.store.listRevocations(0, 9)
    assert.deepEqual(
      feed.map(({ what, key }) => [what, key]),
      [['session', gone?.sid]],
    )
    await openCourier(world.ports).deliverDue()
    assert.deepEqual(posts, ['https://two.example/out'])
    const left = (await liveGrants(world)).map(({ clientId, scopes }) => [clientId, scopes.length])
    assert.deepEqual(left, [
      ['two', 3],
      ['one', 2],
    ])
    const form = { grant_type: 'refresh_token', refresh_token: lasting.refreshToken ?? '' }
    assert.equal((await requestToken(world, 'two', form)).status, 200)
    assert.equal((await press(here.browser, page, paths.endSession, row)).status, 409)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.session')
    assert.equal((await ended(world)).length, 1)
  })

  test('this browser’s own goes by the logout page, which takes its cookie', async () => {
    const { world } = await worldOf()
    await using _ = world
    const [one, page] = await anotherBrowser(world)
    const [two, others] = await anotherBrowser(world)
    const [own] = handlesOn(await one.get(paths.account), paths.endSession)
    const [foreign] = handlesOn(others, paths.endSession)
    assert.ok(own && foreign && page)
    assert.equal(wentTo(await press(two, others, paths.endSession, own)), '/logout')
    assert.equal((await liveSessions(world)).length, 2)
  })

  test('asks for a recent sign-in and for the token of the page', async () => {
    const { world } = await worldOf()
    await using _ = world
    const [one] = await anotherBrowser(world)
    const [two] = await anotherBrowser(world)
    for (const path of [paths.endSession, paths.endOtherSessions]) {
      const page = await one.get(paths.account)
      assert.equal((await press(two, page, path)).status, 400)
      assert.equal((await one.post(path, {})).status, 400)
    }
    world.clock.advance(301)
    for (const path of [paths.endSession, paths.endOtherSessions])
      assert.equal(wentTo(await press(one, await one.get(paths.account), path)), '/account?again=yes')
    assert.equal((await liveSessions(world)).length, 2)
  })

  test('a client that a consent brought in at the same moment is told as well', async () => {
    const { world } = await worldOf()
    await using _ = world
    const here = await signIn(world, 'one')
    world.clock.advance(1)
    await anotherBrowser(world)
    const page = await here.browser.get(paths.account)
    const other = (await liveSessions(world)).at(-1)
    assert.ok(other)
    joinsBeforeCommit(world.store, {
      kind: 'join-session',
      record: participantOf(other.sid, 'two', world.clock.now()),
    })
    await press(here.browser, page, paths.endSession)
    assert.deepEqual((await world.lastAudit('session.joined-late'))?.facts.notified, ['two'])
    assert.equal((await world.store.listDueLogoutNotices(issuerUrl, world.clock.now(), 9)).length, 1)
  })
})

/** Puts one write before the next commit. */
function joinsBeforeCommit(store: Store, write: Write): void {
  const { commit } = store
  Object.assign(store, {
    commit: async (writes: readonly Write[]) => {
      Object.assign(store, { commit })
      await commit([write])
      return await commit(writes)
    },
  })
}

describe('signing out everywhere else', () => {
  test('ends all but this one, each with its notices and its record, more than one commit holds too', async () => {
    const { world, posts } = await worldOf()
    await using _ = world
    const here = await signIn(world, 'one')
    const away = [await signIn(world, 'two'), await signIn(world, 'two'), await signIn(world, 'c_oidc')]
    for (let count = 0; count < 60; count++) await anotherBrowser(world)
    const page = await here.browser.get(paths.account)
    assert.equal(
      wentTo(await press(here.browser, page, paths.endOtherSessions)),
      '/account?done=others-ended',
    )
    assert.equal(await isSignedIn(here), true)
    for (const other of away) assert.equal(await isSignedIn(other), false)
    assert.equal((await liveSessions(world)).length, 1)
    assert.equal((await ended(world)).length, 63)
    await openCourier(world.ports).deliverDue()
    assert.deepEqual(posts, ['https://two.example/out', 'https://two.example/out'])
    assert.deepEqual(
      (await liveGrants(world)).map(({ clientId }) => clientId),
      ['one'],
    )
    const again = await press(here.browser, page, paths.endOtherSessions)
    assert.equal(wentTo(again), '/account?done=others-ended')
    assert.equal((await ended(world)).length, 63)
  })

  test('goes on when somebody else ends one of them meanwhile', async () => {
    const { world } = await worldOf()
    await using _ = world
    await anotherBrowser(world)
    await anotherBrowser(world)
    world.clock.advance(1)
    const [browser, page] = await anotherBrowser(world)
    const other = (await liveSessions(world)).at(0)
    assert.ok(other)
    joinsBeforeCommit(world.store, { kind: 'end-session', hash: other.hash, at: world.clock.now() })
    assert.equal(wentTo(await press(browser, page, paths.endOtherSessions)), '/account?done=others-ended')
    assert.equal((await liveSessions(world)).length, 1)
    assert.equal((await ended(world)).length, 1)
  })

  test('tokens of the others end with them', async () => {
    const { world } = await worldOf()
    await using _ = world
    const { refreshToken = '' } = await signIn(world, 'c_bank', { scope: 'accounts' })
    const [browser, page] = await anotherBrowser(world)
    await press(browser, page, paths.endOtherSessions)
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    assert.equal(jsonOf(await requestToken(world, 'c_bank', form)).error, 'invalid_grant')
  })
})

for (const { name, skip, open } of bothStores)
  describe(`ending each other, on ${name}`, { skip }, () => {
    test('of browsers that end each other at the same moment, one is left', async () => {
      await using opened = await open()
      const world = await openWorld({ store: opened.store })
      const browsers = []
      for (let count = 0; count < 8; count++) browsers.push((await anotherBrowser(world))[0])
      const pages = await Promise.all(browsers.map(browser => browser.get(paths.account)))
      const replies = await Promise.all(
        browsers.map((browser, index) => press(browser, pages[index] as Reply, paths.endOtherSessions)),
      )
      assert.equal((await liveSessions(world)).length, 1)
      const done = replies.map(wentTo)
      assert.equal(done.filter(path => path === '/account?done=others-ended').length, 1)
      assert.equal(done.filter(path => path === '/account').length, 7)
      assert.equal((await ended(world)).length, 7)
    })
  })
