import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accounts, bank, compiledIssuer, documentOf, shop } from '../control/testing/documents.ts'

test('a scope has the highest tier of what it helps to let into, whatever else is needed', () => {
  const operation = (id: string, method: string, tier: number, isPublic = false): string =>
    `{id: ${id}, method: ${method}, path: /accounts, description: words, tier: ${tier}, ` +
    `${isPublic ? 'public: true' : 'coveredBy: [{scopes: [accounts]}]'}}`
  const catalogue = (...operations: readonly string[]): string =>
    documentOf('ApiOperations', 'bank', `{owner: bank, operations: [${operations.join(', ')}]}`)
  const { operationTiers } = compiledIssuer(
    ...[shop, bank, accounts],
    catalogue(operation('list', 'GET', 1), operation('pay', 'POST', 3), operation('see', 'HEAD', 4, true)),
  )
  assert.deepEqual([...operationTiers.scopes], [['accounts', 3]])
  assert.deepEqual([...operationTiers.detailTypes], [])
  assert.equal(compiledIssuer(shop, bank, accounts).operationTiers.scopes.size, 0)
})
