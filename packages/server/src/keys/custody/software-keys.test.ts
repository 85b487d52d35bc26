import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { custodyContract } from '../testing/custody-contract.ts'
import { softwareKeys, softwareKeysAhead } from './software-keys.ts'

describe('software custody', () => {
  for (const { title, run } of custodyContract) it(title, () => run(softwareKeys))
})

describe('software custody whose RSA keys were begun ahead', () => {
  for (const { title, run } of custodyContract) it(title, () => run(softwareKeysAhead()))

  it('gives each key to one asker only', async () => {
    const custody = softwareKeysAhead()
    const made = await Promise.all((['PS256', 'PS256', 'RS256', 'ES256'] as const).map(custody.make))
    assert.deepEqual(
      made.map(({ key }) => key.alg),
      ['PS256', 'PS256', 'RS256', 'ES256'],
    )
    assert.equal(new Set(made.map(({ key }) => key.kid)).size, 4)
    assert.equal(new Set(made.map(({ kept }) => kept.toString('base64'))).size, 4)
  })
})
