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

test('the tutorial of the first client works as it is written', async () => {
  const registering = run('register.ts')
  assert.deepEqual(await registering.ended, [0, null], registering.text())
  const applied = await workshop.run(['apply', '-f', 'my-client/client.yaml'])
  assert.equal(applied.exitCode, 0, applied.err)

  const client = run('client.ts')
  await signInAt(workshop, await client.says(/^https:\S+$/m))
  assert.deepEqual(await client.ended, [0, null], client.text())
  for (const said of [/signed in: u_/, /the API says 200: .*Everyday/, /refreshed: \d+ s more/, /revoked/])
    assert.match(client.text(), said)
})
