import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ControlDocument, DocumentOf } from './document.ts'
import { readDocuments } from './documents.ts'
import { driftBetween } from './scope-report-environments.ts'
import { driftOfGateway, readGatewayFile } from './scope-report-gateway.ts'
import { documentOf, fileOf } from './testing/documents.ts'
import { batch, catalogue, governedApi, governedDocuments } from './testing/governed.ts'

function documentsOf(...texts: readonly string[]): readonly ControlDocument[] {
  const read = readDocuments([fileOf(...texts)])
  assert.ok(read.ok, JSON.stringify(read))
  return read.value
}

function drift(...there: readonly string[]): readonly string[] {
  const sides = [governedDocuments, there].map((texts, index) => ({
    label: ['staging', 'production'][index] ?? '',
    documents: documentsOf(...texts),
  }))
  const [left, right] = sides
  assert.ok(left !== undefined && right !== undefined)
  return driftBetween(left, right).map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
}

/** The same documents, one of them put in place of its like. */
const spoiled = (from: string, to: string): readonly string[] =>
  governedDocuments.map(text => (text === from ? to : text))

describe('drift between environments', () => {
  test('is none between documents that say the same', () => {
    assert.deepEqual(drift(...governedDocuments), [])
    const turned = batch.replace('openid accounts payments', 'payments openid accounts')
    assert.deepEqual(drift(...spoiled(batch, turned)), [], 'the order of scopes says nothing')
  })

  test('is told for an API, an operation and a client, and for what stands on one side only', () => {
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [
        spoiled(governedApi, governedApi.replace('governed: true', 'governed: false')),
        ['api bank: `governed` is true in staging and false in production'],
      ],
      [
        spoiled(catalogue(), catalogue(3)),
        ['operation bank pay: `tier` is 4 in staging and 3 in production'],
      ],
      [
        spoiled(batch, batch.replace('openid accounts payments', 'openid accounts')),
        [
          'client batch: `scope` is ["accounts","openid","payments"] in staging and ["accounts","openid"] in production',
        ],
      ],
      [governedDocuments.filter(text => text !== batch), ['client batch: only in staging']],
      [
        [...governedDocuments, batch.replace('name: batch', 'name: more')],
        ['client more: only in production'],
      ],
      [
        spoiled(catalogue(), catalogue().replace('"collect"', '"gather"')),
        ['operation bank collect: only in staging', 'operation bank gather: only in production'],
      ],
    ]
    for (const [there, expected] of cases) assert.deepEqual(drift(...there), expected)
  })

  test('a way in that one side has alone is told', () => {
    const wider = catalogue().replace(
      '[{"scopes":["accounts"]}]',
      '[{"scopes":["accounts"]},{"scopes":["payments"]}]',
    )
    assert.deepEqual(drift(...spoiled(catalogue(), wider)), [
      'operation bank list: `coveredBy` is ["accounts"] in staging and ["accounts","payments"] in production',
    ])
  })
})

const operations = documentOf(
  'ApiOperations',
  'bank',
  JSON.stringify({
    owner: 'team',
    operations: [
      ['list', 'GET', '/accounts', 2, [{ scopes: ['accounts'] }]],
      ['see', 'GET', '/accounts/{accountId}', 2, [{ scopes: ['accounts'] }, { scopes: ['admin'] }]],
      ['pay', 'POST', '/payments', 4, [{ scopes: ['payments'], authorizationDetailsTypes: ['mandate'] }]],
    ].map(([id, method, path, tier, coveredBy]) => ({
      id,
      method,
      path,
      tier,
      coveredBy,
      description: String(id),
    })),
  }),
)
const documents = documentsOf(governedApi, operations)
const servers = documents.filter(
  one => one.kind === 'ResourceServer',
) as readonly DocumentOf<'ResourceServer'>[]
const catalogues = documents.filter(
  one => one.kind === 'ApiOperations',
) as readonly DocumentOf<'ApiOperations'>[]

interface RouteOf {
  readonly methods: readonly string[]
  readonly path: string
  readonly api?: string
  readonly scopes?: readonly string[]
  readonly profile?: string
}

const fitting: readonly RouteOf[] = [
  { methods: ['GET'], path: '/accounts', scopes: ['accounts'], profile: 'tier-2-sensitive-read' },
  { methods: ['GET'], path: '/accounts/{id}', scopes: ['accounts'], profile: 'tier-3-sensitive-write' },
  { methods: ['POST'], path: '/payments', scopes: ['payments'], profile: 'tier-4-high-value' },
]
const leftToApi =
  'details-at-api bank pay POST /payments: `/payments` checks no authorization details; the API itself must: payments + mandate'

function gateway(routes: readonly RouteOf[], apis: readonly object[] = []): readonly string[] {
  const all = [{ name: 'bank', audience: 'https://api.example', upstream: { url: 'x' } }, ...apis]
  const file = readGatewayFile(
    JSON.stringify({
      ...{ externalUrl: 'https://gw.example', apis: all },
      routes: routes.map(route => ({ api: 'bank', ...route })),
    }),
  )
  assert.ok(file.ok, JSON.stringify(file))
  return driftOfGateway(file.value, servers, catalogues).map(
    ({ kind, name, message }) => `${kind} ${name}: ${message}`,
  )
}

const withRoute = (index: number, change: Partial<RouteOf>): readonly RouteOf[] =>
  fitting.map((route, at) => (at === index ? { ...route, ...change } : route))

describe('drift between catalogue and gateway', () => {
  test('is only what the API must check itself, when the routes fit', () => {
    assert.deepEqual(gateway(fitting), [leftToApi])
  })

  const cases: readonly (readonly [string, readonly RouteOf[], readonly string[]])[] = [
    [
      'a route that no operation describes',
      [...fitting, { methods: ['DELETE', 'GET'], path: '/accounts/{id}/close' }],
      ['DELETE', 'GET'].map(
        method => `route-without-operation bank ${method} /accounts/{id}/close: no operation describes it`,
      ),
    ],
    [
      'an operation that no route reaches',
      fitting.slice(1),
      ['operation-without-route bank list GET /accounts: no route reaches all of it'],
    ],
    [
      'an operation of which a literal reaches a part',
      withRoute(1, { path: '/accounts/mine' }),
      ['operation-without-route bank see GET /accounts/{accountId}: no route reaches all of it'],
    ],
    [
      'a route that demands no scope',
      withRoute(0, { scopes: [] }),
      [
        'route-demands-less bank list GET /accounts: `/accounts` demands no scope; the operation wants accounts',
      ],
    ],
    [
      'a literal before it that demands less',
      [...fitting, { methods: ['GET'], path: '/accounts/mine', profile: 'tier-2-sensitive-read' }],
      [
        'route-demands-less bank see GET /accounts/{accountId}: `/accounts/mine` demands no scope; the operation wants accounts, or admin',
      ],
    ],
    [
      'a tier below that of the operation',
      withRoute(1, { profile: 'tier-1-low-risk-user' }),
      [
        'route-demands-less bank see GET /accounts/{accountId}: `/accounts/{id}` demands tier-1-low-risk-user; the operation is of tier 2',
      ],
    ],
    [
      'no tier',
      fitting.map(({ profile, ...route }, at) => (at === 0 ? route : { ...route, profile: profile ?? '' })),
      ['route-demands-less bank list GET /accounts: `/accounts` demands no tier; the operation is of tier 2'],
    ],
    [
      'a route that takes everything below it',
      [...fitting, { methods: ['GET'], path: '/accounts/{rest...}', scopes: ['accounts'] }],
      ['route-wider bank GET /accounts/{rest...}: takes every path below it; operations describe 1 of them'],
    ],
  ]
  for (const [name, routes, expected] of cases)
    test(`is ${name}`, () => {
      assert.deepEqual(gateway(routes).toSorted(), [...expected, leftToApi].toSorted())
    })

  test('is an operation that a route takes to another API', () => {
    const elsewhere = { name: 'other', audience: 'https://nobody.example' }
    assert.deepEqual(gateway(withRoute(0, { api: 'other' }), [elsewhere]).toSorted(), [
      'api other: no ResourceServer has the audience `https://nobody.example`',
      leftToApi,
      'operation-without-route bank list GET /accounts: `/accounts` takes it to other',
    ])
  })

  test('an API may have one tier for all its routes', () => {
    const plain = fitting.map(({ profile: _profile, ...route }) => route)
    const strict = readGatewayFile(
      JSON.stringify({
        apis: [{ name: 'bank', audience: 'https://api.example', profile: 'tier-4-high-value' }],
        routes: plain.map(route => ({ api: 'bank', ...route })),
      }),
    )
    assert.ok(strict.ok)
    assert.deepEqual(
      driftOfGateway(strict.value, servers, catalogues).map(({ kind }) => kind),
      ['details-at-api'],
    )
  })

  test('what is no gateway.yaml is refused', () => {
    for (const text of ['', 'a: 1', 'apis: []\n---\napis: []', 'apis: &a []\nroutes: *a', 'apis: ['])
      assert.equal(readGatewayFile(text).ok, false, text)
  })
})
