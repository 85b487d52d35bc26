import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { introspectRoom } from '../introspect/room.ts'
import { managementRoom } from '../register/management-room.ts'
import { accounts, clientOf, keys, redirectUri, resourceServers } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { goodMetadata, openRegistrationWorld, registeredIn } from '../testing/registration-world.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'
import { sidFor, subjectFor } from './pairwise.ts'

async function tokensOf(world: World, clientId: string) {
  const reply = await redeem(world, clientId, (await seedCode(world, clientId)).code, {
    spoil: { resource: accounts },
  })
  assert.equal(reply.status, 200, String(reply.body))
  return reply
}

async function introspected(world: World, token: string): Promise<Readonly<Record<string, unknown>>> {
  return jsonOf(
    await world.send(introspectRoom, '/introspect', { form: { ...world.assertion('c_rs'), token } }),
  )
}

async function userinfoSub(world: World, clientId: string): Promise<unknown> {
  const reply = await redeem(
    world,
    clientId,
    (await seedCode(world, clientId, { grant: { resources: [] } })).code,
  )
  const token = textOf(reply, 'access_token')
  const answer = await world.send(userinfoRoom, '/userinfo', {
    method: 'GET',
    headers: [
      ['authorization', `DPoP ${token}`],
      ['dpop', world.proof('/userinfo', { method: 'GET', accessToken: token, ...nonceOf(reply) })],
    ],
  })
  assert.equal(answer.status, 200, String(answer.body))
  return jsonOf(answer).sub
}

function nonceOf(reply: { readonly headers: readonly (readonly [string, string])[] }): { nonce?: string } {
  const nonce = reply.headers.find(([name]) => name === 'dpop-nonce')?.[1]
  return nonce === undefined ? {} : { nonce }
}

const sectored = clientOf({ clientId: 'c_sector', sector: 'client.example', mayAct: undefined })
const sameSector = clientOf({ clientId: 'c_same', sector: 'client.example' })
const otherSector = clientOf({ clientId: 'c_other', sector: 'other.example' })

describe('pairwise subjects', () => {
  test('a pairwise subject is the same for a sector every time, and another for every other', async () => {
    await using world = await openWorld()
    const { keys: ring } = world.ports
    const of = (sector: string | undefined, subject: string, issuer = issuerUrl) =>
      subjectFor(ring, issuer, sector, subject)
    assert.equal(of(undefined, alice), alice)
    assert.equal(of('a.example', alice), of('a.example', alice))
    assert.match(of('a.example', alice), /^u_[\w-]{43}$/)
    assert.notEqual(of('a.example', alice), of('a.example', alice, 'https://other-as.example'))
    const text = fc.string({ maxLength: 40 })
    fc.assert(
      fc.property(text, text, text, text, (sector, subject, other, another) => {
        const isSame = sector === other && subject === another
        assert.equal(of(sector, subject) === of(other, another), isSame)
        assert.ok(subject.length < 4 || !of(sector, subject).includes(subject))
        assert.notEqual(of(sector, subject).slice(2), sidFor(ring, issuerUrl, sector, subject))
      }),
    )
  })

  test('ID token, userinfo, introspection and JWT tokens tell one pairwise subject, also after a refresh', async () => {
    const jwtServers = resourceServers.map(server => ({ ...server, accessTokenFormat: 'jwt' as const }))
    for (const servers of [resourceServers, jwtServers]) {
      await using world = await openWorld({
        clients: [sectored, sameSector, otherSector],
        resourceServers: servers,
      })
      const expected = subjectFor(world.ports.keys, issuerUrl, 'client.example', alice)
      const reply = await tokensOf(world, 'c_sector')
      const refreshed = await requestToken(world, 'c_sector', {
        grant_type: 'refresh_token',
        refresh_token: textOf(reply, 'refresh_token'),
        resource: accounts,
      })
      for (const answer of [reply, refreshed]) {
        const { sub, sid } = claimsOf(textOf(answer, 'id_token'))
        assert.equal(sub, expected)
        assert.equal(sid, sidFor(world.ports.keys, issuerUrl, 'client.example', 'sid-1'))
        const token = textOf(answer, 'access_token')
        assert.equal((await introspected(world, token)).sub, expected)
        if (servers === jwtServers) assert.equal(claimsOf(token).sub, expected)
        assert.ok(!token.includes(alice))
      }
      assert.equal(await userinfoSub(world, 'c_sector'), expected)
      assert.equal(claimsOf(textOf(await tokensOf(world, 'c_same'), 'id_token')).sub, expected)
      assert.notEqual(claimsOf(textOf(await tokensOf(world, 'c_other'), 'id_token')).sub, expected)
      assert.equal(claimsOf(textOf(await tokensOf(world, 'c_bank'), 'id_token')).sub, alice)
    }
  })

  test('a client without a user keeps its own name, and an exchanged token tells who the first client knew', async () => {
    const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange' as const
    const exchanger = clientOf({
      clientId: 'c_exchanger',
      grantTypes: [tokenExchange],
      exchanges: { tokensOf: ['c_sector'], tokensFor: [accounts] },
    })
    await using world = await openWorld({ clients: [sectored, exchanger] })
    const own = await requestToken(world, 'c_sector', {
      grant_type: 'client_credentials',
      resource: accounts,
    })
    assert.equal((await introspected(world, textOf(own, 'access_token'))).sub, 'c_sector')
    const reply = await tokensOf(world, 'c_sector')
    const exchanged = await requestToken(
      world,
      'c_exchanger',
      {
        grant_type: tokenExchange,
        subject_token: textOf(reply, 'access_token'),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: accounts,
      },
      { proofKey: keys.otherProof },
    )
    assert.equal(exchanged.status, 200, String(exchanged.body))
    const { sub, client_id } = await introspected(world, textOf(exchanged, 'access_token'))
    assert.equal(client_id, 'c_exchanger')
    assert.equal(sub, subjectFor(world.ports.keys, issuerUrl, 'client.example', alice))
  })

  test('a sector document must list the redirect URIs, when it is registered and when it is updated', async () => {
    const documents = new Map<string, unknown>()
    await using world = await openRegistrationWorld({ documents })
    const sector = 'https://sector.example/uris.json'
    const metadata = { ...goodMetadata, subject_type: 'pairwise', sector_identifier_uri: sector }
    const unreachable = await world.register(await world.token(), metadata)
    assert.equal(jsonOf(unreachable).error, 'invalid_client_metadata')
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.sector-fetch')
    documents.set(sector, ['https://client.example/other'])
    assert.equal((await world.register(await world.token(), metadata)).status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.sector-document')
    documents.set(sector, [redirectUri])
    const { clientId, token } = await registeredIn(world, metadata)
    assert.equal(world.current().clients.get(clientId)?.sector, 'sector.example')
    const moved = { ...metadata, client_id: clientId, redirect_uris: ['https://client.example/moved'] }
    assert.equal((await world.manage('PUT', clientId, token, moved)).status, 400)
    documents.set(sector, [redirectUri, 'https://client.example/moved'])
    assert.equal((await world.manage('PUT', clientId, token, moved)).status, 200)
    const path = `/register/${clientId}`
    const denied = await world.send(managementRoom, path, { method: 'GET', params: { id: clientId } })
    assert.equal(denied.status, 401)
  })

  test('a logout goes by the names that each client knows, and not by those of another sector', async () => {
    const posts: string[] = []
    const uri = 'https://client.example/logout'
    await using world = await openWorld({
      clients: [
        { ...sectored, backchannelLogoutUri: uri, frontchannelLogoutUri: 'https://client.example/out' },
        otherSector,
      ],
      receive: async (_url, form) => {
        posts.push(form.logout_token ?? '')
        return { status: 200 }
      },
    })
    const { browser, idToken } = await signIn(world, 'c_sector')
    const known = claimsOf(idToken)
    const borrowed = await world.ports.keys.sign(issuerUrl, 'ES256', 'JWT', { ...known, aud: 'c_other' })
    const asked = await browser.get(logoutUrl({ id_token_hint: borrowed }))
    assert.equal((await world.lastAudit('session.ended'))?.subject, undefined)
    assert.match(String(asked.body), /name="decision"/)
    const ended = await browser.get(logoutUrl({ id_token_hint: idToken }))
    assert.ok(
      String(ended.body).includes(`sid=${known.sid}`),
      'the frame names the session as the client knows it',
    )
    assert.equal((await world.lastAudit('session.ended'))?.subject, alice)
    assert.equal(posts.length, 1)
    const { sub, sid } = claimsOf(posts[0] ?? '')
    assert.deepEqual([sub, sid], [known.sub, known.sid])
    assert.match(String(sub), /^u_[\w-]{43}$/)
  })
})
