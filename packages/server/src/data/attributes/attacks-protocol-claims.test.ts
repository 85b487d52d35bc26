import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isClaimName } from '@holdfast/policy'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { attributeSourceSpec } from '../../control/resources/attribute-source.ts'
import { introspectRoom } from '../introspect/room.ts'
import { accounts, clientOf, resourceServers } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { openWorld } from '../testing/world.ts'

/** Somebody who may name attributes, or write into a source, names one like a claim that says who, for whom or how bound. */

const client = clientOf({
  clientId: 'c_all',
  ownProfile: oauth21,
  grantTypes: ['authorization_code', tokenExchangeGrantType],
})
const named = (claim: string) => ({
  ...{ source: 'static', keyedBy: 'subject', entries: {} },
  attributes: { [claim]: { type: 'string' } },
})

describe('no attribute and no claim of a policy is called like', () => {
  for (const accessTokenFormat of ['jwt', 'opaque', 'split'] as const)
    test(`what a token says by itself, in a JWT or in introspection (${accessTokenFormat})`, async () => {
      const servers = resourceServers.map(server =>
        server.audience === accounts ? { ...server, accessTokenFormat } : server,
      )
      await using world = await openWorld({ clients: [client], resourceServers: servers })
      const first = await redeem(world, 'c_all', (await seedCode(world, 'c_all')).code)
      const exchanged = await requestToken(world, 'c_all', {
        grant_type: tokenExchangeGrantType,
        subject_token: textOf(first, 'access_token'),
        subject_token_type: accessTokenType,
        resource: accounts,
      })
      const names = new Set<string>()
      for (const reply of [first, exchanged]) {
        assert.equal(reply.status, 200, String(reply.body))
        const token = textOf(reply, 'access_token')
        const form = { ...world.assertion('c_rs'), token }
        const told = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
        assert.equal(told.active, true)
        for (const name of Object.keys(told)) names.add(name)
        if (accessTokenFormat === 'jwt') for (const name of Object.keys(claimsOf(token))) names.add(name)
      }
      assert.ok(names.size > 15)
      for (const name of names) {
        assert.ok(!isClaimName(name), name)
        assert.ok(!attributeSourceSpec.safeParse(named(name)).success, name)
      }
    })

  for (const name of [
    'act',
    'may_act',
    'sub_id',
    'status',
    'sid',
    'nonce',
    'azp',
    'events',
    'typ',
    'token_use',
  ])
    test(`what a protocol says elsewhere: ${name}`, () => {
      assert.ok(!attributeSourceSpec.safeParse(named(name)).success)
    })

  for (const name of ['', '__proto__', 'iss ', ' iss', 'i\u0455s', 'sub\0', '1st', 'a'.repeat(129)])
    test(`what could be read as another name: ${JSON.stringify(name).slice(0, 20)}`, () => {
      assert.ok(!isClaimName(name))
    })

  test('a name of an own', () => {
    assert.ok(attributeSourceSpec.safeParse(named('department')).success)
  })
})
