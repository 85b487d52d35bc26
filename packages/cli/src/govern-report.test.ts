import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AdminApi, ScopeReport } from '@holdfast/server/control/admin-api.ts'
import { broken, no, runWith } from './testing/run.ts'

const nothing: ScopeReport = {
  ...{ issuer: 'https://as.example', environment: 'production', auditFrom: 1_600_000_000 },
  ...{ access: [], accessUntold: 0, uncatalogued: [], unused: [], isAuditLongEnough: true, broad: [] },
  ...{ environments: undefined, gateway: undefined },
}
const drift = { kind: 'route-demands-less', name: 'bank list GET /accounts', message: 'demands no scope' }
const found: ScopeReport = {
  ...nothing,
  access: [
    {
      ...{ client: 'batch', api: 'bank', operation: 'list', method: 'GET', path: '/accounts', tier: 2 },
      ...{ dataTypes: ['Account'], by: [['accounts'], ['a', 'b']], grant: 'g-1', until: 1_700_000_000 },
    },
  ],
  accessUntold: 7,
  uncatalogued: [{ api: 'news', clients: ['press', 'radio'] }],
  unused: [{ client: 'batch', api: 'bank', right: 'payments', lastUsedAt: 1_650_000_000 }],
  broad: [
    {
      ...{ api: 'bank', scope: 'all', operations: 30, tiers: [0, 4], dataTypes: ['Account'], clients: 2 },
      reasons: ['operations', 'tiers'],
    },
  ],
  environments: [{ kind: 'client', name: 'batch', message: 'only in main' }],
  gateway: [drift],
}
const answering =
  (report: ScopeReport, asked: unknown[] = []): AdminApi['reportScopes'] =>
  async request => {
    asked.push(request)
    return { ok: true, value: report }
  }

test('a report is a table for each part, and a finding in what was asked for is exit code 1', async () => {
  const reportScopes = answering(found)
  const all = await runWith(['govern', 'report'], { reportScopes })
  for (const line of [
    /batch +bank +list +GET \/accounts +2 +Account +accounts or a\+b +g-1 until 2023-11-14T22:13:20/,
    /and 7 more/,
    /operations of news are: press, radio/,
    /batch +bank +payments +2022-04-15T05:20:00.000Z +-/,
    /bank +all +operations tiers +30 +0 4 +Account +2/,
    /client +batch +only in main/,
    /route-demands-less +bank list GET \/accounts +demands no scope/,
  ])
    assert.match(all.out, line)
  assert.equal(all.exitCode, 1)
  assert.equal((await runWith(['govern', 'report'], { reportScopes: answering(nothing) })).exitCode, 0)
  const parts: Readonly<Record<string, Partial<ScopeReport>>> = {
    access: { uncatalogued: [] },
    unused: { unused: [] },
    broad: { broad: [] },
    environments: { environments: [] },
    gateway: { gateway: [{ ...drift, isNote: true }] },
  }
  for (const [part, well] of Object.entries(parts)) {
    const args = ['govern', 'report', '--only', part]
    assert.equal((await runWith(args, { reportScopes })).exitCode, 1, part)
    assert.equal((await runWith(args, { reportScopes: answering({ ...found, ...well }) })).exitCode, 0, part)
  }
  const young = answering({ ...found, isAuditLongEnough: false })
  const unsure = await runWith(['govern', 'report', '--only', 'unused'], { reportScopes: young })
  assert.deepEqual([unsure.exitCode, /too short to tell/.test(unsure.out)], [0, true])
})

test('a report as JSON has the parts that were asked for, and their companions', async () => {
  const args = ['govern', 'report', '--only', 'unused,gateway', '-o', 'json']
  const report = JSON.parse((await runWith(args, { reportScopes: answering(found) })).out)
  assert.deepEqual(Object.keys(report).toSorted(), [
    ...['auditFrom', 'environment', 'gateway', 'isAuditLongEnough', 'issuer', 'unused'],
  ])
})

test('which operations of a scope were called stands in the files of gateways and APIs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-report-'))
  try {
    const [edge, inner] = [join(folder, 'edge.log'), join(folder, 'inner.log')]
    const call = (path: string, more: object = {}): string =>
      JSON.stringify({
        ...{ event: 'api.access', outcome: 'accepted', audience: 'https://api.example', method: 'GET', path },
        ...more,
      })
    writeFileSync(
      edge,
      [call('/accounts/7'), 'no json', '[]', call('/accounts', { outcome: 'refused' })].join('\n'),
    )
    const elsewhere = { audience: 'https://other.example' }
    writeFileSync(
      inner,
      [call('/accounts', { method: 'POST' }), call('/accounts/mine', elsewhere)].join('\n'),
    )
    const issuer = nothing.issuer
    const operations = [
      ['list', 'GET', '/accounts', ['all']],
      ['see', 'GET', '/accounts/{id}', ['all', 'one']],
      ['mine', 'GET', '/accounts/mine', ['all', 'one']],
    ].map(([id, method, path, scopes]) => ({ id, method, path, coveredBy: [{ scopes }] }))
    const documents = [
      {
        kind: 'ResourceServer',
        name: 'bank',
        issuer,
        document: { spec: { audience: 'https://api.example' } },
      },
      { kind: 'ApiOperations', name: 'bank', issuer, document: { spec: { operations } } },
      {
        kind: 'ApiOperations',
        name: 'bank',
        issuer: 'https://else.example',
        document: { spec: { operations } },
      },
    ]
    const answers = {
      reportScopes: answering(nothing),
      documents: async () => ({ ok: true, value: { revision: 1, documents } }) as const,
    }
    const args = ['govern', 'report', '--only', 'calls']
    const told = await runWith([...args, '--calls', edge, inner, '-o', 'json'], answers)
    assert.equal(told.exitCode, 1)
    assert.deepEqual(JSON.parse(told.out).calls, [
      { api: 'bank', scope: 'all', operations: 3, called: 1, never: ['list', 'mine'] },
      { api: 'bank', scope: 'one', operations: 2, called: 1, never: ['mine'] },
    ])
    writeFileSync(inner, call('/accounts/mine?page=2'))
    const enough = await runWith([...args, '--calls', edge, inner], answers)
    assert.match(enough.out, /bank +all +2 of 3 +list\n +bank +one +2 of 2 +-/)
    assert.equal(enough.exitCode, 0)
    assert.equal((await runWith([...args, '--calls', join(folder, 'gone.log')], answers)).exitCode, 3)
    assert.equal((await runWith(args, answers)).exitCode, 0)
    const away = { ...answers, documents: async () => broken }
    assert.equal((await runWith([...args, '--calls', edge], away)).exitCode, 3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a report is asked for with what the options say, and files are read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-report-'))
  try {
    const [gateway, elsewhere] = [join(folder, 'gateway.yaml'), join(folder, 'elsewhere.yaml')]
    writeFileSync(gateway, 'apis: []')
    writeFileSync(elsewhere, 'kind: Client')
    const asked: unknown[] = []
    const reportScopes = answering(nothing, asked)
    const options = ['--days', '7', '--operations-max', '5', '--client', 'batch', '--against', 'main']
    const files = ['--gateway', gateway, '--against-export', elsewhere]
    await runWith(['govern', 'report', ...options, ...files], { reportScopes })
    assert.deepEqual(JSON.parse(JSON.stringify(asked)), [
      {
        ...{ client: 'batch', against: 'main', unusedDays: 7, operationsMax: 5 },
        ...{ documents: { path: elsewhere, text: 'kind: Client' }, gateway: 'apis: []' },
      },
    ])
    for (const wrong of [
      ['--days', '0'],
      ['--operations-max', 'x'],
      ['--only', 'nothing'],
      ['--only', ''],
    ])
      assert.equal((await runWith(['govern', 'report', ...wrong], { reportScopes })).exitCode, 2)
    const gone = ['govern', 'report', '--gateway', join(folder, 'gone.yaml')]
    assert.equal((await runWith(gone, { reportScopes })).exitCode, 3)
    assert.equal((await runWith(['govern', 'report'], { reportScopes: async () => no })).exitCode, 1)
    assert.equal((await runWith(['govern', 'report'], { reportScopes: async () => broken })).exitCode, 3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
