import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Reply } from '../../http/exchange.ts'
import { hashOfHandle } from '../handle.ts'
import { metadataDocument } from '../metadata/document.ts'
import { actionOf, type Browser, fieldOf, header, openBrowser } from '../testing/browser.ts'
import { accounts, clientOf, floor, keys, payments } from '../testing/clients.ts'
import {
  allowedDevice,
  answerDevice,
  atLogin,
  deviceClient,
  pollDevice,
  requestDevice,
  typeCode,
} from '../testing/device.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { logoutUrl } from '../testing/logout.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const open = (): Promise<World> => openWorld({ clients: [deviceClient()] })
const bad = (error: string, ruleId: string): Parameters<typeof assertRefused>[2] => ({
  status: 400,
  error,
  ruleId,
})
const errorOf = (reply: Reply): unknown => jsonOf(reply).error

describe('the device authorization endpoint', () => {
  test('a device gets its codes, where to go, how long and how often', async () => {
    await using world = await open()
    const reply = await requestDevice(world)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal(header(reply, 'cache-control'), 'no-store')
    const answer = jsonOf(reply)
    assert.match(String(answer.device_code), /^dc_[\w-]{49}$/)
    assert.match(String(answer.user_code), /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.equal(answer.verification_uri, `${issuerUrl}/device`)
    assert.equal(answer.verification_uri_complete, `${issuerUrl}/device?user_code=${answer.user_code}`)
    assert.equal(answer.expires_in, 600)
    assert.equal(answer.interval, 5)
  })

  test('a FAPI client, and a client at a FAPI resource, are unauthorized_client', async () => {
    const fapi = clientOf({ clientId: 'c_tv', grantTypes: deviceClient().grantTypes })
    await using world = await openWorld({ clients: [fapi] })
    await assertRefused(world, await requestDevice(world), bad('unauthorized_client', 'device.profile'))
    await using other = await open()
    const atFapi = await requestDevice(other, 'c_tv', { scope: 'payments', resource: payments })
    await assertRefused(other, atFapi, bad('unauthorized_client', 'device.profile'))
  })

  for (const [name, fields, error, ruleId] of [
    ['an unknown scope', { scope: 'admin' }, 'invalid_scope', 'device.scope'],
    ['no scope', { scope: undefined }, 'invalid_scope', 'device.scope'],
    ['an unknown resource', { resource: 'https://x.example' }, 'invalid_target', 'resource.allowed'],
  ] as const)
    test(`${name} is ${error}`, async () => {
      await using world = await open()
      await assertRefused(world, await requestDevice(world, 'c_tv', fields), bad(error, ruleId))
    })

  test('a client of another grant is unauthorized_client', async () => {
    await using world = await openWorld({ clients: [deviceClient({ grantTypes: ['refresh_token'] })] })
    await assertRefused(world, await requestDevice(world), bad('unauthorized_client', 'device.registered'))
  })

  test('without client authentication nobody gets a code', async () => {
    await using world = await open()
    const reply = await requestDevice(world, 'c_tv', {}, { authentication: 'none' })
    assert.equal(reply.status, 401)
  })

  test('as many codes as a client may have wait, and not one more until they expire', async () => {
    await using world = await openWorld({ clients: [deviceClient({ outstandingRequestsMax: 2 })] })
    assert.equal((await requestDevice(world)).status, 200)
    assert.equal((await requestDevice(world)).status, 200)
    const third = await requestDevice(world)
    await assertRefused(world, third, bad('temporarily_unavailable', 'device.outstanding'))
    world.clock.advance(600)
    assert.equal((await requestDevice(world)).status, 200)
  })

  test('the metadata names the device endpoint where the floor allows it', async () => {
    await using world = await open()
    const allowed = metadataDocument(world.issuer, ['ES256'])
    assert.equal(allowed.device_authorization_endpoint, `${issuerUrl}/device_authorization`)
    assert.ok((allowed.grant_types_supported as string[]).some(name => name.endsWith(':device_code')))
    const strict = { ...world.issuer, floor: { ...floor, deviceGrant: 'forbidden' as const } }
    const forbidden = metadataDocument(strict, ['ES256'])
    assert.ok(!('device_authorization_endpoint' in forbidden))
    assert.ok(!JSON.stringify(forbidden).includes('device'))
  })
})

describe('a device polls', () => {
  test('pending, then its tokens, then never again', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const code = textOf(asked, 'device_code')
    await assertRefused(world, await pollDevice(world, code), bad('authorization_pending', 'device.pending'))
    const done = await answerDevice(world, textOf(asked, 'user_code'))
    assert.match(String(done.body), /Your device is connected/)
    const tokens = await pollDevice(world, code)
    assert.equal(tokens.status, 200, tokens.body.toString())
    assert.equal(jsonOf(tokens).token_type, 'DPoP')
    assert.equal(jsonOf(tokens).scope, 'openid accounts')
    assert.equal(typeof jsonOf(tokens).id_token, 'string')
    const issued = await world.lastAudit('token.issued')
    assert.equal(issued?.subject, alice)
    assert.equal(issued?.txn, (await world.lastAudit('device.requested'))?.txn)
    await assertRefused(world, await pollDevice(world, code), bad('invalid_grant', 'device.spent'))
  })

  test('too fast is slow_down, five seconds more each time, and it is remembered', async () => {
    await using world = await open()
    const code = textOf(await requestDevice(world), 'device_code')
    const poll = async (): Promise<unknown> => errorOf(await pollDevice(world, code))
    assert.equal(await poll(), 'authorization_pending')
    world.clock.advance(4)
    assert.equal(await poll(), 'slow_down')
    world.clock.advance(9)
    assert.equal(await poll(), 'slow_down')
    world.clock.advance(14)
    assert.equal(await poll(), 'slow_down')
    world.clock.advance(20)
    assert.equal(await poll(), 'authorization_pending')
    world.clock.advance(20)
    assert.equal(await poll(), 'authorization_pending')
    const found = await world.store.findDeviceCode(hashOfHandle('device_code', issuerUrl, code))
    assert.equal(found?.intervalSeconds, 20)
  })

  test('denied is access_denied, expired is expired_token', async () => {
    await using world = await open()
    const denied = await requestDevice(world)
    await answerDevice(world, textOf(denied, 'user_code'), 'deny')
    const code = textOf(denied, 'device_code')
    await assertRefused(world, await pollDevice(world, code), bad('access_denied', 'device.denied'))
    const late = textOf(await requestDevice(world), 'device_code')
    world.clock.advance(599)
    assert.equal(errorOf(await pollDevice(world, late)), 'authorization_pending')
    world.clock.advance(1)
    await assertRefused(world, await pollDevice(world, late), bad('expired_token', 'device.expired'))
  })

  test('an approved code that expired buys nothing', async () => {
    await using world = await open()
    const code = await allowedDevice(world)
    world.clock.advance(600)
    assert.equal(errorOf(await pollDevice(world, code)), 'expired_token')
  })

  test('unknown codes, codes of others and no code at all', async () => {
    await using world = await openWorld({ clients: [deviceClient(), deviceClient({ clientId: 'c_tv2' })] })
    const code = await allowedDevice(world)
    await assertRefused(world, await pollDevice(world, 'dc_x'), bad('invalid_grant', 'device.known'))
    const proof = { proofKey: keys.proof }
    const foreign = await pollDevice(world, code, proof, 'c_tv2')
    await assertRefused(world, foreign, bad('invalid_grant', 'device.client'))
    await assertRefused(world, await pollDevice(world, ''), bad('invalid_request', 'device.missing'))
    assert.equal((await pollDevice(world, code)).status, 200)
  })

  test('the first key that is shown is the only one: at the request', async () => {
    await using world = await open()
    const code = await allowedDevice(world, 'c_tv', {}, { proofKey: keys.proof })
    const thief = await pollDevice(world, code, { proofKey: keys.otherProof })
    await assertRefused(world, thief, bad('invalid_grant', 'device.binding'))
    assert.equal((await pollDevice(world, code)).status, 200)
  })

  test('the first key that is shown is the only one: at the first poll', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const code = textOf(asked, 'device_code')
    await pollDevice(world, code)
    const thief = await pollDevice(world, code, { proofKey: keys.otherProof })
    await assertRefused(world, thief, bad('invalid_grant', 'device.binding'))
    await answerDevice(world, textOf(asked, 'user_code'))
    assert.equal(errorOf(await pollDevice(world, code, { proofKey: keys.otherProof })), 'invalid_grant')
    assert.equal((await pollDevice(world, code)).status, 200)
  })

  test('a client that may no longer use the grant gets no tokens for a code that was allowed', async () => {
    await using world = await open()
    const code = await allowedDevice(world)
    const changed = deviceClient({ scopes: ['openid'] })
    await using later = await openWorld({ clients: [changed], store: world.store })
    later.clock.advance(1)
    assert.equal(errorOf(await pollDevice(later, code)), 'invalid_scope')
  })

  test('a grant that was revoked, or ends at that moment, buys nothing', async () => {
    await using world = await open()
    const code = await allowedDevice(world)
    const found = await world.store.findDeviceCode(hashOfHandle('device_code', issuerUrl, code))
    const revoke = [{ kind: 'revoke-grant', id: found?.grantId ?? '', at: world.clock.now() }] as const
    const { store } = world.ports
    const ports = {
      ...world.ports,
      store: {
        ...store,
        commit: async (writes: Parameters<typeof store.commit>[0]) => {
          if (writes.some(({ kind }) => kind === 'spend-device-code')) await store.commit(revoke)
          return store.commit(writes)
        },
      },
    }
    const racing: World = { ...world, send: (room, path, sent) => room(world.exchange(path, sent), ports) }
    const during = await pollDevice(racing, code)
    await assertRefused(world, during, bad('invalid_grant', 'device.grant-ended'))
    await assertRefused(world, await pollDevice(world, code), bad('invalid_grant', 'device.grant'))
  })

  test('a public client rotates the refresh token it got on a device', async () => {
    const client = deviceClient({
      isPublic: true,
      tokenEndpointAuthMethod: 'none',
      jwks: undefined,
      ownProfile: oauth21,
    })
    await using world = await openWorld({ clients: [client] })
    const scope = { scope: 'openid accounts offline_access' }
    const code = await allowedDevice(world, 'c_tv', scope, { authentication: 'none' })
    const asPublic = { authentication: 'none', proofKey: keys.proof } as const
    const tokens = await pollDevice(world, code, asPublic)
    assert.equal(typeof jsonOf(tokens).refresh_token, 'string')
  })
})

describe('64 devices with one code', () => {
  test('one wins, and its tokens live', async () => {
    await using world = await open()
    const code = await allowedDevice(world)
    const replies = await Promise.all(Array.from({ length: 64 }, () => pollDevice(world, code)))
    const winners = replies.filter(({ status }) => status === 200)
    assert.equal(winners.length, 1)
    for (const reply of replies.filter(({ status }) => status !== 200))
      assert.equal(errorOf(reply), 'invalid_grant')
    const rules = new Set((await world.audit()).map(({ ruleId }) => ruleId))
    assert.ok(rules.has('device.replayed') || rules.has('device.spent'))
  })

  test('of 64 answers of one user one counts', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const [browser, login] = await atLogin(world, textOf(asked, 'user_code'))
    const consentUrl = header(await browser.login(login), 'location') ?? ''
    const page = await browser.get(consentUrl)
    const form = { csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown') }
    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        browser.post(consentUrl, { ...form, decision: index % 2 === 0 ? 'allow' : 'deny' }),
      ),
    )
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
  })
})

describe('the page of a device', () => {
  test('the complete address fills the code in, and the user still confirms it', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const shown = textOf(asked, 'user_code')
    const browser = openBrowser(world)
    const page = await browser.get(`/device?user_code=${shown}`)
    assert.match(String(page.body), new RegExp(`value="${shown}"`))
    assert.match(String(page.body), /Check that your device shows exactly this code/)
    const posted = await browser.post('/device', { csrf: fieldOf(page, 'csrf'), user_code: shown })
    assert.match(header(posted, 'location') ?? '', /\/confirm$/)
  })

  test('the user is told who asks, from where, and not to go on for somebody else', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const browser = openBrowser(world)
    const url = header(await typeCode(browser, textOf(asked, 'user_code')), 'location') ?? ''
    const text = String((await browser.get(url)).body).replaceAll(/<[^>]+>/g, '')
    for (const said of ['The c_tv application', '192.0.2.0/24', 'in front of you', 'If somebody sent you'])
      assert.ok(text.includes(said), said)
    const steps = await Promise.all(
      ['login', 'consent'].map(step => browser.get(url.replace('confirm', step))),
    )
    for (const reply of steps) assert.equal(header(reply, 'location'), url)
  })

  test('Stop ends it for the device: device.not-mine', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const browser = openBrowser(world)
    const url = header(await typeCode(browser, textOf(asked, 'user_code')), 'location') ?? ''
    const csrf = fieldOf(await browser.get(url), 'csrf')
    const stopped = await browser.post(url, { csrf, decision: 'stop' })
    assert.match(String(stopped.body), /was not connected/)
    assert.equal((await world.lastAudit('device.denied'))?.ruleId, 'device.not-mine')
    assert.equal(errorOf(await pollDevice(world, textOf(asked, 'device_code'))), 'access_denied')
  })

  test('two browsers with one code: the first answer counts, Stop afterwards is device.decided', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const browser = openBrowser(world)
    const url = header(await typeCode(browser, textOf(asked, 'user_code')), 'location') ?? ''
    await answerDevice(world, textOf(asked, 'user_code'))
    const csrf = fieldOf(await browser.get(url), 'csrf')
    const late = await browser.post(url, { csrf, decision: 'stop' })
    assert.equal(late.status, 400)
    assert.equal((await world.lastAudit('device.refused'))?.ruleId, 'device.decided')
    assert.equal((await pollDevice(world, textOf(asked, 'device_code'))).status, 200)
  })

  test('five wrong codes in a browser, or twenty from a network, and no more are looked at', async () => {
    await using world = await open()
    const right = textOf(await requestDevice(world), 'user_code')
    const browser = openBrowser(world)
    for (let tries = 0; tries < 5; tries++) {
      const wrong = await typeCode(browser, 'BBBB-BBBB')
      assert.equal(wrong.status, 400)
      assert.equal((await world.lastAudit('device-page.refused'))?.ruleId, 'device-page.code')
    }
    assert.equal((await typeCode(browser, right)).status, 429)
    assert.equal((await world.lastAudit('device-page.refused'))?.ruleId, 'device-page.tries')
    assert.equal((await typeCode(openBrowser(world), right)).status, 303)
    for (let tries = 0; tries < 15; tries++)
      assert.equal((await typeCode(openBrowser(world), 'BBBB-BBBB')).status, 400)
    assert.equal((await typeCode(openBrowser(world), right)).status, 429)
    world.clock.advance(600)
    const fresh = textOf(await requestDevice(world), 'user_code')
    assert.equal((await typeCode(openBrowser(world), fresh)).status, 303)
  })

  test('parallel wrong codes do not outrun the count', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const page = await browser.get('/device')
    const csrf = fieldOf(page, 'csrf')
    const replies = await Promise.all(
      Array.from({ length: 64 }, () => browser.post('/device', { csrf, user_code: 'BBBBBBBB' })),
    )
    assert.equal(replies.filter(({ status }) => status === 400).length, 5)
    assert.equal(replies.filter(({ status }) => status === 429).length, 59)
  })

  test('an answer that comes from elsewhere is refused by device-page.csrf', async () => {
    await using world = await open()
    const right = textOf(await requestDevice(world), 'user_code')
    const browser = openBrowser(world)
    assert.equal((await browser.post('/device', { user_code: right })).status, 400)
    await browser.get('/device')
    assert.equal((await browser.post('/device', { user_code: right, csrf: 'x' })).status, 400)
    assert.equal((await world.lastAudit('device-page.refused'))?.ruleId, 'device-page.csrf')
  })

  test('a client suspended meanwhile ends the page: device.client-gone', async () => {
    await using world = await open()
    const [browser, login] = await atLogin(world, textOf(await requestDevice(world), 'user_code'))
    const gone = deviceClient({ status: 'suspended' })
    await using later = await openWorld({ clients: [gone], store: world.store })
    const again = openBrowser(later)
    for (const [name, value] of browser.cookies) again.cookies.set(name, value)
    assert.equal((await again.get(login)).status, 400)
    assert.equal((await later.lastAudit('interaction.refused'))?.ruleId, 'device.client-gone')
  })

  test('what the user allows is what the device asked for', async () => {
    await using world = await open()
    const code = await allowedDevice(world)
    const found = await world.store.findDeviceCode(hashOfHandle('device_code', issuerUrl, code))
    const grant = await world.store.findGrant(found?.grantId ?? '')
    assert.deepEqual(grant?.scopes, ['openid', 'accounts'])
    assert.deepEqual(grant?.resources, [accounts])
    assert.equal(grant?.clientId, 'c_tv')
    const approved = await world.lastAudit('device.approved')
    assert.equal(approved?.facts.device_code_ref, found?.hash)
  })
})

describe('a device and the logout of who allowed it', () => {
  const signOut = async (browser: Browser): Promise<void> => {
    const page = await browser.get(logoutUrl())
    const reply = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), decision: 'sign-out' })
    assert.match(String(reply.body), /You are signed out/)
  }

  test('a grant without offline access ends with the session, redeemed or not, and the client took part', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const [browser, login] = await atLogin(world, textOf(asked, 'user_code'))
    await browser.decide(header(await browser.login(login), 'location') ?? '', 'allow')
    const code = textOf(asked, 'device_code')
    const found = await world.store.findDeviceCode(hashOfHandle('device_code', issuerUrl, code))
    const grant = await world.store.findGrant(found?.grantId ?? '')
    assert.deepEqual(await world.store.listParticipants(grant?.sid ?? ''), ['c_tv'])
    await signOut(browser)
    assert.equal((await world.store.findGrant(grant?.id ?? ''))?.revokedAt, world.clock.now())
    assert.equal(errorOf(await pollDevice(world, code)), 'invalid_grant')
  })

  test('a consent that a logout overtakes approves nothing, and asks for a new login', async () => {
    await using world = await open()
    const asked = await requestDevice(world)
    const [browser, login] = await atLogin(world, textOf(asked, 'user_code'))
    const consentUrl = header(await browser.login(login), 'location') ?? ''
    const shown = await browser.get(consentUrl)
    // The room reads the session a moment before the logout ends it.
    const findSession: typeof world.store.findSession = async hash => {
      const found = await world.store.findSession(hash)
      return found && { ...found, revokedAt: undefined }
    }
    const ports = { ...world.ports, store: { ...world.store, findSession } }
    const late = openBrowser({
      ...world,
      send: (room, path, sent) => room(world.exchange(path, sent), ports),
    })
    for (const [name, value] of browser.cookies) late.cookies.set(name, value)
    await signOut(browser)
    const form = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' }
    assert.equal(header(await late.post(actionOf(shown), form), 'location'), login)
    assert.equal(errorOf(await pollDevice(world, textOf(asked, 'device_code'))), 'authorization_pending')
  })
})
