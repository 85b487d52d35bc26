import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { adminScopes } from '../admin-scopes.ts'
import { type AdminWorld, type Asker, answerOf, audience, openAdminWorld } from '../testing/admin-world.ts'
import { adminOperations } from './operations.ts'
import type { AdminOperation } from './visit.ts'

/** Every operation × every way in which its token is not enough. Nothing of it reaches the operation. */

const pathOf = ({ path }: AdminOperation): string => path.replaceAll(/:\w+/g, 'some')
const bodyOf = ({ body }: AdminOperation): { readonly body?: unknown } =>
  body === undefined ? {} : { body: {} }

describe('every operation of the admin API', () => {
  let world: AdminWorld
  let anna: Asker
  let otto: Asker
  let elsewhere: Asker
  let stranger: Asker
  let unheld: Asker
  let narrow: Asker
  before(async () => {
    world = await openAdminWorld({
      administrators: [
        ...['anna', 'otto'].map(name => ({ name, scopes: adminScopes })),
        { name: 'nora', scopes: ['admin.status:read'] },
      ],
      documents: [
        {
          apiVersion: 'holdfast/v1',
          kind: 'User',
          metadata: { name: 'user' },
          spec: { password: 'correct-horse', subject: 'u_user_000' },
        },
      ],
    })
    anna = await world.person('anna')
    otto = await world.person('otto')
    elsewhere = await world.person('anna', { resource: 'https://other.example', scopes: ['other'] })
    stranger = await world.person('user')
    unheld = await world.person('nora')
    narrow = await world.person('anna', { scopes: ['admin.changes:read'] })
  })
  after(() => world.close())

  const refusedWith = async (
    asker: Asker,
    operation: AdminOperation,
    status: number,
    ruleId: string,
  ): Promise<void> => {
    const answer = await asker.ask(operation.method, pathOf(operation), bodyOf(operation))
    const seen = `${operation.id}: ${JSON.stringify(answer.body)}`
    assert.equal(answer.body.ruleId, ruleId, seen)
    assert.equal(answer.status, status, seen)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('x-request-id'), answer.body.reference)
  }

  test('refuses without a token', async () => {
    for (const operation of adminOperations) {
      const { method } = operation
      const init = {
        method,
        ...(operation.body !== undefined && {
          body: '{}',
          headers: { 'content-type': 'application/json' },
        }),
      }
      const answer = await answerOf(await world.fetch(`${audience}${pathOf(operation)}`, init))
      assert.equal(answer.status, 401, operation.id)
      assert.equal(answer.body.ruleId, 'bearer.credentials-missing')
      assert.match(answer.headers.get('www-authenticate') ?? '', /^DPoP algs=/)
    }
  })

  test('what reads of people takes the scope of what it reads: a draft of policies asks the audit', async () => {
    const body = { policies: { 'a.cedar': '@id("a") permit (principal, action, resource);' }, days: 1 }
    for (const [scopes, status] of [
      [['admin.policies:read'], 403],
      [['admin.audit:read'], 403],
      [['admin.policies:read', 'admin.audit:read'], 200],
    ] as const) {
      const asker = await world.person('anna', { scopes })
      const answer = await asker.ask('POST', '/admin/v1/policies/simulation', { body })
      assert.equal(answer.status, status, JSON.stringify(answer.body))
    }
  })

  test('refuses a bound token with the scheme Bearer, and one that is none', async () => {
    for (const operation of adminOperations)
      for (const token of [anna.token, 'at_unknown']) {
        const headers = {
          authorization: `Bearer ${token}`,
          ...(operation.body !== undefined && { 'content-type': 'application/json' }),
        }
        const init = {
          method: operation.method,
          headers,
          ...(operation.body !== undefined && { body: '{}' }),
        }
        const answer = await answerOf(await world.fetch(`${audience}${pathOf(operation)}`, init))
        assert.equal(answer.status, 401, operation.id)
        if (token === anna.token) assert.equal(answer.body.ruleId, 'bearer.dpop-downgrade')
      }
  })

  test('refuses a token for another API', async () => {
    for (const operation of adminOperations) await refusedWith(elsewhere, operation, 401, 'admin.audience')
  })

  test('refuses a user who is no administrator', async () => {
    for (const operation of adminOperations)
      await refusedWith(stranger, operation, 403, 'admin.administrator')
  })

  test('refuses a token without the scope, and names it in a challenge', async () => {
    for (const operation of adminOperations) {
      if (operation.scopes.length === 0 || operation.scopes.includes('admin.changes:read')) continue
      const answer = await narrow.ask(operation.method, pathOf(operation), bodyOf(operation))
      assert.equal(answer.status, 403, operation.id)
      assert.equal(answer.body.ruleId, 'bearer.scope')
      const challenge = answer.headers.get('www-authenticate') ?? ''
      assert.match(challenge, /^DPoP error="insufficient_scope", scope="/)
      assert.ok(challenge.includes(operation.scopes[0] ?? ''), challenge)
    }
  })

  test('refuses an administrator whose document has not the scope, whatever the token says', async () => {
    for (const operation of adminOperations) {
      if (operation.scopes.length === 0 || operation.scopes.includes('admin.status:read')) continue
      await refusedWith(unheld, operation, 403, 'admin.role')
    }
  })

  test('refuses a proof that was used before', async () => {
    for (const operation of adminOperations) {
      await anna.ask(operation.method, pathOf(operation), bodyOf(operation))
      const { url, init } = anna.sent()
      const answer = await answerOf(await world.fetch(url, init))
      assert.equal(answer.status, 401, operation.id)
      assert.equal(answer.body.ruleId, 'dpop.replay', operation.id)
    }
  })

  test('refuses a proof for another path, method or token', async () => {
    for (const operation of adminOperations.slice(0, 20)) {
      await anna.ask(operation.method, pathOf(operation), bodyOf(operation))
      const { init } = anna.sent()
      const answer = await answerOf(
        await world.fetch(`${audience}/admin/v1/keys`, { ...init, method: 'GET', body: undefined }),
      )
      assert.equal(answer.status, 401)
      const headers = new Headers(init.headers)
      headers.set('authorization', `DPoP ${narrow.token}`)
      const other = await answerOf(await world.fetch(anna.sent().url, { ...init, headers }))
      assert.equal(other.status, 401)
    }
  })

  // By somebody else: each person may ask six hundred times a minute.
  test('refuses members and parameters that it does not know', async () => {
    for (const operation of adminOperations) {
      const path = `${pathOf(operation)}?unheard=of`
      const answer = await otto.ask(operation.method, path, bodyOf(operation))
      assert.equal(answer.body.ruleId, 'admin.query', operation.id)
      if (operation.body === undefined) continue
      for (const body of [{ unheard: 1 }, '{"a":1,"a":2}', '[', '[]', 'null', '\uFEFF{}']) {
        const odd = await otto.ask(operation.method, pathOf(operation), { body })
        assert.equal(odd.status, 400, `${operation.id} ${JSON.stringify(odd.body)}`)
        assert.equal(odd.body.ruleId, 'admin.body', operation.id)
      }
    }
  })

  test('answers another method, another path and a body that is too large with problem details', async () => {
    const patched = await anna.ask('PATCH', '/admin/v1/keys')
    assert.equal(patched.status, 405)
    assert.equal(patched.body.ruleId, 'edge.method')
    const nowhere = await anna.ask('GET', '/admin/v1/nowhere/at/all')
    assert.equal(nowhere.status, 404)
    assert.equal(nowhere.body.ruleId, 'edge.path')
    const large = { files: [{ path: 'a', text: 'x'.repeat(1_048_576) }] }
    const tooLarge = await anna.ask('POST', '/admin/v1/apply', { body: large })
    assert.equal(tooLarge.status, 413)
    assert.equal(tooLarge.body.ruleId, 'edge.body-size')
    const { headers } = tooLarge
    assert.equal(headers.get('content-type'), 'application/problem+json')
  })

  test('paths of the issuer are not served here, nor those of the admin API there', async () => {
    const token = await world.fetch(`${audience}/token`, { method: 'POST' })
    assert.equal(token.status, 404)
    const status = await world.fetch('https://as.example/admin/v1/status', {})
    assert.equal(status.status, 404)
  })

  test('asks of one administrator no more than 600 times a minute', async () => {
    const eager = await world.person('nora')
    // Twice as many and some: a minute may begin anew in the middle.
    for (let count = 0; count < 1300; count++) {
      const answer = await eager.ask('GET', '/admin/v1/self')
      if (answer.status === 200) continue
      assert.equal(answer.status, 429)
      assert.equal(answer.body.ruleId, 'admin.pace')
      assert.ok(count > 400, String(count))
      return
    }
    assert.fail('nobody said stop')
  })
})
