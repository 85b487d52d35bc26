import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { fieldOf, header, openBrowser } from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient, openApprovals, pollCiba } from '../testing/ciba.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

const open = (): Promise<World> => openWorld({ clients: [cibaClient()] })
const text = (page: Reply): string => String(page.body).replaceAll(/<[^>]+>/g, '')
const putBob = (world: World): Promise<unknown> =>
  world.store.commit([
    {
      kind: 'put-user',
      record: {
        ...{ issuer: issuerUrl, subject: 'u_bob', username: 'bob', passwordHash: 'fake:pw' },
        ...{ status: 'active' as const, claims: {} },
      },
    },
  ])

describe('the page of what waits for a user', () => {
  it('names client, user, scopes in plain words, resource, duration and the message to compare', async () => {
    await using world = await open()
    await askCiba(world, { binding_message: 'PAY <b>10</b>' })
    world.clock.advance(61)
    const [, page] = await atApprovals(world)
    assert.equal(page.status, 200)
    for (const shown of [
      'The c_pos application',
      'alice',
      'See your accounts',
      'Balances and names',
      'Accounts accounts.example',
      'PAY &lt;b&gt;10&lt;/b&gt;',
      'Asked a minute ago',
      'at most 15 minutes',
      'You did not start this',
    ])
      assert.ok(text(page).includes(shown), shown)
    assert.ok(!/<script|javascript:|style=/i.test(String(page.body)))
    assert.equal(header(page, 'x-frame-options'), 'DENY')
    assert.equal(header(page, 'cache-control'), 'no-store')
  })

  it('asks for a login first, and again when the last one is older than five minutes', async () => {
    await using world = await open()
    await askCiba(world, { requested_expiry: '600' })
    const browser = openBrowser(world)
    const opened = await openApprovals(browser)
    assert.equal(opened.status, 303)
    const approvals = header(opened, 'location') ?? ''
    assert.match(header(await browser.get(approvals), 'location') ?? '', /\/login$/)
    await atApprovals(world, browser)
    world.clock.advance(300)
    const fresh = header(await openApprovals(browser), 'location') ?? ''
    assert.equal((await browser.get(fresh)).status, 200)
    world.clock.advance(1)
    const stale = header(await openApprovals(browser), 'location') ?? ''
    assert.match(header(await browser.get(stale), 'location') ?? '', /\/login$/)
  })

  it('shows nothing of others, and another user cannot answer what is not theirs', async () => {
    await using world = await open()
    await putBob(world)
    const asked = textOf(await askCiba(world), 'auth_req_id')
    const [, hers] = await atApprovals(world)
    await askCiba(world, { login_hint: 'bob', binding_message: 'FOR-BOB' })
    const browser = openBrowser(world)
    const opened = await browser.get(header(await openApprovals(browser), 'location') ?? '')
    const entered = await browser.login(opened, 'bob', 'pw')
    const his = await browser.get((header(entered, 'location') ?? '').replace(/consent$/, 'approvals'))
    assert.ok(text(his).includes('FOR-BOB') && !text(his).includes('W4SCT'))
    const stolen = { request: fieldOf(hers, 'request'), shown: fieldOf(hers, 'shown') }
    for (const decision of ['allow', 'deny'] as const) {
      assert.equal((await answerShown(browser, his, decision, stolen)).status, 409)
      assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.decided')
    }
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'authorization_pending')
    assert.equal((await answerShown(browser, his)).status, 200)
    assert.equal((await world.lastAudit('ciba.approved'))?.subject, 'u_bob')
  })

  it('what the page showed is what is granted: an edited name or text is asked again', async () => {
    await using world = await open()
    const asked = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_pos', cibaClient({ clientName: 'Another name' }))
    const reply = await answerShown(browser, page)
    assert.equal(reply.status, 409)
    assert.match(text(reply), /has changed since you saw it/)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.changed')
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'authorization_pending')
    assert.equal((await answerShown(browser, reply)).status, 200)
    world.clock.advance(5)
    assert.equal((await pollCiba(world, asked)).status, 200)
  })

  it('a request whose client lost its grant, its scope or its standing is not shown', async () => {
    for (const spec of [{ grantTypes: [] }, { scopes: ['openid'] }, { status: 'suspended' as const }]) {
      await using world = await open()
      await askCiba(world)
      const clients = world.issuer.clients as Map<string, Client>
      clients.set('c_pos', cibaClient(spec))
      const [, page] = await atApprovals(world)
      assert.match(text(page), /Nothing waits for you/)
    }
  })

  it('of 16 simultaneous answers one counts', async () => {
    await using world = await open()
    await askCiba(world)
    const [browser, page] = await atApprovals(world)
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, index) => answerShown(browser, page, index % 2 ? 'allow' : 'deny')),
    )
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    const answers = (await world.audit()).filter(({ event }) => /^ciba\.(approved|denied)$/.test(event))
    assert.equal(answers.length, 1)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.decided')
  })

  it('an expired request, an unknown one and no decision change nothing', async () => {
    await using world = await open()
    const asked = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    assert.equal((await answerShown(browser, page, 'allow', { request: 'x' })).status, 409)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.decided')
    assert.equal((await answerShown(browser, page, 'allow', { decision: undefined })).status, 200)
    world.clock.advance(300)
    assert.equal((await answerShown(browser, page)).status, 409)
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'expired_token')
  })

  it('an answer needs the CSRF token of its page and the browser it was shown to', async () => {
    await using world = await open()
    await askCiba(world)
    const [browser, page] = await atApprovals(world)
    for (const csrf of [undefined, '', 'x'])
      assert.equal((await answerShown(browser, page, 'allow', { csrf })).status, 400)
    assert.equal((await answerShown(openBrowser(world), page)).status, 400)
    assert.equal((await answerShown(browser, page)).status, 200)
  })

  it('an answer after a logout is no answer: the user signs in again', async () => {
    await using world = await open()
    const asked = textOf(await askCiba(world), 'auth_req_id')
    const { browser, idToken } = await signIn(world, 'c_bank')
    const [, page] = await atApprovals(world, browser)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    const reply = await answerShown(browser, page)
    assert.match(header(reply, 'location') ?? '', /\/login$/)
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'authorization_pending')
  })

  it('a logout between look and answer is found out by the guard', async () => {
    await using world = await open()
    await askCiba(world)
    const { browser, idToken } = await signIn(world, 'c_bank')
    const [, page] = await atApprovals(world, browser)
    const { store } = world
    const listWaitingBackchannelRequests: typeof store.listWaitingBackchannelRequests = async (...asked) => {
      await browser.get(logoutUrl({ id_token_hint: idToken }))
      return await store.listWaitingBackchannelRequests(...asked)
    }
    const racing = { ...world.ports, store: { ...store, listWaitingBackchannelRequests } }
    const send = world.send
    Object.assign(world, {
      send: (room: Parameters<typeof send>[0], path: string, options: Parameters<typeof send>[2]) =>
        room(world.exchange(path, options), path.endsWith('/approvals') ? racing : world.ports),
    })
    const reply = await answerShown(browser, page)
    assert.match(header(reply, 'location') ?? '', /\/login$/)
    assert.equal(await world.lastAudit('ciba.approved'), undefined)
  })

  it('a malformed query and a form of another site are refused on a page, and looking stores nothing', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    assert.equal((await browser.get('/ciba?a=%ff')).status, 400)
    const page = await browser.get('/ciba')
    assert.match(text(page), /Sign in and look/)
    assert.equal((await world.audit()).at(-1)?.event, 'ciba-page.refused')
    for (const csrf of [undefined, '', 'x', fieldOf(await openBrowser(world).get('/ciba'), 'csrf')])
      assert.equal((await browser.post('/ciba', { csrf })).status, 400)
    assert.equal((await world.lastAudit('ciba-page.refused'))?.ruleId, 'ciba-page.csrf')
    assert.equal((await browser.post('/ciba', { csrf: fieldOf(page, 'csrf') })).status, 303)
    assert.equal((await world.lastAudit('ciba.opened'))?.outcome, 'accepted')
  })
})
