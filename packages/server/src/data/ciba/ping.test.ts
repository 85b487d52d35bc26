import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { Fault } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { openCourier } from '../logout/courier.ts'
import {
  answerShown,
  askCiba,
  atApprovals,
  cibaClient,
  notificationToken,
  pingedClient,
  pollCiba,
} from '../testing/ciba.ts'
import { textOf } from '../testing/flow.ts'
import { issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { openPing, sealPing } from './sealed-ping.ts'

interface Post {
  readonly url: string
  readonly body: Readonly<Record<string, string>>
  readonly at: number
}

interface Told {
  readonly world: World
  readonly posts: Post[]
  /** Seconds of the posts after the first. */
  readonly times: () => readonly number[]
}

async function worldOf(answer: (count: number) => number | undefined): Promise<Told> {
  const posts: Post[] = []
  let clock = (): number => 0
  const receive: WorldOptions['receive'] = async (url, body) => {
    posts.push({ url, body, at: clock() })
    const status = answer(posts.length)
    if (status === undefined) throw new Fault('outbound.failed', { detail: 'no answer' })
    return { status }
  }
  const world = await openWorld({ clients: [pingedClient()], receive })
  clock = () => world.clock.now()
  return { world, posts, times: () => posts.map(({ at }) => at - (posts[0]?.at ?? 0)) }
}

const ask = async (world: World): Promise<string> =>
  textOf(await askCiba(world, { client_notification_token: notificationToken }), 'auth_req_id')

async function askAndAnswer(world: World, decision: 'allow' | 'deny' = 'allow'): Promise<string> {
  const authReqId = await ask(world)
  const [browser, page] = await atApprovals(world)
  await answerShown(browser, page, decision)
  return authReqId
}

/** Lets the clock run while the courier looks every second. */
async function pass(world: World, seconds: number): Promise<void> {
  const courier = openCourier(world.ports)
  await courier.deliverDue()
  for (let second = 0; second < seconds; second++) {
    world.clock.advance(1)
    await courier.deliverDue()
  }
}

describe('a client that is pinged', () => {
  it('is told the auth_req_id with its own token, once the user has answered, yes or no', async () => {
    for (const decision of ['allow', 'deny'] as const) {
      const { world, posts } = await worldOf(() => 204)
      await using _ = world
      const authReqId = await ask(world)
      await pass(world, 2)
      assert.equal(posts.length, 0)
      const [browser, page] = await atApprovals(world)
      await answerShown(browser, page, decision)
      await pass(world, 90)
      assert.deepEqual(
        posts.map(({ url, body }) => ({ url, body })),
        [
          {
            url: 'https://pos.example/ping',
            body: { auth_req_id: authReqId, bearer: notificationToken },
          },
        ],
      )
      const pinged = await world.lastAudit('ciba.pinged')
      const event = decision === 'allow' ? 'ciba.approved' : 'ciba.denied'
      assert.equal(pinged?.requestId, (await world.lastAudit(event))?.requestId)
      assert.equal((await pollCiba(world, authReqId)).status, decision === 'allow' ? 200 : 400)
    }
  })

  it('that polls is told nothing', async () => {
    const { world, posts } = await worldOf(() => 204)
    await using _ = world
    ;(world.issuer.clients as Map<string, Client>).set('c_pos', cibaClient())
    await askCiba(world, { client_notification_token: notificationToken })
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    await pass(world, 3)
    assert.equal(posts.length, 0)
  })

  it('that is down is told again after 1, 10 and 60 seconds, then left to poll', async () => {
    for (const status of [undefined, 503, 429]) {
      const { world, times } = await worldOf(() => status)
      await using _ = world
      const authReqId = await askAndAnswer(world)
      await pass(world, 120)
      assert.deepEqual(times(), [0, 1, 11, 71])
      const last = await world.lastAudit('ciba.ping-given-up')
      assert.equal(last?.outcome, 'alert')
      assert.equal((await pollCiba(world, authReqId)).status, 200)
    }
  })

  it('a 401 is not asked again, a redirect is not followed, and polling still works', async () => {
    for (const status of [401, 301, 302, 307, 308, 400, 404]) {
      const { world, posts } = await worldOf(() => status)
      await using _ = world
      const authReqId = await askAndAnswer(world)
      await pass(world, 100)
      assert.equal(posts.length, 1)
      assert.equal((await world.lastAudit('ciba.ping-given-up'))?.reason, `answered ${status}`)
      assert.equal((await pollCiba(world, authReqId)).status, 200)
    }
  })

  it('at an address that is not public is never reached, and still polls', async () => {
    const receive = async (): Promise<never> => {
      throw new Fault('outbound.refused', { detail: 'the address is not public' })
    }
    await using world = await openWorld({ clients: [pingedClient()], receive })
    const authReqId = await askAndAnswer(world)
    await pass(world, 2)
    assert.equal((await world.lastAudit('ciba.ping-given-up'))?.outcome, 'alert')
    assert.deepEqual(await world.store.listDuePings(issuerUrl, world.clock.now(), 9), [])
    assert.equal((await pollCiba(world, authReqId)).status, 200)
  })

  it('of sixteen couriers one delivers, and a claim whose process died is taken over', async () => {
    const { world, posts } = await worldOf(() => 204)
    await using _ = world
    await askAndAnswer(world)
    const [due] = await world.store.listDuePings(issuerUrl, world.clock.now(), 9)
    const at = world.clock.now()
    const dueAt = (at + 15) as typeof at
    const claim = { kind: 'claim-ping', id: due?.id ?? '', version: 0, at, dueAt } as const
    assert.equal((await world.store.commit([claim])).committed, true)
    assert.equal(await openCourier(world.ports).deliverDue(), 0)
    world.clock.advance(15)
    await Promise.all(Array.from({ length: 16 }, () => openCourier(world.ports).deliverDue()))
    assert.equal(posts.length, 1)
  })

  it('that was suspended, removed, or whose seal does not open is given up', async () => {
    for (const spoil of [
      (world: World) => (world.issuer.clients as Map<string, Client>).delete('c_pos'),
      (world: World) =>
        (world.issuer.clients as Map<string, Client>).set('c_pos', pingedClient({ status: 'suspended' })),
      (world: World) =>
        Object.assign(world.ports, {
          keys: { ...world.ports.keys, secret: () => createSecretKey(Buffer.alloc(32, 7)) },
        }),
    ]) {
      const { world, posts } = await worldOf(() => 204)
      await using _ = world
      await askAndAnswer(world)
      spoil(world)
      await pass(world, 2)
      assert.equal(posts.length, 0)
      assert.equal((await world.lastAudit('ciba.ping-given-up'))?.outcome, 'alert')
    }
  })

  it('neither the auth_req_id nor the token stands readable in the store or in the audit', async () => {
    const { world } = await worldOf(() => 204)
    await using _ = world
    const authReqId = await askAndAnswer(world)
    const found = await world.store.findBackchannelRequest(hashOfHandle('auth_req_id', issuerUrl, authReqId))
    const pings = await world.store.listDuePings(issuerUrl, world.clock.now(), 9)
    await pass(world, 1)
    const said = JSON.stringify([found, pings, await world.audit()])
    assert.ok(pings.length === 1 && !said.includes(authReqId) && !said.includes(notificationToken))
  })
})

describe('a sealed ping', () => {
  it('opens for its own request and issuer, whole, and for nothing else', async () => {
    await using world = await openWorld()
    const secrets = { authReqId: 'ar_x', clientNotificationToken: notificationToken }
    const one = hashOfHandle('auth_req_id', issuerUrl, 'ar_x')
    const two = hashOfHandle('auth_req_id', issuerUrl, 'ar_y')
    const sealed = sealPing(world.ports, issuerUrl, one, secrets)
    assert.deepEqual(openPing(world.ports, issuerUrl, one, sealed), secrets)
    assert.equal(openPing(world.ports, issuerUrl, two, sealed), undefined)
    assert.equal(openPing(world.ports, 'https://other.example', one, sealed), undefined)
    assert.equal(openPing(world.ports, issuerUrl, one, `A${sealed.slice(1)}`), undefined)
    assert.equal(openPing(world.ports, issuerUrl, one, sealed.slice(0, -4)), undefined)
    assert.equal(openPing(world.ports, issuerUrl, one, ''), undefined)
    assert.notEqual(sealPing(world.ports, issuerUrl, one, secrets), sealed)
  })
})
