import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { importOpenApi } from './openapi.ts'

const bank = `
openapi: 3.1.0
info: {title: Bank, version: '1'}
servers: [{url: https://api.example/v1/}]
security: [{login: [accounts]}]
paths:
  /accounts/{id}:
    parameters: []
    get:
      operationId: getAccount
      summary: See an account
      x-risk-tier: 2
      responses:
        '200':
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Account'}}}}
    delete:
      security: [{login: [accounts, close]}, {oidc: [admin]}]
      responses: {'204': {description: gone}}
  /health:
    get: {security: [], responses: {}}
  /shared: {$ref: '#/components/pathItems/shared'}
  /optional:
    post:
      security: [{}, {login: [accounts], key: []}]
      requestBody: {$ref: '#/components/requestBodies/pay'}
  /keyed:
    get: {operationId: keyed!, security: [{key: []}]}
components:
  pathItems: {shared: {put: {operationId: put shared}}}
  requestBodies: {pay: {content: {application/json: {schema: {allOf: [{$ref: '#/components/schemas/Pay~1ment'}]}}}}}
  securitySchemes:
    login: {type: oauth2, flows: {authorizationCode: {scopes: {accounts: See accounts, spare: ''}}}}
    oidc: {type: openIdConnect}
    key: {type: apiKey, in: header, name: k}
`

function imported(text: string) {
  const answer = importOpenApi(text, 3)
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.value
}

describe('an OpenAPI document as a catalogue', () => {
  const { operations, scopes, notes, title } = imported(bank)
  const find = (id: string) => {
    const found = operations.find(operation => operation.id === id)
    assert.ok(found, `${id} is not among ${operations.map(operation => operation.id)}`)
    return found
  }
  const way = (...names: string[]) => ({ scopes: names, authorizationDetailsTypes: [] })

  test('names what it describes', () => {
    assert.equal(title, 'Bank')
    assert.equal(operations.length, 6)
    assert.deepEqual(find('getAccount'), {
      ...{ id: 'getAccount', method: 'GET', path: '/v1/accounts/{id}', description: 'See an account' },
      ...{ dataTypes: ['Account'], tier: 2, public: false, coveredBy: [way('accounts')] },
    })
  })

  test('entries are alternatives, members of one are needed together', () => {
    const { coveredBy, tier } = find('DELETE-accounts-id')
    assert.deepEqual(coveredBy, [way('accounts', 'close'), way('admin')])
    assert.equal(tier, 3)
  })

  test('an empty list is public, and noted', () => {
    assert.equal(find('GET-health').public, true)
    assert.ok(notes.includes('GET /health needs no token, the document says'))
  })

  test('references within the document are followed', () => {
    assert.equal(find('put-shared').path, '/v1/shared')
    assert.deepEqual(find('POST-optional').dataTypes, ['Pay/ment'])
  })

  test('what a scope cannot say is left to people', () => {
    assert.deepEqual(find('keyed').coveredBy, [])
    assert.equal(find('keyed').public, false)
    assert.ok(notes.includes('GET /keyed is also protected by key, which is no scope'))
    assert.ok(notes.includes('GET /keyed asks for no scope'))
    assert.equal(find('POST-optional').public, false)
    assert.ok(notes.some(note => note.startsWith('POST /optional may also be called without a token')))
  })

  test('every scope comes with its words, also one that nothing asks for', () => {
    assert.deepEqual([...scopes].toSorted(), [
      ['accounts', 'See accounts'],
      ['admin', 'admin'],
      ['close', 'close'],
      ['spare', 'spare'],
    ])
  })

  test('JSON is YAML', () => {
    const text = JSON.stringify({ openapi: '3.0.3', paths: { '/a': { get: {} } } })
    assert.deepEqual(imported(text).notes, ['GET /a says nothing about security'])
  })

  test('references in a circle and out of the document end', () => {
    const paths = { '/a': { $ref: '#/paths/~1a' }, '/b': { $ref: 'https://x.example/b' }, '/c': { get: {} } }
    const { notes } = imported(JSON.stringify({ openapi: '3.0.3', paths }))
    assert.ok(notes.includes('/a points to something that is not in the document'))
    assert.ok(notes.includes('/b points to something that is not in the document'))
  })

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['an older version', 'swagger: "2.0"', /no OpenAPI document of version 3/],
    ['a newer version', 'openapi: 4.0.0', /no OpenAPI document of version 3/],
    ['no operation', 'openapi: 3.1.0\npaths: {}', /describes no operation/],
    ['aliases', 'openapi: 3.1.0\na: &a {}\nb: *a', /uses YAML aliases/],
    ['broken text', 'a: [', /neither JSON nor YAML/],
    ['a list', '[]', /is no object/],
  ]
  for (const [name, text, message] of refusals)
    test(`not ${name}`, () => {
      const answer = importOpenApi(text, 3)
      assert.match(answer.ok ? 'imported' : answer.problem, message)
    })
})
