import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Decision, noObligations } from '@holdfast/policy'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import fc from 'fast-check'
import type { Reply } from '../../http/exchange.ts'
import { introspectRoom } from '../introspect/room.ts'
import type { MintOrder } from '../mint/order.ts'
import { allowedCiba, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf, payments, resourceServers } from '../testing/clients.ts'
import { openPayingWorld, payingClient, paymentOf } from '../testing/details.ts'
import { allowedDevice, pollDevice } from '../testing/device.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { policiesOf, policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { grantAssertion, jwtBearerFields, trustedIssuer } from '../testing/trusted-issuer.ts'
import { alice, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { narrow } from './mint.ts'

const client = clientOf({
  clientId: 'c_all',
  ownProfile: oauth21,
  grantTypes: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    tokenExchangeGrantType,
    deviceGrantType,
    cibaGrantType,
    jwtBearerGrantType,
  ],
  backchannelTokenDeliveryMode: 'poll',
})
const open = (policies: WorldOptions['policies'], more: WorldOptions = {}): Promise<World> =>
  openWorld({
    clients: [client],
    trustedIssuers: [trustedIssuer({ clients: ['c_all'] })],
    ...(policies && { policies }),
    ...more,
  })

const ways: readonly (readonly [string, string, (world: World) => Promise<Reply>])[] = [
  [
    'authorization_code',
    'invalid_grant',
    async world => redeem(world, 'c_all', (await seedCode(world, 'c_all')).code),
  ],
  [
    'refresh_token',
    'invalid_grant',
    async world => {
      const first = await redeem(world, 'c_all', (await seedCode(world, 'c_all')).code)
      const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
      return requestToken(world, 'c_all', fields)
    },
  ],
  [
    'client_credentials',
    'unauthorized_client',
    world => requestToken(world, 'c_all', { grant_type: 'client_credentials', resource: accounts }),
  ],
  [
    tokenExchangeGrantType,
    'invalid_request',
    async world => {
      const first = await redeem(world, 'c_all', (await seedCode(world, 'c_all')).code)
      return requestToken(world, 'c_all', {
        grant_type: tokenExchangeGrantType,
        subject_token: textOf(first, 'access_token'),
        subject_token_type: accessTokenType,
        resource: accounts,
      })
    },
  ],
  [
    deviceGrantType,
    'access_denied',
    async world => pollDevice(world, await allowedDevice(world, 'c_all'), {}, 'c_all'),
  ],
  [
    cibaGrantType,
    'access_denied',
    async world => pollCiba(world, await allowedCiba(world, {}, { clientId: 'c_all' }), {}, 'c_all'),
  ],
  [
    jwtBearerGrantType,
    'invalid_grant',
    world => requestToken(world, 'c_all', jwtBearerFields(grantAssertion(world))),
  ],
]

const forbidMint = (when: string): string =>
  `@id("own.no") forbid (principal, action == Action::"mint", resource) when { ${when} };`

describe('before a token is minted, policies are asked at every grant', () => {
  for (const [grantType, error, ask] of ways) {
    test(`${grantType}: what policies permit is minted, with the record of the moment in the same commit`, async () => {
      await using world = await open(undefined)
      const reply = await ask(world)
      assert.equal(reply.status, 200, String(reply.body))
      const [issued, record] = [await world.lastAudit('token.issued'), await world.lastAudit('policy.mint')]
      assert.deepEqual(
        [record?.outcome, record?.requestId, record?.txn, record?.facts.grant_type, record?.facts.decision],
        ['accepted', issued?.requestId, issued?.txn, grantType, 'permit'],
      )
      assert.deepEqual(record?.facts.determining, ['shipped.mint'])
      assert.equal(record?.facts.policy_version, issued?.facts.policy_version)
      const first = await world.lastAudit('policy.authorize')
      assert.equal(
        first !== undefined,
        !['authorization_code', 'refresh_token', 'client_credentials'].includes(grantType),
      )
    })

    test(`${grantType}: what they forbid is ${error}, and nothing is minted`, async () => {
      await using world = await open(policiesWith(forbidMint(`context.grantType == "${grantType}"`)))
      const reply = await ask(world)
      await assertRefused(world, reply, { status: 400, error, ruleId: 'policy.denied' })
      assert.ok(!String(reply.body).includes('own.no'), 'which policy it was is not for the client')
      const record = await world.lastAudit('policy.mint')
      assert.deepEqual(
        [record?.outcome, record?.facts.decision, record?.facts.determining],
        ['refused', 'deny', ['own.no']],
      )
      assert.equal((await world.lastAudit('token.refused'))?.requestId, record?.requestId)
      const issued = (await world.audit()).filter(
        one => one.event === 'token.issued' && one.requestId === record?.requestId,
      )
      assert.deepEqual(issued, [])
    })
  }

  const attached: readonly (readonly [string, string])[] = [
    ['the issuer', 'forbid (principal, action == Action::"mint", resource)'],
    ['a client', 'forbid (principal == Client::"c_bank", action == Action::"mint", resource)'],
    ['a scope', 'forbid (principal, action == Action::"mint", resource in Scope::"accounts")'],
    ['a resource', `forbid (principal, action == Action::"mint", resource in Resource::"${accounts}")`],
    [
      'a user',
      `forbid (principal, action == Action::"mint", resource) when { context has user && context.user == User::"${alice}" }`,
    ],
    [
      'confidential clients',
      'forbid (principal, action == Action::"mint", resource) unless { principal.isPublic || principal.isSelfRegistered }',
    ],
    [
      'production',
      'forbid (principal, action == Action::"mint", resource) when { context.asked.environment == "production" }',
    ],
    [
      'a binding',
      'forbid (principal, action == Action::"mint", resource) when { context.binding == "dpop" }',
    ],
    [
      'an age',
      'forbid (principal, action == Action::"mint", resource) when { context has authAgeSeconds && context.authAgeSeconds == 30 }',
    ],
  ]
  for (const [name, policy] of attached)
    test(`a policy for ${name} speaks for it`, async () => {
      await using world = await open(policiesWith(`@id("own.no") ${policy};`))
      const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
      await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'policy.denied' })
    })

  const elsewhere: readonly (readonly [string, string])[] = [
    ['another client', 'forbid (principal == Client::"c_other", action == Action::"mint", resource)'],
    ['another scope', 'forbid (principal, action == Action::"mint", resource in Scope::"payments")'],
    ['another resource', `forbid (principal, action == Action::"mint", resource in Resource::"${payments}")`],
    ['machines', 'forbid (principal, action == Action::"mint", resource) unless { context has user }'],
    [
      'clients that registered themselves',
      'forbid (principal, action == Action::"mint", resource) when { principal.isSelfRegistered }',
    ],
    ['another moment', 'forbid (principal, action == Action::"register", resource)'],
  ]
  for (const [name, policy] of elsewhere)
    test(`a policy for ${name} does not`, async () => {
      await using world = await open(policiesWith(`@id("own.no") ${policy};`))
      const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
      assert.equal(reply.status, 200, String(reply.body))
    })

  test('a type of authorization details is refused or dropped', async () => {
    const granted = [paymentOf('100.00')]
    const clients = [payingClient({ ownAuthorizationDetails: granted })]
    const ask = (world: World) =>
      requestToken(world, 'c_pay', {
        ...{ grant_type: 'client_credentials', resource: payments, scope: 'payments' },
        authorization_details: JSON.stringify(granted),
      })
    const type = granted[0]?.type ?? ''
    const forbid = `@id("own.no") forbid (principal, action == Action::"mint", resource in DetailsType::"${type}");`
    await using refusing = await openPayingWorld({ clients, policies: policiesWith(forbid) })
    await assertRefused(refusing, await ask(refusing), {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.denied' },
    })
    const drop = `@id("own.drop") @drop_details("${type}") permit (principal, action == Action::"mint", resource);`
    await using dropping = await openPayingWorld({ clients, policies: policiesWith(drop) })
    const reply = await ask(dropping)
    assert.equal(reply.status, 200, String(reply.body))
    assert.deepEqual([jsonOf(reply).authorization_details, jsonOf(reply).scope], [undefined, 'payments'])
  })
})

describe('what policies oblige to', () => {
  const obliged = (annotation: string) =>
    policiesWith(`@id("own") ${annotation} permit (principal, action == Action::"mint", resource);`)
  const introspected = async (world: World, reply: Reply) =>
    jsonOf(
      await world.send(introspectRoom, '/introspect', {
        form: { ...world.assertion('c_rs'), token: textOf(reply, 'access_token') },
      }),
    )

  test('a shorter life, of the access token and of the ID token', async () => {
    await using world = await open(obliged('@max_lifetime("60")'))
    const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    assert.equal(jsonOf(reply).expires_in, 60)
    const { exp, iat } = claimsOf(textOf(reply, 'id_token'))
    assert.equal(Number(exp) - Number(iat), 60)
    await using long = await open(obliged('@max_lifetime("31536000")'))
    const same = await redeem(long, 'c_bank', (await seedCode(long, 'c_bank')).code)
    assert.equal(jsonOf(same).expires_in, 300)
  })

  test('fewer scopes; without `openid` no ID token, without `offline_access` no refresh token', async () => {
    await using world = await open(obliged('@drop_scope("openid offline_access profile")'))
    const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    const { scope, id_token: idToken, refresh_token: refreshToken } = jsonOf(reply)
    assert.deepEqual([scope, idToken, refreshToken], ['accounts', undefined, undefined])
    assert.equal((await introspected(world, reply)).scope, 'accounts')
  })

  test('when nothing is left, nothing is minted', async () => {
    await using world = await open(obliged('@drop_scope("accounts")'))
    const fields = { grant_type: 'client_credentials', scope: 'accounts' }
    const reply = await requestToken(world, 'c_bank', fields)
    await assertRefused(world, reply, {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.nothing-left' },
    })
  })

  for (const accessTokenFormat of ['opaque', 'jwt'] as const)
    test(`a claim, in introspection and in the token (${accessTokenFormat})`, async () => {
      const servers = resourceServers.map(server => ({ ...server, accessTokenFormat }))
      await using world = await open(obliged('@add_claim("risk=low")'), { resourceServers: servers })
      const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
      assert.equal((await introspected(world, reply)).risk, 'low')
      if (accessTokenFormat === 'jwt') assert.equal(claimsOf(textOf(reply, 'access_token')).risk, 'low')
    })

  const mfa = 'urn:holdfast:acr:mfa'
  test('a level that the user has not reached is refused, one that they have is not', async () => {
    await using world = await open(obliged(`@step_up("${mfa}")`))
    const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'policy.step-up' })
    for (const acr of [mfa, 'urn:holdfast:acr:phr']) {
      const { code } = await seedCode(world, 'c_bank', { grant: { acr } })
      assert.equal((await redeem(world, 'c_bank', code)).status, 200)
    }
    const machine = await requestToken(world, 'c_bank', {
      grant_type: 'client_credentials',
      scope: 'accounts',
    })
    await assertRefused(world, machine, {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.step-up' },
    })
  })

  test('an approval that nobody can give is a deny that names who would have to', async () => {
    await using world = await open(obliged('@require_approval("treasury")'))
    const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'policy.approval' })
    assert.equal((await world.lastAudit('token.refused'))?.facts.approval, 'treasury')
  })
})

describe('policies that cannot decide', () => {
  const never = new Promise<Decision>(() => undefined)
  const broken: readonly (readonly [string, WorldOptions['policies']])[] = [
    [
      'an engine that throws',
      policiesOf(() => {
        throw new Error('a bug')
      }),
    ],
    ['an engine that fails later', policiesOf(() => Promise.reject(new Error('gone')))],
    ['an engine that does not answer', policiesOf(() => never)],
    [
      'a policy that fails',
      policiesWith(
        '@id("own.no") forbid (principal, action == Action::"mint", resource) when { context.lifetimeSeconds * 9007199254740991 * 9007199254740991 > 1 };',
      ),
    ],
    [
      'obligations that contradict each other',
      policiesWith(
        `@id("one") @add_claim("risk=low") permit (principal, action == Action::"mint", resource);
         @id("two") @add_claim("risk=high") permit (principal, action == Action::"mint", resource);`,
      ),
    ],
  ]
  for (const [name, policies] of broken)
    test(`${name} is a deny, and the code stays good`, async () => {
      await using world = await open(policies)
      const { code } = await seedCode(world, 'c_bank')
      const reply = await redeem(world, 'c_bank', code)
      await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'policy.failed' })
      assert.equal((await world.lastAudit('policy.mint'))?.outcome, 'refused')
      await using healed = await openWorld({ store: world.store })
      assert.equal((await redeem(healed, 'c_bank', code)).status, 200)
    })
})

describe('policies in the shadow', () => {
  const shadow =
    '@id("new.short") @max_lifetime("60") permit (principal == Client::"c_bank", action == Action::"mint", resource);'

  test('change nothing, and only where they would is recorded', async () => {
    await using world = await open(policiesWith('', shadow))
    const reply = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    assert.equal(jsonOf(reply).expires_in, 300)
    const record = await world.lastAudit('policy.shadow-differs')
    assert.deepEqual(
      [record?.facts.moment, record?.facts.shadow_decision, record?.facts.shadow_obligations],
      ['mint', 'permit', ['max_lifetime=60']],
    )
    const fields = { grant_type: 'client_credentials', scope: 'accounts' }
    assert.equal((await requestToken(world, 'c_other', fields)).status, 200)
    const records = (await world.audit()).filter(({ event }) => event === 'policy.shadow-differs')
    assert.equal(records.length, 1)
  })

  test('that break harm nobody', async () => {
    const policies = policiesWith('')
    const failing = policiesOf(() => Promise.reject(new Error('gone')))
    await using world = await open({ ...policies, shadow: failing })
    assert.equal((await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)).status, 200)
    assert.deepEqual((await world.lastAudit('policy.shadow-differs'))?.facts.shadow_failed, ['engine'])
  })
})

test('an order is never wider after policy than before', () => {
  const names = ['openid', 'offline_access', 'accounts', 'payments']
  const types = ['payment', 'reading']
  const order = fc.record({
    scopes: fc.subarray(names),
    authorizationDetails: fc.array(fc.record({ type: fc.constantFrom(...types) }), { maxLength: 4 }),
    lifetimeSeconds: fc.integer({ min: 1, max: 3600 }),
    idToken: fc.option(
      fc.record({ alg: fc.constant('ES256'), lifetimeSeconds: fc.integer({ min: 1, max: 3600 }) }),
      { nil: undefined },
    ),
    refreshToken: fc.option(fc.constant({ scopes: names, resources: [], expiresAt: undefined }), {
      nil: undefined,
    }),
    binding: fc.record({ jkt: fc.string() }),
    audience: fc.string(),
    subject: fc.string(),
  })
  const obligations = fc.record({
    maxLifetimeSeconds: fc.option(fc.integer({ min: 1, max: 31_536_000 }), { nil: undefined }),
    dropScopes: fc.array(fc.constantFrom(...names, 'other')),
    dropDetails: fc.array(fc.constantFrom(...types, 'other')),
    addClaims: fc.dictionary(fc.constantFrom('risk', 'level'), fc.string()),
  })
  fc.assert(
    fc.property(order, obligations, (generated, given) => {
      const before = generated as unknown as MintOrder
      const after = narrow(before, { ...noObligations, ...given })
      assert.deepEqual(
        after.scopes,
        before.scopes.filter(scope => !given.dropScopes.includes(scope)),
      )
      assert.ok(after.authorizationDetails.every(detail => before.authorizationDetails.includes(detail)))
      assert.ok(after.authorizationDetails.every(({ type }) => !given.dropDetails.includes(type)))
      const most = given.maxLifetimeSeconds ?? Number.POSITIVE_INFINITY
      assert.equal(after.lifetimeSeconds, Math.min(before.lifetimeSeconds, most))
      assert.ok(
        after.idToken === undefined ||
          (before.idToken !== undefined && after.idToken.lifetimeSeconds <= before.idToken.lifetimeSeconds),
      )
      assert.ok(after.refreshToken === undefined || after.refreshToken === before.refreshToken)
      for (const name of ['binding', 'audience', 'subject'] as const) assert.equal(after[name], before[name])
    }),
  )
})
