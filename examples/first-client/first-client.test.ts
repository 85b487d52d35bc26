import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningWorkshop, signInAt } from '../program.ts'

const workshop = runningWorkshop()

test('the tutorial of the first client works as it is written', async () => {
  await workshop.registered(import.meta.dirname, 'my-client/client.yaml')
  const client = workshop.program([join(import.meta.dirname, 'client.ts')])
  await signInAt(workshop.open(), await client.says(/^https:\S+$/m))
  assert.deepEqual(await client.ended, [0, null], client.text())
  for (const said of [/signed in: u_/, /the API says 200: .*Everyday/, /refreshed: \d+ s more/, /revoked/])
    assert.match(client.text(), said)
})
