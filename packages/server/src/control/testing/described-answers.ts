import assert from 'node:assert/strict'
import { z } from 'zod'
import { waitingChange } from '../admin-http/answers/documents.ts'
import { answerOf } from '../admin-http/answers/index.ts'
import { adminOperations } from '../admin-http/operations.ts'
import { openApiPath } from '../admin-http/routes.ts'

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`)
const operations = adminOperations
  .map(operation => ({ ...operation, pattern: patternOf(operation.path) }))
  // What stands in a path goes before what any name fits into.
  .toSorted((left, right) => Number(left.path.includes(':')) - Number(right.path.includes(':')))

/** For tests: what was done is answered as the OpenAPI document says, with its status and no other member. */
export function assertDescribed(
  method: string,
  path: string,
  { status, body }: { readonly status: number; readonly body: unknown },
): void {
  const { pathname } = new URL(path, 'https://admin.example')
  if (status >= 300 || pathname === openApiPath) return
  const operation = operations.find(one => one.method === method && one.pattern.test(pathname))
  assert.ok(operation, `${method} ${pathname}`)
  const read = (status === 202 ? waitingChange : answerOf(operation)).safeParse(body)
  assert.ok(read.success, `${operation.id} ${read.error && z.prettifyError(read.error)}`)
  if (status !== 202 && method !== 'PUT' && operation.id !== 'confirmChange')
    assert.equal(status, operation.status, operation.id)
}
