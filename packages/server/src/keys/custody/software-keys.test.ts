import { describe, it } from 'node:test'
import { custodyContract } from './custody-contract.ts'
import { softwareKeys } from './software-keys.ts'

describe('software custody', () => {
  for (const { title, run } of custodyContract) it(title, () => run(softwareKeys))
})
