import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { tokenExchangeGrantType } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { RegisteredClient } from '../../snapshot/snapshot.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { accounts, basicHeader, clientOf, jwkOfCertificate, keys, secretOf } from '../testing/clients.ts'
import { redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { policiesWith } from '../testing/policies.ts'
import { issuerUrl, openWorld, startOfWorld, type World, type WorldOptions } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const watching = policiesWith(
  `@id("risk.never") forbid (principal, action, resource) when { context has risk && context.risk.score > 100 };`,
)
const day = 86_400
const machine = { grant_type: 'client_credentials', resource: accounts }
const open = (options: WorldOptions = {}): Promise<World> => openWorld({ policies: watching, ...options })

async function riskOfLast(world: World, event = 'policy.mint') {
  const facts = (await world.lastAudit(event))?.facts ?? {}
  const list = (fact: unknown): readonly string[] => (Array.isArray(fact) ? fact : ['none'])
  return {
    score: facts.risk_score,
    signals: list(facts.risk_signals),
    unknown: list(facts.risk_unknown),
  }
}

const old = newTestKey('ES256', 'rolling-1')
/** Another key by the same name: what a thief would write into the metadata. */
const swapped = newTestKey('ES256', 'rolling-1')
const rolling = clientOf({ clientId: 'c_rolling', jwks: { keys: [old.publicJwk, swapped.publicJwk] } })

function asMachine(world: World, key = old): Promise<Reply> {
  return requestToken(world, 'c_rolling', { ...machine, ...world.assertion('c_rolling', { key }) })
}

describe('how risky a client looks at the token endpoint', () => {
  test('a machine has no sign-in, and nothing about one is guessed', async () => {
    await using world = await open()
    assert.equal((await requestToken(world, 'c_bank', machine)).status, 200)
    assert.deepEqual(await riskOfLast(world), {
      score: 0,
      signals: [],
      unknown: [
        ...[
          'barred-country',
          'expiring-credential',
          'failed-attempts',
          'failing-network',
          'impossible-travel',
        ],
        ...[
          'many-sign-ins',
          'many-user-tokens',
          'new-client-key',
          'new-country',
          'new-device',
          'new-network',
        ],
        ...['unusual-hour', 'young-client'],
      ],
    })
  })

  test('a key it did not use before, also under the name of one it did', async () => {
    await using world = await open({ clients: [rolling] })
    assert.equal((await asMachine(world)).status, 200)
    world.clock.advance(day)
    assert.equal((await asMachine(world)).status, 200)
    assert.ok(!(await riskOfLast(world)).unknown.includes('new-client-key'))
    assert.equal((await asMachine(world, swapped)).status, 200)
    assert.deepEqual((await riskOfLast(world)).signals, ['new-client-key=15'])
    world.clock.advance(day - 1)
    await asMachine(world, swapped)
    assert.deepEqual((await riskOfLast(world)).signals, ['new-client-key=15'])
    world.clock.advance(1)
    await asMachine(world, swapped)
    assert.deepEqual((await riskOfLast(world)).signals, [])
  })

  test('one that a policy refuses is known a day later all the same: a rotation is no dead end', async () => {
    const policies = policiesWith(
      `@id("risk.keys") forbid (principal, action == Action::"mint", resource)
       when { context has risk && context.risk.signals.contains("new-client-key") };`,
    )
    await using world = await open({ clients: [rolling], policies })
    await asMachine(world)
    world.clock.advance(day)
    const refused = await asMachine(world, swapped)
    assert.equal(refused.status, 400)
    assert.equal((await world.lastAudit('token.refused'))?.ruleId, 'policy.denied')
    world.clock.advance(day)
    assert.equal((await asMachine(world, swapped)).status, 200)
  })

  test('a key is written down once a day, and so many of a client at most', async () => {
    const many = Array.from({ length: 22 }, (_, index) => newTestKey('ES256', `many-${index}`))
    const client = clientOf({
      clientId: 'c_rolling',
      jwks: { keys: many.slice(0, 20).map(key => key.publicJwk) },
    })
    const moved = clientOf({ clientId: 'c_rolling', jwks: { keys: many.slice(2).map(key => key.publicJwk) } })
    await using world = await open({ clients: [client] })
    const seen = () => world.store.listSightings(issuerUrl, 'c_rolling', world.clock.now(), 99)
    for (const key of many.slice(0, 20)) await asMachine(world, key)
    await asMachine(world, many[0])
    assert.deepEqual(
      (await seen()).map(({ count }) => count),
      Array.from({ length: 20 }, () => 1),
    )
    world.clock.advance(day)
    await asMachine(world, many[0])
    assert.deepEqual((await seen()).map(({ count }) => count).toSorted(), [
      ...Array.from({ length: 19 }, () => 1),
      2,
    ])
    await using other = await open({ clients: [moved], store: world.store })
    other.clock.advance(day)
    for (const key of many.slice(20)) assert.equal((await asMachine(other, key)).status, 200)
    assert.equal((await seen()).length, 20)
  })

  test('secrets, loose profiles, ends that are near', async () => {
    const client = clientOf({
      ...{ clientId: 'c_secret', ownProfile: oidcBaseline, tokenEndpointAuthMethod: 'client_secret_basic' },
      ...{ dpopBoundAccessTokens: false, jwks: undefined },
      secrets: [secretOf('s1', 'cs_1', startOfWorld + 15 * day)],
    })
    await using world = await open({ clients: [client] })
    const ask = (): Promise<Reply> =>
      world.send(tokenRoom, '/token', { form: machine, headers: [basicHeader('c_secret', 'cs_1')] })
    assert.equal((await ask()).status, 200)
    assert.deepEqual((await riskOfLast(world)).signals, ['loose-profile=10', 'shared-secret=10'])
    world.clock.advance(day + 1)
    await ask()
    const { score, signals } = await riskOfLast(world)
    assert.deepEqual(
      [score, signals],
      [25, ['expiring-credential=5', 'loose-profile=10', 'shared-secret=10']],
    )
  })

  test('a certificate that ends soon', async () => {
    const start = startOfWorld * 1000
    const certificate = await newPeerCertificate({
      subject: 'CN=client',
      notBefore: new Date(start - 1000 * day),
      notAfter: new Date(start + 1000 * (14 * day + 1)),
    })
    const client = clientOf({
      ...{ clientId: 'c_self', tokenEndpointAuthMethod: 'self_signed_tls_client_auth' },
      ...{ dpopBoundAccessTokens: false, tlsClientCertificateBoundAccessTokens: true },
      jwks: { keys: [jwkOfCertificate(certificate)] },
    })
    await using world = await open({ clients: [client] })
    const ask = (): Promise<Reply> =>
      world.send(tokenRoom, '/token', { form: { ...machine, client_id: 'c_self' }, certificate })
    assert.equal((await ask()).status, 200)
    assert.deepEqual((await riskOfLast(world)).signals, [])
    world.clock.advance(2)
    await ask()
    assert.deepEqual((await riskOfLast(world)).signals, ['expiring-credential=5'])
  })

  test('a public client, one that registered itself yesterday', async () => {
    const registered = new Map([
      ['c_app', { clientId: 'c_app', registeredAt: epochSeconds(startOfWorld - day) } as RegisteredClient],
    ])
    await using world = await open({ registered })
    const { code } = await seedCode(world, 'c_app')
    assert.equal((await redeem(world, 'c_app', code, { authentication: 'none' })).status, 200)
    const { signals, unknown } = await riskOfLast(world)
    assert.deepEqual(signals, ['loose-profile=10', 'public-client=5', 'young-client=10'])
    assert.ok(unknown.includes('new-client-key'))
  })

  test('more tokens than usual, of the client and of the user', async () => {
    await using world = await open({ risk: { clientTokensPerHourMax: 2, userTokensPerHourMax: 1 } })
    const redeemed = async (): Promise<readonly string[]> => {
      assert.equal((await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)).status, 200)
      return (await riskOfLast(world)).signals
    }
    assert.deepEqual([await redeemed(), await redeemed()], [[], []])
    assert.deepEqual(await redeemed(), ['many-user-tokens=15'])
    assert.deepEqual(await redeemed(), ['many-client-tokens=15', 'many-user-tokens=15'])
    assert.equal((await requestToken(world, 'c_other', machine)).status, 200)
    assert.deepEqual((await riskOfLast(world)).signals, [])
    // A refused request is no token.
    for (let count = 0; count < 5; count++)
      await requestToken(world, 'c_other', { ...machine, scope: 'nothing' })
    await requestToken(world, 'c_other', machine)
    assert.deepEqual((await riskOfLast(world)).signals, [])
  })

  test('refreshed and exchanged tokens keep how the sign-in looked', async () => {
    const exchanger = clientOf({
      ...{ clientId: 'c_exchanger', grantTypes: [tokenExchangeGrantType] },
      exchanges: { tokensOf: ['c_bank'], tokensFor: [accounts] },
    })
    await using world = await open({ clients: [exchanger] })
    const risk = { signals: ['new-device'], unknown: ['impossible-travel'] }
    const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank', { grant: { risk } })).code)
    const steps: readonly (() => Promise<Reply>)[] = [
      () =>
        requestToken(world, 'c_bank', {
          grant_type: 'refresh_token',
          refresh_token: textOf(first, 'refresh_token'),
        }),
      () =>
        requestToken(world, 'c_exchanger', {
          grant_type: tokenExchangeGrantType,
          subject_token: textOf(first, 'access_token'),
          ...{ subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: accounts },
        }),
    ]
    assert.deepEqual((await riskOfLast(world)).signals, ['new-device=25'])
    for (const step of steps) {
      assert.equal((await step()).status, 200)
      const { signals, unknown } = await riskOfLast(world)
      assert.deepEqual(signals, ['new-device=25'])
      assert.ok(unknown.includes('impossible-travel') && !unknown.includes('new-network'))
    }
    assert.deepEqual((await riskOfLast(world, 'policy.authorize')).signals, ['new-device=25'])
  })

  test('a policy refuses a token for it, and shortens another', async () => {
    const policies = policiesWith(`
      @id("risk.high") forbid (principal, action == Action::"mint", resource)
      when { context has risk && context.risk.score >= 40 };
      @id("risk.middle") @max_lifetime("60") permit (principal, action == Action::"mint", resource)
      when { context has risk && context.risk.score >= 20 };`)
    await using world = await open({ policies })
    const redeemed = async (signals: readonly string[]): Promise<Reply> => {
      const grant = { risk: { signals, unknown: [] } }
      return await redeem(world, 'c_bank', (await seedCode(world, 'c_bank', { grant })).code)
    }
    const lifetime = async (signals: readonly string[]): Promise<unknown> =>
      JSON.parse(String((await redeemed(signals)).body)).expires_in
    assert.equal(await lifetime(['new-network']), 300)
    assert.equal(await lifetime(['new-device']), 60)
    assert.equal((await redeemed(['new-device', 'new-network'])).status, 400)
    const refused = await world.lastAudit('policy.mint')
    assert.deepEqual(
      [refused?.outcome, refused?.facts.risk_score, refused?.facts.determining],
      ['refused', 40, ['risk.high']],
    )
  })

  test('keys stand in no record of risk', async () => {
    await using world = await open({ clients: [rolling] })
    await asMachine(world)
    const items = await world.store.listSightings(issuerUrl, 'c_rolling', world.clock.now(), 9)
    assert.equal(items.length, 1)
    const facts = JSON.stringify((await world.lastAudit('policy.mint'))?.facts)
    assert.ok(!facts.includes(items[0]?.item ?? '') && !facts.includes(keys.bank.kid))
  })
})
