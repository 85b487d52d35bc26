import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import type { UserRecord } from '../../store/records.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  type PushOptions,
  pushedUrl,
} from '../testing/browser.ts'
import { claimsOf, compactJws, headerOf, newTestKey, type TestKey } from '../testing/jws.ts'
import { alice, issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { subjectOf } from './linked-user.ts'

const opUrl = 'https://op.example'
const opKey = newTestKey('ES256', 'op-1')
const op: IdentityProvider = {
  name: 'op',
  displayName: 'Example OP',
  issuer: opUrl,
  clientId: 'holdfast-at-op',
  clientAssertionAlg: 'ES256',
  authorizationEndpoint: `${opUrl}/authorize`,
  tokenEndpoint: `${opUrl}/token`,
  jwksUri: `${opUrl}/jwks`,
  signingAlgs: ['ES256', 'RS256'],
  scopes: ['openid'],
  sendsIss: true,
  users: new Map([['their-alice', 'alice']]),
  methodsByAcr: new Map([['urn:op:strong', ['pwd', 'otp']]]),
  otherMethods: ['pwd'],
}
const evil: IdentityProvider = {
  ...op,
  name: 'evil',
  displayName: 'Evil OP',
  issuer: 'https://evil.example',
  authorizationEndpoint: 'https://evil.example/authorize',
  tokenEndpoint: 'https://evil.example/token',
  jwksUri: 'https://evil.example/jwks',
}

/** What the other provider answers next. */
interface Answers {
  /** The whole answer of the token endpoint; absent: an ID token made of what follows. */
  whole?: unknown
  claims: Record<string, unknown>
  header: Record<string, unknown>
  key: TestKey
  nonce: string
  readonly asked: (readonly [url: string, form: Readonly<Record<string, string>>])[]
}

interface Bed {
  readonly world: World
  readonly answers: Answers
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

async function openBed(options: WorldOptions = {}): Promise<Bed> {
  const answers: Answers = { claims: {}, header: {}, key: opKey, nonce: '', asked: [] }
  const world: World = await openWorld({
    identityProviders: [op, evil],
    documents: new Map([
      [op.jwksUri, { keys: [opKey.publicJwk] }],
      [evil.jwksUri, { keys: [opKey.publicJwk] }],
    ]),
    answerForm: async (url, form) => {
      answers.asked.push([url, form])
      return 'whole' in answers ? answers.whole : { id_token: idToken(world, answers) }
    },
    ...options,
  })
  return { world, answers, [Symbol.asyncDispose]: world[Symbol.asyncDispose] }
}

function idToken(world: World, { claims, header: more, key, nonce }: Answers): string {
  const now = world.clock.now()
  const good = {
    iss: opUrl,
    sub: 'their-alice',
    aud: op.clientId,
    nonce,
    iat: now,
    exp: now + 300,
    auth_time: now,
    ...claims,
  }
  return compactJws({ alg: key.alg, kid: key.kid, ...more }, good, key)
}

interface Away {
  readonly browser: Browser
  /** Where the user was sent. */
  readonly url: URL
  /** Of the callback, when all goes well. */
  readonly query: Record<string, string>
}

/** A browser that pressed the button of a provider. */
async function away(
  { world, answers }: Bed,
  options: PushOptions = {},
  { provider = 'op', browser = openBrowser(world) } = {},
): Promise<Away> {
  const opened = await browser.get(await pushedUrl(world, options))
  const page = await browser.get(locationOf(opened).href)
  const left = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), provider })
  assert.equal(left.status, 303)
  const url = locationOf(left)
  answers.nonce = url.searchParams.get('nonce') ?? ''
  return { browser, url, query: { code: 'c-1', state: url.searchParams.get('state') ?? '', iss: opUrl } }
}

function comeBack(browser: Browser, query: Record<string, string>, provider = 'op'): Promise<Reply> {
  return browser.get(`${issuerUrl}/upstream/${provider}?${new URLSearchParams(query)}`)
}

const sessionNames = (browser: Browser): readonly string[] =>
  [...browser.cookies.keys()].filter(name => name.includes('session'))

async function refusedWith(world: World, reply: Reply, ruleId: string): Promise<void> {
  assert.equal(reply.status, 400)
  const record = await world.lastAudit('upstream.refused')
  assert.equal(record?.ruleId, ruleId)
  assert.match(String(reply.body), new RegExp(`id="error-reference">${record?.requestId}<`))
  assert.equal(await world.lastAudit('login.accepted'), undefined)
}

describe('a sign-in at another provider', () => {
  it('sends the user there with PKCE, nonce, state and a callback of its own', async () => {
    await using bed = await openBed()
    const { url } = await away(bed)
    assert.equal(url.origin + url.pathname, op.authorizationEndpoint)
    const sent = Object.fromEntries(url.searchParams)
    assert.equal(sent.response_type, 'code')
    assert.equal(sent.client_id, op.clientId)
    assert.equal(sent.redirect_uri, `${issuerUrl}/upstream/op`)
    assert.equal(sent.scope, 'openid')
    assert.equal(sent.code_challenge_method, 'S256')
    assert.equal(sent.max_age, '43200')
    assert.equal(sent.prompt, undefined)
    assert.match(sent.state ?? '', /^[\w-]{49}\.[\w-]{49}$/)
    assert.match(sent.nonce ?? '', /^[\w-]{43}$/)
  })

  it('signs in the linked user, and the client gets its code', async () => {
    await using bed = await openBed()
    const { browser, url, query } = await away(bed)
    const back = await comeBack(browser, query)
    assert.equal(back.status, 303)
    assert.match(header(back, 'location') ?? '', /\/consent$/)
    const answer = locationOf(await browser.decide(header(back, 'location') ?? '', 'allow'))
    assert.notEqual(answer.searchParams.get('code'), null)
    const accepted = await bed.world.lastAudit('login.accepted')
    assert.equal(accepted?.subject, alice)
    assert.equal(accepted?.facts.upstream, 'op')
    assert.deepEqual(accepted?.facts.amr, ['pwd'])
    const [[asked, form] = ['', {} as Readonly<Record<string, string>>]] = bed.answers.asked
    assert.equal(asked, op.tokenEndpoint)
    const challenge = createHash('sha256')
      .update(form.code_verifier ?? '')
      .digest('base64url')
    assert.equal(challenge, url.searchParams.get('code_challenge'))
    const assertion = form.client_assertion ?? ''
    const { iss, sub, aud } = claimsOf(assertion)
    assert.deepEqual([iss, sub, aud], [op.clientId, op.clientId, opUrl])
    assert.equal(headerOf(assertion).typ, 'client-authentication+jwt')
  })

  it('leaves no state, verifier, code or token in the audit', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    await comeBack(browser, query)
    const text = JSON.stringify(await bed.world.audit())
    const [[, form] = ['', {}]] = bed.answers.asked
    for (const secret of [query.state, query.code, bed.answers.nonce, ...Object.values(form)])
      if (secret !== undefined && secret.length > 20) assert.ok(!text.includes(secret), secret)
    assert.ok(!text.includes('"c-1"'))
  })

  it('an acr of the provider counts as what the document says, and as nothing else', async () => {
    await using bed = await openBed()
    const first = await away(bed)
    bed.answers.claims = { acr: 'urn:op:strong', amr: ['hwk'] }
    await comeBack(first.browser, first.query)
    const strong = await bed.world.lastAudit('login.accepted')
    assert.equal(strong?.facts.acr, 'urn:holdfast:acr:mfa')
    assert.deepEqual(strong?.facts.amr, ['pwd', 'otp', 'mfa'])
    const second = await away(bed)
    bed.answers.claims = { acr: 'urn:holdfast:acr:phr' }
    await comeBack(second.browser, second.query)
    assert.equal((await bed.world.lastAudit('login.accepted'))?.facts.acr, 'urn:holdfast:acr:pwd')
  })

  it('an acr that the document does not know is refused where nothing else is said', async () => {
    await using bed = await openBed({ identityProviders: [{ ...op, otherMethods: undefined }] })
    const { browser, query } = await away(bed)
    await refusedWith(bed.world, await comeBack(browser, query), 'upstream.assurance')
  })

  it('says when the user authenticated there, and asks anew where the request wants it fresh', async () => {
    await using bed = await openBed()
    const old = await away(bed)
    bed.answers.claims = { auth_time: bed.world.clock.now() - 3600 }
    const back = await comeBack(old.browser, old.query)
    const code = locationOf(await old.browser.decide(header(back, 'location') ?? '', 'allow'))
    assert.notEqual(code.searchParams.get('code'), null)

    const fresh = await away(bed, { spoil: { prompt: 'login' } })
    assert.equal(fresh.url.searchParams.get('prompt'), 'login')
    const stale = await comeBack(fresh.browser, fresh.query)
    assert.equal(stale.status, 400)
    assert.equal((await bed.world.lastAudit('upstream.refused'))?.ruleId, 'upstream.auth-time')
  })

  it('a new user of a provider that may create users is one of ours, without a password', async () => {
    await using bed = await openBed({ identityProviders: [{ ...op, users: 'created' }] })
    const subject = subjectOf(issuerUrl, opUrl, 'their-new')
    for (const round of [1, 2]) {
      const { browser, query } = await away(bed)
      bed.answers.claims = { sub: 'their-new' }
      assert.match(header(await comeBack(browser, query), 'location') ?? '', /consent$/, String(round))
      assert.equal((await bed.world.lastAudit('login.accepted'))?.subject, subject)
    }
    assert.match(subject, /^u_[A-Za-z0-9_-]{43}$/)
    const user = await bed.world.store.findUserBySubject(issuerUrl, subject)
    assert.equal(user?.status, 'active')
    assert.deepEqual(user?.claims, {})
  })

  it('a user who was disabled here stays out, and is not made again', async () => {
    await using bed = await openBed({ identityProviders: [{ ...op, users: 'created' }] })
    const subject = subjectOf(issuerUrl, opUrl, 'their-alice')
    const record: UserRecord = {
      ...{ issuer: issuerUrl, subject, username: subject, passwordHash: 'fake:x', claims: {} },
      status: 'disabled',
    }
    await bed.world.store.commit([{ kind: 'put-user', record }])
    const { browser, query } = await away(bed)
    await refusedWith(bed.world, await comeBack(browser, query), 'upstream.user')
    assert.equal((await bed.world.store.findUserBySubject(issuerUrl, subject))?.status, 'disabled')
  })

  it('shows the buttons, and lets the browser post to nowhere else', async () => {
    await using bed = await openBed()
    const browser = openBrowser(bed.world)
    const opened = await browser.get(await pushedUrl(bed.world))
    const page = await browser.get(locationOf(opened).href)
    assert.match(String(page.body), /Sign in with Example OP/)
    const policy = header(page, 'content-security-policy') ?? ''
    assert.match(
      policy,
      /form-action 'self' https:\/\/client\.example https:\/\/op\.example https:\/\/evil\.example;/,
    )
  })

  it('knows only the providers that documents name, and only with the page’s own token', async () => {
    await using bed = await openBed()
    const browser = openBrowser(bed.world)
    const opened = await browser.get(await pushedUrl(bed.world))
    const page = await browser.get(locationOf(opened).href)
    const unknown = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), provider: 'nobody' })
    await refusedWith(bed.world, unknown, 'upstream.known')
    assert.equal((await browser.post(actionOf(page), { csrf: 'x', provider: 'op' })).status, 400)
    assert.equal((await bed.world.lastAudit('interaction.refused'))?.ruleId, 'interaction.csrf')
    assert.equal(await bed.world.lastAudit('upstream.started'), undefined)
  })
})

describe('attacks on a sign-in at another provider', () => {
  it('the state of another browser signs in nobody, and ends nothing', async () => {
    await using bed = await openBed()
    const victim = await away(bed)
    const attacker = await away(bed)
    const reply = await comeBack(victim.browser, attacker.query)
    assert.equal(reply.status, 400)
    await refusedWith(bed.world, reply, 'interaction.browser')
    assert.deepEqual(sessionNames(victim.browser), [])
    // The answer that the attacker's browser waits for is still good there.
    assert.equal((await comeBack(attacker.browser, attacker.query)).status, 303)
  })

  it('a state that the interaction did not send, or sent before another one, is refused', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    const [id = ''] = (query.state ?? '').split('.')
    const forged = await comeBack(browser, { ...query, state: `${id}.${'A'.repeat(49)}` })
    await refusedWith(bed.world, forged, 'upstream.state')
    for (const state of ['', 'x', `${query.state}x`, id])
      await refusedWith(bed.world, await comeBack(browser, { ...query, state }), 'upstream.state-form')
    assert.equal((await comeBack(browser, query)).status, 303)
  })

  it('an answer counts once, whether it was good or bad', async () => {
    await using bed = await openBed()
    const bad = await away(bed)
    await refusedWith(
      bed.world,
      await comeBack(bad.browser, { ...bad.query, iss: evil.issuer }),
      'upstream.iss',
    )
    await refusedWith(bed.world, await comeBack(bad.browser, bad.query), 'upstream.state')
    const good = await away(bed)
    assert.equal((await comeBack(good.browser, good.query)).status, 303)
    const again = await comeBack(good.browser, good.query)
    assert.equal(again.status, 400)
    assert.equal((await bed.world.lastAudit('upstream.refused'))?.ruleId, 'upstream.state')
  })

  it('of 16 answers at once one makes a session', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    await Promise.all(Array.from({ length: 16 }, () => comeBack(browser, query)))
    const made = (await bed.world.audit()).filter(({ event }) => event === 'login.accepted')
    assert.equal(made.length, 1)
  })

  it('an answer comes in time: at the last second, not at the end of the interaction', async () => {
    for (const [seconds, status] of [
      [599, 303],
      [600, 400],
      [601, 400],
    ] as const) {
      await using bed = await openBed()
      const { browser, query } = await away(bed)
      bed.world.clock.advance(seconds)
      assert.equal((await comeBack(browser, query)).status, status, String(seconds))
    }
  })

  it('mix-up: the answer of one provider is no good at the callback of another', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    await refusedWith(bed.world, await comeBack(browser, query, 'evil'), 'upstream.mix-up')
    assert.deepEqual(bed.answers.asked, [])
  })

  it('mix-up: a user who was sent to one provider and comes from another sends no code anywhere', async () => {
    await using bed = await openBed()
    const toEvil = await away(bed, {}, { provider: 'evil' })
    await refusedWith(bed.world, await comeBack(toEvil.browser, toEvil.query, 'evil'), 'upstream.iss')
    const silent = await away(bed)
    const { iss: _iss, ...withoutIss } = silent.query
    await refusedWith(bed.world, await comeBack(silent.browser, withoutIss), 'upstream.iss')
    assert.deepEqual(bed.answers.asked, [])
  })

  const spoiled: readonly (readonly [
    name: string,
    spoil: Partial<Answers> | ((bed: Bed) => Partial<Answers>),
    ruleId: string,
  ])[] = [
    ['an ID token of another request', { nonce: 'another' }, 'upstream.nonce'],
    ['an ID token of another issuer', { claims: { iss: evil.issuer } }, 'upstream.id-token-iss'],
    ['an ID token for another client', { claims: { aud: 'other' } }, 'upstream.audience'],
    ['an ID token for us and another', { claims: { aud: [op.clientId, 'other'] } }, 'upstream.audience'],
    ['a swapped subject that nobody is linked to', { claims: { sub: 'their-bob' } }, 'upstream.linked'],
    ['a key of its own', { key: newTestKey('ES256', 'op-1') }, 'upstream.signature'],
    ['an algorithm that was not agreed on', { key: newTestKey('PS256', 'op-1') }, 'upstream.signature'],
    ['no answer of use', { whole: { error: 'invalid_grant' } }, 'jws.form'],
    ['an ID token that is a number', { whole: { id_token: 1 } }, 'jws.form'],
    ['null', { whole: null }, 'jws.form'],
  ]
  for (const [name, spoil, ruleId] of spoiled)
    it(`is refused: ${name}`, async () => {
      await using bed = await openBed()
      const { browser, query } = await away(bed)
      Object.assign(bed.answers, spoil)
      const reply = await comeBack(browser, query)
      if (ruleId !== 'jws.form') return await refusedWith(bed.world, reply, ruleId)
      assert.equal(reply.status, 400)
      assert.match((await bed.world.lastAudit('upstream.refused'))?.ruleId ?? '', /^jws\./)
    })

  it('an ID token without a signature, or with a MAC made of the public key, is refused', async () => {
    await using bed = await openBed()
    for (const header of [{ alg: 'none' }, { alg: 'HS256' }, { alg: 'HS256', jwk: opKey.publicJwk }]) {
      const { browser, query } = await away(bed)
      const [head, body] = [
        header,
        JSON.parse(JSON.stringify(claimsOf(idToken(bed.world, bed.answers)))),
      ].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
      const mac = createHash('sha256').update(JSON.stringify(opKey.publicJwk)).digest('base64url')
      bed.answers.whole = { id_token: `${head}.${body}.${header.alg === 'none' ? '' : mac}` }
      const reply = await comeBack(browser, query)
      assert.equal(reply.status, 400)
      assert.match(
        (await bed.world.lastAudit('upstream.refused'))?.ruleId ?? '',
        /^(jws\.|upstream\.signature)/,
      )
    }
    assert.equal(await bed.world.lastAudit('login.accepted'), undefined)
  })

  it('an e-mail address or a user name in the ID token links to nobody', async () => {
    await using bed = await openBed({ identityProviders: [{ ...op, users: 'created' }] })
    const { browser, query } = await away(bed)
    const email = 'alice@example.com'
    bed.answers.claims = { sub: 'alice', email, email_verified: true, preferred_username: 'alice' }
    await comeBack(browser, query)
    const subject = (await bed.world.lastAudit('login.accepted'))?.subject
    assert.notEqual(subject, alice)
    assert.equal(subject, subjectOf(issuerUrl, opUrl, 'alice'))
  })

  it('a provider that is not there, or fails, is an error page, and the user may try again', async () => {
    await using bed = await openBed({ answerForm: undefined })
    const { browser, query } = await away(bed)
    await refusedWith(bed.world, await comeBack(browser, query), 'upstream.token')
    assert.match((await away(bed, {}, { browser })).url.href, /^https:\/\/op\.example/)
  })

  it('a provider that refuses is an error page that repeats only words', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    const error = '<script>alert(1)</script>'
    const reply = await comeBack(browser, { state: query.state ?? '', iss: opUrl, error })
    await refusedWith(bed.world, reply, 'upstream.error')
    assert.ok(!String(reply.body).includes('alert(1)'))
  })

  it('a network that fails too often waits before anything is asked', async () => {
    await using bed = await openBed()
    for (let index = 0; index < 100; index++) {
      const { browser, query } = await away(bed)
      bed.answers.nonce = 'another'
      await comeBack(browser, query)
    }
    const asked = bed.answers.asked.length
    const { browser, query } = await away(bed)
    await refusedWith(bed.world, await comeBack(browser, query), 'upstream.delay')
    assert.equal(bed.answers.asked.length, asked)
  })

  it('a link that is taken back between button and answer is no link', async () => {
    await using bed = await openBed()
    const { browser, query } = await away(bed)
    const providers = bed.world.issuer.identityProviders as Map<string, IdentityProvider>
    providers.set('op', { ...op, users: new Map() })
    await refusedWith(bed.world, await comeBack(browser, query), 'upstream.linked')
    const second = await away(bed)
    providers.delete('op')
    await refusedWith(bed.world, await comeBack(second.browser, second.query), 'upstream.state')
  })

  it('somebody else than the client asked for signs in nowhere', async () => {
    await using bed = await openBed()
    const claims = JSON.stringify({ id_token: { sub: { value: 'u_somebody_else' } } })
    const { browser, query } = await away(bed, { spoil: { claims } })
    const back = await comeBack(browser, query)
    assert.equal(locationOf(back).searchParams.get('error'), 'login_required')
    assert.deepEqual(sessionNames(browser), [])
  })
})
