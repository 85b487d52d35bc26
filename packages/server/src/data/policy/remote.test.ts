import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Decision,
  noObligations,
  type Obligations,
  type RemoteVerdict,
  type TokenQuestion,
} from '@holdfast/policy'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { simulatePolicies } from '../../control/simulate-policies.ts'
import type { Reply } from '../../http/exchange.ts'
import type { RemoteEngines } from '../../ports.ts'
import { introspectRoom } from '../introspect/room.ts'
import { follow, newPasskey, optionsOn, registerPasskey } from '../testing/authenticator.ts'
import { actionOf, fieldOf, locationOf, openBrowser, pushedUrl } from '../testing/browser.ts'
import { allowedCiba, cibaClient, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf } from '../testing/clients.ts'
import { openPayingWorld, payingClient, paymentOf } from '../testing/details.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesOf, policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'

type Said = RemoteVerdict | Error | 'nothing'

/** Engines that say this; what they were asked stands in `asked`. */
function engines(...said: readonly Said[]) {
  const asked: { readonly engine: string; readonly question: TokenQuestion; readonly from: object }[] = []
  const remoteEngines: RemoteEngines = {
    ask: async (engine, question, from) => {
      const one = said[Math.min(asked.length, said.length - 1)]
      asked.push({ engine, question, from })
      if (one instanceof Error) throw one
      return one === 'nothing' || one === undefined ? await new Promise(() => undefined) : one
    },
  }
  return { asked, remoteEngines }
}
const permit = (change: Partial<Obligations> = {}): RemoteVerdict => ({
  verdict: 'permit',
  obligations: { ...noObligations, ...change },
})
const deny = (change: Partial<Obligations> = {}): RemoteVerdict => ({
  verdict: 'deny',
  obligations: { ...noObligations, ...change },
})
const failed: RemoteVerdict = { verdict: 'failed', message: 'it failed lately and is left alone' }
const asks = (moment: string, resource = 'resource', principal = 'principal', when = '') =>
  policiesWith(
    `@id("own.ask") @ask("fraud") permit (${principal}, action == Action::"${moment}", ${resource}) ${when};`,
  )
const bank = async (world: World): Promise<Reply> =>
  redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
const invalid = { status: 400, error: 'invalid_grant' } as const

describe('before a token is minted, an engine that a permit names is asked', () => {
  test('it permits: the token is made, and the record says who was asked', async () => {
    const { asked, remoteEngines } = engines(permit())
    await using world = await openWorld({ policies: asks('mint'), remoteEngines })
    assert.equal((await bank(world)).status, 200)
    const record = await world.lastAudit('policy.mint')
    const [{ engine, question, from } = assert.fail()] = asked
    assert.deepEqual([asked.length, engine, question.moment], [1, 'fraud', 'mint'])
    assert.deepEqual(from, { issuer: issuerUrl, requestId: record?.requestId })
    const { decision, determining, obligations, remote, local_obligations: local } = record?.facts ?? {}
    assert.deepEqual(
      [decision, determining, obligations, remote, local],
      ['permit', ['own.ask', 'shipped.mint'], ['ask=fraud'], ['fraud=permit'], ['ask=fraud']],
    )
  })

  test('it denies: nothing is made, and the client learns no more than of any policy', async () => {
    const { remoteEngines } = engines(deny())
    await using world = await openWorld({ policies: asks('mint'), remoteEngines })
    const reply = await bank(world)
    await assertRefused(world, reply, { ...invalid, ruleId: 'policy.denied' })
    assert.ok(!String(reply.body).includes('fraud'))
    const record = await world.lastAudit('policy.mint')
    assert.deepEqual(
      [record?.outcome, record?.facts.decision, record?.facts.determining, record?.facts.remote],
      ['refused', 'deny', ['remote:fraud'], ['fraud=deny']],
    )
  })

  const breaking: readonly (readonly [string, Said, RegExp])[] = [
    ['fails', failed, /^remote:fraud: it failed lately and is left alone$/],
    ['throws', new Error('a bug'), /^remote:fraud: a bug$/],
    ['does not answer', 'nothing', /^remote:fraud: no answer in 250 ms$/],
  ]
  for (const [name, said, why] of breaking)
    test(`it ${name}: a deny, the reason in the audit, and the code stays good`, async () => {
      const { remoteEngines } = engines(said)
      await using world = await openWorld({ policies: asks('mint'), remoteEngines })
      const { code } = await seedCode(world, 'c_bank')
      await assertRefused(world, await redeem(world, 'c_bank', code), { ...invalid, ruleId: 'policy.failed' })
      assert.match(String((await world.lastAudit('token.refused'))?.facts.failed), why)
      const record = await world.lastAudit('policy.mint')
      assert.deepEqual([record?.facts.remote, record?.facts.failed], [['fraud=failed'], ['remote:fraud']])
      await using healed = await openWorld({ store: world.store })
      assert.equal((await redeem(healed, 'c_bank', code)).status, 200)
    })

  test('an engine that no configuration knows is a deny', async () => {
    await using world = await openWorld({ policies: asks('mint') })
    await assertRefused(world, await bank(world), { ...invalid, ruleId: 'policy.failed' })
  })

  test('what policies deny, and what they fail at, is told to nobody', async () => {
    const { asked, remoteEngines } = engines(permit())
    const ask = '@id("own.ask") @ask("fraud") permit (principal, action == Action::"mint", resource);'
    for (const [no, ruleId] of [
      ['@id("own.no") forbid (principal, action == Action::"mint", resource);', 'policy.denied'],
      [
        '@id("own.no") forbid (principal, action == Action::"mint", resource) when { context.lifetimeSeconds * 9007199254740991 * 9007199254740991 > 1 };',
        'policy.failed',
      ],
    ] as const) {
      await using world = await openWorld({ policies: policiesWith(ask + no), remoteEngines })
      await assertRefused(world, await bank(world), { ...invalid, ruleId })
      assert.equal((await world.lastAudit('policy.mint'))?.facts.remote, undefined)
    }
    assert.equal(asked.length, 0)
  })

  test('without such a permit nobody is asked', async () => {
    const { asked, remoteEngines } = engines(deny())
    await using world = await openWorld({ remoteEngines })
    assert.equal((await bank(world)).status, 200)
    assert.equal(asked.length, 0)
  })

  test('several are asked at once, and all must permit', async () => {
    const both = policiesWith(
      `@id("own.ask") @ask("fraud credit") permit (principal, action == Action::"mint", resource);`,
    )
    for (const said of [
      [permit(), deny()],
      [deny(), permit()],
    ]) {
      const { asked, remoteEngines } = engines(...said)
      await using world = await openWorld({ policies: both, remoteEngines })
      await assertRefused(world, await bank(world), { ...invalid, ruleId: 'policy.denied' })
      assert.deepEqual(asked.map(({ engine }) => engine).toSorted(), ['credit', 'fraud'])
    }
    const { remoteEngines } = engines(permit())
    await using world = await openWorld({ policies: both, remoteEngines })
    assert.equal((await bank(world)).status, 200)
  })

  test('what it obliges to only takes away: life, scopes; and it adds a claim that addresses nothing', async () => {
    const obliged = permit({
      maxLifetimeSeconds: 60,
      dropScopes: ['offline_access'],
      addClaims: { risk: 'low' },
    })
    const { remoteEngines } = engines(obliged)
    await using world = await openWorld({ policies: asks('mint'), remoteEngines })
    const reply = await bank(world)
    const { expires_in: life, refresh_token: refresh, scope } = jsonOf(reply)
    assert.deepEqual([life, refresh, scope], [60, undefined, 'openid profile accounts'])
    const introspected = await world.send(introspectRoom, '/introspect', {
      form: { ...world.assertion('c_rs'), token: textOf(reply, 'access_token') },
    })
    assert.equal(jsonOf(introspected).risk, 'low')
    assert.deepEqual((await world.lastAudit('policy.mint'))?.facts.obligations, [
      ...['add_claim=risk=low', 'ask=fraud', 'drop_scope=offline_access', 'max_lifetime=60'],
    ])
    const { remoteEngines: longer } = engines(permit({ maxLifetimeSeconds: 31_536_000 }))
    await using same = await openWorld({ policies: asks('mint'), remoteEngines: longer })
    assert.equal(jsonOf(await bank(same)).expires_in, 300)
  })

  test('where no user is present, a step-up it asks for is a refusal', async () => {
    const { remoteEngines } = engines(deny({ stepUp: [['urn:holdfast:acr:mfa']] }))
    await using world = await openWorld({ policies: asks('mint'), remoteEngines })
    await assertRefused(world, await bank(world), { ...invalid, ruleId: 'policy.step-up' })
  })

  const attached: readonly (readonly [string, ReturnType<typeof asks>, boolean])[] = [
    ['the issuer', asks('mint'), true],
    ['a client', asks('mint', 'resource', 'principal == Client::"c_bank"'), true],
    ['another client', asks('mint', 'resource', 'principal == Client::"c_other"'), false],
    ['a scope', asks('mint', 'resource in Scope::"accounts"'), true],
    ['another scope', asks('mint', 'resource in Scope::"payments"'), false],
    ['a resource', asks('mint', `resource in Resource::"${accounts}"`), true],
    ['another resource', asks('mint', 'resource in Resource::"https://other.example"'), false],
    ['people', asks('mint', 'resource', 'principal', 'when { context has user }'), true],
    ['machines', asks('mint', 'resource', 'principal', 'unless { context has user }'), false],
    ['another moment', asks('authorize'), false],
  ]
  for (const [name, policies, isAsked] of attached)
    test(`attached to ${name}: ${isAsked ? 'asked' : 'not asked'}`, async () => {
      const { remoteEngines } = engines(deny())
      await using world = await openWorld({ policies, remoteEngines })
      const reply = await bank(world)
      if (isAsked) await assertRefused(world, reply, { ...invalid, ruleId: 'policy.denied' })
      else assert.equal(reply.status, 200, String(reply.body))
    })

  test('attached to a type of authorization details, and for a client that acts for itself', async () => {
    const granted = [paymentOf('100.00')]
    const type = granted[0]?.type ?? ''
    const { asked, remoteEngines } = engines(deny())
    await using world = await openPayingWorld({
      clients: [payingClient({ ownAuthorizationDetails: granted })],
      ...{ policies: asks('mint', `resource in DetailsType::"${type}"`), remoteEngines },
    })
    const ask = (details: object) =>
      requestToken(world, 'c_pay', { grant_type: 'client_credentials', scope: 'payments', ...details })
    const reply = await ask({ authorization_details: JSON.stringify(granted) })
    await assertRefused(world, reply, { status: 400, error: 'unauthorized_client', ruleId: 'policy.denied' })
    assert.ok(!JSON.stringify(asked).includes('100.00'), 'what stands inside details is not told')
    assert.equal((await ask({})).status, 200)
  })
})

describe('whether a client may act for a user', () => {
  const page = async (world: World, browser: ReturnType<typeof openBrowser>): Promise<Reply> =>
    await follow(
      browser,
      await browser.login(await follow(browser, await browser.get(await pushedUrl(world)))),
    )

  test('the engine is asked for the page and for its answer', async () => {
    const { asked, remoteEngines } = engines(permit())
    await using world = await openWorld({ policies: asks('authorize'), remoteEngines })
    const browser = openBrowser(world)
    const shown = await page(world, browser)
    const answer = await browser.post(actionOf(shown), {
      ...{ csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown'), decision: 'allow' },
    })
    assert.ok(locationOf(answer).searchParams.has('code'))
    assert.deepEqual(
      asked.map(({ question }) => question.moment),
      ['authorize', 'authorize'],
    )
    assert.deepEqual((await world.lastAudit('policy.authorize'))?.facts.remote, ['fraud=permit'])
  })

  for (const [name, said, ruleId] of [
    ['denies', deny(), 'policy.denied'],
    ['fails', failed, 'policy.failed'],
  ] as const)
    test(`it ${name}: access_denied, and no code`, async () => {
      const { remoteEngines } = engines(said)
      await using world = await openWorld({ policies: asks('authorize'), remoteEngines })
      const callback = locationOf(await page(world, openBrowser(world)))
      assert.equal(callback.searchParams.get('error'), 'access_denied')
      assert.equal((await world.lastAudit('consent.refused'))?.ruleId, ruleId)
      assert.ok(!(await world.audit()).some(({ event }) => event === 'code.issued'))
    })

  test('it denies until the user authenticates better: the step is asked for', async () => {
    const { remoteEngines } = engines(deny({ stepUp: [['urn:holdfast:acr:mfa']] }))
    await using world = await openWorld({ policies: asks('authorize'), remoteEngines })
    const passkey = newPasskey()
    await registerPasskey(openBrowser(world), passkey)
    const asked = await page(world, openBrowser(world))
    assert.ok(String(asked.body).includes('id="passkey-form"'))
    assert.ok(optionsOn(asked))
  })

  test('and when a client asks without a browser', async () => {
    for (const [said, isAllowed] of [
      [permit(), true],
      [deny(), false],
    ] as const) {
      const { remoteEngines } = engines(said)
      const options: WorldOptions = { clients: [cibaClient()], policies: asks('authorize'), remoteEngines }
      await using world = await openWorld(options)
      const polled = allowedCiba(world).then(id => pollCiba(world, id))
      if (isAllowed) assert.equal((await polled).status, 200)
      else await assert.rejects(polled)
      assert.equal((await world.lastAudit('policy.authorize'))?.outcome, isAllowed ? 'accepted' : 'refused')
    }
  })
})

describe('beside the shadow, and afterwards', () => {
  test('a version in the shadow asks no engine; that it would is the difference', async () => {
    const { asked, remoteEngines } = engines(deny())
    const shadow = '@id("new.ask") @ask("fraud") permit (principal, action == Action::"mint", resource);'
    await using world = await openWorld({ policies: policiesWith('', shadow), remoteEngines })
    assert.equal((await bank(world)).status, 200)
    assert.equal(asked.length, 0)
    const differs = await world.lastAudit('policy.shadow-differs')
    assert.deepEqual(differs?.facts.shadow_obligations, ['ask=fraud'])
  })

  test('what an engine took away is no difference between policies', async () => {
    const { remoteEngines } = engines(deny())
    const ask = '@id("own.ask") @ask("fraud") permit (principal, action == Action::"mint", resource);'
    await using world = await openWorld({ policies: policiesWith(ask, ask), remoteEngines })
    await assertRefused(world, await bank(world), { ...invalid, ruleId: 'policy.denied' })
    assert.equal(await world.lastAudit('policy.shadow-differs'), undefined)
  })

  test('a simulation asks the policies again, and says of which decisions an engine had a part', async () => {
    const { asked, remoteEngines } = engines(permit({ maxLifetimeSeconds: 60 }), deny(), failed)
    const client = clientOf({ clientId: 'c_bank', ownProfile: oauth21, grantTypes: ['client_credentials'] })
    const policies = asks('mint')
    await using world = await openWorld({ clients: [client], policies, remoteEngines })
    for (let count = 0; count < 3; count++)
      await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'accounts' })
    const { store, clock } = world
    const binding = { name: 'main', url: issuerUrl, mtlsUrl: issuerUrl, clientTrustAnchors: [] }
    const control = {
      ...{ store, clock, entropy: world.ports.entropy, passwords: world.ports.passwords },
      issuers: [{ ...binding, environment: 'production' as const }],
      newReference: () => 'ref',
    }
    const shipped = 'permit (principal, action == Action::"mint", resource);'
    const simulated = async (text: string) => {
      const answer = await simulatePolicies({ policies: { 'a.cedar': text }, days: 1 }, control)
      assert.ok(answer.ok, JSON.stringify(answer))
      return answer.value
    }
    const same = await simulated(`@id("a") @ask("fraud") ${shipped}`)
    assert.deepEqual([same.asked, same.same, same.remote, same.changes], [3, 3, 3, []])
    const without = await simulated(`@id("a") ${shipped}`)
    assert.deepEqual([without.same, without.changes[0]?.before], [0, ['permit', 'ask=fraud']])
    assert.deepEqual(without.changes[0]?.after, ['permit'])
    assert.equal(asked.length, 3, 'a simulation asks no engine')
  })
})

test('an engine of another kind of policies obliges in the same way', async () => {
  const { asked, remoteEngines } = engines(deny())
  const decision: Decision = {
    ...({ decision: 'permit', determining: ['x'], errors: [], version: 'v' } as const),
    obligations: { ...noObligations, ask: ['fraud'] },
  }
  await using world = await openWorld({ policies: policiesOf(async () => decision), remoteEngines })
  await assertRefused(world, await bank(world), { ...invalid, ruleId: 'policy.denied' })
  assert.equal(asked[0]?.question.moment === 'mint' && asked[0].question.user.subject, alice)
})
