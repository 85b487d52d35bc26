import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openWorkshop, type Started, type Workshop } from '../../packages/holdfast/src/testing/product.ts'
import { type Program, runProgram, signInAt } from '../program.ts'

let workshop: Workshop
let started: Started
before(async () => {
  workshop = await openWorkshop()
  started = await workshop.start()
})
after(async () => {
  await started.stop('SIGKILL')
  workshop.remove()
})

const run = (program: string): Program => runProgram(workshop, [join(import.meta.dirname, program)])

test('the tutorial of the API that calls another works as it is written', async () => {
  const registering = run('register.ts')
  assert.deepEqual(await registering.ended, [0, null], registering.text())
  const applied = await workshop.run(['apply', '-f', 'my-exchange/documents.yaml'])
  assert.equal(applied.exitCode, 0, applied.err)

  const exchange = run('exchange.ts')
  await signInAt(workshop, await exchange.says(/^https:\S+$/m))
  assert.deepEqual(await exchange.ended, [0, null], exchange.text())
  for (const said of [
    /exchanged: accounts:read, \d+ s/,
    /the demo API says 200: .*Everyday/,
    /more than was allowed: invalid_scope/,
  ])
    assert.match(exchange.text(), said)
})
