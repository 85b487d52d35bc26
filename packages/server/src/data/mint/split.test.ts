import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { joinedToken, signingInputMember } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { ResourceServer } from '../../snapshot/snapshot.ts'
import { openPostgresStore } from '../../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../../store/drivers/postgres-for-tests.ts'
import type { Store } from '../../store/store.ts'
import { introspectRoom } from '../introspect/room.ts'
import { revokeRoom } from '../revoke/room.ts'
import { accounts, clientOf, resourceServers } from '../testing/clients.ts'
import { currentNonce, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import {
  fakeClock,
  issuerUrl,
  openWorld,
  putAlice,
  startOfWorld,
  storeAgeSeconds,
  type World,
} from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'
import { tokenFormats } from './formats/index.ts'

/** The client holds the signature of a JWT, the store the rest of it; nobody here holds the whole. */

const splitServers: readonly ResourceServer[] = resourceServers.map(server =>
  server.audience === accounts ? { ...server, accessTokenFormat: 'split', hasStatusList: true } : server,
)
const service = clientOf({
  clientId: 'c_service',
  grantTypes: [tokenExchangeGrantType],
  exchanges: { tokensOf: ['c_bank'], tokensFor: [] },
})
const open = (store?: Store): Promise<World> =>
  openWorld({ resourceServers: splitServers, clients: [service], ...(store && { store }) })

async function tokensOf(world: World): Promise<{ token: string; refresh: string; grantId: string }> {
  const { code, grantId } = await seedCode(world, 'c_bank')
  const reply = await redeem(world, 'c_bank', code)
  return { token: textOf(reply, 'access_token'), refresh: textOf(reply, 'refresh_token'), grantId }
}

async function introspect(world: World, token: string): Promise<Readonly<Record<string, unknown>>> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form }))
}

async function wholeOf(world: World, token: string): Promise<string> {
  const told = await introspect(world, token)
  return joinedToken(token, String(told[signingInputMember])) ?? ''
}

const inactive = { active: false }
const split = tokenFormats.get('split')

function recordOf(world: World, token: string) {
  const hash = split?.hashOf(token, world.issuer, world.ports)
  assert.ok(hash)
  return world.store.findAccessToken(hash)
}

const absence = await postgresAbsence()

for (const where of ['sqlite', 'postgres'] as const)
  describe(`a split token on ${where}`, {
    skip: where === 'postgres' && absence !== undefined ? absence : false,
  }, () => {
    /** A world on this store, in a schema of its own. */
    const withWorld = async (use: (world: World) => Promise<void>): Promise<void> => {
      if (where === 'sqlite') {
        await using world = await open()
        return await use(world)
      }
      const schema = newSchema()
      try {
        const clock = fakeClock()
        clock.advance(-storeAgeSeconds)
        const store = await openPostgresStore({ connectionString: testConnectionString, schema, clock })
        await putAlice(store)
        await using world = await open(store)
        await use(world)
      } finally {
        await dropSchema(schema)
      }
    }

    test('the client gets the signature, the store keeps the rest, and neither has the whole', () =>
      withWorld(async world => {
        const { token } = await tokensOf(world)
        assert.match(token, /^st_[\w-]{6}[\w-]{86}$/)
        const signature = token.slice(9)
        const record = await recordOf(world, token)
        assert.ok(record)
        const kept = JSON.stringify(record)
        assert.ok(!kept.includes(signature) && !kept.includes(token))
        const jwks = JSON.parse(world.ports.keys.published(issuerUrl).body.toString()) as JSONWebKeySet
        const { payload, protectedHeader } = await jwtVerify(
          `${record.signingInput}.${signature}`,
          createLocalJWKSet(jwks),
          {
            typ: 'at+jwt',
            issuer: issuerUrl,
            audience: accounts,
            currentDate: new Date(startOfWorld * 1000),
          },
        )
        assert.equal(protectedHeader.alg, 'ES256')
        assert.deepEqual(payload.cnf, { jkt: record.binding.jkt })
        assert.equal(payload.client_id, 'c_bank')
        for (const { facts } of await world.audit()) assert.ok(!JSON.stringify(facts).includes(signature))
      }))

    test('introspection gives head and payload, which say what it says', () =>
      withWorld(async world => {
        const { token } = await tokensOf(world)
        const {
          active,
          token_type: type,
          [signingInputMember]: head,
          ...told
        } = await introspect(world, token)
        assert.deepEqual([active, type], [true, 'DPoP'])
        const { status, ...claims } = claimsOf(`${String(head)}.x`)
        assert.deepEqual(claims, told)
        assert.ok(status, 'its place in a status list')
      }))

    test('the whole, the other half, and halves of two tokens are no token', () =>
      withWorld(async world => {
        const { token: one } = await tokensOf(world)
        world.clock.advance(1)
        const { token: other } = await tokensOf(world)
        const whole = await wholeOf(world, one)
        const wrong = [
          whole,
          whole.slice(0, whole.lastIndexOf('.')),
          one.slice(9),
          one.slice(0, 9) + other.slice(9),
          `${one}A`,
          `at_${one.slice(3)}`,
        ]
        for (const token of wrong)
          assert.deepEqual(await introspect(world, token), inactive, token.slice(0, 12))
        // A store that was changed: this signature with the head of that token.
        const [mine, theirs] = [await recordOf(world, one), await recordOf(world, other)]
        assert.ok(mine && theirs && split?.isWhole)
        const { signingInput = '' } = theirs
        assert.equal(split.isWhole(one, mine, world.issuer, world.ports), true)
        assert.equal(split.isWhole(one, { ...mine, signingInput }, world.issuer, world.ports), false)
        const { signingInput: _lost, ...rest } = mine
        assert.equal(split.isWhole(one, rest, world.issuer, world.ports), false)
      }))

    test('a token of a key that is not published any more is no token', () =>
      withWorld(async world => {
        const { token } = await tokensOf(world)
        const { keys } = world.ports
        Object.assign(world.ports, {
          keys: { ...keys, published: () => ({ body: Buffer.from('{"keys":[]}'), etag: '"none"' }) },
        })
        assert.deepEqual(await introspect(world, token), inactive)
      }))

    test('it ends when it expires, when it is revoked, and with its grant', () =>
      withWorld(async world => {
        const [revoked, ofGrant, expired] = [
          await tokensOf(world),
          await tokensOf(world),
          await tokensOf(world),
        ]
        const revoke = async (token: string): Promise<void> => {
          const form = { token, ...world.assertion('c_bank') }
          assert.equal((await world.send(revokeRoom, '/revoke', { form })).status, 200)
        }
        await revoke(revoked.token)
        assert.deepEqual(await introspect(world, revoked.token), inactive)
        await revoke(ofGrant.refresh)
        assert.deepEqual(await introspect(world, ofGrant.token), inactive)
        world.clock.advance(299)
        assert.equal((await introspect(world, expired.token)).active, true)
        world.clock.advance(1)
        assert.deepEqual(await introspect(world, expired.token), inactive)
      }))

    test('a refreshed and an exchanged token are split and bound like the first', () =>
      withWorld(async world => {
        const { token, refresh } = await tokensOf(world)
        const exchange = (subjectToken: string) =>
          requestToken(world, 'c_service', {
            grant_type: tokenExchangeGrantType,
            subject_token: subjectToken,
            subject_token_type: accessTokenType,
            resource: accounts,
          })
        const first = await introspect(world, token)
        const replies = [
          await exchange(token),
          await requestToken(world, 'c_bank', { grant_type: 'refresh_token', refresh_token: refresh }),
        ]
        for (const reply of replies) {
          const next = textOf(reply, 'access_token')
          assert.match(next, /^st_/)
          const told = await introspect(world, next)
          assert.deepEqual([told.active, told.cnf], [true, first.cnf])
          assert.notEqual(told.jti, first.jti)
        }
        const refused = await exchange(await wholeOf(world, token))
        assert.equal(jsonOf(refused).error, 'invalid_request')
      }))

    test('a proof whose `ath` covers the whole is refused, of the half it is taken', () =>
      withWorld(async world => {
        const { token } = await tokensOf(world)
        const whole = await wholeOf(world, token)
        const ask = async (presented: string, covered: string): Promise<number> => {
          const spoil = {
            method: 'GET',
            accessToken: covered,
            nonce: currentNonce(world),
            claims: { htu: `${issuerUrl}/userinfo` },
          }
          const headers = [
            ['authorization', `DPoP ${presented}`],
            ['dpop', world.proof('/userinfo', spoil)],
          ] as const
          return (await world.send(userinfoRoom, '/userinfo', { method: 'GET', headers })).status
        }
        assert.equal(await ask(token, whole), 401)
        assert.equal(await ask(whole, whole), 401)
        assert.equal(await ask(token, token), 200)
      }))
  })
