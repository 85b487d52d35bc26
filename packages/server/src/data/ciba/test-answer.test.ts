import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { routes } from '../routes.ts'
import { askCiba, cibaClient, pollCiba } from '../testing/ciba.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { openWorld, type World } from '../testing/world.ts'
import { testOnlyAnswerRoute } from './test-answer.ts'

const open = (environment: 'development' | 'production' = 'development'): Promise<World> =>
  openWorld({ clients: [cibaClient()], environment })
const answer = (world: World, query: string): Promise<Reply> =>
  world.send(testOnlyAnswerRoute.room, testOnlyAnswerRoute.path, { method: 'GET', query })

describe('the switch by which tests answer for users', () => {
  it('stands in no table of the product', () => {
    assert.ok(!routes.some(({ path }) => path === testOnlyAnswerRoute.path))
  })

  it('allows and denies on a development issuer, once', async () => {
    await using world = await open()
    const allowed = textOf(await askCiba(world), 'auth_req_id')
    assert.equal(jsonOf(await pollCiba(world, allowed)).error, 'authorization_pending')
    assert.equal((await answer(world, `auth_req_id=${allowed}&action=allow`)).status, 200)
    assert.equal((await answer(world, `auth_req_id=${allowed}&action=deny`)).status, 400)
    assert.equal((await pollCiba(world, allowed)).status, 200)
    const denied = textOf(await askCiba(world), 'auth_req_id')
    assert.equal((await answer(world, `auth_req_id=${denied}&action=deny`)).status, 200)
    assert.equal(jsonOf(await pollCiba(world, denied)).error, 'access_denied')
    const bad = { status: 400, error: 'invalid_request', ruleId: 'ciba-test.request' }
    await assertRefused(world, await answer(world, 'auth_req_id=ar_x&action=allow'), bad)
    const third = textOf(await askCiba(world), 'auth_req_id')
    await assertRefused(world, await answer(world, `auth_req_id=${third}&action=maybe`), bad)
  })

  it('answers nothing on a production issuer, even if it were served', async () => {
    await using world = await open('production')
    const asked = textOf(await askCiba(world), 'auth_req_id')
    const reply = await answer(world, `auth_req_id=${asked}&action=allow`)
    await assertRefused(world, reply, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'ciba-test.development',
    })
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'authorization_pending')
  })
})
