import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { shippedPolicies } from '@holdfast/policy'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { tokenExchangeGrantType } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { openBrowser, pushedUrl } from '../data/testing/browser.ts'
import { accounts, clientOf } from '../data/testing/clients.ts'
import { redeem, requestToken, seedCode, textOf } from '../data/testing/flow.ts'
import { policiesWith } from '../data/testing/policies.ts'
import { goodMetadata, openRegistrationWorld, registeredIn } from '../data/testing/registration-world.ts'
import { issuerUrl, mtlsUrl, openWorld, type World } from '../data/testing/world.ts'
import type { SimulatedPolicies } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { simulatePolicies } from './simulate-policies.ts'

function controlOf({ ports }: World): ControlPorts {
  const { store, clock, entropy, passwords } = ports
  const binding = {
    name: 'main',
    url: issuerUrl,
    mtlsUrl,
    environment: 'production',
    clientTrustAnchors: [],
  } as const
  return { store, clock, entropy, passwords, issuers: [binding], newReference: () => 'r' }
}

async function simulated(world: World, text: string, days = 30): Promise<SimulatedPolicies> {
  const policies = { ...shippedPolicies, 'own.cedar': text }
  const result = await simulatePolicies({ policies, days }, controlOf(world))
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

/** A little production: a login, two grants, a machine, an exchange. */
async function lived(world: World): Promise<void> {
  const browser = openBrowser(world)
  const login = await browser.get(await pushedUrl(world))
  const consent = await browser.login(login)
  await browser.decide(consent.headers.find(([name]) => name === 'location')?.[1] ?? '', 'allow')
  const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
  await requestToken(world, 'c_other', { grant_type: 'client_credentials', scope: 'payments' })
  await requestToken(world, 'c_exchanger', {
    ...{ grant_type: tokenExchangeGrantType, resource: accounts },
    subject_token: textOf(first, 'access_token'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
}

const exchanger = clientOf({
  ...{ clientId: 'c_exchanger', grantTypes: [tokenExchangeGrantType], ownProfile: fapi2Security },
  exchanges: { tokensOf: ['c_bank'], tokensFor: [accounts] },
})

describe('a draft against the recorded decisions', () => {
  test('the policies that decided would decide the same', async () => {
    await using world = await openWorld({ clients: [exchanger] })
    await lived(world)
    const { asked, same, changes } = await simulated(world, '')
    assert.deepEqual([asked, same, changes], [5, 5, []])
  })

  test('one that would break production is caught, with who, what and a reference', async () => {
    await using world = await openWorld({ clients: [exchanger] })
    await lived(world)
    const draft = '@id("new.no") forbid (principal, action == Action::"mint", resource in Scope::"payments");'
    const { asked, same, changes } = await simulated(world, draft)
    assert.deepEqual([asked, same], [5, 4])
    const [change] = changes
    assert.deepEqual(
      [
        change?.moment,
        change?.clientId,
        change?.grantType,
        change?.before,
        change?.after,
        change?.determining,
        change?.count,
      ],
      ['mint', 'c_other', 'client_credentials', ['permit'], ['deny'], ['new.no'], 1],
    )
    const records = await world.store.findAudit(change?.reference ?? '', 10)
    assert.ok(records.some(({ event }) => event === 'token.issued'))
  })

  test('so is one that only takes something away, and one that fails', async () => {
    await using world = await openWorld({ clients: [exchanger] })
    await lived(world)
    const shorter = '@id("new") @max_lifetime("60") permit (principal, action == Action::"mint", resource);'
    const changed = (await simulated(world, shorter)).changes
    assert.deepEqual(
      changed.map(({ after }) => after),
      [
        ['permit', 'max_lifetime=60'],
        ['permit', 'max_lifetime=60'],
        ['permit', 'max_lifetime=60'],
      ],
    )
    const failing = `@id("new") forbid (principal, action == Action::"authorize", resource)
      when { context.asked.time * 9007199254740991 * 9007199254740991 > 1 };`
    const { changes } = await simulated(world, failing)
    assert.deepEqual(
      changes.map(({ moment }) => moment),
      ['authorize', 'authorize'],
    )
    assert.match(changes[0]?.failed[0] ?? '', /^new: /)
  })

  test('a deny that would become a permit shows, too', async () => {
    const forbid = policiesWith('@id("own.no") forbid (principal, action == Action::"mint", resource);')
    await using world = await openWorld({ policies: forbid })
    await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'accounts' })
    const { changes } = await simulated(world, '')
    assert.deepEqual([changes[0]?.before, changes[0]?.after], [['deny'], ['permit']])
  })

  test('how risky a request looked is asked about as it was; records without it have none', async () => {
    const watching = policiesWith(
      '@id("w") forbid (principal, action, resource) when { context has risk && context.risk.score > 100 };',
    )
    const risky = { risk: { signals: ['new-device', 'new-network'], unknown: ['impossible-travel'] } }
    const lives = async (world: World): Promise<void> => {
      await redeem(world, 'c_bank', (await seedCode(world, 'c_bank', { grant: risky })).code)
      await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    }
    const draft = `@id("new") forbid (principal, action == Action::"mint", resource)
      when { context has risk && context.risk.score >= 40 && context.risk.unknown.contains("impossible-travel") };`
    await using world = await openWorld({ policies: watching })
    await lives(world)
    const { asked, changes } = await simulated(world, draft)
    assert.deepEqual(
      [asked, changes.map(({ after, determining, count }) => [after, determining, count])],
      [2, [[['deny'], ['new'], 1]]],
    )
    await using older = await openWorld()
    await lives(older)
    assert.deepEqual((await simulated(older, draft)).changes, [])
    const without =
      '@id("new") forbid (principal, action == Action::"mint", resource) unless { context has risk };'
    assert.equal((await simulated(older, without)).changes[0]?.count, 2)
    assert.deepEqual((await simulated(world, without)).changes, [])
  })

  test('registrations are asked about as they were', async () => {
    await using world = await openRegistrationWorld()
    await registeredIn(world, { ...goodMetadata, grant_types: ['authorization_code'] })
    const head = '(principal, action == Action::"register", resource in Scope::"accounts")'
    const same = await simulated(
      world,
      `@id("n") forbid ${head} when { context.redirectHosts.contains("other.example") };`,
    )
    assert.deepEqual([same.asked, same.same], [1, 1])
    const other = await simulated(
      world,
      `@id("n") forbid ${head} when { context.redirectHosts.contains("client.example") && !context.isUpdate && principal.isSelfRegistered };`,
    )
    assert.equal(other.same, 0)
  })

  test('what is older than asked for is left aside; what does not compile is told', async () => {
    await using world = await openWorld({ clients: [exchanger] })
    await lived(world)
    world.clock.advance(2 * 86_400)
    assert.equal((await simulated(world, '', 1)).asked, 0)
    assert.equal((await simulated(world, '', 3)).asked, 5)
    const broken = await simulatePolicies({ policies: { 'a.cedar': 'permit (' }, days: 1 }, controlOf(world))
    assert.equal(broken.ok, false)
  })
})
