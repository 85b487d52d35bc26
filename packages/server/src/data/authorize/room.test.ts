import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import fc from 'fast-check'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { type Browser, goodRequest, header, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { clientOf, payments, redirectUri } from '../testing/clients.ts'
import { type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'

const plain = { ownProfile: oidcBaseline, requirePushedAuthorizationRequests: false } as const

const redirectTo = (reply: Reply): string => locationOf(reply).origin + locationOf(reply).pathname

function query(fields: FormFields): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) form.append(name, one)
  return form.toString()
}

const oidc = { ...goodRequest('c_oidc'), scope: 'openid profile' }
const direct = (browser: Browser, spoil: FormFields = {}): Promise<Reply> =>
  browser.get(`/authorize?${query({ ...oidc, ...spoil })}`)

function assertPage(reply: Reply, error: string): void {
  assert.equal(reply.status, 400)
  assert.equal(header(reply, 'location'), undefined)
  assert.match(String(reply.body), new RegExp(`<code id="error-code">${error}</code>`))
  assert.match(String(reply.body), /<code id="error-reference">req-\d+<\/code>/)
}

function assertSentBack(reply: Reply, error: string): void {
  assert.equal(reply.status, 303)
  assert.equal(redirectTo(reply), redirectUri)
  assert.equal(locationOf(reply).searchParams.get('error'), error)
  assert.equal(locationOf(reply).searchParams.get('iss'), issuerUrl)
}

async function loggedIn(world: World): Promise<Browser> {
  const browser = openBrowser(world)
  const opened = await direct(browser)
  const consent = await browser.login(locationOf(opened).href)
  await browser.decide(locationOf(consent).href, 'deny')
  return browser
}

describe('direct authorization requests', () => {
  it('GET and POST open the same interaction', async () => {
    await using world = await openWorld()
    const got = await direct(openBrowser(world))
    const posted = await openBrowser(world).post('/authorize', oidc)
    // After a POST the page is led to, so that it can be loaded again.
    assert.deepEqual([got.status, posted.status], [200, 303])
    for (const reply of [got, posted]) {
      assert.match(locationOf(reply).href, /^https:\/\/as\.example\/interaction\/[\w-]{49}\/login$/)
      assert.match(
        header(reply, 'set-cookie') ?? '',
        /^__Host-holdfast-browser-[0-9a-f]{8}=[\w-]{49}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      )
      assert.equal(header(reply, 'cache-control'), 'no-store')
    }
  })

  it('what nobody authenticated for counts against its source; a pushed request does not', async () => {
    await using world = await openWorld()
    assert.equal((await direct(openBrowser(world))).isUnbacked, true)
    const refused = await direct(openBrowser(world), { scope: '' })
    assert.deepEqual([refused.status, refused.isUnbacked], [303, true])
    const pushed = await openBrowser(world).get(await pushedUrl(world))
    assert.deepEqual([pushed.status, pushed.isUnbacked], [200, undefined])
  })

  it('a post that is not a form is shown on a page', async () => {
    await using world = await openWorld()
    const headers = [['content-type', 'application/json']] as const
    assertPage(await openBrowser(world).post('/authorize', oidc, { headers }), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'authorization.media-type')
  })

  it('an unknown parameter is ignored', async () => {
    await using world = await openWorld()
    assert.equal(locationOf(await direct(openBrowser(world), { foo: 'bar' })).pathname.split('/')[3], 'login')
  })

  it('a parameter without a value counts as absent', async () => {
    await using world = await openWorld()
    assertSentBack(await direct(openBrowser(world), { scope: '' }), 'invalid_scope')
  })

  it('a doubled state is sent back, a doubled redirect_uri or client_id is shown on a page', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const reply = await direct(browser, { state: ['a', 'b'] })
    assertSentBack(reply, 'invalid_request')
    assert.equal(locationOf(reply).searchParams.get('state'), null)
    assertSentBack(await direct(browser, { scope: ['openid', 'openid'] }), 'invalid_request')
    assertPage(await direct(browser, { redirect_uri: [redirectUri, redirectUri] }), 'invalid_request')
    assertPage(await direct(browser, { client_id: ['c_oidc', 'c_oidc'] }), 'invalid_request')
    assertPage(await direct(browser, { request_uri: ['urn:a', 'urn:b'] }), 'invalid_request')
  })

  it('an unknown client or an unfit redirect_uri is shown on a page and never redirected', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    for (const [spoil, error] of [
      [{ client_id: 'nobody' }, 'unauthorized_client'],
      [{ client_id: undefined }, 'unauthorized_client'],
      [{ client_id: 'c_suspended' }, 'unauthorized_client'],
      [{ redirect_uri: undefined }, 'invalid_request'],
      [{ redirect_uri: `${redirectUri}/` }, 'invalid_request'],
      [{ redirect_uri: `${redirectUri}?x` }, 'invalid_request'],
      [{ redirect_uri: 'https://client.example/CB' }, 'invalid_request'],
      [{ redirect_uri: 'https://client.example/%63b' }, 'invalid_request'],
      [{ redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
      [{ redirect_uri: 'javascript:alert(1)' }, 'invalid_request'],
    ] as const)
      assertPage(await direct(browser, spoil), error)
  })

  it('a client that its onboarding holds back is not redirected to, and the audit says why', async () => {
    await using world = await openWorld()
    const url = await pushedUrl(world)
    const withheld = { kind: 'ended', reason: 'has an onboarding that ended' } as const
    const held = { status: 'suspended', withheld } as const
    const clients = world.issuer.clients as Map<string, Client>
    for (const clientId of ['c_bank', 'c_oidc'])
      clients.set(clientId, { ...(clients.get(clientId) as Client), ...held })
    for (const reply of [await direct(openBrowser(world)), await openBrowser(world).get(url)]) {
      assertPage(reply, 'unauthorized_client')
      const record = await world.lastAudit('authorization.refused')
      assert.deepEqual(
        [record?.ruleId, record?.reason],
        ['onboarding.authorization', 'the client has an onboarding that ended'],
      )
    }
  })

  it('every other error goes back to the client with its code, state and iss', async () => {
    await using world = await openWorld({
      clients: [
        clientOf({
          clientId: 'c_machine',
          ownProfile: oidcBaseline,
          requirePushedAuthorizationRequests: false,
          grantTypes: ['client_credentials'],
        }),
      ],
    })
    const browser = openBrowser(world)
    for (const [spoil, error] of [
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'id_token token' }, 'unsupported_response_type'],
      [{ response_mode: 'web_message' }, 'invalid_request'],
      [{ scope: 'openid nothing' }, 'invalid_scope'],
      [{ scope: 'openid payments' }, 'invalid_scope'],
      [{ client_id: 'c_machine' }, 'unauthorized_client'],
      [{ resource: 'https://accounts.example' }, 'invalid_target'],
      [{ resource: 'foo' }, 'invalid_target'],
      [{ registration: '{}' }, 'registration_not_supported'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ max_age: '-5' }, 'invalid_request'],
      [{ max_age: '1.5' }, 'invalid_request'],
      [{ dpop_jkt: 'x' }, 'invalid_request'],
    ] as const) {
      const reply = await direct(browser, spoil)
      assertSentBack(reply, error)
      assert.equal(locationOf(reply).searchParams.get('state'), 'st-1', JSON.stringify(spoil))
      assert.equal(locationOf(reply).searchParams.get('code'), null)
    }
  })

  it('a request_uri that is too long, or stands elsewhere, is refused and nothing is fetched', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const ours = 'urn:ietf:params:oauth:request_uri:'
    assertPage(await direct(browser, { request_uri: ours.padEnd(513, 'a') }), 'invalid_request_uri')
    const there = 'https://client.example/request.jwt'
    for (const elsewhere of [there, there.padEnd(513, 'a'), 'urn:example:request', 'data:,x']) {
      assertPage(await direct(browser, { request_uri: elsewhere }), 'invalid_request_uri')
      const bank = { client_id: 'c_bank', request_uri: elsewhere }
      assertPage(await direct(browser, bank), 'request_uri_not_supported')
    }
    assert.deepEqual(world.fetched, [])
  })

  it('an error description never leaves its alphabet, whatever the client sent', async () => {
    await using world = await openWorld({ environment: 'development' })
    const browser = openBrowser(world)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async scope => {
        const reply = await direct(browser, { scope: `openid ${scope.replaceAll('\0', '')}"\\` })
        if (reply.status !== 303) return
        const description = locationOf(reply).searchParams.get('error_description') ?? ''
        assert.match(description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
      }),
      { numRuns: 40 },
    )
  })

  it('whatever the query is, the answer is a page or a redirect to us or the client', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const name = fc.constantFrom(...Object.keys(oidc), 'prompt', 'max_age', 'resource', 'request_uri', 'foo')
    const value = fc.oneof(fc.constantFrom(...Object.values(oidc)), fc.string({ maxLength: 30 }))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 14 }), async pairs => {
        const reply = await browser.get(`/authorize?${new URLSearchParams(pairs)}`)
        assert.ok([200, 303, 400].includes(reply.status))
        // Of a page it is the place of the interaction.
        if (reply.status !== 400)
          assert.ok([redirectUri, issuerUrl].some(to => locationOf(reply).href.startsWith(to)))
      }),
      { numRuns: 60 },
    )
  })

  it('the query of a registered redirect URI is kept', async () => {
    const registered = `${redirectUri}?x=1`
    await using world = await openWorld({
      clients: [clientOf({ ...plain, clientId: 'c_oidc', redirectUris: [registered] })],
    })
    const reply = await direct(openBrowser(world), { redirect_uri: registered, scope: undefined })
    assert.match(locationOf(reply).href, /^https:\/\/client\.example\/cb\?x=1&error=invalid_scope&/)
  })

  it('a native app may use any port of its registered loopback address', async () => {
    await using world = await openWorld({
      clients: [clientOf({ ...plain, clientId: 'c_oidc', redirectUris: ['http://127.0.0.1/cb'] })],
    })
    const browser = openBrowser(world)
    const reply = await direct(browser, { redirect_uri: 'http://127.0.0.1:51004/cb', scope: undefined })
    assert.match(locationOf(reply).href, /^http:\/\/127\.0\.0\.1:51004\/cb\?error=invalid_scope/)
    assertPage(await direct(browser, { redirect_uri: 'http://localhost:51004/cb' }), 'invalid_request')
  })

  it('every redirect to the client carries iss, byte for byte the issuer', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const refused = await direct(browser, { scope: undefined })
    const opened = await direct(browser)
    const consent = await browser.login(locationOf(opened).href)
    const allowed = await browser.decide(locationOf(consent).href, 'allow')
    const again = await direct(browser)
    const denied = await browser.decide(locationOf(again).href, 'deny')
    for (const reply of [refused, allowed, denied]) {
      assert.equal(redirectTo(reply), redirectUri)
      assert.deepEqual(locationOf(reply).searchParams.getAll('iss'), [issuerUrl])
      assert.equal(locationOf(reply).searchParams.get('state'), 'st-1')
    }
  })

  it('unsupported ui_locales, claims_locales and display are no error', async () => {
    await using world = await openWorld()
    const spoil = { ui_locales: 'xx yy', claims_locales: 'xx', display: 'wap', acr_values: 'urn:x' }
    assert.match(locationOf(await direct(openBrowser(world), spoil)).href, /\/login$/)
  })

  it('no answer carries a CORS header, whoever asks', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const headers = [['origin', 'https://client.example']] as const
    for (const reply of [
      await browser.post('/authorize', oidc, { headers }),
      await browser.post('/authorize', { ...oidc, client_id: 'nobody' }, { headers }),
    ])
      assert.ok(reply.headers.every(([name]) => !name.startsWith('access-control-')))
  })
})

describe('where PAR is required', () => {
  it('parameters in the browser are refused, by redirect or on a page, and no login page is shown', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const sent = { ...goodRequest('c_bank') }
    const reply = await browser.get(`/authorize?${query(sent)}`)
    assertSentBack(reply, 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'par.required')
    assertPage(
      await browser.get(`/authorize?${query({ ...sent, redirect_uri: undefined })}`),
      'invalid_request',
    )
  })

  it('a client flag is enough', async () => {
    await using world = await openWorld({
      clients: [clientOf({ ...plain, clientId: 'c_oidc', requirePushedAuthorizationRequests: true })],
    })
    assertSentBack(await direct(openBrowser(world)), 'invalid_request')
  })

  it('a resource of a FAPI 2.0 tier is enough', async () => {
    await using world = await openWorld({
      clients: [clientOf({ ...plain, clientId: 'c_oidc', resources: [payments] })],
    })
    assertSentBack(await direct(openBrowser(world), { resource: payments }), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'par.required')
  })

  it('a public client may not ask for a resource of a FAPI 2.0 tier', async () => {
    await using world = await openWorld()
    const sent = query({ ...goodRequest('c_app'), scope: 'openid payments' })
    assertSentBack(await openBrowser(world).get(`/authorize?${sent}`), 'unauthorized_client')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'tier.confidential')
  })
})

describe('pushed requests at the authorization endpoint', () => {
  it('parameters beside request_uri change nothing', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const url = `${await pushedUrl(world)}&${query({ scope: 'payments', redirect_uri: 'https://evil.example/', state: 'other' })}`
    const opened = await browser.get(url)
    const consent = await browser.login(locationOf(opened).href)
    const allowed = await browser.decide(locationOf(consent).href, 'allow')
    assert.equal(redirectTo(allowed), redirectUri)
    assert.equal(locationOf(allowed).searchParams.get('state'), 'st-1')
    assert.deepEqual((await world.lastAudit('code.issued'))?.facts.scopes, ['openid', 'accounts'])
  })

  it('a request_uri of another client, an unknown one and one of nobody are shown on a page', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const url = await pushedUrl(world)
    for (const spoiled of [
      url.replace('client_id=c_bank', 'client_id=c_other'),
      url.replace('client_id=c_bank', 'client_id='),
      url.slice(0, -1),
      `${url}A`,
    ])
      assertPage(await browser.get(spoiled), 'invalid_request_uri')
  })

  it('a request_uri opens up to its last second', async () => {
    await using world = await openWorld()
    const url = await pushedUrl(world)
    world.clock.advance(59)
    assert.equal((await openBrowser(world).get(url)).status, 200)
    world.clock.advance(1)
    assertPage(await openBrowser(world).get(url), 'invalid_request_uri')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'request-uri.live')
  })

  it('a page may be reloaded before the answer, and the request_uri is dead after it', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const url = await pushedUrl(world)
    const first = await browser.get(url)
    const second = await browser.get(url)
    assert.notEqual(locationOf(first).href, locationOf(second).href)
    const consent = await browser.login(locationOf(second).href)
    await browser.decide(locationOf(consent).href, 'allow')
    assertPage(await browser.get(url), 'invalid_request_uri')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'request-uri.unspent')
  })

  it('a user who takes longer than the request_uri lives still gets a code', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const opened = await browser.get(await pushedUrl(world))
    world.clock.advance(300)
    const consent = await browser.login(locationOf(opened).href)
    world.clock.advance(290)
    await world.store.expire(world.clock.now(), 1000)
    const allowed = await browser.decide(locationOf(consent).href, 'allow')
    assert.match(locationOf(allowed).searchParams.get('code') ?? '', /^ac_/)
  })

  it('a redirect URI that was left to the registration is not changed behind the user', async () => {
    const spec = { clientId: 'c_bank', ownProfile: oauth21 }
    await using world = await openWorld({ clients: [clientOf(spec)] })
    const browser = openBrowser(world)
    const url = await pushedUrl(world, { spoil: { redirect_uri: undefined } })
    assert.equal((await browser.get(url)).status, 200)
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_bank', clientOf({ ...spec, redirectUris: ['https://client.example/new'] }))
    assertPage(await browser.get(url), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'authorization.changed')
  })

  it('a client suspended after its push is refused at every later step', async () => {
    await using world = await openWorld()
    const url = await pushedUrl(world)
    const browser = openBrowser(world)
    const opened = locationOf(await browser.get(url)).href
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_bank', clientOf({ clientId: 'c_bank', status: 'suspended' }))
    assertPage(await browser.get(url), 'unauthorized_client')
    assertPage(await browser.get(opened), 'unauthorized_client')
  })
})

describe('sessions and prompts', () => {
  it('a session of this browser skips the login, never the consent', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    assert.match(locationOf(await direct(browser)).href, /\/consent$/)
    assert.match(locationOf(await direct(openBrowser(world))).href, /\/login$/)
  })

  it('prompt=none shows nothing: login_required without a session, consent_required with one', async () => {
    await using world = await openWorld()
    const reply = await direct(openBrowser(world), { prompt: 'none' })
    assertSentBack(reply, 'login_required')
    assert.equal(locationOf(reply).searchParams.get('state'), 'st-1')
    const browser = await loggedIn(world)
    assertSentBack(await direct(browser, { prompt: 'none' }), 'consent_required')
    assertSentBack(await direct(browser, { prompt: 'none', max_age: '0' }), 'login_required')
  })

  it('prompt=login asks for the password in spite of a session, and auth_time is new', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    world.clock.advance(100)
    const opened = locationOf(await direct(browser, { prompt: 'login' })).href
    assert.match(opened, /\/login$/)
    assert.match(locationOf(await browser.get(opened.replace('login', 'consent'))).href, /\/login$/)
    const consent = await browser.login(opened)
    const allowed = await browser.decide(locationOf(consent).href, 'allow')
    const hash = hashOfHandle('code', issuerUrl, locationOf(allowed).searchParams.get('code') ?? '')
    const grant = await world.store.findGrant((await world.store.findCode(hash))?.grantId ?? '')
    assert.equal(grant?.authTime, world.clock.now())
  })

  it('unknown prompt values are ignored', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    assert.match(locationOf(await direct(browser, { prompt: 'create consent' })).href, /\/consent$/)
  })

  it('a session is reused up to max_age and not a second longer', async () => {
    await using world = await openWorld()
    const browser = await loggedIn(world)
    world.clock.advance(60)
    assert.match(locationOf(await direct(browser, { max_age: '60' })).href, /\/consent$/)
    assert.match(locationOf(await direct(browser, { max_age: '59' })).href, /\/login$/)
    assert.match(locationOf(await direct(browser, { max_age: '0' })).href, /\/login$/)
    const opened = locationOf(await direct(browser, { max_age: '0' })).href
    const consent = await browser.login(opened)
    assert.match(locationOf(consent).href, /\/consent$/)
  })

  it('a session ends after half an hour without use, and after twelve hours in any case', async () => {
    await using world = await openWorld()
    const idle = await loggedIn(world)
    world.clock.advance(1799)
    assert.match(locationOf(await direct(idle)).href, /\/consent$/)
    world.clock.advance(1)
    assert.match(locationOf(await direct(idle)).href, /\/login$/)

    const busy = await loggedIn(world)
    for (let minutes = 0; minutes < 700; minutes += 20) {
      world.clock.advance(1200)
      const consent = locationOf(await direct(busy)).href
      assert.match(consent, /\/consent$/, `after ${minutes + 20} minutes`)
      await busy.decide(consent, 'allow')
    }
    world.clock.advance(1200)
    assert.match(locationOf(await direct(busy)).href, /\/login$/)
  })
})
