import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { metadataDocument } from '../metadata/document.ts'
import { header, openBrowser, pushedUrl } from '../testing/browser.ts'
import { accounts, clientOf, keys } from '../testing/clients.ts'
import { currentNonce, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'
import { globalRevocationRoom } from './room.ts'

const path = '/global-token-revocation'
const scope = 'global_token_revocation'
const clients: readonly Client[] = [
  clientOf({ clientId: 'c_incident', scopes: ['accounts', 'openid', scope] }),
  clientOf({
    clientId: 'c_service',
    grantTypes: [tokenExchangeGrantType],
    exchanges: { tokensOf: ['c_bank'], tokensFor: [] },
  }),
]
const open = (): Promise<World> => openWorld({ clients })

async function incidentToken(world: World, asked = scope): Promise<string> {
  const fields = {
    grant_type: 'client_credentials',
    scope: asked,
    ...(asked !== scope && { resource: accounts }),
  }
  return textOf(await requestToken(world, 'c_incident', fields), 'access_token')
}

async function revoke(world: World, subId: unknown, token?: string): Promise<Reply> {
  const accessToken = token ?? (await incidentToken(world))
  const body = typeof subId === 'string' ? subId : JSON.stringify({ sub_id: subId })
  return world.send(globalRevocationRoom, path, {
    body,
    headers: [
      ['content-type', 'application/json'],
      ['authorization', `DPoP ${accessToken}`],
      ['dpop', world.proof(path, { accessToken, nonce: currentNonce(world) })],
    ],
  })
}

async function isActive(world: World, token: string): Promise<unknown> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

const aliceHere = { format: 'iss_sub', iss: issuerUrl, sub: alice }

describe('global token revocation', () => {
  test('ends every token, grant and session of the user, and none of another', async () => {
    await using world = await open()
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user)
    const bob = { ...user, subject: 'u_bob', username: 'bob' }
    await world.store.commit([{ kind: 'put-user', record: bob }])
    const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    const second = await redeem(world, 'c_other', (await seedCode(world, 'c_other')).code)
    const foreign = await redeem(
      world,
      'c_bank',
      (await seedCode(world, 'c_bank', { grant: { subject: 'u_bob' } })).code,
    )
    const exchanged = await requestToken(
      world,
      'c_service',
      {
        grant_type: tokenExchangeGrantType,
        subject_token: textOf(first, 'access_token'),
        subject_token_type: accessTokenType,
        resource: accounts,
      },
      { proofKey: keys.otherProof },
    )
    const waiting = await seedCode(world, 'c_bank')
    const browser = openBrowser(world)
    const url = await pushedUrl(world)
    const login = await browser.login(await browser.get(url))
    const consent = header(login, 'location') ?? ''

    assert.equal((await revoke(world, aliceHere)).status, 204)
    for (const reply of [first, second, exchanged])
      assert.equal(await isActive(world, textOf(reply, 'access_token')), false)
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    assert.equal(jsonOf(await requestToken(world, 'c_bank', fields)).error, 'invalid_grant')
    assert.equal(jsonOf(await redeem(world, 'c_bank', waiting.code)).error, 'invalid_grant')
    // Who was about to allow something signs in again first.
    assert.match(header(await browser.get(consent), 'location') ?? '', /\/login$/)
    assert.equal(await isActive(world, textOf(foreign, 'access_token')), true)

    const record = await world.lastAudit('user.revoked')
    assert.equal(record?.subject, alice)
    assert.equal(record?.clientId, 'c_incident')
    assert.equal((await revoke(world, { format: 'opaque', id: alice })).status, 204, 'again changes nothing')
    const later = await seedCode(world, 'c_bank')
    assert.equal((await redeem(world, 'c_bank', later.code)).status, 200)
  })

  test('sixteen at once end the same once', async () => {
    await using world = await open()
    const token = textOf(
      await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code),
      'access_token',
    )
    const replies = await Promise.all(Array.from({ length: 16 }, () => revoke(world, aliceHere)))
    assert.ok(replies.every(({ status }) => status === 204))
    assert.equal(await isActive(world, token), false)
  })

  test('refuses what names nobody, and says who is not known', async () => {
    await using world = await open()
    const cases: readonly (readonly [unknown, number, string])[] = [
      ['{', 400, 'global-revocation.body'],
      ['{"sub_id":{},"sub_id":{}}', 400, 'global-revocation.body'],
      ['[]', 400, 'global-revocation.body'],
      [{ format: 'email', email: 'alice@example.com' }, 400, 'global-revocation.format'],
      [{ format: 'iss_sub', iss: 'https://other.example', sub: alice }, 400, 'global-revocation.format'],
      [{ format: 'opaque', id: 'u_nobody' }, 404, 'global-revocation.unknown'],
    ]
    for (const [subId, status, ruleId] of cases)
      await assertRefused(world, await revoke(world, subId), { status, error: 'invalid_request', ruleId })
  })

  test('wants a token of its own, for itself, with the scope', async () => {
    await using world = await open()
    const forApi = await incidentToken(world, 'accounts')
    assert.equal((await revoke(world, aliceHere, forApi)).status, 401)
    const management = { grant_type: 'client_credentials', scope: 'grant_management_query' }
    const other = textOf(await requestToken(world, 'c_manager', management), 'access_token')
    assert.equal((await revoke(world, aliceHere, other)).status, 403)
    const spoil = { grant: { scopes: [scope], resources: [] } }
    const { code } = await seedCode(world, 'c_incident', spoil)
    const ofUser = textOf(await redeem(world, 'c_incident', code), 'access_token')
    assert.equal((await revoke(world, aliceHere, ofUser)).status, 401)
    assert.equal((await world.lastAudit('user.revocation-refused'))?.ruleId, 'global-revocation.caller')
    const bare = await world.send(globalRevocationRoom, path, { body: '{}' })
    assert.equal(bare.status, 401)
    assert.equal(await world.lastAudit('user.revoked'), undefined)
  })

  test('the metadata names it only where a client may use it', async () => {
    await using world = await open()
    const document = metadataDocument(world.issuer, ['ES256'])
    assert.equal(document.global_token_revocation_endpoint, `${issuerUrl}${path}`)
    await using plain = await openWorld()
    assert.ok(!('global_token_revocation_endpoint' in metadataDocument(plain.issuer, ['ES256'])))
  })
})
