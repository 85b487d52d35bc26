import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { AccessEvent } from '@holdfast/resource-server'
import { openAuditFile } from '../audit-file.ts'
import { compileRoutes } from '../route-table.ts'
import { gatewayOptionsOf } from './options-of.ts'
import { gatewayFileSchema } from './schema.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-gateway-config-'))
  for (const [name, curve] of [
    ['client', 'P-256'],
    ['evidence', 'P-256'],
    ['wrong', 'P-384'],
  ] as const) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
    writeFileSync(join(folder, `${name}.jwk.json`), JSON.stringify(privateKey.export({ format: 'jwk' })))
  }
  for (const name of ['cert', 'key', 'ca']) writeFileSync(join(folder, `${name}.pem`), name)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const file = {
  externalUrl: 'https://api.example',
  tls: { certificateFile: 'cert.pem', privateKeyFile: 'key.pem' },
  issuer: { url: 'https://as.example', caFile: 'ca.pem' },
  client: { clientId: 'gw', privateKeyFile: 'client.jwk.json' },
  evidenceKeyFile: 'evidence.jwk.json',
  auditFile: 'audit.jsonl',
  apis: [
    {
      name: 'bank',
      audience: 'https://bank.example',
      upstream: {
        url: 'https://10.0.0.7:8447',
        caFile: 'ca.pem',
        certificateFile: 'cert.pem',
        privateKeyFile: 'key.pem',
      },
    },
  ],
  routes: [{ api: 'bank', methods: ['GET'], path: '/accounts' }],
}
const surroundings = () => ({
  base: folder,
  audit: () => undefined,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
})

describe('gateway.yaml', () => {
  test('names decision points, each in exactly one way, and routes that ask them', () => {
    const authzen = {
      url: 'https://pdp.example/access/v1/evaluation',
      caFile: 'ca.pem',
      tokenFile: 'key.pem',
    }
    const decision = { point: 'p', action: 'read', resource: { type: 'Account', id: 'all' } }
    const routes = [{ ...file.routes[0], decision }]
    const parsed = gatewayFileSchema.safeParse({ ...file, routes, decisionPoints: [{ name: 'p', authzen }] })
    assert.ok(parsed.success)
    const options = gatewayOptionsOf(
      { ...parsed.data, decisionPoints: [{ name: 'p', opa: { url: 'https://opa.example/v1/data/a' } }] },
      surroundings(),
    )
    assert.deepEqual([...(options.decisionPoints ?? new Map()).keys()], ['p'])
    assert.deepEqual(options.routes[0]?.decision, decision)
    const own = { name: 'p', issuer: { timeoutMs: 100, url: 'https://as.example/access/v1/evaluation' } }
    const asked = gatewayFileSchema.parse({ ...file, routes, decisionPoints: [own] })
    assert.ok(gatewayOptionsOf(asked, surroundings()).decisionPoints?.has('p'))
    const elsewhere = { name: 'p', issuer: { url: 'https://pdp.example/' } }
    const wrong = gatewayFileSchema.parse({ ...file, routes, decisionPoints: [elsewhere] })
    assert.throws(() => gatewayOptionsOf(wrong, surroundings()), /is not at the issuer/)
    const both = { name: 'p', authzen, opa: authzen }
    const two = { name: 'p', issuer: {}, opa: { url: 'https://opa.example/' } }
    assert.ok(!gatewayFileSchema.safeParse({ ...file, decisionPoints: [two] }).success)
    for (const point of [{ name: 'p' }, both, { name: 'p', authzen: { url: 'http://pdp.example' } }])
      assert.ok(!gatewayFileSchema.safeParse({ ...file, decisionPoints: [point] }).success)
  })

  test('becomes options, with files read and defaults filled in', () => {
    const options = gatewayOptionsOf(gatewayFileSchema.parse(file), surroundings())
    assert.deepEqual(options.address, { host: '127.0.0.1', port: 8446 })
    assert.equal(options.tls.certPem, 'cert')
    assert.equal(options.introspection.clientId, 'gw')
    assert.equal(options.apis[0]?.evidenceAudience, 'holdfast:api:bank')
    assert.equal(options.apis[0]?.upstream?.caPem, 'ca')
    assert.equal(options.evidenceKey.alg, 'ES256')
    assert.deepEqual(options.evidenceKey.publicJwk.d, undefined)
  })

  test('of a gateway that only answers checks names who may ask, and no upstream', () => {
    const [api] = file.apis
    writeFileSync(join(folder, 'check.key'), `${'k'.repeat(43)}\n`)
    const callers = ['A'.repeat(43)]
    const beside = {
      ...file,
      listener: 'off',
      check: { listener: { port: 8451 }, callers, keyFiles: ['check.key'] },
      apis: [{ ...api, upstream: undefined }],
    }
    const options = gatewayOptionsOf(gatewayFileSchema.parse(beside), surroundings())
    assert.equal(options.address, undefined)
    const address = { host: '127.0.0.1', port: 8451 }
    assert.deepEqual(options.check, { address, callers, keys: ['k'.repeat(43)] })
    assert.equal(options.apis[0]?.upstream, undefined)
    assert.ok(gatewayFileSchema.parse({ ...file, check: {} }).check?.listener.port === 8450)
    for (const check of [
      { callers: ['10.0.0.1'] },
      { keyFiles: [] },
      { keyFiles: ['a', 'b', 'c'] },
      { host: '' },
    ])
      assert.ok(!gatewayFileSchema.safeParse({ ...beside, check }).success)
    assert.ok(!gatewayFileSchema.safeParse({ ...beside, listener: 'on' }).success)
  })

  test('with a member nobody knows, or a value outside its bounds, is refused', () => {
    const [api] = file.apis
    for (const spoilt of [
      { ...file, colour: 'red' },
      { ...file, externalUrl: 'http://api.example' },
      { ...file, routes: [] },
      { ...file, apis: [{ ...api, cacheSeconds: 11 }] },
      { ...file, trustedProxies: ['10.0.0.0/8'] },
      { ...file, routes: [{ ...file.routes[0], requestsPerMinute: 0 }] },
    ])
      assert.equal(gatewayFileSchema.safeParse(spoilt).success, false)
    assert.ok(gatewayFileSchema.safeParse({ ...file, apis: [{ ...api, cacheSeconds: 10 }] }).success)
    assert.ok(!gatewayFileSchema.safeParse({ ...file, apis: [{ ...api, profile: 'none' }] }).success)
    const tiered = gatewayFileSchema.parse({ ...file, apis: [{ ...api, profile: 'fapi2-security' }] })
    assert.equal(gatewayOptionsOf(tiered, surroundings()).apis[0]?.profile?.name, 'fapi2-security')
  })

  test('that names a key of another kind, or no file, is refused', () => {
    const wrong = gatewayFileSchema.parse({ ...file, evidenceKeyFile: 'wrong.jwk.json' })
    assert.throws(() => gatewayOptionsOf(wrong, surroundings()), /neither P-256 nor Ed25519/)
    const missing = gatewayFileSchema.parse({ ...file, evidenceKeyFile: 'missing' })
    assert.throws(() => gatewayOptionsOf(missing, surroundings()), /ENOENT/)
  })
})

describe('the route table', () => {
  const route = (path: string, ...methods: readonly string[]) => ({ path, methods })
  const found = (table: ReturnType<typeof compileRoutes>, method: string, path: string): string => {
    const answer = table.find(method, path)
    return answer.ok ? (answer.value as { path: string }).path : answer.ruleId
  }

  test('prefers the literal to a name, and a name to a rest, method by method', () => {
    const table = compileRoutes([
      route('/a/{rest...}', 'GET', 'POST'),
      route('/a/{id}', 'GET'),
      route('/a/b', 'PUT'),
      route('/a/{id}/c', 'GET'),
      route('/', 'GET'),
    ])
    assert.equal(found(table, 'PUT', '/a/b'), '/a/b')
    assert.equal(found(table, 'GET', '/a/b'), '/a/{id}')
    assert.equal(found(table, 'POST', '/a/b'), '/a/{rest...}')
    assert.equal(found(table, 'GET', '/a/x/c'), '/a/{id}/c')
    assert.equal(found(table, 'GET', '/a/x/d'), '/a/{rest...}')
    assert.equal(found(table, 'GET', '/'), '/')
    assert.equal(found(table, 'GET', '/a'), 'gateway.route')
    assert.equal(found(table, 'DELETE', '/a/b'), 'gateway.route-method')
    assert.deepEqual([...table.methodsOf('/a/b')].toSorted(), ['GET', 'POST', 'PUT'])
  })

  for (const [path, why] of [
    ['a', /not a path/],
    ['/a//b', /empty or dotted/],
    ['/a/../b', /empty or dotted/],
    ['/a?b', /not a path/],
    ['/a;b', /does not belong/],
    ['/a/{Id}', /does not belong/],
    ['/a/{rest...}/b', /at the end only/],
    ['/%61', /escape/],
  ] as const)
    test(`refuses ${path}`, () => assert.throws(() => compileRoutes([route(path, 'GET')]), why))

  test('refuses a route twice, a method nobody forwards, and none', () => {
    assert.throws(() => compileRoutes([route('/a/{x}', 'GET'), route('/a/{y}', 'GET')]), /stands twice/)
    assert.throws(() => compileRoutes([route('/a', 'TRACE')]), /not a method/)
    assert.throws(() => compileRoutes([route('/a')]), /no method/)
    assert.throws(
      () => compileRoutes(Array.from({ length: 1001 }, (_, at) => route(`/${at}`, 'GET'))),
      /more than/,
    )
  })
})

describe('the audit file', () => {
  const event = (requestId: string): AccessEvent => ({ event: 'api.access', requestId }) as AccessEvent

  test('has every decision on a line of its own when its answer leaves', async () => {
    const path = join(folder, 'audit.jsonl')
    const audit = await openAuditFile(path, () => assert.fail())
    await Promise.all(Array.from({ length: 200 }, (_, at) => audit.sink(event(`r${at}`))))
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    assert.equal(lines.length, 200)
    assert.equal(JSON.parse(lines[199] ?? '').requestId, 'r199')
    await audit.close()
  })

  test('that cannot be written fails every decision from then on, and says so once', async () => {
    const failures: unknown[] = []
    const audit = await openAuditFile('/dev/full', cause => failures.push(cause))
    await assert.rejects(async () => await audit.sink(event('a')))
    await assert.rejects(async () => await audit.sink(event('b')))
    assert.equal(failures.length, 1)
    await audit.close()
  })
})
