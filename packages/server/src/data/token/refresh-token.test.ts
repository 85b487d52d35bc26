import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { GrantRecord } from '../../store/records.ts'
import { introspectRoom } from '../introspect/room.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { accounts, clientOf, keys, payments } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, type TokenRequestOptions, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  alice,
  type FormFields,
  issuerUrl,
  openWorld,
  type RequestOptions,
  startOfWorld,
  type World,
} from '../testing/world.ts'

/** Log in, redeem, and return the refresh token. */
async function firstToken(
  world: World,
  clientId: string,
  options: TokenRequestOptions & { readonly grant?: Partial<GrantRecord> } = {},
): Promise<{ readonly refreshToken: string; readonly grantId: string; readonly reply: Reply }> {
  const { grant, ...rest } = options
  const { code, grantId } = await seedCode(world, clientId, grant === undefined ? {} : { grant })
  const reply = await redeem(world, clientId, code, rest)
  assert.equal(reply.status, 200, reply.body.toString())
  return { refreshToken: textOf(reply, 'refresh_token'), grantId, reply }
}

function refresh(
  world: World,
  clientId: string,
  refreshToken: string | undefined,
  options: TokenRequestOptions & { readonly spoil?: FormFields } = {},
): Promise<Reply> {
  const { spoil = {}, ...rest } = options
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, ...spoil }
  return requestToken(world, clientId, fields, rest)
}

async function describeToken(world: World, token: string): Promise<Readonly<Record<string, unknown>>> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form }))
}

const invalidGrant = { status: 400, error: 'invalid_grant' } as const

describe('a confidential client', () => {
  test('keeps its refresh token: twice the same one is good, and no new one is handed out', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    for (let count = 0; count < 2; count++) {
      const reply = await refresh(world, 'c_bank', refreshToken)
      assert.equal(reply.status, 200, reply.body.toString())
      assert.ok(!('refresh_token' in jsonOf(reply)))
    }
  })

  test('may use a new DPoP key: the new token is bound to it', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const reply = await refresh(world, 'c_bank', refreshToken, { proofKey: keys.otherProof })
    assert.equal(reply.status, 200)
    const described = await describeToken(world, textOf(reply, 'access_token'))
    assert.deepEqual(described.cnf, { jkt: keys.otherProof.thumbprint })
  })

  test('may use a new certificate: the new token is bound to it', async () => {
    await using world = await openWorld()
    const [old, young] = [
      await newPeerCertificate({ subject: 'CN=a' }),
      await newPeerCertificate({ subject: 'CN=b' }),
    ]
    const { refreshToken } = await firstToken(world, 'c_bank_mtls', { certificate: old, proofKey: 'none' })
    const reply = await refresh(world, 'c_bank_mtls', refreshToken, { certificate: young, proofKey: 'none' })
    assert.equal(reply.status, 200, reply.body.toString())
    const described = await describeToken(world, textOf(reply, 'access_token'))
    assert.deepEqual(described.cnf, { 'x5t#S256': young.thumbprint })
  })

  test('that proved a key first may not go on without any, even where the profile allows it', async () => {
    await using world = await openWorld()
    const grant = { scopes: ['openid', 'offline_access'], resources: [] }
    const { refreshToken } = await firstToken(world, 'c_oidc', { grant })
    const reply = await refresh(world, 'c_oidc', refreshToken, { proofKey: 'none' })
    await assertRefused(world, reply, { ...invalidGrant, ruleId: 'refresh.binding-kept' })
  })

  test('must authenticate', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const reply = await refresh(world, 'c_bank', refreshToken, { authentication: 'none' })
    await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
  })

  test("cannot use another client's refresh token", async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const reply = await refresh(world, 'c_other', refreshToken)
    await assertRefused(world, reply, { ...invalidGrant, ruleId: 'refresh.client' })
    assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
  })

  test('keeps auth_time and acr of the login, and gets an ID token without nonce', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    world.clock.advance(100)
    const reply = await refresh(world, 'c_bank', refreshToken)
    const claims = claimsOf(textOf(reply, 'id_token'))
    assert.equal(claims.auth_time, startOfWorld - 30)
    assert.equal(claims.iat, startOfWorld + 100)
    assert.equal(claims.sub, alice)
    assert.equal(claims.aud, 'c_bank')
    assert.ok(!('nonce' in claims))
    const described = await describeToken(world, textOf(reply, 'access_token'))
    assert.equal(described.auth_time, startOfWorld - 30)
    assert.equal(described.acr, 'urn:holdfast:acr:password')
  })

  test('no refresh token, and an unknown one, are refused', async () => {
    await using world = await openWorld()
    await assertRefused(world, await refresh(world, 'c_bank', undefined), {
      status: 400,
      error: 'invalid_request',
      ruleId: 'refresh.missing',
    })
    await assertRefused(world, await refresh(world, 'c_bank', 'rt_unknown'), {
      ...invalidGrant,
      ruleId: 'refresh.known',
    })
  })

  test('an access token is no refresh token', async () => {
    await using world = await openWorld()
    const { reply } = await firstToken(world, 'c_bank')
    const refused = await refresh(world, 'c_bank', textOf(reply, 'access_token'))
    await assertRefused(world, refused, { ...invalidGrant, ruleId: 'refresh.known' })
  })
})

describe('narrowing', () => {
  const both = { scopes: ['accounts', 'payments'], resources: [accounts, payments] }

  test('fewer scopes may be asked for, and all of them again later', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const narrow = await refresh(world, 'c_bank', refreshToken, { spoil: { scope: 'accounts' } })
    assert.equal(jsonOf(narrow).scope, 'accounts')
    assert.ok(!('id_token' in jsonOf(narrow)))
    const whole = await refresh(world, 'c_bank', refreshToken)
    assert.equal(jsonOf(whole).scope, 'openid profile offline_access accounts')
  })

  test('a scope that was not granted is invalid_scope, and the token is unharmed', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const reply = await refresh(world, 'c_bank', refreshToken, { spoil: { scope: 'accounts payments' } })
    await assertRefused(world, reply, { status: 400, error: 'invalid_scope', ruleId: 'refresh.scope' })
    assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
  })

  test('what the client may not have any more is left out, and refused when it is asked for', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const without = (...gone: readonly string[]): World => ({
      ...world,
      send: (room, path, options) => {
        const exchange = world.exchange(path, options)
        const client = exchange.issuer.clients.get('c_bank')
        assert.ok(client)
        const scopes = client.scopes.filter(scope => !gone.includes(scope))
        const clients = new Map([...exchange.issuer.clients, ['c_bank', { ...client, scopes }]])
        return room({ ...exchange, issuer: { ...exchange.issuer, clients } }, world.ports)
      },
    })
    const reply = await refresh(without('profile'), 'c_bank', refreshToken)
    assert.equal(jsonOf(reply).scope, 'openid offline_access accounts')
    const alone = without('accounts')
    const refused = await refresh(alone, 'c_bank', refreshToken, { spoil: { scope: 'accounts' } })
    await assertRefused(world, refused, { status: 400, error: 'invalid_scope' })
    const chosen = await refresh(alone, 'c_bank', refreshToken, { spoil: { resource: accounts } })
    assert.equal(jsonOf(chosen).scope, 'openid profile offline_access')
    assert.equal(
      jsonOf(await refresh(world, 'c_bank', refreshToken)).scope,
      'openid profile offline_access accounts',
    )
  })

  test('another granted resource may be chosen, one that was not granted may not', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: both })
    const first = await redeem(world, 'c_bank', code, { spoil: { resource: accounts } })
    const refreshToken = textOf(first, 'refresh_token')
    const second = await refresh(world, 'c_bank', refreshToken, { spoil: { resource: payments } })
    assert.equal(claimsOf(textOf(second, 'access_token')).aud, payments)
    const third = await refresh(world, 'c_bank', refreshToken, {
      spoil: { resource: 'https://other.example' },
    })
    await assertRefused(world, third, { status: 400, error: 'invalid_target' })
  })

  test('no scope that exists at the chosen resource is invalid_scope', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_bank', { grant: both })
    const first = await redeem(world, 'c_bank', code, { spoil: { resource: accounts } })
    const reply = await refresh(world, 'c_bank', textOf(first, 'refresh_token'), {
      spoil: { resource: accounts, scope: 'payments' },
    })
    await assertRefused(world, reply, { status: 400, error: 'invalid_scope', ruleId: 'order.scope-empty' })
  })
})

describe('ends', () => {
  const week = 604_800
  const month = 2_592_000

  test('unused for a week it is dead, used a second before it lives another week', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    world.clock.advance(week - 1)
    assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
    world.clock.advance(week - 1)
    assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
    world.clock.advance(week)
    await assertRefused(world, await refresh(world, 'c_bank', refreshToken), {
      ...invalidGrant,
      ruleId: 'refresh.expired',
    })
  })

  test('after a month it is dead, however often it was used', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_bank')
    const step = 500_000
    for (let at = step; at < month; at += step) {
      world.clock.advance(step)
      assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
    }
    world.clock.advance(month - Math.floor((month - 1) / step) * step - 1)
    assert.equal((await refresh(world, 'c_bank', refreshToken)).status, 200)
    world.clock.advance(1)
    await assertRefused(world, await refresh(world, 'c_bank', refreshToken), {
      ...invalidGrant,
      ruleId: 'refresh.expired',
    })
  })

  test('a disabled user, a revoked grant and a suspended client get nothing', async () => {
    await using world = await openWorld()
    const { refreshToken, grantId } = await firstToken(world, 'c_bank')
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user !== undefined)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    await assertRefused(world, await refresh(world, 'c_bank', refreshToken), {
      ...invalidGrant,
      ruleId: 'refresh.grant-live',
    })
    await world.store.commit([{ kind: 'put-user', record: user }])
    await world.store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
    await assertRefused(world, await refresh(world, 'c_bank', refreshToken), {
      ...invalidGrant,
      ruleId: 'refresh.grant-live',
    })
    const clients = [clientOf({ clientId: 'c_bank', status: 'suspended' })]
    await using later = await openWorld({ clients, store: world.store })
    await assertRefused(later, await refresh(later, 'c_bank', refreshToken), {
      status: 401,
      error: 'invalid_client',
    })
  })
})

describe('a public client', () => {
  const asPublic = { authentication: 'none' } as const

  test('rotates: each refresh hands out a successor that is good', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_app', asPublic)
    const second = textOf(await refresh(world, 'c_app', refreshToken, asPublic), 'refresh_token')
    assert.notEqual(second, refreshToken)
    assert.equal((await refresh(world, 'c_app', second, asPublic)).status, 200)
  })

  test('that uses a rotated token again loses the whole family, with an alert', async () => {
    await using world = await openWorld()
    const { refreshToken, grantId } = await firstToken(world, 'c_app', asPublic)
    const second = await refresh(world, 'c_app', refreshToken, asPublic)
    const again = await refresh(world, 'c_app', refreshToken, asPublic)
    await assertRefused(world, again, { ...invalidGrant, ruleId: 'refresh.reused' })
    assert.equal((await world.lastAudit('refresh-token.reused'))?.outcome, 'alert')
    assert.notEqual((await world.store.findGrant(grantId))?.revokedAt, undefined)
    const { active } = await describeToken(world, textOf(second, 'access_token'))
    assert.equal(active, false)
    const successor = await refresh(world, 'c_app', textOf(second, 'refresh_token'), asPublic)
    await assertRefused(world, successor, { ...invalidGrant, ruleId: 'refresh.grant-live' })
  })

  test('is bound to its key: another key is invalid_grant, no proof is invalid_dpop_proof', async () => {
    await using world = await openWorld()
    const { refreshToken } = await firstToken(world, 'c_app', asPublic)
    const other = await refresh(world, 'c_app', refreshToken, { ...asPublic, proofKey: keys.otherProof })
    await assertRefused(world, other, { ...invalidGrant, ruleId: 'refresh.key' })
    const none = await refresh(world, 'c_app', refreshToken, { ...asPublic, proofKey: 'none' })
    await assertRefused(world, none, { status: 400, error: 'invalid_dpop_proof' })
    assert.equal((await refresh(world, 'c_app', refreshToken, asPublic)).status, 200)
  })

  test('that is bound to a certificate is refused with another', async () => {
    const client = clientOf({
      clientId: 'c_app_mtls',
      isPublic: true,
      tokenEndpointAuthMethod: 'none',
      dpopBoundAccessTokens: false,
      tlsClientCertificateBoundAccessTokens: true,
    })
    const open = { ...client, profile: { ...client.profile, clientAuthenticationMethods: ['none' as const] } }
    const sent = async (world: World): Promise<RequestOptions> => ({
      certificate: await newPeerCertificate({ subject: `CN=${world.clock.now()}` }),
    })
    await using world = await openWorld({ clients: [open] })
    const mine = { ...asPublic, proofKey: 'none' as const, ...(await sent(world)) }
    const { code } = await seedCode(world, 'c_app_mtls', { grant: { resources: [] } })
    const first = await redeem(world, 'c_app_mtls', code, mine)
    assert.equal(first.status, 200, first.body.toString())
    const refreshToken = textOf(first, 'refresh_token')
    const other = await refresh(world, 'c_app_mtls', refreshToken, { ...mine, ...(await sent(world)) })
    await assertRefused(world, other, { ...invalidGrant, ruleId: 'refresh.key' })
    assert.equal((await refresh(world, 'c_app_mtls', refreshToken, mine)).status, 200)
  })

  test('never lives longer by rotating', async () => {
    await using world = await openWorld()
    const first = await firstToken(world, 'c_app', asPublic)
    let token = first.refreshToken
    for (let count = 0; count < 5; count++) {
      world.clock.advance(500_000)
      token = textOf(await refresh(world, 'c_app', token, asPublic), 'refresh_token')
    }
    world.clock.advance(92_000)
    await assertRefused(world, await refresh(world, 'c_app', token, asPublic), {
      ...invalidGrant,
      ruleId: 'refresh.expired',
    })
  })
})

describe('a migration', () => {
  const ages: readonly [number, number][] = [
    [0, 200],
    [59, 200],
    [60, 400],
  ]
  for (const [seconds, status] of ages)
    test(`${seconds} seconds after a successor was handed out, the old token is answered ${status}`, async () => {
      await using world = await openWorld()
      const { refreshToken, grantId } = await firstToken(world, 'c_migrating')
      const first = await refresh(world, 'c_migrating', refreshToken)
      const successor = textOf(first, 'refresh_token')
      world.clock.advance(seconds)
      const again = await refresh(world, 'c_migrating', refreshToken)
      assert.equal(again.status, status, again.body.toString())
      if (status === 400) await assertRefused(world, again, { ...invalidGrant, ruleId: 'refresh.retired' })
      assert.equal((await world.store.findGrant(grantId))?.revokedAt, undefined)
      assert.equal((await refresh(world, 'c_migrating', successor)).status, 200)
    })
})
