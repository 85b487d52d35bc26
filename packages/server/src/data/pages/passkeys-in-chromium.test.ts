import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { totpCode, totpStep } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { paths } from '../paths.ts'
import { type BrowsedWorld, openBrowsedWorld } from '../testing/browsed-world.ts'
import { pushedUrl } from '../testing/browser.ts'
import { look, testedLooks, withoutChromium } from '../testing/chromium.ts'
import { readQrOf } from '../testing/qr-reader.ts'
import { issuerUrl, type World } from '../testing/world.ts'

describe('passkeys and codes in a real browser', { skip: withoutChromium }, () => {
  let world: World
  let pages: BrowsedWorld | undefined
  let browser: Browser
  const users = { made: 0 }

  before(async () => {
    pages = await openBrowsedWorld({}, { args: ['--ignore-certificate-errors'] })
    ;({ world, browser } = pages)
  })
  after(() => pages?.[Symbol.asyncDispose]())

  /** Every test has a user of its own. */
  async function newUser(): Promise<string> {
    users.made += 1
    const username = `user${users.made}`
    const record = {
      issuer: issuerUrl,
      subject: `u_${username}`,
      username,
      passwordHash: 'fake:pw',
      claims: {},
    }
    await world.store.commit([{ kind: 'put-user', record: { ...record, status: 'active' } }])
    return username
  }

  interface Opened {
    readonly page: Page
    readonly verifyUser: (isVerified: boolean) => Promise<void>
    readonly messages: readonly string[]
  }

  /** A page whose browser has an authenticator built in. */
  async function open(options: BrowserContextOptions = {}, autofill = false): Promise<Opened> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
    const page = await context.newPage()
    const messages: string[] = []
    page.on('console', message => messages.push(message.text()))
    // A virtual authenticator answers autofill at once: only the test of autofill wants that.
    if (!autofill) await page.addInitScript('delete PublicKeyCredential.isConditionalMediationAvailable')
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable', {})
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    const verifyUser = async (isUserVerified: boolean): Promise<void> => {
      await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    }
    return { page, verifyUser, messages }
  }

  async function logIn(page: Page, username: string): Promise<void> {
    await page.waitForSelector('#login-form')
    await page.fill('#username', username)
    await page.fill('#password', 'pw')
    await page.click('#login-submit')
  }

  async function register(page: Page, username: string): Promise<void> {
    await page.goto(issuerUrl + paths.addPasskey)
    await logIn(page, username)
    await page.waitForSelector('#passkey-form:not([hidden])')
    await page.fill('#name', 'My laptop')
    await page.click('#passkey-submit')
    await page.waitForURL('**/account/security?done=passkey-added')
  }

  for (const [name, options] of testedLooks)
    it(`add a passkey, sign in with its button, step up, remove it: ${name}`, async () => {
      const username = await newUser()
      const { page, messages } = await open(options)
      await page.goto(issuerUrl + paths.security)
      await logIn(page, username)
      await page.waitForSelector('#add-passkey')
      await look(browser, page, `${name}-security-empty`)
      await page.click('#add-passkey')
      await page.waitForSelector('#passkey-form:not([hidden])')
      await look(browser, page, `${name}-add-passkey`)
      await page.fill('#name', 'My laptop')
      await page.click('#passkey-submit')
      await page.waitForURL('**/account/security?done=passkey-added')
      await look(browser, page, `${name}-security`)

      await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
      await page.waitForSelector('#passkey-form:not([hidden])')
      await look(browser, page, `${name}-login-passkey`)
      await page.click('#passkey-submit')
      await page.waitForURL('**/consent')
      assert.equal((await world.lastAudit('login.accepted'))?.facts.method, 'passkey')

      await page.goto(
        await pushedUrl(world, { spoil: { prompt: 'login', acr_values: 'urn:holdfast:acr:phr' } }),
      )
      await logIn(page, username)
      await page.waitForURL('**/second-factor')
      await page.waitForSelector('#passkey-form:not([hidden])')
      await look(browser, page, `${name}-step-up-passkey`)
      await page.click('#passkey-submit')
      await page.waitForURL('**/consent')

      await page.goto(issuerUrl + paths.security)
      await page.click('button[aria-label="Remove My laptop"]')
      await page.waitForURL('**/account/security?done=removed')
      assert.match((await page.textContent('#notice')) ?? '', /was removed/)
      assert.deepEqual(messages, [])
      await page.context().close()
    })

  for (const [name, options] of testedLooks)
    it(`set up an app and sign in with a code, without JavaScript, accessible: ${name}`, async () => {
      const username = await newUser()
      const { page } = await open({ ...options, javaScriptEnabled: false })
      await page.goto(issuerUrl + paths.addTotp)
      await logIn(page, username)
      await page.waitForSelector('#totp-form')
      await look(browser, page, `${name}-totp`)
      const shown = ((await page.textContent('#totp-secret')) ?? '').replaceAll(' ', '')
      const scanned = await readQrOf(browser, await page.locator('#totp-qr').screenshot())
      assert.equal(scanned, await page.getAttribute('#totp-link', 'href'))
      assert.equal(new URL(scanned ?? '').searchParams.get('secret'), shown)
      const code = (): string => totpCode(base32(shown), totpStep(world.clock.now()))
      await page.fill('#code', '000000')
      await page.click('#totp-submit')
      await look(browser, page, `${name}-totp-wrong`)
      await page.fill('#code', code())
      await page.click('#totp-submit')
      await page.waitForURL('**/account/security?done=app-added')
      await look(browser, page, `${name}-security-app`)
      world.clock.advance(30)
      await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
      await logIn(page, username)
      await page.waitForURL('**/second-factor')
      await look(browser, page, `${name}-second-factor`)
      await page.fill('#code', '000000')
      await page.click('#second-factor-submit')
      await look(browser, page, `${name}-second-factor-wrong`)
      await page.fill('#code', code())
      await page.keyboard.press('Enter')
      await page.waitForURL('**/consent')
      // Passkeys need a script; without it nothing of them is to be seen but the word that says so.
      await page.goto(issuerUrl + paths.addPasskey)
      assert.equal(await page.isVisible('#passkey-form'), false)
      assert.match((await page.textContent('main')) ?? '', /need JavaScript/)
      await look(browser, page, `${name}-add-passkey-no-script`)
      await page.context().close()
    })

  it('the browser offers the passkey in the user name field, before anybody presses a button', async () => {
    const { page } = await open({}, true)
    await register(page, await newUser())
    const signedIn = page.waitForURL('**/consent')
    await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } })).catch(() => undefined)
    await signedIn
    assert.equal((await world.lastAudit('login.accepted'))?.facts.method, 'passkey')
    await page.context().close()
  })

  it('a device that does not verify its user is not asked in vain, and the page says so', async () => {
    const { page, verifyUser } = await open()
    await register(page, await newUser())
    await verifyUser(false)
    await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
    await page.click('#passkey-submit')
    await page.waitForSelector('#passkey-problem:not([hidden])')
    assert.match((await page.textContent('#passkey-problem')) ?? '', /No passkey was used/)
    await verifyUser(true)
    await page.click('#passkey-submit')
    await page.waitForURL('**/consent')
    await page.context().close()
  })

  it('another site cannot ask for our passkeys, and one device registers once', async () => {
    const { page } = await open()
    const username = await newUser()
    await register(page, username)
    await page.goto(issuerUrl + paths.addPasskey)
    await page.click('#passkey-submit')
    await page.waitForSelector('#passkey-problem:not([hidden])')
    assert.match((await page.textContent('#passkey-problem')) ?? '', /has a passkey for you already/)
    await page.goto('https://client.example/start')
    const name = await page.evaluate(
      `navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32), rpId: 'as.example' } })
        .then(() => 'signed', error => error.name)`,
    )
    assert.equal(name, 'SecurityError')
    await page.context().close()
  })

  it('an answer the server refuses comes back to the page with a way on', async () => {
    const { page } = await open()
    await register(page, await newUser())
    await page.goto(await pushedUrl(world, { spoil: { prompt: 'login' } }))
    await page.evaluate(
      `(() => { const form = document.getElementById('passkey-form')
        form.dataset.options = '' ; form.elements.credential.value = '{}'; form.submit() })()`,
    )
    await page.waitForSelector('[role=alert]#login-problem')
    assert.match((await page.textContent('#login-problem')) ?? '', /passkey could not be used/)
    assert.equal((await world.lastAudit('login.refused'))?.ruleId, 'passkey.format')
    await page.context().close()
  })
})

function base32(text: string): Buffer {
  const bits = [...text]
    .map(character => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
}
