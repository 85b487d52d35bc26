import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningWorkshop, withDemoUser } from '../program.ts'

const workshop = runningWorkshop()

test('the tutorial of the television works as it is written', async () => {
  await workshop.registered(import.meta.dirname, 'my-device/client.yaml')
  const television = workshop.program([join(import.meta.dirname, 'television.ts')])
  const address = await television.says(/or open (\S+)\n/)
  await withDemoUser(workshop.open(), (agent, person) => agent.connectDevice(new URL(address), person))
  assert.deepEqual(await television.ended, [0, null], television.text())
  for (const said of [/connected for u_/, /the API says 200: .*Everyday/, /refreshed, with a new token/])
    assert.match(television.text(), said)
})
