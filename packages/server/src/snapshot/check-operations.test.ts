import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { snapshotOfFiles } from '../control/documents.ts'
import { textOfProblem } from '../control/problem.ts'
import { accounts, bank, binding, documentOf, fileOf } from '../control/testing/documents.ts'

const payment = documentOf(
  'AuthorizationDetailsType',
  'payment',
  '{resourceServer: bank, title: Pay, description: Pay., fields: [{name: to, label: To, kind: text}]}',
)
const other = documentOf('ResourceServer', 'other', '{audience: https://other.example, scopes: [others]}')
const others = documentOf('Scope', 'others', '{title: Others, description: Others.}')

interface Operation {
  readonly [field: string]: unknown
}

const list: Operation = {
  id: 'list',
  method: 'GET',
  path: '/accounts/{id}',
  description: 'See an account',
  dataTypes: ['Account'],
  tier: 2,
  coveredBy: [{ scopes: ['accounts'] }, { authorizationDetailsTypes: ['payment'] }],
}

function problemsOf(operations: readonly Operation[], name = 'bank'): readonly string[] {
  const catalogue = documentOf('ApiOperations', name, JSON.stringify({ owner: 'accounts team', operations }))
  const compiled = snapshotOfFiles([fileOf(bank, accounts, payment, other, others, catalogue)], [binding])
  return compiled.ok ? [] : compiled.problems.map(textOfProblem)
}

describe('what a catalogue of operations may say', () => {
  test('operations covered by scopes or types of their API, or public', () => {
    assert.deepEqual(problemsOf([list]), [])
    const health = { ...list, id: 'health', path: '/health', tier: 0, public: true, coveredBy: [] }
    assert.deepEqual(problemsOf([list, health]), [])
    assert.deepEqual(problemsOf([list, { ...list, id: 'other', method: 'POST' }]), [])
  })

  const refusals: readonly (readonly [string, readonly Operation[], RegExp])[] = [
    ['covered by nothing', [{ ...list, coveredBy: [] }], /coveredBy.*says which|either `public`/],
    ['public and covered', [{ ...list, public: true }], /either `public` is true, or `coveredBy`/],
    ['a way in that names nothing', [{ ...list, coveredBy: [{}] }], /names neither a scope nor a type/],
    [
      'an unknown scope',
      [{ ...list, coveredBy: [{ scopes: ['acounts'] }] }],
      /operations\[0\]\.coveredBy\[0\]\.scopes\[0\]: there is no scope `acounts` \(did you mean `accounts`\?\)/,
    ],
    [
      'a scope of another API',
      [{ ...list, coveredBy: [{ scopes: ['others'] }] }],
      /the scope `others` is not one of `bank`/,
    ],
    [
      'an unknown type',
      [{ ...list, coveredBy: [{ authorizationDetailsTypes: ['refund'] }] }],
      /there is no type of authorization details `refund`/,
    ],
    ['an id twice', [list, { ...list, path: '/b' }], /operations\[1\]\.id: `list` stands twice/],
    [
      'a path twice under other names',
      [list, { ...list, id: 'second', path: '/accounts/{other}' }],
      /operations\[1\]\.path: `GET \/accounts\/\{\}` stands twice/,
    ],
    ['a path with a query', [{ ...list, path: '/a?b' }], /must be a path/],
    ['a path without a slash', [{ ...list, path: 'a' }], /must be a path/],
    ['a tier above the highest', [{ ...list, tier: 5 }], /spec\.operations\[0\]\.tier/],
    ['no operation', [], /spec\.operations/],
  ]
  for (const [name, operations, message] of refusals)
    test(`not ${name}`, () => assert.match(problemsOf(operations).join('\n'), message))

  test('not an API that is not there', () => {
    assert.match(
      problemsOf([list], 'bnak').join(),
      /there is no resource server `bnak` \(did you mean `bank`\?\)/,
    )
  })

  test('not a type of another API', () => {
    const foreign = { ...list, coveredBy: [{ authorizationDetailsTypes: ['payment'] }] }
    assert.match(
      problemsOf([foreign], 'other').join(),
      /the type of authorization details `payment` is not one of `other`/,
    )
  })
})
