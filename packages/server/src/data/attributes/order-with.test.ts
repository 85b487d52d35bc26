import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Attributes } from '@holdfast/policy'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import fc from 'fast-check'
import pg from 'pg'
import type { Reply } from '../../http/exchange.ts'
import type { ResourceServer } from '../../snapshot/snapshot.ts'
import { openPostgresStore } from '../../store/drivers/postgres.ts'
import { introspectRoom } from '../introspect/room.ts'
import type { MintOrder } from '../mint/order.ts'
import { sourceOf, telling } from '../testing/attributes.ts'
import { accounts, clientOf, payments, resourceServers } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  alice,
  fakeClock,
  openWorld,
  putAlice,
  storeAgeSeconds,
  type World,
  type WorldOptions,
} from '../testing/world.ts'
import { judgeAttributes } from './order-with.ts'

const hr = sourceOf('hr', ['department', 'manager'])
const serversListing = (attributes: readonly string[], change: Partial<ResourceServer> = {}) =>
  resourceServers.map(server =>
    server.audience === accounts ? { ...server, attributes, ...change } : server,
  )

const everything = { hr: { department: 'finance', manager: 'u_bob' } }
const client = clientOf({
  clientId: 'c_all',
  ownProfile: oauth21,
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', tokenExchangeGrantType],
})
const open = (more: WorldOptions): Promise<World> =>
  openWorld({ clients: [client], attributeSources: [hr], ...more })
const bank = async (world: World): Promise<Reply> =>
  redeem(world, 'c_all', (await seedCode(world, 'c_all')).code)
const introspected = async (world: World, reply: Reply) =>
  jsonOf(
    await world.send(introspectRoom, '/introspect', {
      form: { ...world.assertion('c_rs'), token: textOf(reply, 'access_token') },
    }),
  )

describe('attributes in tokens', () => {
  for (const accessTokenFormat of ['opaque', 'jwt', 'split'] as const)
    test(`an API learns what it lists, and nothing else (${accessTokenFormat})`, async () => {
      const { asked, sources } = telling(everything)
      const servers = serversListing(['department'], { accessTokenFormat })
      await using world = await open({ sources, resourceServers: servers })
      const reply = await bank(world)
      assert.equal(reply.status, 200, String(reply.body))
      const { department, manager, sub, active } = await introspected(world, reply)
      assert.deepEqual([active, department, manager, sub], [true, 'finance', undefined, alice])
      if (accessTokenFormat === 'jwt') {
        const claims = claimsOf(textOf(reply, 'access_token'))
        assert.deepEqual([claims.department, claims.manager], ['finance', undefined])
      }
      assert.deepEqual(asked, [`hr ${alice}`])
      const issued = await world.lastAudit('token.issued')
      assert.deepEqual(issued?.facts.attributes, ['department'])
      assert.ok(!JSON.stringify(await world.audit()).includes('finance'), 'the audit keeps names only')
    })

  test('where no API lists any, nobody is asked', async () => {
    const { asked, sources } = telling(everything)
    await using world = await open({ sources })
    assert.equal((await bank(world)).status, 200)
    assert.deepEqual(asked, [])
  })

  test('an API that lists less than it did learns less of tokens there are', async () => {
    const { sources } = telling(everything)
    const full = serversListing(['department', 'manager'])
    await using world = await open({ sources, resourceServers: full })
    const reply = await bank(world)
    assert.equal((await introspected(world, reply)).manager, 'u_bob')
    await using later = await open({
      sources,
      resourceServers: serversListing(['manager']),
      store: world.store,
    })
    const { department, manager } = await introspected(later, reply)
    assert.deepEqual([department, manager], [undefined, 'u_bob'])
  })

  test('a refreshed token asks again, and an exchanged one asks for its own API', async () => {
    const told: { hr: Attributes } = { hr: { department: 'finance', manager: 'u_bob' } }
    const { asked, sources } = telling(told)
    const servers = resourceServers.map(server => ({
      ...server,
      ...(server.audience === accounts
        ? { attributes: ['department'] }
        : { attributes: ['manager'], profile: undefined }),
    }))
    await using world = await open({ sources, resourceServers: servers })
    const first = await bank(world)
    told.hr = { department: 'law', manager: 'u_cy' }
    assert.equal((await introspected(world, first)).department, 'finance')
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    const second = await requestToken(world, 'c_all', fields)
    assert.equal((await introspected(world, second)).department, 'law')
    const exchanged = await requestToken(world, 'c_all', {
      ...{ grant_type: tokenExchangeGrantType, subject_token: textOf(second, 'access_token') },
      ...{ subject_token_type: accessTokenType, resource: accounts },
    })
    assert.equal(exchanged.status, 200, String(exchanged.body))
    assert.equal((await introspected(world, exchanged)).department, 'law')
    assert.equal(asked.length, 3)
  })

  test('a client that acts for itself is no user: only sources about clients are asked', async () => {
    const machines = sourceOf('machines', ['owner'], { keyedBy: 'client' })
    const { asked, sources } = telling({ ...everything, machines: { owner: 'team-7' } })
    const servers = serversListing(['department', 'owner'])
    await using world = await open({ attributeSources: [hr, machines], sources, resourceServers: servers })
    const reply = await requestToken(world, 'c_all', { grant_type: 'client_credentials', resource: accounts })
    const { owner, department } = await introspected(world, reply)
    assert.deepEqual([owner, department, asked], ['team-7', undefined, ['machines c_all']])
    const { owner: ofUser } = await introspected(world, await bank(world))
    assert.equal(ofUser, 'team-7')
  })

  test('a source may know users by their names', async () => {
    const named = sourceOf('hr', ['department'], { keyedBy: 'username' })
    const { asked, sources } = telling(everything)
    await using world = await open({
      ...{ attributeSources: [named], sources, resourceServers: serversListing(['department']) },
    })
    await bank(world)
    assert.deepEqual(asked, ['hr alice'])
  })
})

describe('a source that does not tell', () => {
  const down = { hr: new Error('it failed lately and is left alone') }
  const resourceServersListing = serversListing(['department'])

  test('denies: 503, to be tried again with the same code; the reason stands in the audit', async () => {
    const { sources } = telling(down)
    await using world = await open({ sources, resourceServers: resourceServersListing })
    const { code } = await seedCode(world, 'c_all')
    const reply = await redeem(world, 'c_all', code)
    await assertRefused(world, reply, {
      ...{ status: 503, error: 'temporarily_unavailable', ruleId: 'attributes.unavailable' },
    })
    assert.deepEqual(
      reply.headers.find(([name]) => name === 'retry-after'),
      ['retry-after', '2'],
    )
    const refused = await world.lastAudit('token.refused')
    assert.deepEqual([refused?.facts.source, refused?.facts.failed], ['hr', down.hr.message])
    await using healed = await open({ sources: telling(everything).sources, store: world.store })
    assert.equal((await redeem(healed, 'c_all', code)).status, 200)
  })

  test('or is left out, where its document says so; the audit names it', async () => {
    const lenient = sourceOf('hr', ['department'], { onFailure: 'omit' })
    const { sources } = telling(down)
    await using world = await open({
      ...{ attributeSources: [lenient], sources, resourceServers: resourceServersListing },
    })
    const reply = await bank(world)
    assert.equal((await introspected(world, reply)).department, undefined)
    assert.deepEqual((await world.lastAudit('token.issued'))?.facts.attribute_sources_omitted, ['hr'])
  })

  for (const [name, told] of [
    ['nobody of that name', undefined],
    ['nothing of it', {}],
  ] as const)
    test(`it knows ${name}: the token lacks it, unless it is required`, async () => {
      const { sources } = telling({ hr: told })
      await using world = await open({ sources, resourceServers: resourceServersListing })
      assert.equal((await introspected(world, await bank(world))).department, undefined)
      const strict = sourceOf('hr', [], {
        attributes: new Map([['department', { type: 'string', isRequired: true }]]),
      })
      await using demanding = await open({
        ...{ attributeSources: [strict], sources, resourceServers: resourceServersListing },
      })
      await assertRefused(demanding, await bank(demanding), {
        ...{ status: 400, error: 'invalid_grant', ruleId: 'attributes.missing' },
      })
      await using elsewhere = await open({ attributeSources: [strict], sources })
      assert.equal((await bank(elsewhere)).status, 200, 'an API that does not list it does not need it')
    })

  test('it tells more than a header can carry', async () => {
    const text = (length: number) => ({ hr: { department: 'x'.repeat(length) } })
    const around = '{"department":""}'.length
    for (const [length, isGood] of [
      [4096 - around, true],
      [4097 - around, false],
    ] as const) {
      await using world = await open({
        ...{ sources: telling(text(length)).sources, resourceServers: resourceServersListing },
      })
      const reply = await bank(world)
      if (isGood) assert.equal(reply.status, 200)
      else
        await assertRefused(world, reply, {
          ...{ status: 400, error: 'invalid_grant', ruleId: 'attributes.too-large' },
        })
    }
  })
})

describe('attributes for policies', () => {
  const forPolicies = sourceOf('hr', ['department', 'manager'], { isForPolicies: true })
  const policies = policiesWith(
    `@id("own.law") forbid (principal, action == Action::"mint", resource in Scope::"accounts")
     unless { context has attributes && context.attributes.texts.hasTag("department") && context.attributes.texts.getTag("department") == "finance" };`,
  )

  test('decide about a token, and do not reach it', async () => {
    const { sources } = telling(everything)
    await using world = await open({ attributeSources: [forPolicies], sources, policies })
    const reply = await bank(world)
    assert.equal(reply.status, 200, String(reply.body))
    assert.equal((await introspected(world, reply)).department, undefined)
    const record = await world.lastAudit('policy.mint')
    assert.deepEqual(record?.facts.attributes, ['department', 'manager'])
    assert.ok(!JSON.stringify(await world.audit()).includes('finance'))
  })

  for (const [name, told] of [
    ['say something else', { hr: { department: 'law' } }],
    ['say nothing', { hr: {} }],
    ['know nobody of that name', { hr: undefined }],
  ] as const)
    test(`where they ${name}, the policy decides so`, async () => {
      await using world = await open({
        ...{ attributeSources: [forPolicies], sources: telling(told).sources, policies },
      })
      await assertRefused(world, await bank(world), {
        ...{ status: 400, error: 'invalid_grant', ruleId: 'policy.denied' },
      })
    })

  test('what fails is a refusal, before any policy is asked', async () => {
    const { sources } = telling({ hr: new Error('down') })
    await using world = await open({ attributeSources: [forPolicies], sources, policies })
    await assertRefused(world, await bank(world), {
      ...{ status: 503, error: 'temporarily_unavailable', ruleId: 'attributes.unavailable' },
    })
    assert.equal(await world.lastAudit('policy.mint'), undefined)
  })

  test('a policy that adds a claim of the same name has the last word', async () => {
    const own = policiesWith(
      '@id("own") @add_claim("department=any") permit (principal, action == Action::"mint", resource);',
    )
    await using world = await open({
      ...{
        sources: telling(everything).sources,
        policies: own,
        resourceServers: serversListing(['department']),
      },
    })
    assert.equal((await introspected(world, await bank(world))).department, 'any')
  })
})

describe('minimisation', () => {
  const names = ['department', 'manager', 'level', 'owner'] as const
  const values = fc.dictionary(
    fc.constantFrom(...names, 'other', 'sub', 'aud', 'cnf'),
    fc.string({ maxLength: 20 }),
  )

  test('no claim reaches an API that does not list it, whatever sources say', async () => {
    await using world = await openWorld()
    const found = fc.oneof(
      fc.record({ ok: fc.constant(true as const), attributes: fc.option(values, { nil: undefined }) }),
      fc.record({ ok: fc.constant(false as const), message: fc.string() }),
      fc.constant(undefined),
    )
    const source = fc.record({
      claims: fc.subarray([...names]),
      isForPolicies: fc.boolean(),
      onFailure: fc.constantFrom('deny' as const, 'omit' as const),
    })
    fc.assert(
      fc.property(
        fc.subarray([...names]),
        fc.array(fc.tuple(source, found), { maxLength: 4 }),
        (listed, answered) => {
          const servers = new Map(serversListing(listed).map(server => [server.audience, server]))
          const issuer = { ...world.issuer, resourceServers: servers }
          const order = { audience: accounts } as MintOrder
          const judged = judgeAttributes(
            order,
            answered.map(([{ claims, ...change }, one], index) => ({
              source: sourceOf(`s${index}`, claims, change),
              found: one,
            })),
            issuer,
          )
          if (!judged.ok) {
            assert.ok(answered.some(([{ onFailure }, one]) => onFailure === 'deny' && one?.ok === false))
            return
          }
          const { attributeClaims = {}, policyAttributes = {} } = judged.value
          for (const name of Object.keys(attributeClaims))
            assert.ok(
              listed.some(one => one === name),
              name,
            )
          const told = answered.flatMap(([{ claims, isForPolicies }]) => (isForPolicies ? claims : []))
          for (const name of Object.keys(policyAttributes))
            assert.ok(
              told.some(one => one === name),
              name,
            )
          const none = judgeAttributes({ ...order, audience: payments }, [], issuer)
          assert.ok(none.ok && none.value.attributeClaims === undefined)
        },
      ),
    )
  })
})

const postgresUrl = process.env.HOLDFAST_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'
const database = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
const hasPostgres = await database.connect().then(
  () => true,
  () => false,
)
if (hasPostgres) await database.end()

test('tokens keep their attributes in PostgreSQL too', {
  skip: hasPostgres ? false : 'no PostgreSQL answers',
}, async () => {
  const schema = `t${randomBytes(8).toString('hex')}`
  const clock = fakeClock()
  clock.advance(-storeAgeSeconds)
  const store = await openPostgresStore({ connectionString: postgresUrl, schema, clock })
  clock.advance(storeAgeSeconds)
  try {
    await putAlice(store)
    const told = { hr: { department: 'finance', level: 7, groups: ['a', 'ü'], vip: false } }
    const names = Object.keys(told.hr)
    await using world = await open({
      ...{ store, sources: telling(told).sources, attributeSources: [sourceOf('hr', names)] },
      resourceServers: serversListing(names),
    })
    const { department, level, groups, vip } = await introspected(world, await bank(world))
    assert.deepEqual({ department, level, groups, vip }, told.hr)
  } finally {
    const cleaning = new pg.Client({ connectionString: postgresUrl })
    await cleaning.connect()
    await cleaning.query(`drop schema if exists ${schema} cascade`)
    await cleaning.end()
  }
})
