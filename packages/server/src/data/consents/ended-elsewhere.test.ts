import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { revokeRoom } from '../revoke/room.ts'
import { anotherBrowser, handlesOn, press } from '../testing/account.ts'
import { follow } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { redirectUri } from '../testing/clients.ts'
import { jsonOf, redeem, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { type FormFields, openWorld, type World } from '../testing/world.ts'

/** What ends a remembered consent besides the consent page, and what does not. */

const clientId = 'c_pos'
const remembering = policiesWith(
  '@id("own.remember") @remember_consent("600") permit (principal, action == Action::"authorize", resource);',
)
const client = cibaClient({
  redirectUris: [redirectUri],
  grantTypes: ['authorization_code', 'refresh_token', cibaGrantType],
})
const open = (): Promise<World> => openWorld({ policies: remembering, clients: [client] })
const scope = 'openid accounts offline_access'

async function come(world: World, browser: Browser): Promise<Reply> {
  const page = await follow(
    browser,
    await browser.get(await pushedUrl(world, { clientId, spoil: { scope } })),
  )
  return String(page.body).includes('login-form') ? await follow(browser, await browser.login(page)) : page
}

const isAsked = (reply: Reply): boolean => String(reply.body).includes('id="consent-form"')

/** A browser whose user allowed it, and is not asked any more. */
async function allowedOnce(world: World): Promise<{ browser: Browser; tokens: Record<string, unknown> }> {
  const browser = openBrowser(world)
  const page = await come(world, browser)
  const fields = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' }
  const answer = await browser.post(actionOf(page), fields)
  const code = locationOf(answer).searchParams.get('code') ?? ''
  const reply = await redeem(world, clientId, code)
  assert.equal(isAsked(await come(world, browser)), false)
  return { browser, tokens: { ...jsonOf(reply) } }
}

const revoke = (world: World, token: unknown): Promise<Reply> =>
  world.send(revokeRoom, '/revoke', { form: { token: String(token), ...world.assertion(clientId) } })

/** Asks elsewhere and has Alice answer. @returns `auth_req_id` */
async function answered(world: World, fields: FormFields, decision: 'allow' | 'deny'): Promise<string> {
  const asked = textOf(await askCiba(world, fields), 'auth_req_id')
  const [browser, page] = await atApprovals(world)
  assert.equal((await answerShown(browser, page, decision)).status, 200)
  return asked
}

describe('a remembered consent', () => {
  test('ends with other sessions, by the one button and by the other', async () => {
    for (const path of [paths.endOtherSessions, paths.endSession]) {
      await using world = await open()
      const { browser } = await allowedOnce(world)
      const [here, page] = await anotherBrowser(world)
      const [, others] = handlesOn(page, path)
      assert.equal(isAsked(await come(world, here)), false)
      assert.equal((await press(here, page, path, others)).status, 303)
      assert.equal(isAsked(await come(world, here)), true, path)
      assert.equal(isAsked(await come(world, browser)), true, path)
    }
  })

  test('ends with a no elsewhere, and neither with the question nor with a yes', async () => {
    await using world = await open()
    const { browser } = await allowedOnce(world)
    await askCiba(world)
    assert.equal(isAsked(await come(world, browser)), false)
    const [waiting, page] = await atApprovals(world)
    assert.equal((await answerShown(waiting, page, 'allow')).status, 200)
    assert.equal(isAsked(await come(world, browser)), false)
    await answered(world, {}, 'deny')
    assert.equal(isAsked(await come(world, browser)), true)
  })

  test('ends when a grant is replaced or merged elsewhere, and not when one is made there', async () => {
    for (const action of ['replace', 'merge']) {
      await using world = await open()
      const { browser } = await allowedOnce(world)
      const create = { grant_management_action: 'create' }
      const asked = await answered(world, create, 'allow')
      const grantId = textOf(await pollCiba(world, asked), 'grant_id')
      assert.equal(isAsked(await come(world, browser)), false)
      await answered(world, { grant_management_action: action, grant_id: grantId }, 'allow')
      assert.equal(isAsked(await come(world, browser)), true, action)
    }
  })

  test('stays when its client gives tokens back: that is how clients tidy up', async () => {
    await using world = await open()
    const { browser, tokens } = await allowedOnce(world)
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      assert.equal((await revoke(world, token)).status, 200)
      assert.equal(isAsked(await come(world, browser)), false)
    }
  })
})
