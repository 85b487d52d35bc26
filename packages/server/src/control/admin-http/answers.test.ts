import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { adminScopes } from '../admin-scopes.ts'
import { type AdminWorld, type Asker, documentFor, openAdminWorld } from '../testing/admin-world.ts'
import { newJwk, shopForm, shopMetadata } from '../testing/onboarded.ts'
import { answerOf } from './answers/index.ts'
import { adminOperations } from './operations.ts'

/** Whoever asks in the world of the tests holds every answer to its schema; here are those that nobody asks elsewhere. */

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
