import assert from 'node:assert/strict'
import type { Reply } from '../../http/exchange.ts'
import { headersOf, jsonOf } from './flow.ts'
import type { World } from './world.ts'

/** Exact status and error, never cached, and the rule in the audit record written last. */
export async function assertRefused(
  world: World,
  reply: Reply,
  expected: { readonly status: number; readonly error: string; readonly ruleId?: string },
): Promise<void> {
  assert.deepEqual(
    { status: reply.status, error: jsonOf(reply).error },
    { status: expected.status, error: expected.error },
    `${reply.status} ${reply.body}`,
  )
  assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
  const last = (await world.audit()).at(-1)
  assert.notEqual(last?.outcome, 'accepted')
  assert.equal(last?.error, expected.error)
  if (expected.ruleId !== undefined) assert.equal(last?.ruleId, expected.ruleId, last?.reason)
}
