import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { profiles } from '@holdfast/protocol'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { accounts, basicHeader, clientOf, secretOf } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { openWorld, startOfWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const plain = {
  ownProfile: oidcBaseline,
  tokenEndpointAuthMethod: 'client_secret_basic',
  dpopBoundAccessTokens: false,
  jwks: undefined,
} as const
const twoSecrets: Client = clientOf({
  clientId: 'c_two',
  ...plain,
  secrets: [secretOf('new', 'cs_new'), secretOf('old', 'cs_old', startOfWorld + 3600)],
})

const ask = (world: World, clientId: string, secret: string): Promise<Reply> =>
  world.send(tokenRoom, '/token', {
    form: { grant_type: 'client_credentials', resource: accounts },
    headers: [basicHeader(clientId, secret)],
  })

describe('client secrets', () => {
  test('the record names the secret by its id and never holds it', async () => {
    await using world = await openWorld({ clients: [twoSecrets] })
    assert.equal((await ask(world, 'c_two', 'cs_old')).status, 200)
    const facts = (await world.lastAudit('token.issued'))?.facts
    assert.equal(facts?.auth_method, 'client_secret_basic')
    assert.equal(facts?.key_id, 'old')
    assert.doesNotMatch(JSON.stringify(await world.audit()), /cs_/)
  })

  test('both secrets work until the second in which the older expires', async () => {
    await using world = await openWorld({ clients: [twoSecrets] })
    world.clock.advance(3599)
    assert.equal((await ask(world, 'c_two', 'cs_old')).status, 200)
    world.clock.advance(1)
    const refused = await ask(world, 'c_two', 'cs_old')
    await assertRefused(world, refused, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.secret-expired',
    })
    assert.equal((await world.lastAudit('token.refused'))?.facts.key_id, 'old')
    assert.equal((await ask(world, 'c_two', 'cs_new')).status, 200)
  })

  test('identifier and secret are decoded as a form before they are compared', async () => {
    const odd = clientOf({ clientId: 'client:1 é', ...plain, secrets: [secretOf('odd', 'p@ss%+word')] })
    await using world = await openWorld({ clients: [odd] })
    const header = basicHeader('client:1 é', 'p@ss%+word')
    assert.equal(header[1], 'Basic Y2xpZW50JTNBMSslQzMlQTk6cCU0MHNzJTI1JTJCd29yZA==')
    assert.equal((await ask(world, 'client:1 é', 'p@ss%+word')).status, 200)
    assert.equal((await ask(world, 'client:1 é', 'p@ss% word')).status, 401)
  })

  test('a client_id that is not the one of Basic is 401 and names its rule', async () => {
    await using world = await openWorld({ clients: [twoSecrets] })
    const reply = await world.send(tokenRoom, '/token', {
      form: { grant_type: 'client_credentials', client_id: 'c_bank' },
      headers: [basicHeader('c_two', 'cs_new')],
    })
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.basic-client-id',
    })
  })

  test('unknown client, wrong secret, expired secret and no secret get one answer, byte for byte', async () => {
    const without = clientOf({ clientId: 'c_without', ...plain })
    await using world = await openWorld({ clients: [twoSecrets, without] })
    world.clock.advance(3600)
    const bodies = await Promise.all([
      ask(world, 'c_nobody', 'cs_new'),
      ask(world, 'c_two', 'cs_wrong'),
      ask(world, 'c_two', 'cs_old'),
      ask(world, 'c_without', 'cs_new'),
      ask(world, 'c_bank', 'cs_new'),
    ])
    assert.equal(new Set(bodies.map(({ status, body }) => `${status} ${body}`)).size, 1)
    assert.equal(jsonOf(bodies[0] as Reply).error, 'invalid_client')
  })

  test('only the plain profiles list secrets', () => {
    const listing = [...profiles.values()]
      .filter(({ clientAuthenticationMethods: methods }) =>
        methods.some(one => one.startsWith('client_secret')),
      )
      .map(({ name }) => name)
    assert.deepEqual(listing.toSorted(), ['oidc-baseline', 'oidc-baseline-post-quantum', 'tier-0-public'])
  })
})
