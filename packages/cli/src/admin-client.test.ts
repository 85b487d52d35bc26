import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { adminOperations } from '@holdfast/server/control/admin-http/operations.ts'
import { type Ask, adminOver } from './admin-client.ts'

test('whatever a command asks of the socket there is over HTTPS too', async () => {
  const asked: string[] = []
  const ask: Ask = async (method, path) => {
    asked.push(`${method} /admin${path.split('?')[0]}`)
    return { ok: false, problem: { type: 'about:blank', title: 'no', status: 404 } }
  }
  const api = adminOver(ask)
  // Each takes an object, a name or nothing: all that a path is made of.
  for (const method of Object.values(api) as ((value: never) => Promise<unknown>)[])
    await method('x' as never)
  assert.equal(asked.length, Object.keys(api satisfies AdminApi).length)
  const known = adminOperations.map(({ method, path }) => `${method} ${path.replace(':name', 'x')}`)
  for (const one of asked) assert.ok(known.includes(one), one)
})
