import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { ResourceServer, Scope } from '../../snapshot/snapshot.ts'
import { answerPasskey, follow, newPasskey, optionsOn, registerPasskey } from '../testing/authenticator.ts'
import { type Browser, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { accounts, resourceServers, scopes } from '../testing/clients.ts'
import { redeem, seedCode, textOf } from '../testing/flow.ts'
import { openWorld, type World } from '../testing/world.ts'

const pwd = 'urn:holdfast:acr:pwd'
const phr = 'urn:holdfast:acr:phr'
const grantId = 'merged-grant'

const profileAsks = (change: Partial<Scope>): readonly Scope[] =>
  scopes.map(scope => (scope.name === 'profile' ? { ...scope, ...change } : scope))

/** A grant of before whose scopes or resources ask for more than the request that adds to it. */
async function seeded(
  world: World,
  grant: { readonly scopes: readonly string[]; readonly resources?: readonly string[] },
): Promise<void> {
  const managed = { id: grantId, createdAt: world.clock.now() }
  await seedCode(world, 'c_manager', { grant: { resources: [], ...grant, managed, acr: phr } })
}

async function openMerge(world: World, browser: Browser, action = 'merge', spoil = {}): Promise<Reply> {
  const asked = { grant_management_action: action, grant_id: grantId, scope: 'openid offline_access' }
  const url = await pushedUrl(world, { clientId: 'c_manager', spoil: { ...asked, ...spoil } })
  return await follow(browser, await browser.get(url))
}

const has = (page: Reply, id: string): boolean => String(page.body).includes(`id="${id}"`)

describe('adding to a grant that holds more than a password may reach', () => {
  it('asks for the step before consent, and what it buys holds all of it', async () => {
    await using world = await openWorld({ scopes: profileAsks({ acr: phr }) })
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    await seeded(world, { scopes: ['openid', 'profile'] })
    const browser = openBrowser(world)
    const factor = await follow(browser, await browser.login(await openMerge(world, browser)))
    assert.ok(has(factor, 'passkey-form') && !has(factor, 'login-form'))
    const consent = await follow(
      browser,
      await answerPasskey(browser, factor, passkey.get(optionsOn(factor))),
    )
    assert.ok(has(consent, 'consent-form'))
    const url = /action="([^"]*\/consent)"/.exec(String(consent.body))?.[1] ?? ''
    const code = locationOf(await browser.decide(url, 'allow')).searchParams.get('code') ?? ''
    const reply = await redeem(world, 'c_manager', code)
    assert.equal(reply.status, 200, String(reply.body))
    assert.ok(textOf(reply, 'scope').split(' ').includes('profile'))
    assert.equal((await world.store.findManagedGrant(grantId))?.acr, phr)
    assert.equal((await world.lastAudit('code.issued'))?.facts.acr, phr)
  })

  it('tells the client at once when the user cannot reach it, and changes nothing', async () => {
    await using world = await openWorld({ scopes: profileAsks({ acr: phr }) })
    await seeded(world, { scopes: ['openid', 'profile'] })
    const before = (await world.store.findManagedGrant(grantId))?.id
    const browser = openBrowser(world)
    const after = await follow(browser, await browser.login(await openMerge(world, browser)))
    assert.equal(locationOf(after).searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal((await world.lastAudit('second-factor.refused'))?.ruleId, 'step-up.unreachable')
    // Who is signed in already does not even see a page.
    const silent = locationOf(await openMerge(world, browser, 'merge', { prompt: 'none' }))
    assert.equal(silent.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal((await world.store.findManagedGrant(grantId))?.id, before)
  })

  it('asks for as recent a sign-in as what the grant had wants', async () => {
    await using world = await openWorld({ scopes: profileAsks({ maxAuthenticationAgeSeconds: 300 }) })
    await seeded(world, { scopes: ['openid', 'profile'] })
    const browser = openBrowser(world)
    await browser.login(await openMerge(world, browser))
    world.clock.advance(300)
    assert.ok(has(await openMerge(world, browser), 'consent-form'))
    world.clock.advance(1)
    assert.ok(has(await openMerge(world, browser), 'login-form'))
  })

  it('holds for a resource server of the grant as for a scope', async () => {
    const asking = (server: ResourceServer): ResourceServer =>
      server.audience === accounts ? { ...server, acr: phr } : server
    await using world = await openWorld({ resourceServers: resourceServers.map(asking) })
    await registerPasskey(openBrowser(world), newPasskey())
    await seeded(world, { scopes: ['openid'], resources: [accounts] })
    const browser = openBrowser(world)
    const page = await openMerge(world, browser, 'merge', { acr_values: pwd })
    const factor = await follow(browser, await browser.login(page))
    assert.ok(has(factor, 'passkey-form') && !has(factor, 'consent-form'))
  })

  it('asks for no more than the request does when it replaces, or when the client lost the scope', async () => {
    await using world = await openWorld({ scopes: profileAsks({ acr: phr }) })
    await seeded(world, { scopes: ['openid', 'profile'] })
    const browser = openBrowser(world)
    await browser.login(await openMerge(world, browser, 'replace'))
    assert.ok(has(await openMerge(world, browser, 'replace'), 'consent-form'))
    const known = world.issuer.clients as Map<string, unknown>
    const manager = world.issuer.clients.get('c_manager')
    assert.ok(manager)
    known.set('c_manager', { ...manager, scopes: manager.scopes.filter(scope => scope !== 'profile') })
    assert.ok(has(await openMerge(world, browser), 'consent-form'))
  })

  it('a grant that ended meanwhile is refused as such, not for its level', async () => {
    await using world = await openWorld({ scopes: profileAsks({ acr: phr }) })
    await seeded(world, { scopes: ['openid', 'profile'] })
    const browser = openBrowser(world)
    const login = await openMerge(world, browser)
    const named = await world.store.findManagedGrant(grantId)
    await world.store.commit([{ kind: 'revoke-grant', id: named?.id ?? '', at: world.clock.now() }])
    const after = await follow(browser, await browser.login(login))
    assert.equal(locationOf(after).searchParams.get('error'), 'invalid_grant_id')
  })
})
