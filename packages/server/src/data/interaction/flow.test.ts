import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashOfHandle } from '../handle.ts'
import { codeChallenge, header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { redirectUri } from '../testing/clients.ts'
import { alice, issuerUrl, openWorld } from '../testing/world.ts'

test('a pushed request leads through login and consent to a code', async () => {
  await using world = await openWorld()
  const browser = openBrowser(world)
  const opened = await browser.get(await pushedUrl(world))
  assert.equal(opened.status, 303)
  assert.match(
    header(opened, 'location') ?? '',
    /^https:\/\/as\.example\/interaction\/[A-Za-z0-9_-]{49}\/login$/,
  )

  const loggedIn = await browser.login(header(opened, 'location') ?? '')
  assert.equal(loggedIn.status, 303)
  assert.match(header(loggedIn, 'location') ?? '', /\/consent$/)

  const allowed = await browser.decide(header(loggedIn, 'location') ?? '', 'allow')
  assert.equal(allowed.status, 303)
  const location = locationOf(allowed)
  assert.equal(location.origin + location.pathname, redirectUri)
  assert.deepEqual([...location.searchParams.keys()].sort(), ['code', 'iss', 'state'])
  assert.equal(location.searchParams.get('state'), 'st-1')
  assert.equal(location.searchParams.get('iss'), issuerUrl)

  const code = await world.store.findCode(
    hashOfHandle('code', issuerUrl, location.searchParams.get('code') ?? ''),
  )
  assert.equal(code?.clientId, 'c_bank')
  assert.equal(code?.codeChallenge, codeChallenge)
  const grant = await world.store.findGrant(code?.grantId ?? '')
  assert.equal(grant?.subject, alice)
})
