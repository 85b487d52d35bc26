import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { Store } from '../../store/store.ts'
import { introspectRoom } from '../introspect/room.ts'
import { openCourier } from '../logout/courier.ts'
import { paths } from '../paths.ts'
import { anotherBrowser, handlesOn, liveGrants, openHome, press, putUsers } from '../testing/account.ts'
import { bothStores } from '../testing/both-stores.ts'
import { header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken } from '../testing/flow.ts'
import { logoutUrl, type SignedIn, signIn } from '../testing/logout.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const offline = { scope: 'openid accounts offline_access' }

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

function refresh(world: World, { refreshToken = '' }: SignedIn, clientId = 'c_bank'): Promise<Reply> {
  return requestToken(world, clientId, { grant_type: 'refresh_token', refresh_token: refreshToken })
}

/** What the store tells those who keep tokens. */
async function announced(store: Store): Promise<readonly (readonly [string, string])[]> {
  return (await store.listRevocations(0, 1000)).map(({ what, key }) => [what, key])
}

function isDone(reply: Reply): boolean {
  return header(reply, 'location')?.endsWith('/account?done=withdrawn') === true
}

describe('withdrawing what was allowed', () => {
  test('ends the grant with its access and refresh tokens, once, announced and written down', async () => {
    await using world = await openWorld()
    const kept = await signIn(world, 'c_bank', offline)
    world.clock.advance(1)
    const signedIn = await signIn(world, 'c_bank', offline)
    const [newest] = await liveGrants(world)
    assert.ok(newest)
    const { browser } = signedIn
    const page = await browser.get(paths.account)
    assert.ok(isDone(await press(browser, page, paths.withdraw)))
    assert.equal(await isActive(world, signedIn.accessToken), false)
    assert.equal(jsonOf(await refresh(world, signedIn)).error, 'invalid_grant')
    assert.equal(await isActive(world, kept.accessToken), true)
    assert.equal((await refresh(world, kept)).status, 200)
    assert.deepEqual(await announced(world.store), [['grant', newest.id]])
    const record = await world.lastAudit('grant.revoked')
    assert.deepEqual(
      [record?.outcome, record?.subject, record?.clientId, record?.txn, record?.facts],
      ['accepted', alice, 'c_bank', newest.txn, { grant: newest.id, by: 'user', notified: [] }],
    )
    const again = await press(browser, page, paths.withdraw)
    assert.equal(again.status, 409)
    assert.match(String(again.body), /role="alert" id="notice"><p>It had already ended/)
    assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.grant')
    assert.equal((await announced(world.store)).length, 1)
  })

  test('ends a code that nobody has redeemed yet', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc')
    world.clock.advance(1)
    const opened = await browser.get(await pushedUrl(world))
    const callback = locationOf(await browser.decide(locationOf(opened).href, 'allow'))
    const page = await browser.get(paths.account)
    assert.ok(isDone(await press(browser, page, paths.withdraw)))
    const redeemed = await redeem(world, 'c_bank', callback.searchParams.get('code') ?? '')
    assert.equal(jsonOf(redeemed).error, 'invalid_grant')
  })

  test('is for who signed in within five minutes; anybody else signs in again and comes back', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_bank', offline)
    const page = await browser.get(paths.account)
    world.clock.advance(301)
    const late = await press(browser, page, paths.withdraw)
    assert.equal(header(late, 'location'), `${issuerUrl}/account?again=yes`)
    assert.equal((await liveGrants(world)).length, 1)
    assert.equal((await browser.get(paths.account)).status, 200)
    const asked = await browser.get(`${paths.account}?again=yes`)
    assert.match(header(asked, 'location') ?? '', /\/login$/)
    await browser.login(asked)
    assert.ok(isDone(await press(browser, await browser.get(paths.account), paths.withdraw)))
    assert.equal((await liveGrants(world)).length, 0)
  })

  test('five minutes to the second are recent enough', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_bank', offline)
    world.clock.advance(300)
    assert.ok(isDone(await press(browser, await browser.get(paths.account), paths.withdraw)))
  })

  test('needs the token of a page that this session was shown', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_bank', offline)
    const [other] = await anotherBrowser(world)
    const page = await browser.get(paths.account)
    const [id = ''] = handlesOn(page, paths.withdraw)
    const foreign = await press(other, page, paths.withdraw, id)
    const missing = await browser.post(paths.withdraw, { id })
    const wrong = await browser.post(paths.withdraw, { id }, { headers: [['content-type', 'text/plain']] })
    for (const reply of [foreign, missing, wrong]) assert.equal(reply.status, 400)
    assert.equal((await liveGrants(world)).length, 1)
  })

  test('tells the client by the back channel where it was signed in, and only there', async () => {
    const posts: string[] = []
    const receive = async (url: string): Promise<{ status: number }> => {
      posts.push(url)
      return { status: 200 }
    }
    const told = (clientId: string): Client =>
      clientOf({ clientId, backchannelLogoutUri: `https://${clientId}.example/out` })
    await using world = await openWorld({ clients: [told('told'), told('other')], receive })
    const { browser } = await signIn(world, 'other')
    world.clock.advance(1)
    const plain = { browser, scope: 'accounts', spoil: { nonce: undefined, resource: undefined } }
    await signIn(world, 'told', plain)
    const courier = openCourier(world.ports)
    await press(browser, await browser.get(paths.account), paths.withdraw)
    await courier.deliverDue()
    // Without `openid` nobody was signed in anywhere.
    assert.deepEqual(posts, [])
    world.clock.advance(1)
    await signIn(world, 'told', { browser, ...offline })
    await press(browser, await browser.get(paths.account), paths.withdraw)
    assert.deepEqual((await world.lastAudit('grant.revoked'))?.facts.notified, ['told'])
    await courier.deliverDue()
    assert.deepEqual(posts, ['https://told.example/out'])
    // At the end of the session it was told already.
    world.clock.advance(1)
    const last = await signIn(world, 'told', { browser, ...offline })
    await browser.get(logoutUrl({ id_token_hint: last.idToken }))
    posts.length = 0
    const [later, page] = await anotherBrowser(world)
    assert.ok(isDone(await press(later, page, paths.withdraw)))
    assert.deepEqual((await world.lastAudit('grant.revoked'))?.facts.notified, [])
    await courier.deliverDue()
    assert.deepEqual(posts, [])
  })

  test('a session that a logout ended meanwhile withdraws nothing', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_bank', offline)
    const page = await browser.get(paths.account)
    const { findGrant } = world.store
    Object.assign(world.store, {
      findGrant: async (id: string) => {
        const [session] = await world.store.listSessions(issuerUrl, alice, world.clock.now(), 9)
        assert.ok(session)
        await world.store.commit([{ kind: 'end-session', hash: session.hash, at: world.clock.now() }])
        return await findGrant(id)
      },
    })
    const reply = await press(browser, page, paths.withdraw)
    assert.equal(header(reply, 'location'), `${issuerUrl}/account`)
    assert.equal((await liveGrants(world)).length, 1)
  })
})

for (const { name, skip, open } of bothStores)
  describe(`withdrawing at the same moment, on ${name}`, { skip }, () => {
    test('of sixteen withdrawals of one grant, one did it', async () => {
      await using opened = await open()
      const world = await openWorld({ store: opened.store })
      const { browser } = await signIn(world, 'c_bank', offline)
      const page = await browser.get(paths.account)
      const replies = await Promise.all(
        Array.from({ length: 16 }, () => press(browser, page, paths.withdraw)),
      )
      assert.equal(replies.filter(isDone).length, 1)
      assert.equal(replies.filter(({ status }) => status === 409).length, 15)
      const withdrawn = (await world.audit()).filter(({ event }) => event === 'grant.revoked')
      assert.equal(withdrawn.length, 1)
      assert.equal((await announced(world.store)).length, 1)
    })

    test('of a withdrawal and refreshes in flight either may come first, and no token lives after it', async () => {
      await using opened = await open()
      const world = await openWorld({ store: opened.store })
      for (let round = 0; round < 4; round++) {
        const signedIn = await signIn(world, 'c_bank', offline)
        const { browser } = signedIn
        const page = await browser.get(paths.account)
        const refreshes = Array.from({ length: 8 }, () => refresh(world, signedIn))
        const [withdrawn, ...answers] = await Promise.all([
          press(browser, page, paths.withdraw),
          ...refreshes,
        ])
        assert.ok(isDone(withdrawn))
        const tokens = answers.flatMap(answer =>
          answer.status === 200 ? [String(jsonOf(answer).access_token)] : [],
        )
        for (const answer of answers)
          if (answer.status !== 200) assert.equal(jsonOf(answer).error, 'invalid_grant')
        for (const token of [signedIn.accessToken, ...tokens])
          assert.equal(await isActive(world, token), false)
        assert.equal(jsonOf(await refresh(world, signedIn)).error, 'invalid_grant')
        world.clock.advance(1)
      }
    })
  })

describe('rows of somebody else', () => {
  test('are neither shown nor ended: of another user, of another kind, made up, altered, or of another issuer', async () => {
    await using world = await openWorld()
    await putUsers(world.store, 'bob')
    const { browser } = await signIn(world, 'c_bank', offline)
    const alicesPage = await browser.get(paths.account)
    await anotherBrowser(world)
    await openHome(openBrowser(world), 'bob')
    const bob = openBrowser(world)
    const bobsPage = await openHome(bob, 'bob')
    assert.deepEqual(handlesOn(bobsPage, paths.withdraw), [])
    assert.equal(handlesOn(bobsPage, paths.endSession).length, 1)
    const withTwo = await browser.get(paths.account)
    assert.deepEqual(handlesOn(withTwo, paths.withdraw), handlesOn(alicesPage, paths.withdraw))
    const [grant = ''] = handlesOn(alicesPage, paths.withdraw)
    const [session = ''] = handlesOn(withTwo, paths.endSession)
    const record = (await liveGrants(world))[0]
    assert.ok(record)
    const altered = `${grant.slice(0, -2)}${grant.endsWith('AA') ? 'BB' : 'AA'}`
    for (const id of [grant, session, record.id, altered, '', 'x', 'A'.repeat(4000)]) {
      const reply = await press(bob, bobsPage, paths.withdraw, id)
      assert.equal(reply.status, 409, id)
      const refused = await world.lastAudit('account.refused')
      assert.deepEqual([refused?.ruleId, refused?.subject], ['account.grant', 'u_bob'])
    }
    for (const id of [session, altered, record.id]) {
      assert.equal((await press(browser, withTwo, paths.withdraw, id)).status, 409)
    }
    for (const id of [session, grant, '', 'x']) {
      assert.equal((await press(bob, bobsPage, paths.endSession, id)).status, 409)
      assert.equal((await world.lastAudit('account.refused'))?.ruleId, 'account.session')
    }
    await press(bob, bobsPage, paths.endOtherSessions)
    assert.deepEqual(
      (await liveGrants(world)).map(({ id }) => id),
      [record.id],
    )
    assert.equal((await world.store.listSessions(issuerUrl, alice, world.clock.now(), 9)).length, 2)
    // Where a page of hers would go on, his begins: nothing of hers is on it.
    const paged = await bob.get(`${paths.account}?before=${grant}`)
    assert.deepEqual(handlesOn(paged, paths.withdraw), [])
  })
})
