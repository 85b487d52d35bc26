import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import {
  answerShown,
  askCiba,
  atApprovals,
  cibaClient,
  pollCiba,
  sendCiba,
  signedCiba,
  signingCibaClient,
} from '../testing/ciba.ts'
import { accounts, clientOf, payments } from '../testing/clients.ts'
import { asking, detailTypes, openPayingWorld, paymentOf } from '../testing/details.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { claimsOf } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { type FormFields, issuerUrl, type World } from '../testing/world.ts'

/** Grants that a client manages and whose user answers elsewhere (Grant Management for OAuth 2.0). */

const types = detailTypes.map(({ name }) => name)
const managing = cibaClient({ authorizationDetailsTypes: types })

const open = (...more: readonly Client[]): Promise<World> => openPayingWorld({ clients: [managing, ...more] })

const create = {
  grant_management_action: 'create',
  scope: 'openid accounts offline_access',
  resource: accounts,
}
const change = (grant_management_action: string, grant_id: string): FormFields => ({
  ...{ grant_management_action, grant_id },
  ...{ scope: 'openid offline_access payments', resource: payments },
})
const refused = (error: string, ruleId: string) => ({ status: 400, error, ruleId })
const plainText = (page: Reply): string => String(page.body).replaceAll(/<[^>]+>/g, ' ')

interface Allowed {
  readonly page: Reply
  readonly tokens: Readonly<Record<string, unknown>>
}

/** Asks, has Alice allow it, and fetches the tokens. */
async function allowed(world: World, fields: FormFields): Promise<Allowed> {
  const authReqId = textOf(await askCiba(world, fields), 'auth_req_id')
  const [browser, page] = await atApprovals(world)
  const answered = await answerShown(browser, page)
  assert.equal(answered.status, 200, plainText(answered))
  const redeem = { grant_type: cibaGrantType, auth_req_id: authReqId, resource: fields.resource }
  const reply = await requestToken(world, 'c_pos', redeem)
  assert.equal(reply.status, 200, String(reply.body))
  return { page, tokens: jsonOf(reply) }
}

async function isActive(world: World, token: unknown): Promise<unknown> {
  const form = { token: String(token), ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).active
}

const refresh = (world: World, refresh_token: unknown): Promise<Reply> =>
  requestToken(world, 'c_pos', { grant_type: 'refresh_token', refresh_token: String(refresh_token) })

describe('a managed grant whose user answers elsewhere', () => {
  test('a client makes, merges and replaces a grant whose user answers elsewhere', async () => {
    await using world = await open()
    const first = await allowed(world, create)
    const grantId = String(first.tokens.grant_id)
    assert.match(grantId, /^[\w-]{20,}$/)
    assert.doesNotMatch(String(first.page.body), /id="change-1"/)
    assert.equal(jsonOf(await refresh(world, first.tokens.refresh_token)).grant_id, grantId)

    const merging = { ...change('merge', grantId), ...asking(paymentOf('5.00')) }
    const merged = await allowed(world, merging)
    assert.match(String(merged.page.body), /id="change-1"><p>You have allowed it something before/)
    for (const shown of ['See your accounts', 'Pay from your accounts', 'EUR 5.00', 'accounts.example'])
      assert.ok(plainText(merged.page).includes(shown), shown)
    assert.equal(merged.tokens.grant_id, grantId)
    const grant = await world.store.findManagedGrant(grantId)
    assert.deepEqual(grant?.scopes, ['openid', 'accounts', 'offline_access', 'payments'])
    assert.deepEqual(grant?.resources, [accounts, payments])
    assert.deepEqual(grant?.authorizationDetails, [paymentOf('5.00')])
    assert.equal(await isActive(world, first.tokens.access_token), false)
    assert.equal((await refresh(world, first.tokens.refresh_token)).status, 400)
    const facts = (await world.lastAudit('ciba.approved'))?.facts
    assert.deepEqual([facts?.grant_management_action, facts?.managed_grant], ['merge', grantId])
    assert.equal(typeof facts?.replaced_grant, 'string')

    const replaced = await allowed(world, change('replace', grantId))
    assert.match(String(replaced.page.body), /id="change-1"><p>This takes the place/)
    assert.doesNotMatch(plainText(replaced.page), /See your accounts|EUR 5\.00/)
    const left = await world.store.findManagedGrant(grantId)
    assert.deepEqual(left?.scopes, ['openid', 'offline_access', 'payments'])
    assert.deepEqual([left?.resources, left?.authorizationDetails], [[payments], undefined])
  })

  test('without an action the tokens name no grant', async () => {
    await using world = await open()
    const { action: _left, ...plain } = { action: '', ...create, grant_management_action: undefined }
    assert.equal((await allowed(world, plain)).tokens.grant_id, undefined)
  })

  test('a signed request may manage a grant', async () => {
    const signing = signingCibaClient({ clientId: 'c_signs' })
    await using world = await open(signing)
    const request = signedCiba(world, { clientId: 'c_signs', claims: create })
    const asked = await sendCiba(world, { request }, { clientId: 'c_signs' })
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    const tokens = jsonOf(await pollCiba(world, textOf(asked, 'auth_req_id'), undefined, 'c_signs'))
    assert.equal(typeof tokens.grant_id, 'string')
  })

  test('a grant of another client, of another user, or that ended cannot be named', async () => {
    await using world = await open(cibaClient({ clientId: 'c_other_pos' }))
    const { tokens } = await allowed(world, create)
    const grantId = String(tokens.grant_id)
    await world.store.commit([
      {
        kind: 'put-user',
        record: {
          ...{ issuer: issuerUrl, subject: 'u_bob', username: 'bob', passwordHash: 'fake:pw' },
          ...{ status: 'active' as const, claims: {} },
        },
      },
    ])
    const merge = change('merge', grantId)
    const foreign = await askCiba(world, merge, { clientId: 'c_other_pos' })
    await assertRefused(world, foreign, refused('invalid_grant_id', 'grant-management.known'))
    const bobs = await askCiba(world, { ...merge, login_hint: 'bob' })
    await assertRefused(world, bobs, refused('invalid_grant_id', 'grant-management.user'))
    const record = await world.store.findManagedGrant(grantId)
    await world.store.commit([{ kind: 'revoke-grant', id: record?.id ?? '', at: world.clock.now() }])
    await assertRefused(
      world,
      await askCiba(world, merge),
      refused('invalid_grant_id', 'grant-management.known'),
    )
  })

  test('details about the user that were allowed by name before are shown, and told in the ID token too', async () => {
    await using world = await open()
    const grantId = String((await allowed(world, create)).tokens.grant_id)
    const before = await world.store.findManagedGrant(grantId)
    assert.ok(before)
    const wish = { name: 'email', essential: false }
    const claims = { idToken: [wish], userinfo: [] }
    await world.store.commit([
      { kind: 'end-grant', id: before.id, at: world.clock.now() },
      { kind: 'insert-grant', record: { ...before, id: `${before.id}x`, claims } },
    ])
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_pos', { ...managing, scopes: [...managing.scopes, 'email'] })
    const { page, tokens } = await allowed(world, change('merge', grantId))
    assert.match(plainText(page), /e-?mail/i)
    assert.deepEqual((await world.store.findManagedGrant(grantId))?.claims, claims)
    assert.equal(typeof claimsOf(String(tokens.id_token)).email, 'string')
    const replaced = await allowed(world, change('replace', grantId))
    assert.equal(claimsOf(String(replaced.tokens.id_token)).email, undefined)
  })

  test('a grant that changed between page and answer is shown again, as it is now', async () => {
    await using world = await open()
    const grantId = String((await allowed(world, create)).tokens.grant_id)
    await askCiba(world, change('merge', grantId))
    const [browser, page] = await atApprovals(world)
    const before = await world.store.findManagedGrant(grantId)
    assert.ok(before)
    // Another request of the same grant was allowed meanwhile.
    const scopes = [...before.scopes, 'email']
    const now = world.clock.now()
    await world.store.commit([
      { kind: 'end-grant', id: before.id, at: now },
      { kind: 'insert-grant', record: { ...before, id: `${before.id}x`, scopes } },
    ])
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_pos', { ...managing, scopes: [...managing.scopes, 'email'] })
    const again = await answerShown(browser, page)
    assert.equal(again.status, 409)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.changed')
    assert.equal((await answerShown(browser, again)).status, 200)
    assert.ok((await world.store.findManagedGrant(grantId))?.scopes.includes('email'))
  })

  test('a grant that ends between page and answer waits for nobody any more', async () => {
    await using world = await open()
    const grantId = String((await allowed(world, create)).tokens.grant_id)
    const asked = textOf(await askCiba(world, change('merge', grantId)), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    const record = await world.store.findManagedGrant(grantId)
    await world.store.commit([{ kind: 'revoke-grant', id: record?.id ?? '', at: world.clock.now() }])
    assert.equal((await answerShown(browser, page)).status, 409)
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.decided')
    assert.equal(jsonOf(await pollCiba(world, asked)).error, 'authorization_pending')
  })

  test('of two answers that merge into one grant at the same moment one counts', async () => {
    await using world = await open(clientOf({ clientId: 'c_x' }))
    const grantId = String((await allowed(world, create)).tokens.grant_id)
    const [one, two] = await Promise.all(
      ['A', 'B'].map(binding_message => askCiba(world, { ...change('merge', grantId), binding_message })),
    )
    assert.ok(one && two)
    const [browser, page] = await atApprovals(world)
    const forms = [
      ...String(page.body).matchAll(/name="request" value="([^"]+)"[\s\S]*?name="shown" value="([^"]+)"/g),
    ]
    assert.equal(forms.length, 2)
    const replies = await Promise.all(
      forms.map(([, request, shown]) => answerShown(browser, page, 'allow', { request, shown })),
    )
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 409])
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'ciba.changed')
    const approved = (await world.audit()).filter(({ event }) => event === 'ciba.approved')
    assert.equal(approved.length, 2)
  })
})
