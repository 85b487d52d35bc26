import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { approvalKey, newApproval } from '../../data/approvals/approval.ts'
import { hashOfHandle } from '../../data/handle.ts'
import type { ApprovalContent } from '../../store/approval-records.ts'
import type { AuditRecord } from '../../store/records.ts'
import { adminScopes } from '../admin-scopes.ts'
import {
  type AdminAnswer,
  type AdminWorld,
  type Asker,
  documentFor,
  issuer,
  openAdminWorld,
} from '../testing/admin-world.ts'
import { newJwk, shopForm, shopMetadata } from '../testing/onboarded.ts'
import { answerOf } from './answers/index.ts'
import { adminOperations } from './operations.ts'

/**
 * Whoever asks in the world of the tests holds every answer to its schema; here are those that nobody asks elsewhere,
 * with what comes of it.
 */

const policies = { 'own.cedar': '@id("own") permit (principal, action, resource);' }

describe('answers of the admin API', () => {
  let world: AdminWorld
  let anna: Asker
  let bela: Asker
  before(async () => {
    world = await openAdminWorld({
      administrators: ['anna', 'bela'].map(name => ({ name, scopes: adminScopes })),
      documents: [
        documentFor('Issuer', 'main', { floor: 'oidc-baseline' }),
        documentFor('Scope', 'accounts', { title: 'Accounts', description: 'See accounts.' }),
        documentFor('ResourceServer', 'bank', { audience: 'https://api.example', scopes: ['accounts'] }),
        documentFor('ApiOperations', 'bank', {
          owner: 'treasury',
          operations: [
            {
              ...{ id: 'list', method: 'GET', path: '/accounts', description: 'Lists.', tier: 1 },
              coveredBy: [{ scopes: ['accounts'] }],
            },
          ],
        }),
        documentFor('Client', 'shop', {
          resources: ['bank'],
          metadata: { ...shopMetadata, scope: 'openid', jwks: { keys: [newJwk('shop')] } },
        }),
        documentFor('Client', 'till', {
          metadata: {
            ...{ token_endpoint_auth_method: 'client_secret_basic', grant_types: ['client_credentials'] },
            ...{ scope: 'accounts', response_types: [] },
          },
          profile: 'oidc-baseline',
          resources: ['bank'],
        }),
        documentFor('User', 'carl', { password: 'correct-horse' }),
      ],
    })
    anna = await world.person('anna')
    bela = await world.person('bela')
  })
  after(() => world.close())

  const done = async (
    who: Asker,
    path: string,
    body: object,
    method = 'POST',
  ): Promise<Record<string, unknown>> => {
    const answer = await who.ask(method, `/admin/v1${path}`, method === 'GET' ? {} : { body })
    assert.ok(answer.status === 200 || answer.status === 201, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  test('are described for every operation', () => {
    for (const operation of adminOperations) assert.ok(answerOf(operation), operation.id)
    assert.throws(() => answerOf({ id: 'unheard', path: '/admin/v1/unheard' }), TypeError)
  })

  test('about secrets, users and access are what they say', async () => {
    const rotated = await done(anna, '/secrets/rotation', { clientId: 'till', overlapSeconds: 0 })
    assert.equal(typeof rotated.secret, 'string')
    await done(anna, '/secrets/rotation', { clientId: 'till', overlapSeconds: 60, lifetimeSeconds: 600 })
    await done(anna, '/secrets/revocation', { clientId: 'till' })
    await done(anna, '/users/second-factors', { username: 'carl' })
    await done(anna, '/revocation', { of: 'user', name: 'carl' })
    await done(anna, '/clients/till/explain', {}, 'GET')
  })

  test('about registration tokens are what they say', async () => {
    const policy = {
      ...{ profile: 'fapi2-security', scopes: ['accounts'], grantTypes: ['authorization_code'] },
      ...{ resources: ['bank'], redirectHosts: ['app.example'], softwareStatement: 'optional' },
    }
    const { id } = await done(anna, '/registration-tokens', {
      ...{ policy, uses: 1, lifetimeSeconds: 600, note: 'for the fair' },
    })
    await done(anna, '/registration-tokens/revocation', { id })
    await done(anna, '/registration-tokens', {}, 'GET')
  })

  test('about scopes are what they say', async () => {
    const { name } = await done(anna, '/scope-grants', {
      ...{ client: 'shop', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
      ...{ purpose: 'the books', days: 10, reviewDays: 5 },
    })
    await done(bela, '/scope-grants/steps', { step: 'approve', name })
    await done(anna, '/scope-grants/steps', { step: 'activate', name })
    await done(anna, '/scope-grants', {}, 'GET')
    const { access } = await done(anna, '/scope-report', { operationsMax: 1, unusedDays: 30 })
    assert.ok(Array.isArray(access))
  })

  test('about onboarding are what they say', async () => {
    const { name: record } = await done(anna, '/onboardings', { form: shopForm, days: 365 })
    await done(anna, '/onboardings/steps', { step: 'submit', record })
    await done(anna, '/onboardings/checks', { record })
    await done(anna, '/onboardings', {}, 'GET')
    await done(anna, '/onboardings/due', { days: 3650 })
    await done(anna, '/onboardings/flags', { days: 30 })
  })

  test('about policies are what they say', async () => {
    const { name } = await done(anna, '/policies', { set: 'own', policies, tests: {} })
    assert.match(String(name), /^own\./)
    await done(anna, '/policies/changes', { step: 'remove', name })
  })
})

describe('what is done for clients, approvals and tenants over the listener', () => {
  let world: AdminWorld
  let anna: Asker
  let bela: Asker
  let rita: Asker
  before(async () => {
    world = await openAdminWorld({
      administrators: [
        { name: 'anna', scopes: adminScopes },
        { name: 'bela', scopes: adminScopes, groups: ['treasury'] },
        { name: 'rita', scopes: ['admin.clients:read', 'admin.governance:read', 'admin.changes:read'] },
      ],
      documents: [
        documentFor('Issuer', 'main', { tenant: 'acme', registration: 'initial-access-token' }),
        documentFor('Scope', 'accounts', { title: 'Accounts', description: 'See accounts.' }),
        documentFor('ResourceServer', 'bank', { audience: 'https://api.example', scopes: ['accounts'] }),
        documentFor('Client', 'shop', {
          resources: ['bank'],
          metadata: { ...shopMetadata, scope: 'openid accounts', jwks: { keys: [newJwk('shop')] } },
        }),
      ],
    })
    ;[anna, bela, rita] = [await world.person('anna'), await world.person('bela'), await world.person('rita')]
  })
  after(() => world?.close())

  const post = (who: Asker, path: string, body: object): Promise<AdminAnswer> =>
    who.ask('POST', `/admin/v1${path}`, { body })
  /** The one record of an event that stands under the reference of an answer. */
  const recordOf = async ({ body }: AdminAnswer, event: string): Promise<AuditRecord> => {
    const records = await world.store.findAudit(String(body.reference), 10)
    const [record, ...more] = records.filter(one => one.event === event)
    assert.deepEqual(more, [])
    return record ?? assert.fail(JSON.stringify(records))
  }

  describe('a registration is renewed', () => {
    let clientId: string
    let uri: string
    let first: string
    before(async () => {
      const policy = {
        ...{ profile: 'fapi2-security', scopes: ['openid', 'accounts'], grantTypes: ['authorization_code'] },
        ...{ resources: ['bank'], redirectHosts: ['app.example'], softwareStatement: 'optional' },
      }
      const made = await post(anna, '/registration-tokens', {
        ...{ policy, uses: 1, lifetimeSeconds: 600, note: 'for the fair' },
      })
      assert.equal(made.status, 201, JSON.stringify(made.body))
      const registered = await world.fetch(`${issuer}/register`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.body.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ client_name: 'App', redirect_uris: ['https://app.example/cb'], scope: 'openid accounts' },
          ...{ grant_types: ['authorization_code'], token_endpoint_auth_method: 'private_key_jwt' },
          ...{ jwks: { keys: [newJwk('app')] }, dpop_bound_access_tokens: true },
        }),
      })
      const information = (await registered.json()) as Readonly<Record<string, string>>
      assert.equal(registered.status, 201, JSON.stringify(information))
      clientId = String(information.client_id)
      uri = String(information.registration_client_uri)
      first = String(information.registration_access_token)
    })
    const managed = async (token: string): Promise<number> =>
      (await world.fetch(uri, { headers: { authorization: `Bearer ${token}` } })).status
    const stored = () => world.store.findRegistration(issuer, clientId)

    test('by nobody who only reads, and not one that is not there', async () => {
      const unread = await post(rita, '/registrations/renewal', { clientId })
      assert.deepEqual([unread.status, unread.body.ruleId], [403, 'admin.role'])
      const unknown = await post(anna, '/registrations/renewal', { clientId: 'c_none' })
      assert.equal(unknown.status, 422, JSON.stringify(unknown.body))
      assert.match(JSON.stringify(unknown.body), /there is no such registered client/)
      // Asked for in the store: to read a registration makes another token of it.
      assert.equal(await stored(), hashOfHandle('registration_access_token', issuer, first))
      assert.deepEqual(await world.audit('registration.renewed'), [])
    })

    test('by one person: the new token manages it, the old one is dead, and the audit says who', async () => {
      const renewed = await post(anna, '/registrations/renewal', { clientId })
      assert.equal(renewed.status, 200, JSON.stringify(renewed.body))
      const { registrationAccessToken, reference, ...more } = renewed.body
      assert.deepEqual(more, { clientId, issuer, registrationClientUri: uri })
      const token = String(registrationAccessToken)
      assert.equal(await stored(), hashOfHandle('registration_access_token', issuer, token))
      assert.deepEqual([await managed(first), await managed(token)], [401, 200])
      const record = await recordOf(renewed, 'registration.renewed')
      assert.deepEqual(
        [record.issuer, record.clientId, record.outcome, record.facts.person, record.facts.identity],
        [issuer, clientId, 'accepted', 'anna', 'token'],
      )
      assert.ok(!JSON.stringify(await world.store.findAudit(String(reference), 10)).includes(token))
    })
  })

  test('an approval is given by who is of its group, and by no other', async () => {
    const content: ApprovalContent = {
      moment: 'authorize',
      ...{ clientId: 'shop', subject: 'u_rita_000', scopes: ['accounts'] },
      ...{ resources: ['https://api.example'], authorizationDetails: [], groups: ['treasury'] },
      ...{ seconds: 900, isReusable: false },
    }
    const at = world.clock.now()
    const asked = newApproval(issuer, content, 'txn-1', at)
    const { name } = asked
    await world.store.commit([{ kind: 'ask-approval', record: asked, at, ofAskerMax: 20 }])
    const stored = () => world.store.findApproval(approvalKey(issuer, name))

    for (const step of ['approve', 'deny']) {
      const unread = await post(rita, '/approvals', { step, name })
      assert.deepEqual([unread.status, unread.body.ruleId], [403, 'admin.role'])
      const other = await post(anna, '/approvals', { step, name })
      assert.equal(other.status, 422, JSON.stringify(other.body))
      assert.match(JSON.stringify(other.body), /approval\.group/)
    }
    assert.equal((await stored())?.version, 0)

    const given = await post(bela, '/approvals', { step: 'approve', name })
    assert.equal(given.status, 200, JSON.stringify(given.body))
    const { reference: _one, ...approved } = given.body
    assert.deepEqual(approved, { name, issuer, state: 'approved', group: 'treasury', missing: [] })
    assert.deepEqual(
      (await stored())?.given.map(({ group, by }) => [group, by]),
      [['treasury', 'u_bela_000']],
    )
    const record = await recordOf(given, 'approval.given')
    assert.deepEqual(
      [record.outcome, record.clientId, record.subject, record.facts.group, record.facts.person],
      ['accepted', 'shop', 'u_rita_000', 'treasury', 'u_bela_000'],
    )

    const taken = await post(bela, '/approvals', { step: 'deny', name })
    assert.equal(taken.status, 200, JSON.stringify(taken.body))
    const { reference: _two, ...denied } = taken.body
    assert.deepEqual(denied, { ...approved, state: 'denied', missing: [] })
    assert.equal((await recordOf(taken, 'approval.denied')).facts.is_taken_back, true)
    assert.ok((await stored())?.deniedAt)
  })

  describe('the access of a tenant', () => {
    const ended = async () =>
      (await world.store.listRevocations(0, 100)).filter(({ what }) => what === 'issuer')
    const proposed = async (who: Asker, tenant: string): Promise<string> => {
      const waits = await post(who, '/revocation/tenant', { tenant })
      assert.equal(waits.status, 202, JSON.stringify(waits.body))
      return `/changes/${String(waits.body.name)}/confirmation`
    }

    test('is ended by nobody who only reads, and not of one that is not there', async () => {
      const unread = await post(rita, '/revocation/tenant', { tenant: 'acme' })
      assert.deepEqual([unread.status, unread.body.ruleId], [403, 'admin.role'])
      const unknown = await post(anna, '/revocation/tenant', { tenant: 'acm' })
      assert.equal(unknown.status, 422, JSON.stringify(unknown.body))
      assert.match(JSON.stringify(unknown.body), /no issuer here is of this tenant \(did you mean `acme`\?\)/)
      const elsewhere = await post(anna, '/revocation/tenant', { tenant: 'acme', issuer: 'nowhere' })
      assert.equal(elsewhere.status, 422, JSON.stringify(elsewhere.body))
      assert.match(JSON.stringify(elsewhere.body), /`nowhere` is no issuer of this tenant/)
      assert.deepEqual((await anna.ask('GET', '/admin/v1/changes')).body, { changes: [] })
      assert.deepEqual([await ended(), await world.audit('tenant.revoked')], [[], []])
    })

    test('waits when one person ends it, and a second one ends that of everybody, also their own', async () => {
      const confirmation = await proposed(anna, 'acme')
      assert.equal((await post(anna, confirmation, {})).body.ruleId, 'admin.own-change')
      assert.deepEqual([await ended(), await world.audit('tenant.revoked')], [[], []])

      const done = await post(bela, confirmation, {})
      assert.equal(done.status, 200, JSON.stringify(done.body))
      const { reference, ...more } = done.body
      assert.deepEqual(more, { tenant: 'acme', issuers: [issuer] })
      const operation = adminOperations.find(({ id }) => id === 'revokeTenant')
      assert.ok(operation && answerOf(operation).safeParse({ reference, ...more }).success)
      assert.deepEqual(
        (await ended()).map(({ key }) => key),
        [issuer],
      )
      const { facts } = await recordOf(done, 'tenant.revoked')
      assert.deepEqual([facts.tenant, facts.person, facts.identity], ['acme', 'bela', 'token'])
      const { facts: change } = await recordOf(done, 'admin.change.confirmed')
      assert.deepEqual(
        [change.operation, change.proposed_by, change.person],
        ['revokeTenant', 'anna', 'bela'],
      )
      for (const who of [anna, bela, rita])
        assert.equal((await who.ask('GET', '/admin/v1/changes')).status, 401)
    })
  })
})
