import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../../packages/holdfast/src/testing/product.ts'
import { type Program, runningWorkshop } from '../program.ts'

const workshop = runningWorkshop()

for (const [format, shown] of [
  ['jwt', 'a JWT'],
  ['opaque', 'opaque'],
] as const)
  test(`the tutorial of the Express API works with ${format} tokens`, async () => {
    const folder = `api-${format}`
    const [port = 0] = await freePorts(1)
    const audience = `https://localhost:${port}`
    const run = ([program = '', ...args]: readonly string[]): Program =>
      workshop.program([join(import.meta.dirname, program), ...args], { AUDIENCE: audience })
    const registering = run(['register.ts', format, folder])
    assert.deepEqual(await registering.ended, [0, null], registering.text())
    await workshop.apply(`${folder}/documents.yaml`)

    const api = run(['api.ts', format, folder])
    try {
      await api.says(/notes API at/)
      const calling = run(['call.ts', folder])
      assert.deepEqual(await calling.ended, [0, null], calling.text() + api.text())
      assert.deepEqual(calling.text().trim().split('\n'), [
        `the token is ${shown}`,
        'read: 200 {"for":"notes-reader","notes":["buy milk"]}',
        'write: 403 insufficient_scope',
        'without token: 401 no token',
        'token alone: 401 invalid_token',
      ])
    } finally {
      api.child.kill()
      await api.ended
    }
  })
