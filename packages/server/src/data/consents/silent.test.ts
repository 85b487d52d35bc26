import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { ActivePolicies } from '../../snapshot/snapshot.ts'
import { follow } from '../testing/authenticator.ts'
import { type Browser, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { policiesWith } from '../testing/policies.ts'
import { openWorld, type World } from '../testing/world.ts'

const head = '(principal, action == Action::"authorize", resource)'
const remembers = `@id("own.remember") @remember_consent("60") permit ${head};`
const wantsEmail = '{"userinfo":{"email":null}}'
const remembering = policiesWith(remembers)

/** A browser whose user signed in and allowed it once. */
async function allowedOnce(world: World): Promise<Browser> {
  const browser = openBrowser(world)
  const consent = await browser.login(await follow(browser, await browser.get(await pushedUrl(world))))
  await browser.decide(locationOf(consent).href, 'allow')
  return browser
}

async function silently(world: World, browser: Browser, more: Record<string, string> = {}): Promise<Reply> {
  return await browser.get(await pushedUrl(world, { spoil: { prompt: 'none', ...more } }))
}

/** What the client is told at its redirect URI; nothing else may come of it. */
function told(reply: Reply): { readonly code: string | null; readonly error: string | null } {
  assert.equal(reply.status, 303)
  assert.equal(String(reply.body), '')
  const { origin, searchParams } = locationOf(reply)
  assert.equal(origin, 'https://client.example')
  assert.equal(searchParams.get('iss'), 'https://as.example')
  return { code: searchParams.get('code'), error: searchParams.get('error') }
}

/** The same world under other policies, from now on. */
function under(world: World, policies: ActivePolicies): World {
  Object.assign(world.issuer, { policies })
  return world
}

describe('prompt=none (OpenID Connect Core 3.1.2.1)', () => {
  test('gives a code where the consent is remembered, once for each request and to its last second', async () => {
    await using world = await openWorld({ policies: remembering })
    const browser = await allowedOnce(world)
    const url = await pushedUrl(world, { spoil: { prompt: 'none' } })
    assert.match(told(await browser.get(url)).code ?? '', /^ac_/)
    assert.equal((await world.lastAudit('code.issued'))?.facts.consent, 'remembered')
    assert.equal((await browser.get(url)).status, 400)
    world.clock.advance(59)
    assert.match(told(await silently(world, browser)).code ?? '', /^ac_/)
    world.clock.advance(1)
    assert.deepEqual(told(await silently(world, browser)), { code: null, error: 'consent_required' })
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'oidc.consent-required')
  })

  test('gives none for more than what was allowed, to another browser, and where nothing is remembered', async () => {
    await using world = await openWorld({ policies: remembering })
    const browser = await allowedOnce(world)
    const more = await silently(world, browser, { claims: wantsEmail })
    assert.equal(told(more).error, 'consent_required')
    assert.equal(told(await silently(world, openBrowser(world))).error, 'login_required')
    assert.equal(told(await silently(world, browser, { max_age: '0' })).error, 'login_required')
    await using plain = await openWorld()
    assert.equal(told(await silently(plain, await allowedOnce(plain))).error, 'consent_required')
  })

  const wanting: readonly (readonly [string, string, string])[] = [
    ['a stronger login', `@id("own.up") @step_up("urn:holdfast:acr:mfa") forbid ${head};`, 'login_required'],
    [
      'the approval of others',
      `@id("own.ask") @require_approval("treasury") forbid ${head};`,
      'interaction_required',
    ],
    ['that it does not happen', `@id("own.no") forbid ${head};`, 'access_denied'],
  ]
  for (const [what, text, error] of wanting)
    test(`shows nothing where policies want ${what}: ${error}`, async () => {
      await using world = await openWorld({ policies: remembering })
      const browser = await allowedOnce(world)
      under(world, policiesWith(remembers + text))
      assert.deepEqual(told(await silently(world, browser)), { code: null, error })
      under(world, remembering)
      assert.match(told(await silently(world, browser)).code ?? '', /^ac_/)
    })
})
