import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { Reply } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { follow } from '../testing/authenticator.ts'
import { type Browser, header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { policiesWith } from '../testing/policies.ts'
import { requestObject } from '../testing/request-objects.ts'
import { alice, openWorld, type World } from '../testing/world.ts'

const head = '(principal, action == Action::"authorize", resource)'
const policies = policiesWith(`@id("own.remember") @remember_consent("600") permit ${head};`)
const silent = { spoil: { prompt: 'none' } }

/** A browser whose user signed in and allowed it once. */
async function allowedOnce(world: World, url?: string): Promise<Browser> {
  const browser = openBrowser(world)
  const consent = await browser.login(
    await follow(browser, await browser.get(url ?? (await pushedUrl(world)))),
  )
  assert.notEqual(codeOf(await browser.decide(locationOf(consent).href, 'allow')), undefined)
  return browser
}

const codeOf = (reply: Reply): string | undefined => locationOf(reply).searchParams.get('code') ?? undefined
const errorOf = (reply: Reply): string | undefined => locationOf(reply).searchParams.get('error') ?? undefined

/** Every list that is committed from now on; `before` the first one that would issue a code, something else happens. */
function watch(world: World, before: () => readonly Write[] = () => []): readonly (readonly Write[])[] {
  const commit = world.store.commit.bind(world.store)
  const lists: (readonly Write[])[] = []
  let first = true
  Object.assign(world.store, {
    commit: async (writes: readonly Write[]) => {
      lists.push(writes)
      if (first && writes.some(({ kind }) => kind === 'insert-code')) {
        first = false
        const faster = before()
        if (faster.length > 0) await commit(faster)
      }
      return await commit(writes)
    },
  })
  return lists
}

const kindsOf = (lists: readonly (readonly Write[])[]): readonly (readonly string[])[] =>
  lists.map(list => list.map(one => (one.kind === 'append-audit' ? one.record.event : one.kind)))

async function eventsSince(world: World, count: number): Promise<readonly string[]> {
  return (await world.audit()).slice(count).map(({ event }) => event)
}

describe('a request whose answer is known', () => {
  test('is one commit, and its record says what it asked for and what came of it', async () => {
    await using world = await openWorld({ policies })
    const browser = await allowedOnce(world)
    const url = await pushedUrl(world)
    const lists = watch(world)
    assert.match(codeOf(await browser.get(url)) ?? '', /^ac_/)
    assert.deepEqual(kindsOf(lists), [
      [
        ...['spend-pushed-request', 'require-consent', 'insert-grant', 'insert-code'],
        ...['join-session', 'touch-session', 'policy.authorize', 'code.issued'],
      ],
    ])
    const [pushed, , issued] = (await world.audit()).slice(-3)
    assert.deepEqual([pushed?.event, pushed?.txn], ['request.pushed', issued?.txn])
    const asked = ['pushed', 'redirect_uri', 'resources', 'response_type', 'scopes', 'pkce', 'dpop_jkt']
    assert.deepEqual(
      asked.map(name => issued?.facts[name]),
      asked.map(name => pushed?.facts[name]),
    )
    assert.ok(typeof issued?.facts.sid === 'string')
  })

  test('is one commit too where it is no, silently', async () => {
    await using world = await openWorld()
    const browser = await allowedOnce(world)
    const url = await pushedUrl(world, silent)
    const lists = watch(world)
    assert.equal(errorOf(await browser.get(url)), 'consent_required')
    const [only = []] = kindsOf(lists)
    assert.equal(lists.length, 1)
    assert.deepEqual(only.slice(0, 2), ['authorization.opened', 'spend-pushed-request'])
    assert.equal(only.at(-1), 'consent.refused')
    assert.equal((await browser.get(url)).status, 400)
  })

  test('is answered once, however many come at one time, and each leaves its record', async () => {
    await using world = await openWorld({ policies })
    const browser = await allowedOnce(world)
    for (const options of [{}, silent]) {
      const url = await pushedUrl(world, options)
      const before = (await world.audit()).length
      const replies = await Promise.all(Array.from({ length: 16 }, () => browser.get(url)))
      assert.equal(replies.filter(reply => codeOf(reply) !== undefined).length, 1)
      assert.equal(replies.filter(({ status }) => status === 400).length, 15)
      const events = await eventsSince(world, before)
      const counted = (event: string): number => events.filter(one => one === event).length
      assert.deepEqual(['authorization.opened', 'code.issued', 'consent.refused'].map(counted), [15, 1, 15])
      assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'interaction.once')
    }
  })

  test('that was signed and not pushed is answered once, however many come at one time', async () => {
    const clientId = 'c_direct'
    const direct = clientOf({
      ...{ clientId, ownProfile: oidcBaseline, requirePushedAuthorizationRequests: false },
    })
    await using world = await openWorld({ policies, clients: [direct] })
    const claims = { scope: 'openid', resource: undefined, response_mode: undefined }
    const signed = (): string =>
      `/authorize?${new URLSearchParams({ client_id: clientId, request: requestObject(world, { clientId, claims }) })}`
    const browser = await allowedOnce(world, signed())
    const url = signed()
    const replies = await Promise.all(Array.from({ length: 16 }, () => browser.get(url)))
    assert.equal(replies.filter(reply => codeOf(reply) !== undefined).length, 1)
    assert.ok(replies.every(({ isUnbacked }) => isUnbacked === true))
  })
})

describe('what is faster than an answer at once', () => {
  const faster: readonly (readonly [string, (world: World) => Write, string, string])[] = [
    [
      'the end of the session',
      ({ issuer: { url }, clock }) => ({
        ...{ kind: 'revoke-sessions-of-subject', issuer: url, subject: alice, at: clock.now() },
      }),
      'login_required',
      'login-form',
    ],
    [
      'a withdrawn consent',
      ({ issuer: { url } }) => ({ kind: 'forget-consents-of-subject', issuer: url, subject: alice }),
      'consent_required',
      'consent-form',
    ],
  ]
  for (const [what, write, error, form] of faster) {
    test(`${what}: the request is judged once more and asks, and its code comes of that`, async () => {
      await using world = await openWorld({ policies })
      const browser = await allowedOnce(world)
      const url = await pushedUrl(world)
      const before = (await world.audit()).length
      const lists = watch(world, () => [write(world)])
      const reply = await browser.get(url)
      assert.deepEqual([reply.status, header(reply, 'location')], [303, url])
      assert.deepEqual(await eventsSince(world, before), [])
      const page = await browser.get(url)
      assert.match(String(page.body), new RegExp(`id="${form}"`))
      assert.deepEqual(kindsOf(lists).at(-1), ['insert-interaction', 'authorization.opened'])
      const consent = form === 'login-form' ? await follow(browser, await browser.login(page)) : page
      const answer =
        codeOf(consent) === undefined ? await browser.decide(locationOf(consent).href, 'allow') : consent
      assert.match(codeOf(answer) ?? '', /^ac_/)
      assert.equal((await browser.get(url)).status, 400)
      const issued = (await eventsSince(world, before)).filter(event => event === 'code.issued')
      assert.equal(issued.length, 1)
    })

    test(`${what}: nothing is shown to who asked silently, and the request is spent`, async () => {
      await using world = await openWorld({ policies })
      const browser = await allowedOnce(world)
      const url = await pushedUrl(world, silent)
      const before = (await world.audit()).length
      watch(world, () => [write(world)])
      const reply = await browser.get(url)
      assert.deepEqual([codeOf(reply), errorOf(reply)], [undefined, error])
      assert.deepEqual(await eventsSince(world, before), ['authorization.opened', 'consent.refused'])
      assert.equal((await browser.get(url)).status, 400)
    })
  }

  test('the end of all access of the issuer: neither a code nor a page comes of what was pushed before', async () => {
    await using world = await openWorld({ policies })
    const browser = await allowedOnce(world)
    const url = await pushedUrl(world)
    watch(world, () => [{ kind: 'revoke-all-of-issuer', issuer: world.issuer.url, at: world.clock.now() }])
    const reply = await browser.get(url)
    assert.deepEqual([reply.status, header(reply, 'location')], [303, url])
    const again = await browser.get(url)
    assert.deepEqual([again.status, codeOf(again)], [400, undefined])
    assert.doesNotMatch(String(again.body), /<form/)
  })

  test('a store that takes nothing: neither a code nor a page leaves', async () => {
    await using world = await openWorld({ policies })
    const browser = await allowedOnce(world)
    const urls = [await pushedUrl(world), await pushedUrl(world, { spoil: { prompt: 'consent' } })]
    Object.assign(world.store, { commit: () => Promise.reject(new Fault('store.unavailable')) })
    for (const url of urls) await assert.rejects(browser.get(url), Fault)
  })
})
