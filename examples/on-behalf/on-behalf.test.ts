import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningWorkshop, signInAt } from '../program.ts'

const workshop = runningWorkshop()

test('the tutorial of the API that calls another works as it is written', async () => {
  await workshop.registered(import.meta.dirname, 'my-exchange/documents.yaml')
  const exchange = workshop.program([join(import.meta.dirname, 'exchange.ts')])
  await signInAt(workshop.open(), await exchange.says(/^https:\S+$/m))
  assert.deepEqual(await exchange.ended, [0, null], exchange.text())
  for (const said of [
    /exchanged: accounts:read, \d+ s/,
    /the demo API says 200: .*Everyday/,
    /more than was allowed: invalid_scope/,
  ])
    assert.match(exchange.text(), said)
})
