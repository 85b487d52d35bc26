import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openWorkshop, type Started, type Workshop } from '../../packages/holdfast/src/testing/product.ts'
import { type Program, runProgram, withDemoUser } from '../program.ts'

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

test('the tutorial of the television works as it is written', async () => {
  const registering = run('register.ts')
  assert.deepEqual(await registering.ended, [0, null], registering.text())
  const applied = await workshop.run(['apply', '-f', 'my-device/client.yaml'])
  assert.equal(applied.exitCode, 0, applied.err)

  const television = run('television.ts')
  const address = await television.says(/or open (\S+)\n/)
  await withDemoUser(workshop, (agent, person) => agent.connectDevice(new URL(address), person))
  assert.deepEqual(await television.ended, [0, null], television.text())
  for (const said of [/connected for u_/, /the API says 200: .*Everyday/, /refreshed, with a new token/])
    assert.match(television.text(), said)
})
