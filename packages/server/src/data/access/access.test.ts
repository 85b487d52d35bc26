import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AuthzenEndpoint, authzenPaths } from '@holdfast/policy'
import { about, decidingWorld } from '../../../../../test/authzen/world.ts'
import type { Reply } from '../../http/exchange.ts'
import { accounts, clientOf } from '../testing/clients.ts'
import { currentNonce, headersOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { authzenMetadataRoom } from './metadata-room.ts'
import { accessRoom } from './room.ts'

const scope = 'access_evaluation'
const gateway = clientOf({ clientId: 'c_gateway', scopes: ['accounts', 'openid', scope] })
const open = (): Promise<World> => openWorld({ clients: [gateway], decisionPoint: decidingWorld() })

async function ownToken(world: World, asked = scope): Promise<string> {
  const fields = {
    grant_type: 'client_credentials',
    scope: asked,
    ...(asked !== scope && { resource: accounts }),
  }
  return textOf(await requestToken(world, 'c_gateway', fields), 'access_token')
}

interface Asking {
  readonly endpoint?: AuthzenEndpoint
  readonly token?: string
  readonly proof?: string
  readonly contentType?: string
  readonly id?: string
}

async function ask(world: World, body: unknown, asking: Asking = {}): Promise<Reply> {
  const { endpoint = 'access_evaluation_endpoint', contentType = 'application/json', id } = asking
  const path = authzenPaths[endpoint]
  const accessToken = asking.token ?? (await ownToken(world))
  return await world.send(accessRoom(endpoint), path, {
    body: typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body),
    headers: [
      ['content-type', contentType],
      ['authorization', `DPoP ${accessToken}`],
      ['dpop', asking.proof ?? world.proof(path, { accessToken, nonce: currentNonce(world) })],
      ...(id === undefined ? [] : [['x-request-id', id] as const]),
    ],
  })
}

const saidBy = (reply: Reply) => JSON.parse(String(reply.body)) as Readonly<Record<string, unknown>>

describe('the decision point of an issuer', () => {
  test('decides, and every decision stands in the audit before it is told', async () => {
    await using world = await open()
    const reply = await ask(world, about('ada', 'read', { colour: 'secret-colour' }), { id: 'abc' })
    assert.equal(reply.status, 200)
    assert.equal(saidBy(reply).decision, true)
    assert.deepEqual(headersOf(reply, 'x-request-id'), ['abc'])
    const record = await world.lastAudit('access.decided')
    assert.deepEqual([record?.outcome, record?.clientId, record?.subject], ['accepted', 'c_gateway', 'ada'])
    const { action, resource_type, resource_id, decision, determining } = record?.facts ?? {}
    assert.deepEqual(
      [action, resource_type, resource_id, decision, determining],
      ['read', 'case', '7', true, 'case.department-reads'],
    )
    assert.equal(JSON.stringify(await world.audit()).includes('secret-colour'), false)
    await ask(world, about('nobody', 'read'))
    const denied = await world.lastAudit('access.decided')
    assert.deepEqual([denied?.facts.decision, denied?.facts.failed], [false, 'question'])
  })

  test('records each of several, and one search', async () => {
    await using world = await open()
    const { action, resource } = about('ada', 'read')
    const evaluations = ['ada', 'cy'].map(id => ({ subject: { type: 'user', id } }))
    const several = { endpoint: 'access_evaluations_endpoint' } as const
    assert.equal((await ask(world, { action, resource, evaluations }, several)).status, 200)
    const events = (await world.audit()).filter(({ event }) => event === 'access.decided')
    assert.deepEqual(
      events.map(({ subject, facts }) => [subject, facts.decision]),
      [
        ['ada', true],
        ['cy', false],
      ],
    )
    const search = { subject: { type: 'user' }, action, resource }
    const found = saidBy(await ask(world, search, { endpoint: 'search_subject_endpoint' }))
    assert.deepEqual(found.results, [
      { type: 'user', id: 'ada' },
      { type: 'user', id: 'bob' },
    ])
    assert.ok(await world.lastAudit('access.searched'))
  })

  test('records what is no question among several, and no search when all are', async () => {
    await using world = await open()
    const { action, resource } = about('ada', 'read')
    const evaluations = [{ subject: { type: 'user', id: 'ada' } }, { subject: { type: 'user' } }]
    const several = { endpoint: 'access_evaluations_endpoint' } as const
    assert.equal((await ask(world, { action, resource, evaluations }, several)).status, 200)
    assert.equal((await world.lastAudit('access.refused'))?.ruleId, 'authzen.subject')
    assert.equal((await world.audit()).filter(({ event }) => event === 'access.decided').length, 1)
    const none = { action, resource, evaluations: [{}, {}] }
    assert.equal((await ask(world, none, several)).status, 200)
    assert.equal((await world.audit()).filter(({ event }) => event === 'access.refused').length, 3)
    assert.equal(await world.lastAudit('access.searched'), undefined)
  })

  test('wants of who asks a token of its own, for itself, with the scope', async () => {
    await using world = await open()
    const question = about('ada', 'read')
    const without = await ask(world, question, { token: await ownToken(world, 'accounts') })
    await assertRefused(world, without, { status: 401, error: 'invalid_token', ruleId: 'authzen.audience' })
    const { code } = await seedCode(world, 'c_gateway', {
      grant: { resources: [issuerUrl], scopes: ['openid', scope] },
    })
    const forUser = textOf(await redeem(world, 'c_gateway', code), 'access_token')
    const spoken = await ask(world, question, { token: forUser })
    await assertRefused(world, spoken, { status: 401, error: 'invalid_token', ruleId: 'authzen.caller' })
    const nobody = await world.send(accessRoom('access_evaluation_endpoint'), '/access/v1/evaluation', {
      body: JSON.stringify(question),
      headers: [['content-type', 'application/json']],
    })
    assert.equal(nobody.status, 401)
    assert.match(headersOf(nobody, 'www-authenticate').join(), /^DPoP /)
    assert.equal(await world.lastAudit('access.decided'), undefined)
  })

  test('a proof asks once', async () => {
    await using world = await open()
    const token = await ownToken(world)
    const proof = world.proof('/access/v1/evaluation', { accessToken: token, nonce: currentNonce(world) })
    assert.equal((await ask(world, about('ada', 'read'), { token, proof })).status, 200)
    assert.equal((await ask(world, about('ada', 'read'), { token, proof })).status, 401)
    assert.equal((await world.audit()).filter(({ event }) => event === 'access.decided').length, 1)
  })

  test('what is no question is 400 with a sentence, and stands in the audit by its rule', async () => {
    await using world = await open()
    const cases: readonly (readonly [unknown, Asking, string])[] = [
      [{}, {}, 'authzen.subject'],
      ['[]', {}, 'authzen.body'],
      ['{"subject":1,"subject":2}', {}, 'authzen.body'],
      [Buffer.from(JSON.stringify(about('ad\xe4', 'read')), 'latin1'), {}, 'authzen.body'],
      [about('ada', 'read'), { contentType: 'text/plain' }, 'authzen.media-type'],
      [
        { ...about('ada', 'read'), page: { token: 'x' } },
        { endpoint: 'search_subject_endpoint' },
        'authzen.page-token',
      ],
      [
        { ...about('ada', 'read'), options: { evaluations_semantic: 'x' } },
        { endpoint: 'access_evaluations_endpoint' },
        'authzen.semantic',
      ],
    ]
    for (const [body, asking, ruleId] of cases) {
      const reply = await ask(world, body, asking)
      assert.equal(reply.status, 400, ruleId)
      assert.equal(typeof JSON.parse(String(reply.body)), 'string')
      assert.equal((await world.lastAudit('access.refused'))?.ruleId, ruleId)
    }
  })

  test('publishes metadata, and is not there without its document', async () => {
    await using world = await open()
    const path = '/.well-known/authzen-configuration'
    const metadata = await world.send(authzenMetadataRoom, path, { method: 'GET' })
    const { policy_decision_point: point, access_evaluation_endpoint: endpoint } = saidBy(metadata)
    assert.deepEqual([point, endpoint], [issuerUrl, `${issuerUrl}/access/v1/evaluation`])
    await using empty = await openWorld({ clients: [gateway] })
    assert.equal((await empty.send(authzenMetadataRoom, path, { method: 'GET' })).status, 404)
    assert.equal((await ask(empty, about('ada', 'read'))).status, 404)
  })
})
