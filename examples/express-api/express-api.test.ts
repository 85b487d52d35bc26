import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  freePorts,
  openWorkshop,
  type Started,
  type Workshop,
} from '../../packages/holdfast/src/testing/product.ts'
import { type Program, runProgram } from '../program.ts'

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

const run = ([program = '', ...args]: readonly string[], audience: string): Program =>
  runProgram(workshop, [join(import.meta.dirname, program), ...args], { AUDIENCE: audience })

for (const [format, shown] of [
  ['jwt', 'a JWT'],
  ['opaque', 'opaque'],
] as const)
  test(`the tutorial of the Express API works with ${format} tokens`, async () => {
    const folder = `api-${format}`
    const [port = 0] = await freePorts(1)
    const audience = `https://localhost:${port}`
    const registering = run(['register.ts', format, folder], audience)
    assert.deepEqual(await registering.ended, [0, null], registering.text())
    const applied = await workshop.run(['apply', '-f', `${folder}/documents.yaml`])
    assert.equal(applied.exitCode, 0, applied.err)

    const api = run(['api.ts', format, folder], audience)
    try {
      await api.says(/notes API at/)
      const calling = run(['call.ts', folder], audience)
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
