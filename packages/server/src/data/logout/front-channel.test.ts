import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { header } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { headersOf } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { framesFor, framesMax } from './frames.ts'

const bye = 'https://client.example/bye'
const clients: readonly Client[] = [
  clientOf({ clientId: 'c_bank', frontchannelLogoutUri: 'https://bank.example/out?tenant=1' }),
  clientOf({ clientId: 'c_other', frontchannelLogoutUri: 'https://other.example:8443/out' }),
  clientOf({ clientId: 'c_back', backchannelLogoutUri: 'https://back.example/out' }),
  clientOf({ clientId: 'c_absent', frontchannelLogoutUri: 'https://absent.example/out' }),
]
const openTestWorld = (): Promise<World> => openWorld({ clients, receive: async () => ({ status: 200 }) })

const frames = (reply: Reply): readonly URL[] =>
  [...String(reply.body).matchAll(/<iframe[^>]* src="([^"]*)"/g)].map(
    ([, address = '']) => new URL(address.replaceAll('&amp;', '&')),
  )

async function signOut(world: World, clientIds: readonly string[], parameters: object = {}): Promise<Reply> {
  const [first = '', ...others] = clientIds
  const { browser, idToken } = await signIn(world, first)
  for (const clientId of others) await signIn(world, clientId, { browser })
  return await browser.get(logoutUrl({ id_token_hint: idToken, ...parameters }))
}

describe('front-channel logout', () => {
  it('the page after a logout loads the address of every client that took part, with iss and sid', async () => {
    await using world = await openTestWorld()
    const reply = await signOut(world, ['c_bank', 'c_other', 'c_back'])
    assert.equal(reply.status, 200)
    const sid = String((await world.lastAudit('session.ended'))?.facts.sid)
    assert.ok(sid.length > 20)
    assert.deepEqual(
      frames(reply)
        .map(({ href }) => href)
        .toSorted(),
      [
        `https://bank.example/out?tenant=1&${new URLSearchParams({ iss: issuerUrl, sid })}`,
        `https://other.example:8443/out?${new URLSearchParams({ iss: issuerUrl, sid })}`,
      ],
    )
  })

  it('the page after a logout may frame those origins and nothing else', async () => {
    await using world = await openTestWorld()
    const policy = header(await signOut(world, ['c_bank', 'c_other']), 'content-security-policy') ?? ''
    const sources = /frame-src ([^;]*);/.exec(policy)?.[1]?.split(' ').toSorted()
    assert.deepEqual(sources, ['https://bank.example', 'https://other.example:8443'])
    const alone = await signOut(world, ['c_back'])
    assert.doesNotMatch(header(alone, 'content-security-policy') ?? '', /frame-src/)
    assert.match(header(alone, 'content-security-policy') ?? '', /default-src 'none'/)
  })

  it('the browser goes back by itself, but only after the frames, and only for who proved the session', async () => {
    await using world = await openTestWorld()
    const way = { post_logout_redirect_uri: bye, state: 's' }
    const framed = await signOut(world, ['c_bank'], way)
    assert.equal(framed.status, 200)
    assert.equal(header(framed, 'refresh'), `3; url=${bye}?state=s`)
    assert.match(headersOf(framed, 'set-cookie').join(), /holdfast-session-[0-9a-f]{8}=;/)
    const plain = await signOut(world, ['c_back'], way)
    assert.deepEqual([plain.status, header(plain, 'location')], [303, `${bye}?state=s`])
    const nowhere = await signOut(world, ['c_bank'])
    assert.equal(header(nowhere, 'refresh'), undefined)
  })

  it('a second logout, or one of nobody, frames nothing', async () => {
    await using world = await openTestWorld()
    const { browser, idToken } = await signIn(world, 'c_bank')
    assert.equal(frames(await browser.get(logoutUrl({ id_token_hint: idToken }))).length, 1)
    assert.equal(frames(await browser.get(logoutUrl({ id_token_hint: idToken }))).length, 0)
  })

  it('the number of frames is bounded, and a suspended client is not framed', async () => {
    await using world = await openTestWorld()
    const of = (index: number, status: Client['status'] = 'active'): Client =>
      clientOf({ clientId: `c_${index}`, status, frontchannelLogoutUri: `https://c${index}.example/out` })
    const many = Array.from({ length: framesMax + 2 }, (_, index) =>
      of(index, index === 0 ? 'suspended' : 'active'),
    )
    const issuer = { url: issuerUrl, clients: new Map(many.map(client => [client.clientId, client])) }
    const addresses = framesFor([...issuer.clients.keys(), 'c_gone'], issuer, 's_1', world.ports.keys)
    assert.equal(addresses.length, framesMax)
    assert.ok(addresses[0]?.startsWith('https://c1.example/out?'))
  })
})
