import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { DocumentList } from '@holdfast/server/control/admin-api.ts'

/** What a scope lets into, and what of it was called. */
export interface CalledScope {
  readonly api: string
  readonly scope: string
  readonly operations: number
  readonly called: number
  /** Ids of those that nobody called. */
  readonly never: readonly string[]
}

interface Operation {
  readonly api: string
  readonly audience: string
  readonly id: string
  readonly method: string
  readonly pattern: RegExp
  /** How much of the path stands there word for word: `/accounts/mine` before `/accounts/{id}`. */
  readonly literals: number
  readonly scopes: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

/** The operations of every catalogue, the more literal first. */
export function operationsIn(documents: DocumentList['documents'], issuer: string): readonly Operation[] {
  const own = documents.filter(entry => entry.issuer === issuer)
  const audiences = new Map(
    own
      .filter(({ kind }) => kind === 'ResourceServer')
      .map(({ name, document }) => [name, String((document.spec as Fields).audience)]),
  )
  return own
    .filter(({ kind }) => kind === 'ApiOperations')
    .flatMap(({ name: api, document }) =>
      ((document.spec as Fields).operations as readonly Fields[]).map(({ id, method, path, coveredBy }) => ({
        ...{ api, audience: audiences.get(api) ?? '', id: String(id), method: String(method) },
        pattern: patternOf(String(path)),
        literals: String(path).replaceAll(/\{[^{}]*\}/g, '').length,
        scopes: ((coveredBy ?? []) as readonly Fields[]).flatMap(
          way => (way.scopes ?? []) as readonly string[],
        ),
      })),
    )
    .toSorted((left, right) => right.literals - left.literals)
}

function patternOf(path: string): RegExp {
  const literals = path.split(/\{[^{}]*\}/).map(text => text.replaceAll(/[.*+?^$()[\]\\|]/g, '\\$&'))
  return new RegExp(`^${literals.join('[^/]+')}$`)
}

/**
 * Reads what gateways and APIs wrote about each request, a line of JSON each, and tells of which operations of a scope
 * one was let in. A line that is none of theirs is passed over.
 */
export async function calledScopes(
  files: readonly string[],
  operations: readonly Operation[],
): Promise<readonly CalledScope[]> {
  const called = new Set<Operation>()
  for (const file of files)
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: 1 })) {
      const { audience, method, path } = accepted(line)
      const found = operations.find(
        one => one.audience === audience && one.method === method && one.pattern.test(path),
      )
      if (found !== undefined) called.add(found)
    }
  const byScope = Map.groupBy(
    operations.flatMap(operation => [...new Set(operation.scopes)].map(scope => ({ scope, operation }))),
    ({ scope, operation }) => `${operation.api}\n${scope}`,
  )
  return [...byScope.values()].flatMap(covered => {
    const [first] = covered
    if (first === undefined) return []
    const never = covered
      .filter(({ operation }) => !called.has(operation))
      .map(({ operation }) => operation.id)
    return [
      {
        ...{ api: first.operation.api, scope: first.scope, operations: covered.length },
        ...{ called: covered.length - never.length, never: never.toSorted() },
      },
    ]
  })
}

function accepted(line: string): {
  readonly audience: string
  readonly method: string
  readonly path: string
} {
  const none = { audience: '', method: '', path: '' }
  let said: unknown
  try {
    said = JSON.parse(line)
  } catch {
    return none
  }
  if (typeof said !== 'object' || said === null) return none
  const { event, outcome, audience, method, path } = said as Fields
  if (event !== 'api.access' || outcome !== 'accepted') return none
  return { audience: String(audience), method: String(method), path: String(path).split('?')[0] ?? '' }
}
