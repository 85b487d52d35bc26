import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import { answerPasskey, follow, newPasskey, optionsOn, registerPasskey } from '../testing/authenticator.ts'
import { actionOf, type Browser, fieldOf, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { keys, scopes } from '../testing/clients.ts'
import { compactJws } from '../testing/jws.ts'
import { issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'

/** The request names one user, and another one proves to be somebody: by whatever means, there is no answer for them. */

const clientId = 'c_oidc'
const [issuerKey = keys.attacker] = issuerKeys
const hintOf = (sub: string): string =>
  compactJws(
    { alg: issuerKey.alg, typ: 'JWT', kid: issuerKey.kid },
    {
      iss: issuerUrl,
      sub,
      aud: clientId,
      iat: startOfWorld,
      exp: startOfWorld + 300,
      at_hash: 'x',
      sid: 's',
    },
    issuerKey,
  )

/** Ways to say that only Bob will do. */
const namings: readonly (readonly [what: string, ruleId: string, spoil: Readonly<Record<string, string>>])[] =
  [
    ['id_token_hint', 'oidc.hinted-subject', { id_token_hint: hintOf('u_bob') }],
    [
      'claims.id_token.sub',
      'claims.subject',
      { claims: JSON.stringify({ id_token: { sub: { value: 'u_bob' } } }) },
    ],
  ]

async function loginPage(
  world: World,
  browser: Browser,
  spoil: Readonly<Record<string, string>>,
): Promise<Reply> {
  const url = await pushedUrl(world, { clientId, spoil: { scope: 'openid', ...spoil } })
  return await follow(browser, await browser.get(url))
}

describe('somebody else than the request names', () => {
  for (const [what, ruleId, spoil] of namings)
    it(`gets no answer by a passkey, and is not signed in: ${what}`, async () => {
      await using world = await openWorld()
      const passkey = newPasskey()
      await registerPasskey(openBrowser(world), passkey)
      const browser = openBrowser(world)
      const page = await loginPage(world, browser, spoil)
      const credential = passkey.get(optionsOn(page))
      const refused = locationOf(await answerPasskey(browser, page, credential))
      assert.equal(refused.searchParams.get('error'), 'login_required')
      assert.equal(refused.searchParams.get('code'), null)
      const audit = await world.lastAudit('login.refused')
      assert.deepEqual([audit?.ruleId, audit?.subject], [ruleId, 'u_alice'])
      assert.ok(![...browser.cookies.keys()].some(name => name.includes('session')))
      // The request is spent, and so is the answer of the passkey.
      assert.equal((await answerPasskey(browser, page, credential)).status, 400)
      assert.equal((await world.lastAudit('interaction.refused'))?.ruleId, 'interaction.finished')
    })

  for (const [what, , spoil] of namings)
    it(`is asked to sign in before a stronger step, whatever the session holds: ${what}`, async () => {
      await using world = await openWorld()
      const browser = openBrowser(world)
      await registerPasskey(browser, newPasskey())
      const page = await loginPage(world, browser, { ...spoil, acr_values: 'urn:holdfast:acr:phr' })
      assert.match(actionOf(page), /\/login$/)
      const elsewhere = actionOf(page).replace(/login$/, 'second-factor')
      assert.match(locationOf(await browser.get(elsewhere)).href, /\/login$/)
      const forced = await browser.post(elsewhere, { csrf: fieldOf(page, 'csrf'), decision: 'decline' })
      assert.match(locationOf(forced).href, /\/login$/)
    })
})

describe('an essential acr', () => {
  const phr = 'urn:holdfast:acr:phr'
  const essential = (...values: readonly string[]): { readonly claims: string } => ({
    claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
  })

  it('is reached by a stronger step that cannot be left out, or the request ends', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const browser = openBrowser(world)
    const step = await follow(
      browser,
      await browser.login(await loginPage(world, browser, essential('urn:nobody', phr))),
    )
    assert.match(actionOf(step), /\/second-factor$/)
    const consent = await follow(browser, await answerPasskey(browser, step, passkey.get(optionsOn(step))))
    const { csrf, shown } = { csrf: fieldOf(consent, 'csrf'), shown: fieldOf(consent, 'shown') }
    await browser.post(actionOf(consent), { csrf, shown, decision: 'allow' })
    assert.equal((await world.lastAudit('code.issued'))?.facts.acr, phr)

    world.clock.advance(1)
    const weak = openBrowser(world)
    const again = await follow(weak, await weak.login(await loginPage(world, weak, essential(phr))))
    const declined = await weak.post(actionOf(again), {
      csrf: fieldOf(again, 'csrf'),
      decision: 'decline',
    })
    assert.equal(locationOf(declined).searchParams.get('error'), 'unmet_authentication_requirements')
  })

  it('that a document has risen above meanwhile ends the request at consent', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const browser = openBrowser(world)
    const login = await loginPage(world, browser, essential('urn:holdfast:acr:pwd'))
    const consent = await follow(browser, await answerPasskey(browser, login, passkey.get(optionsOn(login))))
    const known = world.issuer.scopes as Map<string, Scope>
    known.set('openid', { ...(known.get('openid') as Scope), acr: phr })
    const { csrf, shown } = { csrf: fieldOf(consent, 'csrf'), shown: fieldOf(consent, 'shown') }
    const ended = locationOf(await browser.post(actionOf(consent), { csrf, shown, decision: 'allow' }))
    assert.equal(ended.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'claims.essential-acr')
  })

  it('no level of the issuer can be is told before anybody signs in', async () => {
    await using world = await openWorld()
    const spoil = { scope: 'openid', ...essential('urn:nobody') }
    const told = locationOf(await openBrowser(world).get(await pushedUrl(world, { clientId, spoil })))
    assert.equal(told.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'claims.essential-acr')
  })

  it('below what a document asks for is told before anybody signs in', async () => {
    const strict = scopes.map(scope => (scope.name === 'openid' ? { ...scope, acr: phr } : scope))
    await using world = await openWorld({ scopes: strict })
    const spoil = { scope: 'openid', ...essential('urn:holdfast:acr:pwd') }
    const told = locationOf(await openBrowser(world).get(await pushedUrl(world, { clientId, spoil })))
    assert.equal(told.searchParams.get('error'), 'unmet_authentication_requirements')
  })
})
