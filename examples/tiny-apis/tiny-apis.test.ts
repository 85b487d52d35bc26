import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../../packages/holdfast/src/testing/product.ts'
import { type Program, runningWorkshop } from '../program.ts'

const workshop = runningWorkshop()

for (const name of ['node', 'fastify', 'hono', 'fetch'])
  test(`the tiny API on ${name} serves its client, and nobody without the key`, async () => {
    const folder = `tiny-${name}`
    const [port = 0] = await freePorts(1)
    const run = (file: string, ...args: readonly string[]): Program =>
      workshop.program([join(import.meta.dirname, file), ...args], { AUDIENCE: `https://localhost:${port}` })
    const registering = run('../express-api/register.ts', 'jwt', folder)
    assert.deepEqual(await registering.ended, [0, null], registering.text())
    await workshop.apply(`${folder}/documents.yaml`)

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
