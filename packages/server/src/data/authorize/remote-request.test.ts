import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import { parRoom } from '../par/room.ts'
import { header, locationOf, openBrowser } from '../testing/browser.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { type RequestObjectOptions, requestObject } from '../testing/request-objects.ts'
import { openWorld, type World } from '../testing/world.ts'
import { authorizeRoom } from './room.ts'

const there = 'https://client.example/request.jwt'
const relying = {
  clientId: 'c_relying',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
  resources: [],
}

interface Opened {
  readonly world: World
  readonly documents: Map<string, unknown>
}

/** A client that has its requests fetched, and what lies there. */
async function open(options: RequestObjectOptions = {}, requestUris = [there]): Promise<Opened> {
  const documents = new Map<string, unknown>()
  const clients = [
    clientOf({ ...relying, requestUris }),
    clientOf({ ...relying, clientId: 'c_pushes', requestUris, requirePushedAuthorizationRequests: true }),
  ]
  const world = await openWorld({ clients, documents, floor: oidcBaseline })
  const claims = { scope: 'openid profile', response_mode: undefined, jti: undefined, ...options.claims }
  documents.set(there, requestObject(world, { clientId: 'c_relying', ...options, claims }))
  return { world, documents }
}

function ask(world: World, request_uri = there, outside: Record<string, string> = {}): Promise<Reply> {
  const query = new URLSearchParams({ client_id: 'c_relying', request_uri, ...outside })
  return openBrowser(world).get(`/authorize?${query}`)
}

function exchangeFor(world: World, request_uri = there): Exchange {
  const query = new URLSearchParams({ client_id: 'c_relying', request_uri })
  return world.exchange('/authorize', { method: 'GET', query: query.toString() })
}

async function assertPage(world: World, reply: Reply, error: string, ruleId: string): Promise<void> {
  assert.equal(reply.status, 400)
  assert.equal(header(reply, 'location'), undefined)
  assert.ok(String(reply.body).includes(error))
  assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, ruleId)
}

describe('a request object behind a registered request URI', () => {
  it('a request object is fetched from where the client registered it, and only then', async () => {
    const { world } = await open()
    await using _ = world
    const browser = openBrowser(world)
    const query = new URLSearchParams({
      client_id: 'c_relying',
      request_uri: there,
      scope: 'admin',
      state: 'x',
    })
    const opened = await browser.get(`/authorize?${query}`)
    assert.equal(opened.status, 200)
    const record = await world.lastAudit('authorization.opened')
    assert.deepEqual(record?.facts.scopes, ['openid', 'profile'])
    const consent = header(await browser.login(opened), 'location') ?? ''
    const answer = locationOf(await browser.decide(consent, 'allow'))
    assert.match(answer.searchParams.get('code') ?? '', /^ac_/)
    assert.notEqual(answer.searchParams.get('state'), 'x')
    assert.deepEqual(world.fetched, [there])

    await assertPage(world, await ask(world, `${there}?a`), 'invalid_request_uri', 'request-uri.registered')
    await assertPage(
      world,
      await ask(world, 'urn:example:r'),
      'invalid_request_uri',
      'request-uri.registered',
    )
    assert.deepEqual(world.fetched, [there])
  })

  it('has the hash its fragment names; the fragment is not sent', async () => {
    const { world, documents } = await open()
    await using _ = world
    const text = String(documents.get(there))
    const named = `${there}#${createHash('sha256').update(text).digest('base64url')}`
    const client = clientOf({ ...relying, requestUris: [named] })
    await using second = await openWorld({ clients: [client], documents, floor: oidcBaseline })
    assert.equal((await ask(second, named)).status, 200)
    assert.deepEqual(second.fetched, [there])
    documents.set(there, `${text} `)
    await assertPage(second, await ask(second, named), 'invalid_request_uri', 'request-uri.hash')
  })

  it('is judged like one that came along', async () => {
    for (const options of [
      { key: { ...keys.attacker, kid: 'bank-1' } },
      { claims: { aud: 'https://other.example' } },
      { claims: { client_id: 'c_bank' } },
      { claims: { request_uri: there } },
      { claims: { redirect_uri: undefined } },
    ] as const) {
      const { world } = await open(options)
      await using _ = world
      const reply = await ask(world)
      assert.deepEqual([reply.status, header(reply, 'location')], [400, undefined])
    }
  })

  it('opens one request when it has a jti', async () => {
    const { world } = await open({ claims: { jti: 'once' } })
    await using _ = world
    const answers: Reply[] = []
    for (let round = 0; round < 2; round++) {
      const browser = openBrowser(world)
      const query = new URLSearchParams({ client_id: 'c_relying', request_uri: there })
      const page = locationOf(await browser.get(`/authorize?${query}`)).href
      const consent = header(await browser.login(page), 'location') ?? ''
      answers.push(await browser.decide(consent, 'allow'))
    }
    const [first, second] = answers
    assert.ok(first && second)
    assert.ok(locationOf(first).searchParams.has('code'))
    assert.equal(header(second, 'location'), undefined)
  })

  it('is never fetched for a client that must push, and never pushed', async () => {
    const { world } = await open()
    await using _ = world
    const pushes = await ask(world, there, {
      client_id: 'c_pushes',
      redirect_uri: 'https://client.example/cb',
    })
    assert.ok([400, 303].includes(pushes.status))
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'par.required')
    const form = { ...world.assertion('c_relying'), request_uri: there }
    assert.equal(jsonOf(await world.send(parRoom, '/par', { form })).error, 'invalid_request')
    assert.deepEqual(world.fetched, [])
  })

  it('is asked for once at a time, and left alone for a while after a failure', async () => {
    const { world, documents } = await open()
    await using _ = world
    const text = documents.get(there)
    documents.delete(there)
    await assertPage(world, await ask(world), 'invalid_request_uri', 'request-uri.fetch')
    documents.set(there, text)
    await assertPage(world, await ask(world), 'invalid_request_uri', 'request-uri.fetch')
    assert.equal(world.fetched.length, 1)
    world.clock.advance(5)
    const replies = await Promise.all(Array.from({ length: 16 }, () => ask(world)))
    assert.ok(replies.every(({ status }) => status === 200))
    assert.equal(world.fetched.length, 2)
  })

  /** Hosts that are asked one after the other while nobody answers, and how many of them are. */
  const crowds: readonly (readonly [what: string, hosts: readonly string[], asked: number])[] = [
    ['eight addresses of four hosts', ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd'], 8],
    ['a ninth of another host', ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd', 'e'], 8],
    ['ten of one slow host leave room for others', [...Array<string>(10).fill('a'), 'b'], 3],
    ['a host by another case or its default port is the same', ['a', 'A', 'a:443', 'b'], 3],
  ]
  for (const [what, hosts, asked] of crowds)
    it(`asks at few addresses at one time: ${what}`, async () => {
      const uris = hosts.map((host, index) => {
        const [name = '', port] = host.split(':')
        return `https://${name}.example${port === undefined ? '' : `:${port}`}/${index}`
      })
      const { world, documents } = await open({}, uris)
      await using _ = world
      const text = String(documents.get(there))
      const gate = Promise.withResolvers<string>()
      let waiting = 0
      const outbound: World['ports']['outbound'] = {
        ...world.ports.outbound,
        getText: () => {
          waiting++
          return gate.promise
        },
      }
      const replies = uris.map(uri => authorizeRoom(exchangeFor(world, uri), { ...world.ports, outbound }))
      for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
      gate.resolve(text)
      const statuses = (await Promise.all(replies)).map(({ status }) => status)
      assert.equal(waiting, asked)
      assert.equal(statuses.filter(status => status === 200).length, asked)
      // The last one is let through unless there is no room at all.
      assert.equal(statuses.at(-1), hosts.length === 9 ? 400 : 200)
    })

  it('is asked for once, whatever hashes its addresses name', async () => {
    const named = ['a', 'b', 'c'].map(
      text => `${there}#${createHash('sha256').update(text).digest('base64url')}`,
    )
    const { world, documents } = await open({}, [there, ...named])
    await using _ = world
    documents.set(there, 'a')
    const replies = await Promise.all(named.map(uri => ask(world, uri)))
    assert.deepEqual(world.fetched, [there])
    assert.ok(replies.every(({ status }) => status === 400))
  })

  it('a bug on the way out is no refusal', async () => {
    const { world } = await open()
    await using _ = world
    const outbound = {
      ...world.ports.outbound,
      getText: async () => {
        throw new TypeError('a bug')
      },
    }
    await assert.rejects(authorizeRoom(exchangeFor(world), { ...world.ports, outbound }), TypeError)
    const refused = { ...outbound, getText: async () => Promise.reject(new Fault('outbound.refused')) }
    const reply = await authorizeRoom(exchangeFor(world), { ...world.ports, outbound: refused })
    assert.equal(reply.status, 400)
    assert.equal((await world.lastAudit('authorization.refused'))?.facts.fault, 'outbound.refused')
  })
})
