import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import {
  compactDecrypt,
  createLocalJWKSet,
  decodeJwt,
  type JSONWebKeySet,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { Fault } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import { header } from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { alice, issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { openCourier } from './courier.ts'

const bankUri = 'https://bank.example/logout'
const oidcUri = 'https://oidc.example/logout?tenant=1'
const oidcClient = clientOf({
  ...{ clientId: 'c_oidc', ownProfile: oidcBaseline, dpopBoundAccessTokens: false, resources: [] },
  ...{ requirePushedAuthorizationRequests: false, jwks: { keys: [keys.oidc.publicJwk] } },
  idTokenSignedResponseAlg: 'EdDSA',
  backchannelLogoutUri: oidcUri,
})
const clients: readonly Client[] = [
  clientOf({ clientId: 'c_bank', backchannelLogoutUri: bankUri }),
  clientOf({ clientId: 'c_other', backchannelLogoutUri: 'https://other.example/logout' }),
  oidcClient,
]

interface Post {
  readonly url: string
  readonly token: string
  readonly at: number
}

interface Told {
  readonly world: World
  readonly posts: Post[]
  /** Times of the posts, in seconds after the first. */
  readonly times: () => readonly number[]
}

/** A world whose clients answer as told; `undefined` is no answer. */
async function worldOf(answer: (url: string, count: number) => number | undefined): Promise<Told> {
  const posts: Post[] = []
  let clock = (): number => 0
  const receive: WorldOptions['receive'] = async (url, form) => {
    assert.deepEqual(Object.keys(form), ['logout_token'])
    posts.push({ url, token: form.logout_token ?? '', at: clock() })
    const status = answer(url, posts.length)
    if (status === undefined) throw new Fault('outbound.failed', { detail: 'no answer' })
    return { status }
  }
  const world = await openWorld({ clients, receive })
  clock = () => world.clock.now()
  return { world, posts, times: () => posts.map(({ at }) => at - (posts[0]?.at ?? 0)) }
}

async function verified(world: World, { token }: Post, audience: string): Promise<JWTVerifyResult> {
  const jwks = JSON.parse(world.ports.keys.published(issuerUrl).body.toString()) as JSONWebKeySet
  return await jwtVerify(token, createLocalJWKSet(jwks), {
    issuer: issuerUrl,
    audience,
    typ: 'logout+jwt',
    currentDate: new Date(world.clock.now() * 1000),
    requiredClaims: ['iat', 'exp', 'jti', 'events', 'sub', 'sid'],
  })
}

describe('an encrypted notice', () => {
  it('a client of encrypted ID tokens gets its logout token encrypted too', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'e', use: 'enc' }
    const { world, posts } = await worldOf(() => 200)
    await using _ = world
    const known = world.issuer.clients as Map<string, Client>
    known.set('c_oidc', {
      ...oidcClient,
      jwks: { keys: [keys.oidc.publicJwk, jwk] },
      encryptedResponses: { id_token: { alg: 'ECDH-ES', enc: 'A128GCM' } },
    })
    const { browser, idToken } = await signIn(world, 'c_oidc')
    const { plaintext: hint } = await compactDecrypt(idToken, privateKey)
    await browser.get(logoutUrl({ id_token_hint: Buffer.from(hint).toString() }))
    const [post] = posts
    assert.ok(post)
    const { plaintext, protectedHeader } = await compactDecrypt(post.token, privateKey)
    assert.equal(protectedHeader.iss, issuerUrl)
    const token = Buffer.from(plaintext).toString()
    const { payload } = await verified(world, { ...post, token }, 'c_oidc')
    assert.equal(payload.sub, alice)
  })
})

async function signInAndOut(world: World, clientId = 'c_bank'): Promise<void> {
  const { browser, idToken } = await signIn(world, clientId)
  assert.equal((await browser.get(logoutUrl({ id_token_hint: idToken }))).status, 200)
}

/** Lets the clock run while the courier looks every second. */
async function pass(world: World, seconds: number): Promise<void> {
  const courier = openCourier(world.ports)
  for (let second = 0; second < seconds; second++) {
    world.clock.advance(1)
    await courier.deliverDue()
  }
}

const ofNotices = async (world: World): Promise<readonly AuditRecord[]> =>
  (await world.audit()).filter(({ event }) => /^logout\.not/.test(event))

describe('back-channel logout', () => {
  it('every client that took part gets a logout token that an independent library accepts', async () => {
    const { world, posts } = await worldOf(() => 200)
    await using _ = world
    const { browser, idToken } = await signIn(world, 'c_bank')
    await signIn(world, 'c_oidc', { browser })
    await signIn(world, 'c_app', { browser }).catch(() => undefined)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    assert.deepEqual(posts.map(({ url }) => url).toSorted(), [bankUri, oidcUri])
    const { sid } = decodeJwt(idToken)
    const jtis = new Set<unknown>()
    for (const post of posts) {
      const audience = post.url === bankUri ? 'c_bank' : 'c_oidc'
      const { payload, protectedHeader } = await verified(world, post, audience)
      assert.equal(protectedHeader.alg, audience === 'c_bank' ? 'ES256' : 'EdDSA')
      assert.deepEqual(Object.keys(payload).toSorted(), [
        ...['aud', 'events', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'],
      ])
      assert.equal(payload.sub, alice)
      assert.equal(payload.sid, sid)
      assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 120)
      assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
      jtis.add(payload.jti)
    }
    assert.equal(jtis.size, 2)
    assert.deepEqual((await world.lastAudit('session.ended'))?.facts.notified, ['c_bank', 'c_oidc'])
  })

  it('a client whose grant ended long ago is told too, one of another session is not', async () => {
    const { world, posts } = await worldOf(() => 200)
    await using _ = world
    const { browser, idToken } = await signIn(world, 'c_oidc')
    await signIn(world, 'c_other')
    world.clock.advance(1500)
    await world.store.expire(world.clock.now(), 1000)
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    assert.deepEqual(
      posts.map(({ url }) => url),
      [oidcUri],
    )
  })

  it('the browser goes back only after the clients were told', async () => {
    const order: string[] = []
    const receive = async (): Promise<{ status: number }> => {
      await new Promise(resolve => setTimeout(resolve, 50))
      order.push('told')
      return { status: 200 }
    }
    await using world = await openWorld({ clients, receive })
    const { browser, idToken } = await signIn(world, 'c_bank')
    const sent = { id_token_hint: idToken, post_logout_redirect_uri: 'https://client.example/bye' }
    const reply = await browser.get(logoutUrl(sent))
    order.push(header(reply, 'location') ?? '')
    assert.deepEqual(order, ['told', 'https://client.example/bye'])
  })

  it('the clients are told side by side', async () => {
    let together = 0
    let most = 0
    const receive = async (): Promise<{ status: number }> => {
      together += 1
      most = Math.max(most, together)
      await new Promise(resolve => setTimeout(resolve, 20))
      together -= 1
      return { status: 200 }
    }
    await using world = await openWorld({ clients, receive })
    const { browser, idToken } = await signIn(world, 'c_bank')
    await signIn(world, 'c_oidc', { browser })
    await signIn(world, 'c_other', { browser })
    await browser.get(logoutUrl({ id_token_hint: idToken }))
    assert.equal(most, 3)
  })

  it('a client that is down is told again after 1, 10 and 60 seconds, then given up with an alert', async () => {
    for (const status of [undefined, 503, 429]) {
      const { world, posts, times } = await worldOf(() => status)
      await using _ = world
      await signInAndOut(world)
      await pass(world, 120)
      assert.deepEqual(times(), [0, 1, 11, 71])
      for (const post of posts) assert.ok((decodeJwt(post.token).exp ?? 0) - post.at === 120)
      const events = await ofNotices(world)
      assert.deepEqual(
        events.map(({ event, outcome }) => `${event} ${outcome}`),
        [...Array.from({ length: 3 }, () => 'logout.notice-failed refused'), 'logout.notice-given-up alert'],
      )
      const ended = await world.lastAudit('session.ended')
      assert.ok(events.every(({ requestId }) => requestId === ended?.requestId))
    }
  })

  it('a client that comes back is told once more and no further', async () => {
    const { world, times } = await worldOf((_url, count) => (count < 3 ? 502 : 204))
    await using _ = world
    await signInAndOut(world)
    await pass(world, 120)
    assert.deepEqual(times(), [0, 1, 11])
    assert.equal((await world.lastAudit('logout.notified'))?.facts.try, 3)
  })

  it('a client that says no is not asked again', async () => {
    for (const status of [400, 401, 404, 302]) {
      const { world, times } = await worldOf(() => status)
      await using _ = world
      await signInAndOut(world)
      await pass(world, 100)
      assert.deepEqual(times(), [0])
      assert.equal((await world.lastAudit('logout.notice-given-up'))?.reason, `answered ${status}`)
    }
  })

  it('an address that is not public is given up at once, with an alert', async () => {
    const receive = async (): Promise<never> => {
      throw new Fault('outbound.refused', { detail: 'the address is not public' })
    }
    await using world = await openWorld({ clients, receive })
    await signInAndOut(world)
    const given = await world.lastAudit('logout.notice-given-up')
    assert.equal(given?.outcome, 'alert')
    assert.deepEqual(await world.store.listDueLogoutNotices(issuerUrl, world.clock.now(), 9), [])
  })

  it('a notice whose process died is delivered by another when its claim has lapsed, also many times', async () => {
    const { world, posts } = await worldOf(() => 200)
    await using _ = world
    await signIn(world, 'c_bank')
    const session = {
      ...{ issuer: issuerUrl, id: 'n_1', clientId: 'c_bank', subject: alice, sid: 'sid-1', requestId: 'r' },
      ...{ version: 0, failures: 0, issuedAt: world.clock.now(), dueAt: world.clock.now() },
      expiresAt: world.clock.now(),
    }
    const expiresAt = (session.issuedAt + 86_400) as typeof session.expiresAt
    await world.store.commit([{ kind: 'insert-logout-notice', record: { ...session, expiresAt } }])
    for (let version = 0; version < 6; version++) {
      const at = world.clock.now()
      const dueAt = (at + 15) as typeof at
      const claim = { kind: 'claim-logout-notice', id: 'n_1', version, at, dueAt } as const
      assert.equal((await world.store.commit([claim])).committed, true)
      assert.equal(await openCourier(world.ports).deliverDue(), 0)
      world.clock.advance(15)
    }
    assert.equal(await openCourier(world.ports).deliverDue(), 1)
    assert.equal(posts.length, 1)
    assert.equal((await world.lastAudit('logout.notified'))?.facts.try, 1)
  })

  it('of two couriers one delivers', async () => {
    const { world, posts } = await worldOf((_url, count) => (count === 1 ? 500 : 200))
    await using _ = world
    await signInAndOut(world)
    world.clock.advance(1)
    await Promise.all(Array.from({ length: 16 }, () => openCourier(world.ports).deliverDue()))
    assert.equal(posts.length, 2)
    assert.equal((await ofNotices(world)).length, 2)
  })

  it('a client that is removed meanwhile is given up, one without the URI is never told', async () => {
    const { world, posts } = await worldOf(() => 500)
    await using _ = world
    await signInAndOut(world)
    ;(world.issuer.clients as Map<string, Client>).delete('c_bank')
    await pass(world, 2)
    assert.equal(posts.length, 1)
    assert.equal((await world.lastAudit('logout.notice-given-up'))?.clientId, 'c_bank')
  })

  it('no logout token stands in an audit record', async () => {
    const { world, posts } = await worldOf(() => 200)
    await using _ = world
    await signInAndOut(world)
    const text = JSON.stringify(await world.audit())
    assert.ok(posts.length === 1 && !text.includes(posts[0]?.token.split('.')[2] ?? 'x'))
  })
})
