import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import { grant, session, standingClock, start } from '../store/contract/samples.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { RevokeTenantRequest } from './admin-api.ts'
import { apply, type ControlPorts } from './apply.ts'
import { revokeTenant } from './revoke-tenant.ts'
import { binding, documentOf, fileOf } from './testing/documents.ts'

const issuers = ['main', 'second', 'foreign', 'silent'].map(name => ({
  ...binding,
  name,
  url: `https://${name}.example`,
}))

/** `main` and `second` are of one tenant, `foreign` of another; `silent` has no document and is of the default one. */
async function open(t: TestContext) {
  const store = await openSqliteStore({ path: ':memory:', clock: standingClock })
  t.after(() => store.close())
  const entropy = openEntropy()
  const ports: ControlPorts = {
    ...{ store, issuers, clock: standingClock, entropy, passwords: openPasswords({ entropy }) },
    newReference: () => 'reference-1',
  }
  const files = [
    fileOf(
      documentOf('Issuer', 'main', '{tenant: acme}'),
      documentOf('Issuer', 'second', '{tenant: acme}'),
      documentOf('Issuer', 'foreign', '{tenant: other}'),
    ),
  ]
  assert.ok((await apply({ files, dryRun: false, prune: false }, ports)).ok)
  const held = issuers.map(({ url }) => ({ ...grant(), issuer: url }))
  await store.commit([
    ...held.map(record => ({ kind: 'insert-grant', record }) as const),
    ...held.map(({ issuer }) => ({ kind: 'insert-session', record: { ...session(), issuer } }) as const),
  ])
  const living = async (): Promise<readonly string[]> => {
    const found = await Promise.all(held.map(({ id }) => store.findGrant(id)))
    return issuers.flatMap(({ name }, index) => (found[index]?.revokedAt === undefined ? [name] : []))
  }
  const end = (request: RevokeTenantRequest) => revokeTenant(request, ports)
  return { store, living, end }
}

describe('the operator ends all access of a tenant', () => {
  test('at every issuer of it and at no other, with one audit record for each under the reference', async t => {
    const { store, living, end } = await open(t)
    const [main, second] = issuers.map(({ url }) => url)
    assert.deepEqual(await end({ tenant: 'acme' }), {
      ok: true,
      value: { tenant: 'acme', issuers: [main, second], reference: 'reference-1' },
    })
    assert.deepEqual(await living(), ['foreign', 'silent'])
    const records = (await store.findAudit('reference-1', 10)).filter(
      ({ event }) => event === 'tenant.revoked',
    )
    assert.deepEqual(
      records.map(({ issuer, facts }) => [issuer, facts]),
      [main, second].map(url => [url, { tenant: 'acme', by: 'operator' }]),
    )
    assert.deepEqual(
      (await store.listRevocations(0, 10)).map(({ what, key, at }) => [what, key, at]),
      [main, second].map(url => ['issuer', url, start]),
    )
  })

  test('at one issuer of it, by name or URL', async t => {
    for (const issuer of ['second', 'https://second.example']) {
      const { living, end } = await open(t)
      assert.ok((await end({ tenant: 'acme', issuer })).ok)
      assert.deepEqual(await living(), ['main', 'foreign', 'silent'])
    }
  })

  test('an issuer without a document is of the default tenant', async t => {
    const { living, end } = await open(t)
    assert.ok((await end({ tenant: 'default' })).ok)
    assert.deepEqual(await living(), ['main', 'second', 'foreign'])
  })

  test('nothing ends for a tenant there is not, nor at an issuer of another one', async t => {
    const { living, end } = await open(t)
    for (const request of [
      { tenant: 'acm' },
      { tenant: 'main' },
      { tenant: 'acme', issuer: 'foreign' },
      { tenant: 'acme', issuer: 'nobody' },
    ])
      assert.equal((await end(request)).ok, false, JSON.stringify(request))
    const answer = await end({ tenant: 'acm' })
    assert.match(answer.ok ? '' : (answer.problems[0]?.message ?? ''), /did you mean `acme`/)
    assert.deepEqual(await living(), ['main', 'second', 'foreign', 'silent'])
  })
})
