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

for (const name of ['node', 'fastify', 'hono', 'fetch'])
  test(`the tiny API on ${name} serves its client, and nobody without the key`, async () => {
    const folder = `tiny-${name}`
    const [port = 0] = await freePorts(1)
    const env = { AUDIENCE: `https://localhost:${port}` }
    const run = (file: string, ...args: readonly string[]): Program =>
      runProgram(workshop, [join(import.meta.dirname, file), ...args], env)
    const registering = run('../express-api/register.ts', 'jwt', folder)
    assert.deepEqual(await registering.ended, [0, null], registering.text())
    const applied = await workshop.run(['apply', '-f', `${folder}/documents.yaml`])
    assert.equal(applied.exitCode, 0, applied.err)

    const api = run(`${name}-api.ts`)
    try {
      await api.says(/notes API at/)
      const calling = run('../express-api/call.ts', folder)
      assert.deepEqual(await calling.ended, [0, null], calling.text() + api.text())
      assert.deepEqual(calling.text().trim().split('\n'), [
        'the token is a JWT',
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
