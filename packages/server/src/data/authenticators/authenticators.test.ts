import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import {
  answerCode,
  answerPasskey,
  appOf,
  type CeremonyOptions,
  follow,
  newPasskey,
  openAccount,
  optionsOn,
  registerPasskey,
  type Spoil,
  setUpApp,
} from '../testing/authenticator.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

async function atLogin(world: World, browser: Browser): Promise<Reply> {
  return await follow(browser, await browser.get(await pushedUrl(world)))
}

const lastRule = async (world: World, event: string): Promise<string | undefined> =>
  (await world.lastAudit(event))?.ruleId

describe('passkeys of a user', () => {
  it('one is added, listed, used to sign in, and removed', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const passkey = newPasskey()
    const added = await registerPasskey(browser, passkey)
    assert.equal(header(added, 'location'), `${issuerUrl}/account/security?done=passkey-added`)
    const list = await follow(browser, added)
    assert.match(String(list.body), /<strong>Laptop<\/strong><p>Added 15 Jan 2027, 08:00 UTC, not used yet/)

    const other = openBrowser(world)
    const login = await atLogin(world, other)
    const signedIn = await answerPasskey(other, login, passkey.get(optionsOn(login)))
    const consent = await follow(other, signedIn)
    assert.match(String(consent.body), /id="consent-form"/)
    const record = await world.lastAudit('login.accepted')
    assert.equal(record?.subject, alice)
    assert.deepEqual(
      [record?.facts.method, record?.facts.acr, record?.facts.amr],
      ['passkey', 'urn:holdfast:acr:phr', ['pop', 'user', 'mfa']],
    )

    const page = await openAccount(browser)
    assert.match(String(page.body), /last used 15 Jan 2027/)
    const id = /name="id" value="([^"]+)"/.exec(String(page.body))?.[1] ?? ''
    const removed = await browser.post(paths.removeAuthenticator, { csrf: fieldOf(page, 'csrf'), id })
    assert.match(header(removed, 'location') ?? '', /done=removed$/)
    const gone = openBrowser(world)
    const again = await atLogin(world, gone)
    const refused = await answerPasskey(gone, again, passkey.get(optionsOn(again)))
    assert.equal(refused.status, 400)
    assert.equal(await lastRule(world, 'login.refused'), 'passkey.known')
    assert.equal((await world.lastAudit('authenticator.removed'))?.subject, alice)
  })

  const spoilt: readonly (readonly [name: string, spoil: Spoil, rule: string])[] = [
    ['without user verification', { flags: 1 }, 'passkey.user-verified'],
    ['without a person', { flags: 4 }, 'passkey.user-present'],
    ['from another site', { origin: 'https://as.example.evil' }, 'passkey.origin'],
    ['in a frame of another site', { crossOrigin: true }, 'passkey.origin'],
    ['for another host', { rpId: 'evil.example' }, 'passkey.rp-id'],
    ['for a challenge of nobody', { challenge: 'AAAA' }, 'passkey.challenge'],
    ['of the other ceremony', { type: 'payment.get' }, 'passkey.type'],
  ]
  for (const [name, spoil, rule] of spoilt)
    it(`an answer ${name} neither registers nor signs in`, async () => {
      await using world = await openWorld()
      const browser = openBrowser(world)
      const passkey = newPasskey()
      const page = await openAccount(browser, paths.addPasskey)
      const credential = passkey.create(optionsOn(page), spoil)
      const refused = await browser.post(actionOf(page), {
        csrf: fieldOf(page, 'csrf'),
        credential,
        name: 'x',
      })
      assert.equal(refused.status, 400)
      assert.equal(await lastRule(world, 'account.refused'), rule)
      assert.deepEqual(await world.store.listAuthenticators(issuerUrl, alice), [])

      await registerPasskey(browser, passkey)
      const other = openBrowser(world)
      const login = await atLogin(world, other)
      const answered = await answerPasskey(other, login, passkey.get(optionsOn(login), spoil))
      assert.equal(answered.status, 400)
      assert.equal(header(answered, 'set-cookie'), undefined)
      assert.equal(await lastRule(world, 'login.refused'), rule)
    })

  it('a foreign signature, a foreign handle and garbage sign nobody in', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const passkey = newPasskey()
    await registerPasskey(browser, passkey)
    const other = openBrowser(world)
    const login = await atLogin(world, other)
    const options = optionsOn(login)
    const tries: readonly (readonly [string, string])[] = [
      [passkey.get(options, { signature: Buffer.from('3006020101020101', 'hex') }), 'passkey.signature'],
      [passkey.get(options, { userHandle: 'Ym9i' }), 'passkey.owner'],
      ['{}', 'passkey.format'],
      [
        passkey.get(options).replace(/"authenticatorData":"[^"]*"/, '"authenticatorData":"AAAA"'),
        'passkey.authenticator-data',
      ],
    ]
    for (const [credential, rule] of tries) {
      assert.equal((await answerPasskey(other, login, credential)).status, 400)
      assert.equal(await lastRule(world, 'login.refused'), rule)
    }
  })

  it('a counter that does not rise is an alert', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    for (const [counter, status] of [
      [7, 303],
      [7, 400],
      [6, 400],
      [0, 400],
      [8, 303],
    ] as const) {
      const browser = openBrowser(world)
      const login = await atLogin(world, browser)
      const reply = await answerPasskey(browser, login, passkey.get(optionsOn(login), { counter }))
      assert.equal(reply.status, status, String(counter))
    }
    const refusal = await world.lastAudit('login.refused')
    assert.deepEqual([refusal?.ruleId, refusal?.outcome], ['passkey.counter', 'alert'])
  })

  it('a passkey of an algorithm nobody asked for is not registered', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await openAccount(browser, paths.addPasskey)
    const credential = newPasskey().create(optionsOn(page), { alg: -35 })
    const refused = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), credential, name: 'x' })
    assert.equal(refused.status, 400)
    assert.equal(await lastRule(world, 'account.refused'), 'passkey.attestation-object')
  })

  it('a passkey is registered once, for one user', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const again = await registerPasskey(openBrowser(world), passkey)
    assert.equal(again.status, 400)
    assert.equal(await lastRule(world, 'account.refused'), 'passkey.registered')
    assert.equal((await world.store.listAuthenticators(issuerUrl, alice)).length, 1)
  })

  it('a user has ten passkeys at most, and is told so', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    for (let count = 0; count < 10; count++) await registerPasskey(browser, newPasskey())
    const page = await openAccount(browser)
    assert.match(String(page.body), /as many as there may be/)
    assert.equal((await registerPasskey(browser, newPasskey())).status, 303)
    assert.equal((await registerPasskey(browser, newPasskey())).status, 400)
    assert.equal((await world.store.listAuthenticators(issuerUrl, alice)).length, 11)
  })

  it('a user handle tells neither name nor subject', async () => {
    await using world = await openWorld()
    const options: CeremonyOptions = optionsOn(await openAccount(openBrowser(world), paths.addPasskey))
    const handle = Buffer.from(options.user?.id ?? '', 'base64url')
    assert.equal(handle.length, 32)
    assert.ok(!handle.includes('alice'))
  })

  it('bad passkey answers lock nobody out, and a network that sends a hundred in a minute waits', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const browser = openBrowser(world)
    const login = await atLogin(world, browser)
    const good = passkey.get(optionsOn(login))
    for (let count = 0; count < 99; count++)
      assert.equal((await answerPasskey(browser, login, '{}')).status, 400)
    assert.equal((await answerPasskey(browser, login, good)).status, 303)
    const other = openBrowser(world)
    const page = await atLogin(world, other)
    await answerPasskey(other, page, '{}')
    const waits = await answerPasskey(other, page, passkey.get(optionsOn(page)))
    assert.deepEqual([waits.status, header(waits, 'retry-after')], [429, '60'])
    world.clock.advance(60)
    assert.equal((await answerPasskey(other, page, passkey.get(optionsOn(page)))).status, 303)
  })

  it('the page says nothing that its address makes up', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    await openAccount(browser)
    for (const done of ['constructor', '__proto__', 'toString', '%3Cscript%3E'])
      assert.ok(!String((await browser.get(`${paths.security}?done=${done}`)).body).includes('id="notice"'))
    assert.match(String((await browser.get(`${paths.security}?done=removed`)).body), /id="notice"/)
  })

  it('the passkey of a disabled user signs nobody in', async () => {
    await using world = await openWorld()
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    const browser = openBrowser(world)
    const login = await atLogin(world, browser)
    assert.equal((await answerPasskey(browser, login, passkey.get(optionsOn(login)))).status, 400)
    assert.equal(await lastRule(world, 'login.refused'), 'passkey.disabled')
  })
})

describe('an authenticator app of a user', () => {
  it('a secret has 160 bits, is shown before it is active, and is sealed in the store', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await openAccount(browser, paths.addTotp)
    const shown = /id="totp-secret">([A-Z2-7 ]+)</.exec(String(page.body))?.[1]?.replaceAll(' ', '') ?? ''
    assert.equal(shown.length, 32)
    assert.match(
      String(page.body),
      new RegExp(`otpauth://totp/as.example:alice\\?secret=${shown}&amp;issuer=as.example`),
    )
    assert.equal(
      String((await browser.get(paths.addTotp)).body).includes(page.body.toString().slice(0, 9)),
      true,
    )
    assert.deepEqual(await world.store.listAuthenticators(issuerUrl, alice), [])
    const app = appOf(page, () => world.clock.now())
    const done = await answerCode(browser, page, app.code())
    assert.match(header(done, 'location') ?? '', /done=app-added$/)
    const [stored] = await world.store.listAuthenticators(issuerUrl, alice)
    assert.ok(stored?.kind === 'totp')
    assert.ok(!JSON.stringify(stored).includes(shown))
    assert.equal(Buffer.from(stored.sealed, 'base64url').length, 29 + 20)
    assert.ok(!JSON.stringify(await world.audit()).includes(shown))
  })

  it('a wrong code turns nothing on, and another session is offered another secret', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const page = await openAccount(browser, paths.addTotp)
    const wrong = await answerCode(browser, page, '000000')
    assert.equal(wrong.status, 400)
    assert.equal(await lastRule(world, 'account.refused'), 'totp.code')
    assert.equal(appOf(wrong, () => world.clock.now()).code(), appOf(page, () => world.clock.now()).code())
    const other = await openAccount(openBrowser(world), paths.addTotp)
    assert.notEqual(appOf(other, () => world.clock.now()).code(), appOf(page, () => world.clock.now()).code())
    assert.deepEqual(await world.store.listAuthenticators(issuerUrl, alice), [])
  })

  it('with an app, a password alone signs nobody in: a code does, of the step before, this one or the next', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    for (const [away, accepted] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      world.clock.advance(300)
      const browser = openBrowser(world)
      const login = await atLogin(world, browser)
      const factor = await follow(browser, await browser.login(login))
      assert.match(String(factor.body), /id="second-factor-form"/)
      const answered = await answerCode(browser, factor, app.code(away))
      assert.equal(answered.status, accepted ? 303 : 400, String(away))
      if (accepted) assert.match(String((await follow(browser, answered)).body), /id="consent-form"/)
      else assert.equal(await lastRule(world, 'second-factor.refused'), 'totp.code')
    }
    const record = await world.lastAudit('second-factor.accepted')
    assert.deepEqual([record?.facts.acr, record?.facts.amr], ['urn:holdfast:acr:mfa', ['pwd', 'otp', 'mfa']])
  })

  it('a code works once, the one that set the app up included, and none older works after it', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    const at = async (): Promise<readonly [Browser, Reply]> => {
      const browser = openBrowser(world)
      return [browser, await follow(browser, await browser.login(await atLogin(world, browser)))]
    }
    const [first, page] = await at()
    assert.equal((await answerCode(first, page, app.code())).status, 400)
    assert.equal(await lastRule(world, 'second-factor.refused'), 'totp.once')
    world.clock.advance(60)
    const older = app.code(-1)
    assert.equal((await answerCode(...(await at()), app.code())).status, 303)
    assert.equal((await answerCode(...(await at()), app.code())).status, 400)
    assert.equal((await answerCode(...(await at()), older)).status, 400)
    assert.equal((await answerCode(...(await at()), app.code(1))).status, 303)
  })

  it('of 16 answers with one code at the same moment one counts, and so for one passkey answer', async () => {
    await using world = await openWorld()
    const setUp = openBrowser(world)
    const app = await setUpApp(world, setUp)
    world.clock.advance(60)
    const pages = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const browser = openBrowser(world)
        return [browser, await follow(browser, await browser.login(await atLogin(world, browser)))] as const
      }),
    )
    const code = app.code()
    const replies = await Promise.all(pages.map(([browser, page]) => answerCode(browser, page, code)))
    assert.equal(replies.filter(reply => header(reply, 'set-cookie') !== undefined).length, 1)

    const passkey = newPasskey()
    world.clock.advance(60)
    await registerPasskey(openBrowser(world), passkey, { code: () => app.code() })
    const browser = openBrowser(world)
    const login = await atLogin(world, browser)
    const credential = passkey.get(optionsOn(login))
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => answerPasskey(browser, login, credential)),
    )
    assert.equal(answers.filter(reply => header(reply, 'set-cookie') !== undefined).length, 1)
  })

  it('a code that another node takes between look and commit signs nobody in', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    world.clock.advance(60)
    const browser = openBrowser(world)
    const page = await follow(browser, await browser.login(await atLogin(world, browser)))
    const [stored] = await world.store.listAuthenticators(issuerUrl, alice)
    const { commit } = world.store
    const raced = { isDone: false }
    Object.assign(world.store, {
      commit: async (writes: Parameters<typeof commit>[0]) => {
        const spend = writes.find(write => write.kind === 'use-authenticator')
        if (spend !== undefined && !raced.isDone) {
          raced.isDone = true
          assert.deepEqual(await commit([spend]), { committed: true })
        }
        return await commit(writes)
      },
    })
    const reply = await answerCode(browser, page, app.code())
    assert.ok(stored && raced.isDone)
    assert.equal(reply.status, 400)
    assert.equal(header(reply, 'set-cookie'), undefined)
    assert.equal(await lastRule(world, 'second-factor.refused'), 'totp.raced')
  })

  it('wrong codes are counted for the user, over logins, and then wait', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    world.clock.advance(60)
    const tryOnce = async (code: string): Promise<Reply> => {
      const browser = openBrowser(world)
      return await answerCode(
        browser,
        await follow(browser, await browser.login(await atLogin(world, browser))),
        code,
      )
    }
    for (let count = 0; count < 5; count++) assert.equal((await tryOnce('000000')).status, 400)
    const waits = await tryOnce(app.code())
    assert.equal(waits.status, 429)
    assert.equal(header(waits, 'retry-after'), '30')
    assert.equal(await lastRule(world, 'second-factor.refused'), 'second-factor.delay')
    world.clock.advance(29)
    assert.equal((await tryOnce(app.code())).status, 429)
    world.clock.advance(1)
    assert.equal((await tryOnce('000000')).status, 400)
    assert.equal(header(await tryOnce(app.code()), 'retry-after'), '60')
    world.clock.advance(60)
    assert.equal((await tryOnce(app.code())).status, 303)
  })

  it('a code alone signs nobody in', async () => {
    await using world = await openWorld()
    const app = await setUpApp(world, openBrowser(world))
    world.clock.advance(60)
    const browser = openBrowser(world)
    const login = await atLogin(world, browser)
    const reply = await browser.post(actionOf(login), { csrf: fieldOf(login, 'csrf'), code: app.code() })
    assert.equal(reply.status, 400)
    const skipped = await browser.post(actionOf(login).replace('/login', '/second-factor'), {
      csrf: fieldOf(login, 'csrf'),
      code: app.code(),
    })
    assert.match(locationOf(skipped).pathname, /\/login$/)
  })

  it('a passkey stands in for password and code', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const app = await setUpApp(world, browser)
    const passkey = newPasskey()
    world.clock.advance(30)
    await registerPasskey(browser, passkey, { code: () => app.code() })
    const other = openBrowser(world)
    const login = await atLogin(world, other)
    const reply = await follow(other, await answerPasskey(other, login, passkey.get(optionsOn(login))))
    assert.match(String(reply.body), /id="consent-form"/)
  })
})
