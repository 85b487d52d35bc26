import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { answerShown, askCiba, atApprovals, cibaClient } from '../testing/ciba.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

/** Whoever has client credentials and a user name tries to wear a user down with prompts. */

const other = cibaClient({ clientId: 'c_other' })
const open = (): Promise<World> => openWorld({ clients: [cibaClient(), other] })
const flooded = { status: 403, error: 'access_denied', ruleId: 'ciba.prompts' }

async function ask(world: World, times: number, clientId = 'c_pos'): Promise<readonly Reply[]> {
  const replies: Reply[] = []
  for (let count = 0; count < times; count++) replies.push(await askCiba(world, {}, { clientId }))
  return replies
}

describe('prompt bombing', () => {
  test('a user has three prompts at one time, whichever clients ask', async () => {
    await using world = await open()
    for (const reply of [...(await ask(world, 2)), ...(await ask(world, 1, 'c_other'))])
      assert.equal(reply.status, 200)
    for (const clientId of ['c_pos', 'c_other'])
      await assertRefused(world, await askCiba(world, {}, { clientId }), flooded)
    const [, page] = await atApprovals(world)
    assert.equal(String(page.body).match(/id="allow-\d+"/g)?.length, 3)
  })

  test('of 16 at one time three get through', async () => {
    await using world = await open()
    const replies = await Promise.all(Array.from({ length: 16 }, () => askCiba(world)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 3)
    assert.equal(replies.filter(({ status }) => status === 403).length, 13)
    const subject = 'u_alice'
    const waiting = await world.store.listWaitingBackchannelRequests(
      issuerUrl,
      subject,
      world.clock.now(),
      99,
    )
    assert.equal(waiting.length, 3)
  })

  test('a denied prompt keeps its place for five minutes: asking again does not pay', async () => {
    await using world = await open()
    await ask(world, 3)
    const [browser, first] = await atApprovals(world)
    let page = first
    for (let count = 0; count < 3; count++) page = await answerShown(browser, page, 'deny')
    assert.match(String(page.body), /Nothing waits for you/)
    await assertRefused(world, await askCiba(world), flooded)
    world.clock.advance(299)
    await assertRefused(world, await askCiba(world), flooded)
    world.clock.advance(1)
    assert.equal((await askCiba(world)).status, 200)
  })

  test('short requests make no room sooner, long ones keep it as long as they wait', async () => {
    await using world = await open()
    for (let count = 0; count < 3; count++) await askCiba(world, { requested_expiry: '1' })
    world.clock.advance(299)
    await assertRefused(world, await askCiba(world), flooded)
    world.clock.advance(1)
    for (let count = 0; count < 3; count++)
      assert.equal((await askCiba(world, { requested_expiry: '600' })).status, 200)
    world.clock.advance(599)
    await assertRefused(world, await askCiba(world), flooded)
    world.clock.advance(1)
    assert.equal((await askCiba(world)).status, 200)
  })

  test('what the user allows makes room at once', async () => {
    await using world = await open()
    await ask(world, 3)
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    assert.equal((await askCiba(world)).status, 200)
    await assertRefused(world, await askCiba(world), flooded)
  })

  test('another user is not kept out', async () => {
    await using world = await open()
    await ask(world, 3)
    const record = { issuer: issuerUrl, passwordHash: 'fake:pw', claims: {}, status: 'active' as const }
    await world.store.commit([{ kind: 'put-user', record: { ...record, subject: 'u_bob', username: 'bob' } }])
    assert.equal((await askCiba(world, { login_hint: 'bob' })).status, 200)
  })
})
