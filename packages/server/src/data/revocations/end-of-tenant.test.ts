import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revocationDigest } from '@holdfast/protocol/revocation-event.ts'
import type { Sink } from '../../http/exchange.ts'
import { introspectRoom } from '../introspect/room.ts'
import { bothStores } from '../testing/both-stores.ts'
import { header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { allowedCiba, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { allowedDevice, deviceClient, pollDevice, requestDevice, typeCode } from '../testing/device.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { userinfoOf } from '../testing/logout.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { revocationsRoom } from './room.ts'

const clients = [deviceClient(), cibaClient()]

async function endAll(world: World): Promise<void> {
  const at = world.clock.now()
  const committed = await world.store.commit([{ kind: 'revoke-all-of-issuer', issuer: issuerUrl, at }])
  assert.ok(committed.committed)
}

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

async function clientToken(world: World): Promise<string> {
  const fields = { grant_type: 'client_credentials', scope: 'accounts' }
  return textOf(await requestToken(world, 'c_bank', fields), 'access_token')
}

/** Everything that a client or a browser may hold, each used right after all access ended. */
async function holdEverything(world: World): Promise<Readonly<Record<string, () => Promise<unknown>>>> {
  const issued = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
  const [access, refresh] = [textOf(issued, 'access_token'), textOf(issued, 'refresh_token')]
  const ownToken = await clientToken(world)
  const { code } = await seedCode(world, 'c_other')
  const requestUrl = await pushedUrl(world)
  const [signedIn, consenting, loggingIn] = [openBrowser(world), openBrowser(world), openBrowser(world)]
  const consentOf = async (browser: typeof signedIn): Promise<string> => {
    const started = locationOf(await browser.get(await pushedUrl(world))).href
    return header(await browser.login(started), 'location') ?? ''
  }
  await consentOf(signedIn)
  assert.equal((await signedIn.get('/account')).status, 200)
  const consent = await consentOf(consenting)
  const login = locationOf(await loggingIn.get(await pushedUrl(world))).href
  const device = await allowedDevice(world)
  const waitingDevice = await requestDevice(world)
  const asked = await allowedCiba(world)
  const waitingCiba = textOf(await askCiba(world, { login_hint: 'alice' }), 'auth_req_id')
  const error = async (reply: Promise<Parameters<typeof jsonOf>[0]>): Promise<unknown> =>
    jsonOf(await reply).error
  return {
    'access token of a user': () => isActive(world, access),
    'access token of a client': () => isActive(world, ownToken),
    'access token at userinfo': async () => (await userinfoOf(world, access)).status,
    'refresh token': () =>
      error(requestToken(world, 'c_bank', { grant_type: 'refresh_token', refresh_token: refresh })),
    code: () => error(redeem(world, 'c_other', code)),
    'request URI': async () => (await openBrowser(world).get(requestUrl)).status,
    'interaction before the login': async () => (await loggingIn.get(login)).status,
    'interaction before the consent': async () => (await consenting.get(consent)).status,
    session: async () => (await signedIn.get('/account')).status,
    'device code that was allowed': () => error(pollDevice(world, device)),
    'device code that waits': () => error(pollDevice(world, textOf(waitingDevice, 'device_code'))),
    'code on the screen of a device': async () =>
      (await typeCode(openBrowser(world), textOf(waitingDevice, 'user_code'))).status,
    'auth_req_id that was allowed': () => error(pollCiba(world, asked)),
    'auth_req_id that waits': () => error(pollCiba(world, waitingCiba)),
    'page of what waits': async () => /W4SCT/.test(String((await atApprovals(world))[1].body)),
  }
}

const refused: Readonly<Record<string, unknown>> = {
  'access token of a user': false,
  'access token of a client': false,
  'access token at userinfo': 401,
  'refresh token': 'invalid_grant',
  code: 'invalid_grant',
  'request URI': 400,
  'interaction before the login': 400,
  'interaction before the consent': 400,
  session: 303,
  'device code that was allowed': 'expired_token',
  'device code that waits': 'expired_token',
  'code on the screen of a device': 400,
  'auth_req_id that was allowed': 'expired_token',
  'auth_req_id that waits': 'expired_token',
  'page of what waits': false,
}

for (const { name, skip, open } of bothStores)
  describe(`when all access of a tenant ends, on ${name}`, { skip }, () => {
    test('nothing that was given is good any more, and the same anew is, in the same second', async () => {
      await using opened = await open()
      await using world = await openWorld({ clients, store: opened.store })
      const held = await holdEverything(world)
      await endAll(world)
      for (const [what, use] of Object.entries(held)) assert.equal(await use(), refused[what], what)

      const anew = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
      assert.equal(anew.status, 200)
      assert.equal(await isActive(world, textOf(anew, 'access_token')), true)
      const again = { grant_type: 'refresh_token', refresh_token: textOf(anew, 'refresh_token') }
      assert.equal((await requestToken(world, 'c_bank', again)).status, 200)
      assert.equal(await isActive(world, await clientToken(world)), true)
      const browser = openBrowser(world)
      const login = locationOf(await browser.get(await pushedUrl(world))).href
      const consent = header(await browser.login(login), 'location') ?? ''
      assert.ok(locationOf(await browser.decide(consent, 'allow')).searchParams.has('code'))
      assert.equal((await pollDevice(world, await allowedDevice(world))).status, 200)
      assert.equal((await pollCiba(world, await allowedCiba(world))).status, 200)
    })

    test('of sixteen tokens asked for beside it, none of a grant from before it is good after it', async () => {
      await using opened = await open()
      await using world = await openWorld({ clients, store: opened.store })
      const codes = await Promise.all(Array.from({ length: 16 }, () => seedCode(world, 'c_bank')))
      const redeemed = codes.map(async ({ code }, index) => {
        if (index === 8) await endAll(world)
        return await redeem(world, 'c_bank', code)
      })
      for (const reply of await Promise.all(redeemed))
        if (reply.status === 200) assert.equal(await isActive(world, textOf(reply, 'access_token')), false)
    })
  })

describe('the revocation feed when all access of a tenant ends', () => {
  test('tells every reader of the issuer once for each time, as a digest', async () => {
    await using world = await openWorld()
    await endAll(world)
    await endAll(world)
    await world.store.commit([
      { kind: 'revoke-all-of-issuer', issuer: 'https://other.example', at: world.clock.now() },
    ])
    const reply = await world.send(revocationsRoom, '/revocations', { form: world.assertion('c_rs') })
    const texts: string[] = []
    const closing: (() => void)[] = []
    const close = (): void => {
      for (const tell of closing.splice(0)) tell()
    }
    const sink: Sink = {
      write: text => {
        texts.push(text)
        return 0
      },
      drained: async () => undefined,
      ...{ end: close, cut: close, onClose: tell => closing.push(tell) },
    }
    reply.stream?.(sink)
    for (let turn = 0; turn < 400 && !texts.join('').includes('heartbeat'); turn++)
      await new Promise(resolve => setTimeout(resolve, 5))
    close()
    const told = [...texts.join('').matchAll(/event: revoked\ndata: (.*)/g)].map(([, data = '']) =>
      JSON.parse(data),
    )
    const digest = revocationDigest('issuer', issuerUrl, issuerUrl)
    assert.deepEqual(
      told.map(({ topic, digest: said, at }) => [topic, said, at]),
      [1, 2].map(() => ['issuer', digest, world.clock.now()]),
    )
  })
})
