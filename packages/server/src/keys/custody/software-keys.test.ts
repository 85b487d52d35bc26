import { describe, it } from 'node:test'
import { custodyContract } from '../testing/custody-contract.ts'
import { softwareKeys } from './software-keys.ts'

describe('software custody', () => {
  for (const { title, run } of custodyContract) it(title, () => run(softwareKeys))
})
