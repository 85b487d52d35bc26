import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { broken, no, runWith } from './testing/run.ts'

test('all access of a tenant ends by its name, everywhere or at one issuer', async () => {
  const asked: unknown[] = []
  const revokeTenant: AdminApi['revokeTenant'] = async request => {
    asked.push(request)
    const issuers = ['https://one.example', 'https://two.example']
    return { ok: true, value: { tenant: request.tenant, issuers, reference: 'reference-8' } }
  }
  const { out } = await runWith(['tenants', 'revoke', 'acme'], { revokeTenant })
  assert.match(
    out,
    /^tenant acme: .*reference-8\)\n {2}https:\/\/one\.example\n {2}https:\/\/two\.example\n$/,
  )
  const one = ['tenants', 'revoke', 'acme', '--issuer', 'main', '-o', 'json']
  assert.equal(JSON.parse((await runWith(one, { revokeTenant })).out).issuers.length, 2)
  assert.deepEqual(asked, [{ tenant: 'acme' }, { tenant: 'acme', issuer: 'main' }])
  assert.equal((await runWith(['tenants', 'revoke', 'acm'], { revokeTenant: async () => no })).exitCode, 1)
  assert.equal(
    (await runWith(['tenants', 'revoke', 'acme'], { revokeTenant: async () => broken })).exitCode,
    3,
  )
})
