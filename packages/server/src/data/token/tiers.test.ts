import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { profiles, type SecurityProfile } from '@holdfast/protocol'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { payment } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import type { Reply } from '../../http/exchange.ts'
import type { AuthorizationDetailsType, Scope } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { goodRequest, header, locationOf, openBrowser, push, pushedUrl } from '../testing/browser.ts'
import { accounts, clientOf, payments, scopes as plainScopes, resourceServers } from '../testing/clients.ts'
import { asking, detailTypes, payingClient } from '../testing/details.ts'
import { requestDevice } from '../testing/device.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { type FormFields, openWorld, type World } from '../testing/world.ts'

/** Asking for a scope, a resource server or a detail of a tier tightens the whole request, and nothing else does. */

function tier(name: string): SecurityProfile {
  const profile = profiles.get(name)
  assert.ok(profile)
  return profile
}

const tiered = (name: string, profile: string): readonly Scope[] =>
  plainScopes.map(scope => (scope.name === name ? { ...scope, profile: tier(profile) } : scope))

const detailsOfTier = (profile: string): readonly AuthorizationDetailsType[] =>
  detailTypes.map(type => ({ ...type, profile: tier(profile) }))

/** Without the profile that the world gives to payments, so that only the tier speaks. */
const plainServers = resourceServers.map(server => ({ ...server, profile: undefined }))

const lax = payingClient({
  clientId: 'c_lax',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
  grantTypes: [
    ...(['authorization_code', 'refresh_token', 'client_credentials'] as const),
    ...[tokenExchangeGrantType, deviceGrantType],
  ] as const,
})
const apiClient = clientOf({
  clientId: 'c_api',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  ...{ grantTypes: [], scopes: [], resources: [] },
  introspects: [payments],
})
const publicApp = clientOf({
  clientId: 'c_browser',
  ownProfile: oidcBaseline,
  isPublic: true,
  tokenEndpointAuthMethod: 'none',
  jwks: undefined,
  requirePushedAuthorizationRequests: false,
})

const open = (profile: string, scope = 'payments'): Promise<World> =>
  openWorld({
    ...{ resourceServers: plainServers, scopes: tiered(scope, profile), detailTypes },
    clients: [lax, publicApp, payingClient()],
  })

const grantOf = (scopes: readonly string[], more: object = {}) => ({
  grant: { scopes: ['offline_access', ...scopes], resources: [payments], ...more },
})

describe('at the authorization endpoint', () => {
  const start = (clientId: string, scope: string): string =>
    `/authorize?${new URLSearchParams({ ...goodRequest(clientId), scope, resource: payments })}`

  test('a scope of tier 2 must be pushed, one without a tier need not', async () => {
    await using world = await open('tier-2-sensitive-read')
    const browser = openBrowser(world)
    assert.match(locationOf(await browser.get(start('c_lax', 'openid'))).pathname, /^\/interaction\//)
    const refused = await browser.get(start('c_lax', 'openid payments'))
    assert.equal(locationOf(refused).searchParams.get('error'), 'invalid_request')
    assert.equal((await world.lastAudit('authorization.refused'))?.ruleId, 'par.required')
  })

  test('a public client may have tier 1 and not tier 2', async () => {
    for (const [name, ok] of [
      ['tier-1-low-risk-user', true],
      ['tier-2-sensitive-read', false],
    ] as const) {
      await using world = await open(name)
      const reply = await openBrowser(world).get(start('c_browser', 'openid payments'))
      assert.equal(locationOf(reply).pathname.startsWith('/interaction/'), ok, name)
    }
  })

  test('a scope, a resource server and a detail of tier 4 each want a signed request', async () => {
    const asks: readonly (readonly [string, Parameters<typeof openWorld>[0], FormFields])[] = [
      ['scope', { scopes: tiered('payments', 'tier-4-high-value') }, { scope: 'payments' }],
      [
        'resource server',
        { resourceServers: plainServers.map(server => ({ ...server, profile: tier('tier-4-high-value') })) },
        { scope: 'openid', resource: payments },
      ],
      ['details', { detailTypes: detailsOfTier('tier-4-high-value') }, asking(payment)],
    ]
    for (const [name, options, spoil] of asks) {
      const plain = { resourceServers: plainServers, detailTypes, clients: [payingClient()] }
      await using without = await openWorld(plain)
      assert.equal(
        (await push(without, { clientId: 'c_pay', spoil: { scope: 'openid', ...spoil } })).status,
        201,
      )
      await using world = await openWorld({ ...plain, ...options })
      const reply = await push(world, { clientId: 'c_pay', spoil: { scope: 'openid', ...spoil } })
      assert.equal(reply.status, 400, name)
      assert.equal((await world.lastAudit('request.refused'))?.ruleId, 'request-object.required', name)
    }
  })

  test('a device gets nothing of tier 2', async () => {
    await using world = await open('tier-2-sensitive-read', 'accounts')
    const plain = await requestDevice(world, 'c_lax', { scope: 'openid' })
    assert.equal(plain.status, 200, String(plain.body))
    const reply = await requestDevice(world, 'c_lax', { scope: 'openid accounts' })
    assert.equal(jsonOf(reply).error, 'unauthorized_client')
    assert.equal((await world.lastAudit('device.refused'))?.ruleId, 'device.profile')
  })
})

describe('at the token endpoint', () => {
  const bearer = { proofKey: 'none' } as const

  /** How the client comes to a token with these scopes, once with a proof and once without. */
  const ways: Readonly<
    Record<string, (world: World, scopes: readonly string[], options: object) => Promise<Reply>>
  > = {
    authorization_code: async (world, scopes, options) =>
      redeem(world, 'c_lax', (await seedCode(world, 'c_lax', grantOf(scopes))).code, options),
    refresh_token: async (world, scopes, options) => {
      const { code } = await seedCode(world, 'c_lax', grantOf(['openid', 'accounts', ...scopes]))
      const first = await redeem(world, 'c_lax', code)
      const refresh_token = textOf(first, 'refresh_token')
      const fields = { grant_type: 'refresh_token', refresh_token, scope: scopes.join(' ') }
      return requestToken(world, 'c_lax', fields, options)
    },
    client_credentials: (world, scopes, options) =>
      requestToken(
        world,
        'c_lax',
        { grant_type: 'client_credentials', scope: scopes.join(' '), resource: payments },
        options,
      ),
    'token exchange': async (world, scopes, options) => {
      const { code } = await seedCode(world, 'c_lax', grantOf(['payments', ...scopes]))
      const subject_token = textOf(await redeem(world, 'c_lax', code), 'access_token')
      const fields = {
        grant_type: tokenExchangeGrantType,
        subject_token,
        subject_token_type: accessTokenType,
      }
      return requestToken(world, 'c_lax', { ...fields, scope: scopes.join(' '), resource: payments }, options)
    },
  }
  for (const [way, ask] of Object.entries(ways))
    test(`${way}: a token of tier 3 is bound and lives five minutes`, async () => {
      await using world = await open('tier-3-sensitive-write')
      const bound = jsonOf(await ask(world, ['payments'], {}))
      assert.equal(bound.token_type, 'DPoP', JSON.stringify(bound))
      assert.equal(bound.expires_in, 300)
      assert.equal((await ask(world, ['payments'], bearer)).status, 400)
    })

  test('without the scope nothing is tightened, also in the same grant', async () => {
    await using world = await open('tier-3-sensitive-write')
    const { code } = await seedCode(world, 'c_lax', grantOf(['openid', 'payments']))
    const first = await redeem(world, 'c_lax', code)
    const refresh_token = textOf(first, 'refresh_token')
    const fields = { grant_type: 'refresh_token', refresh_token, scope: 'openid' }
    const low = jsonOf(await requestToken(world, 'c_lax', fields))
    assert.equal(low.expires_in, 600)
    assert.equal((await world.lastAudit('token.issued'))?.facts.profile, lax.profile.name)
  })

  test('a detail tightens the token that carries it', async () => {
    await using world = await openWorld({
      ...{ resourceServers: plainServers, detailTypes: detailsOfTier('tier-4-high-value') },
      clients: [lax],
    })
    const { code } = await seedCode(world, 'c_lax', grantOf(['openid'], { authorizationDetails: [payment] }))
    assert.equal((await redeem(world, 'c_lax', code, bearer)).status, 400)
    const tokens = jsonOf(await redeem(world, 'c_lax', code))
    assert.deepEqual(tokens.authorization_details, [payment])
    assert.equal(tokens.expires_in, 120)
  })

  test('the refresh token lives by all that it can buy, also when the first token is for less', async () => {
    const short = { ...tier('tier-3-sensitive-write'), name: 'short', refreshTokenLifetimeSeconds: 3600 }
    const scopes = plainScopes.map(scope =>
      scope.name === 'payments' ? { ...scope, profile: short } : scope,
    )
    await using world = await openWorld({ resourceServers: plainServers, scopes, clients: [lax] })
    const wide = grantOf(['openid', 'accounts', 'payments'], { resources: [accounts, payments] })
    const { code } = await seedCode(world, 'c_lax', wide)
    const first = await redeem(world, 'c_lax', code, { spoil: { resource: accounts } })
    assert.equal(jsonOf(first).expires_in, 600)
    world.clock.advance(3600)
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: textOf(first, 'refresh_token'),
      resource: accounts,
    }
    assert.equal(jsonOf(await requestToken(world, 'c_lax', fields)).error, 'invalid_grant')
  })
})

describe('introspection', () => {
  test('of a token with a scope or a detail of tier 4 is signed, and of no other', async () => {
    const asks = async (options: Parameters<typeof openWorld>[0], more: object): Promise<string> => {
      await using world = await openWorld({
        resourceServers: plainServers,
        detailTypes,
        clients: [lax, apiClient],
        ...options,
      })
      const { code } = await seedCode(world, 'c_lax', grantOf(['payments'], more))
      const token = textOf(await redeem(world, 'c_lax', code), 'access_token')
      const form = { token, ...world.assertion('c_api') }
      return header(await world.send(introspectRoom, '/introspect', { form }), 'content-type') ?? ''
    }
    const signed = 'application/token-introspection+jwt'
    const withDetails = { authorizationDetails: [payment] }
    assert.notEqual(await asks({}, withDetails), signed)
    assert.equal(await asks({ scopes: tiered('payments', 'tier-4-high-value') }, {}), signed)
    assert.equal(await asks({ detailTypes: detailsOfTier('tier-4-high-value') }, withDetails), signed)
    assert.notEqual(await asks({ detailTypes: detailsOfTier('tier-4-high-value') }, {}), signed)
  })
})

describe('a fresh sign-in', () => {
  for (const [age, status] of [
    [3599, 200],
    [3600, 200],
    [3601, 400],
  ] as const)
    test(`${age} s old, for a refresh of tier 3: ${status}`, async () => {
      await using world = await open('tier-3-sensitive-write')
      // The user of a seeded grant signed in thirty seconds before.
      const { code } = await seedCode(world, 'c_lax', grantOf(['openid', 'payments']))
      const first = await redeem(world, 'c_lax', code)
      world.clock.advance(age - 30)
      const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
      const reply = await requestToken(world, 'c_lax', fields)
      assert.equal(reply.status, status, String(reply.body))
      if (status === 400) {
        assert.equal(jsonOf(reply).error, 'invalid_grant')
        assert.equal((await world.lastAudit('token.refused'))?.ruleId, 'order.authentication-age')
      }
      const low = await requestToken(world, 'c_lax', { ...fields, scope: 'openid' })
      assert.equal(low.status, 200)
    })

  test('is asked for when the session is too old for the tier, and only for the tier', async () => {
    await using world = await open('tier-3-sensitive-write')
    const browser = openBrowser(world)
    const opened = async (scope: string): Promise<string> => {
      const url = await pushedUrl(world, { clientId: 'c_pay', spoil: { scope, resource: payments } })
      return locationOf(await browser.get(url)).href
    }
    await browser.login(await opened('openid'))
    // One hour, less the time to read (600), redeem (60) and use (300).
    world.clock.advance(1320)
    // An answer keeps the session from being idle too long.
    await browser.decide(await opened('openid'), 'allow')
    world.clock.advance(1320)
    assert.match(await opened('openid payments'), /\/consent$/)
    world.clock.advance(1)
    assert.match(await opened('openid payments'), /\/login$/)
    assert.match(await opened('openid'), /\/consent$/)
  })
})
