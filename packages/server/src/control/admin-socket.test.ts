import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import { type Clock, Fault } from '../ports.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import { adminOver } from './admin.ts'
import { serveAdminSocket } from './admin-socket.ts'
import { adminSocketPath } from './admin-socket-path.ts'
import { accounts, alice, bank, binding, documentOf, fileOf, shop } from './testing/documents.ts'

const clock: Clock = { now: () => 1_700_000_000 as EpochSeconds, monotonicMs: () => 0 }
const log = { info: () => {}, warn: () => {}, error: () => {} }

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: Record<string, unknown>
}

async function served(t: TestContext) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'hf-admin-'))
  const entropy = openEntropy()
  const store = await openSqliteStore({ path: ':memory:', clock })
  const passwords = openPasswords({ entropy })
  let count = 0
  const ports = {
    store,
    clock,
    entropy,
    passwords,
    issuers: [binding],
    newReference: () => `reference-${++count}`,
  }
  const api = adminOver({
    ports,
    snapshot: undefined,
    keys: undefined,
    onApplied: async () => {},
    outbound: { getJson: () => assert.fail('fetches') },
    startedAt: clock.now(),
  })
  const options = { dataFolder, cwd: process.cwd(), api, log }
  const socket = await serveAdminSocket(options)
  t.after(async () => {
    await socket.close()
    await store.close()
    rmSync(dataFolder, { recursive: true })
  })
  const socketPath = adminSocketPath(dataFolder, process.cwd())
  const ask = (method: string, path: string, body?: string) => answerOf(socketPath, method, path, body)
  return { ask, options, socketPath, store }
}

function answerOf(socketPath: string, method: string, path: string, body?: string): Promise<Reply> {
  return new Promise((done, fail) => {
    const outgoing = request({ socketPath, method, path }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        done({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
        }),
      )
    })
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

describe('the admin socket', () => {
  test('is open to its owner only', async t => {
    const { socketPath } = await served(t)
    assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  })

  test('makes, lists and takes back tokens for registration, and refuses what is out of bounds', async t => {
    const { ask } = await served(t)
    await ask('POST', '/v1/apply', JSON.stringify({ files: [fileOf(shop, bank, accounts)] }))
    const policy = {
      ...{ profile: 'fapi2-security', scopes: ['accounts'], grantTypes: ['authorization_code'] },
      ...{ resources: ['bank'], redirectHosts: ['app.example'], softwareStatement: 'optional' },
    }
    const good = { uses: 1, lifetimeSeconds: 3600, note: '', policy }
    const path = '/v1/registration-tokens'
    const made = await ask('POST', path, JSON.stringify(good))
    assert.equal(made.status, 200)
    assert.match(String(made.body.token), /^iat_/)
    for (const spoil of [
      { uses: 0 },
      { uses: 10_001 },
      { lifetimeSeconds: 59 },
      { lifetimeSeconds: 31_536_001 },
      { note: 'x'.repeat(201) },
      { policy: { ...policy, more: 1 } },
      { policy: { ...policy, authorizationDetailsTypes: 'reading' } },
    ])
      assert.equal((await ask('POST', path, JSON.stringify({ ...good, ...spoil }))).status, 400)
    const listed = await ask('GET', path)
    assert.equal((listed.body.tokens as readonly unknown[]).length, 1)
    const id = String(made.body.id)
    assert.equal((await ask('POST', `${path}/revocation`, JSON.stringify({ id }))).status, 200)
    const none = await ask('POST', '/v1/registrations/renewal', JSON.stringify({ clientId: 'c_none' }))
    assert.equal(none.status, 422)
  })

  test('applies, lists, explains, reports and verifies', async t => {
    const { ask } = await served(t)
    const files = [fileOf(shop, bank, accounts, alice)]
    const applied = await ask('POST', '/v1/apply', JSON.stringify({ files }))
    assert.equal(applied.status, 200)
    assert.equal(applied.body.revision, 1)

    const { body: list } = await ask('GET', '/v1/documents')
    assert.equal((list.documents as readonly unknown[]).length, 3)
    const { body: audit } = await ask('GET', '/v1/audit?id=reference-1')
    assert.equal((audit.records as readonly { event: string }[])[0]?.event, 'control.applied')
    const { body: explained } = await ask('GET', '/v1/clients/shop/explain')
    assert.equal(explained.clientId, 'shop')
    const { status: named } = await ask('GET', '/v1/clients/shop/explain?scope=accounts&resource=bank')
    assert.equal(named, 200)
    const { status: unknown } = await ask('GET', '/v1/clients/shop/explain?scope=payments')
    assert.equal(unknown, 422)
    const { body: status } = await ask('GET', '/v1/status')
    assert.equal(status.revision, 1)
    const { body: verified } = await ask('GET', '/v1/audit/verification')
    assert.equal((verified.chains as readonly { intact: boolean }[])[0]?.intact, true)
  })

  test('lists in pages, and begins them at no place but their own', async t => {
    const { ask } = await served(t)
    await ask('POST', '/v1/apply', JSON.stringify({ files: [fileOf(shop, bank, accounts)] }))
    const first = await ask('GET', '/v1/documents?limit=2')
    assert.equal((first.body.documents as readonly unknown[]).length, 2)
    const place = String(first.body.next)
    const after = encodeURIComponent(place)
    const last = await ask('GET', `/v1/documents?limit=2&after=${after}`)
    assert.equal((last.body.documents as readonly unknown[]).length, 1)
    assert.equal(last.body.next, undefined)
    for (const path of ['documents', 'scope-grants', 'onboardings', 'approvals', 'registration-tokens']) {
      for (const limit of [1, 500]) assert.equal((await ask('GET', `/v1/${path}?limit=${limit}`)).status, 200)
      for (const query of ['limit=0', 'limit=501', 'limit=x', 'unheard=of', `after=${'x'.repeat(4097)}`])
        assert.equal((await ask('GET', `/v1/${path}?${query}`)).status, 400, query)
      for (const query of ['after=x', 'after=', 'issuer=nowhere'])
        assert.equal((await ask('GET', `/v1/${path}?${query}`)).status, 422, query)
      const isOwn = path === 'documents'
      assert.equal((await ask('GET', `/v1/${path}?after=${after}`)).status, isOwn ? 200 : 422)
      const here = await ask('GET', `/v1/${path}?issuer=${binding.name}`)
      assert.equal(here.status, 200)
    }
  })

  test('lists what is due in pages, asked for in the body', async t => {
    const { ask } = await served(t)
    await ask('POST', '/v1/apply', JSON.stringify({ files: [fileOf(shop, bank, accounts)] }))
    const due = (asked: object) => ask('POST', '/v1/onboardings/due', JSON.stringify({ days: 30, ...asked }))
    for (const asked of [{}, { limit: 1 }, { limit: 500, issuer: binding.name }])
      assert.deepEqual(await due(asked), { ...(await due({})), body: { due: [] } })
    for (const asked of [{ limit: 0 }, { limit: 501 }, { limit: '5' }, { after: 'x'.repeat(4097) }])
      assert.equal((await due(asked)).status, 400, JSON.stringify(asked))
    for (const asked of [{ after: 'x' }, { after: '' }, { issuer: 'nowhere' }])
      assert.equal((await due(asked)).status, 422, JSON.stringify(asked))
  })

  test('lists what another version wrote or another issuer left, too', async t => {
    const { ask, store } = await served(t)
    const left = { documentKind: 'Later', name: 'x', issuer: 'https://gone.example', body: '{}' }
    await store.commit([
      { kind: 'put-document', document: left },
      { kind: 'put-document', document: { ...left, name: 'y' } },
    ])
    const first = await ask('GET', '/v1/documents?limit=1')
    const last = await ask('GET', `/v1/documents?after=${encodeURIComponent(String(first.body.next))}`)
    const names = [first, last].flatMap(({ body }) => body.documents as readonly { readonly name: string }[])
    assert.deepEqual(
      names.map(({ name }) => name),
      ['x', 'y'],
    )
  })

  const refusals: readonly (readonly [
    name: string,
    method: string,
    path: string,
    body: string | undefined,
    status: number,
  ])[] = [
    ['a body that is no JSON', 'POST', '/v1/apply', '{', 400],
    ['a body of another shape', 'POST', '/v1/apply', '{"file":[]}', 400],
    ['a document that is not valid', 'POST', '/v1/apply', JSON.stringify({ files: [fileOf('a: 1')] }), 422],
    ['a body over one MiB', 'POST', '/v1/apply', ' '.repeat(1_048_577), 413],
    ['an unknown client', 'GET', '/v1/clients/nobody/explain', undefined, 404],
    ['an unknown path', 'GET', '/v1/nothing', undefined, 404],
    ['a method that is not served', 'DELETE', '/v1/documents', undefined, 404],
    ['a question without id', 'GET', '/v1/audit', undefined, 400],
  ]
  for (const [name, method, path, body, status] of refusals)
    test(`${name} is answered ${status} with problem details`, async t => {
      const { ask } = await served(t)
      const answer = await ask(method, path, body)
      assert.equal(answer.status, status)
      assert.equal(answer.type, 'application/problem+json')
      assert.equal(answer.body.status, status)
    })

  test('exactly one MiB is read', async t => {
    const { ask } = await served(t)
    const head = '{"files":[]'
    const answer = await ask('POST', '/v1/apply', `${head}${' '.repeat(1_048_576 - head.length - 1)}}`)
    assert.equal(answer.status, 200)
  })

  test('a store that breaks is a 503 without detail of the disk', async t => {
    const { ask, store } = await served(t)
    await store.close()
    const answer = await ask('GET', '/v1/documents')
    assert.equal(answer.status, 503)
  })

  test('a second server on the same folder is refused; a dead socket is replaced', async t => {
    const { options } = await served(t)
    await assert.rejects(
      serveAdminSocket(options),
      (fault: unknown) => fault instanceof Fault && fault.code === 'admin.taken',
    )
    const folder = mkdtempSync(join(tmpdir(), 'hf-admin-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'admin.sock'), '')
    const revived = await serveAdminSocket({ ...options, dataFolder: folder })
    await revived.close()
  })

  test('a path too long for a socket names the setting', () => {
    assert.throws(() => adminSocketPath(`/${'x'.repeat(120)}`, '/'), /HOLDFAST_DATA_DIR/)
    assert.equal(
      adminSocketPath(`/${'x'.repeat(120)}/.holdfast`, `/${'x'.repeat(120)}`),
      '.holdfast/admin.sock',
    )
  })

  test('keys are not changed where no server signs with them', async t => {
    const { ask } = await served(t)
    assert.equal((await ask('GET', '/v1/keys')).status, 409)
    assert.equal((await ask('POST', '/v1/keys/rotation', '{}')).status, 409)
    assert.equal((await ask('POST', '/v1/keys/revocation', '{"kid":"k"}')).status, 409)
    assert.equal((await ask('POST', '/v1/keys/revocation', '{}')).status, 400)
    assert.equal((await ask('POST', '/v1/keys/rotation', '{"kid":"k"}')).status, 400)
  })

  test('a secret is rotated and revoked over the socket, within bounds', async t => {
    const { ask } = await served(t)
    const post = (path: string, body: object) => ask('POST', path, JSON.stringify(body))
    const plain = documentOf(
      'Client',
      'plain',
      "{profile: oidc-baseline, metadata: {redirect_uris: ['https://p.example/cb'], token_endpoint_auth_method: client_secret_post}}",
    )
    const files = [fileOf(documentOf('Issuer', 'main', '{floor: oidc-baseline}'), plain)]
    assert.equal((await post('/v1/apply', { files })).status, 200)
    const rotation = { clientId: 'plain', overlapSeconds: 30 * 86_400 }
    const rotated = await post('/v1/secrets/rotation', rotation)
    assert.equal(rotated.status, 200)
    assert.match(String(rotated.body.secret), /^cs_/)
    const tooLong = { ...rotation, overlapSeconds: 30 * 86_400 + 1 }
    assert.equal((await post('/v1/secrets/rotation', tooLong)).status, 400)
    assert.equal((await post('/v1/secrets/rotation', { ...rotation, lifetimeSeconds: 0 })).status, 400)
    assert.equal((await post('/v1/secrets/rotation', { ...rotation, clientId: 'nobody' })).status, 422)
    const documents = await ask('GET', '/v1/documents')
    assert.ok(!JSON.stringify(documents.body).includes(String(rotated.body.secret)))
    const ended = await post('/v1/revocation', { of: 'client', name: 'plain' })
    assert.equal(ended.status, 200)
    assert.equal((await post('/v1/revocation', { of: 'client', name: 'nobody' })).status, 422)
    assert.equal((await post('/v1/revocation', { of: 'everything', name: 'plain' })).status, 400)
    const tenant = await post('/v1/revocation/tenant', { tenant: 'default' })
    assert.deepEqual([tenant.status, tenant.body.issuers], [200, [binding.url]])
    assert.equal((await post('/v1/revocation/tenant', { tenant: 'nobody' })).status, 422)
    assert.equal((await post('/v1/revocation/tenant', {})).status, 400)
    const report = await post('/v1/scope-report', { unusedDays: 1, operationsMax: 1 })
    assert.deepEqual([report.status, report.body.issuer], [200, binding.url])
    assert.equal((await post('/v1/scope-report', { unusedDays: 0, operationsMax: 1 })).status, 400)
    const revoked = await post('/v1/secrets/revocation', { clientId: 'plain' })
    assert.deepEqual(revoked.body.revoked, [rotated.body.secretId])
    assert.equal((await post('/v1/secrets/revocation', { clientId: 'plain' })).status, 422)
  })

  test('the plan of a user shows no password', async t => {
    const { ask } = await served(t)
    const dryRun = {
      files: [fileOf(alice, documentOf('Scope', 'x', '{title: X, description: X.}'))],
      dryRun: true,
    }
    const answer = await ask('POST', '/v1/apply', JSON.stringify(dryRun))
    assert.doesNotMatch(JSON.stringify(answer.body), /correct horse/)
  })
})
