import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import { accessToken, grant, newHash, session, standingClock, start } from '../store/contract/samples.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { RevokeAccessRequest } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { apply } from './apply.ts'
import { revokeAccess } from './revoke-access.ts'
import { accounts, alice, bank, binding, fileOf, shop } from './testing/documents.ts'

const other = { ...binding, name: 'other', url: 'https://other.example' }
const here = binding.url

async function open(t: TestContext) {
  const store = await openSqliteStore({ path: ':memory:', clock: standingClock })
  t.after(() => store.close())
  const entropy = openEntropy()
  const ports: ControlPorts = {
    ...{ store, clock: standingClock, entropy, passwords: openPasswords({ entropy }) },
    issuers: [binding],
    newReference: () => 'reference-1',
  }
  const files = [fileOf(shop, bank, accounts, alice)]
  assert.ok((await apply({ files, dryRun: false, prune: false }, ports)).ok)
  const user = await store.findUserByUsername(here, 'alice')
  assert.ok(user)
  const own = { issuer: here, clientId: 'shop', subject: user.subject }
  const managed = { id: newHash(), createdAt: start }
  const records = {
    grant: { ...grant(), ...own, managed },
    session: { ...session(), ...own },
    token: { ...accessToken(), ...own, grantId: undefined, subject: 'shop' },
  }
  await store.commit([
    { kind: 'insert-grant', record: records.grant },
    { kind: 'insert-session', record: records.session },
    { kind: 'insert-access-token', record: records.token },
  ])
  /** Which of the three still live. */
  const living = async () => ({
    grant: (await store.findGrant(records.grant.id))?.revokedAt === undefined,
    session: (await store.findSession(records.session.hash))?.revokedAt === undefined,
    token: (await store.findAccessToken(records.token.hash))?.revokedAt === undefined,
  })
  return { ports, store, records, living, managed }
}

describe('the operator ends access', () => {
  test('of a user: grants and sessions, with one audit record under the reference', async t => {
    const { ports, store, records, living } = await open(t)
    const answer = await revokeAccess({ of: 'user', name: 'alice' }, ports)
    assert.deepEqual(answer, {
      ok: true,
      value: { issuer: here, of: 'user', name: 'alice', reference: 'reference-1' },
    })
    assert.deepEqual(await living(), { grant: false, session: false, token: true })
    const last = (await store.findAudit('reference-1', 10)).at(-1)
    assert.equal(last?.event, 'user.revoked')
    assert.equal(last?.subject, records.grant.subject)
    assert.equal(last?.facts.by, 'operator')
  })

  test('of a client: its grants and its own tokens', async t => {
    const { ports, living } = await open(t)
    assert.ok((await revokeAccess({ of: 'client', name: 'shop' }, ports)).ok)
    assert.deepEqual(await living(), { grant: false, session: true, token: false })
  })

  test('of a client that registered itself', async t => {
    const { ports, store } = await open(t)
    const document = { documentKind: 'RegisteredClient', issuer: here, name: 'c_1', body: '{"spec":{}}' }
    await store.commit([{ kind: 'put-document', document }])
    assert.ok((await revokeAccess({ of: 'client', name: 'c_1' }, ports)).ok)
    const record = (await store.findAudit('reference-1', 10)).at(-1)
    assert.deepEqual([record?.event, record?.clientId], ['client.revoked', 'c_1'])
    assert.equal((await revokeAccess({ of: 'client', name: 'c_2' }, ports)).ok, false)
  })

  test('of one grant, by the id of the audit or of its client', async t => {
    for (const byManaged of [true, false]) {
      const { ports, records, living, managed } = await open(t)
      const name = byManaged ? managed.id : records.grant.id
      assert.ok((await revokeAccess({ of: 'grant', name }, ports)).ok)
      assert.deepEqual(await living(), { grant: false, session: true, token: true })
    }
  })

  test('of nobody else, and never where two issuers could be meant', async t => {
    const { ports, living } = await open(t)
    const wrong: readonly RevokeAccessRequest[] = [
      { of: 'user', name: 'shop' },
      { of: 'client', name: 'alice' },
      { of: 'grant', name: 'g_none' },
      { of: 'user', name: 'alice', issuer: 'other' },
    ]
    for (const request of wrong) {
      const answer = await revokeAccess(request, { ...ports, issuers: [binding, other] })
      assert.equal(answer.ok, false, JSON.stringify(request))
    }
    await ports.store.commit([
      {
        kind: 'put-user',
        record: {
          ...{ issuer: other.url, subject: 'u_2', username: 'alice', passwordHash: 'x' },
          ...{ status: 'active', claims: {} },
        },
      },
    ])
    const both = { ...ports, issuers: [binding, other] }
    assert.equal((await revokeAccess({ of: 'user', name: 'alice' }, both)).ok, false)
    assert.deepEqual(await living(), { grant: true, session: true, token: true })
    assert.ok((await revokeAccess({ of: 'user', name: 'alice', issuer: 'main' }, both)).ok)
  })
})
