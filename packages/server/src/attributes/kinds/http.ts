import { isJsonObject, type JsonValue } from '@holdfast/protocol/wire/json.ts'
import { UnusableAnswer } from '../unusable.ts'
import type { SourceKind } from './kind.ts'

/** A service that answers JSON about a key. */
export const http: SourceKind<'http'> = {
  source: 'http',
  ask: async ({ connection, path, pointers }, key, reach) => {
    const service = reach.http(connection)
    if (service === undefined) throw new Error('there is no such connection')
    const isInPath = path.includes('{key}')
    const answer = await service.ask(pathFor(path, key), isInPath ? undefined : { key }, reach.deadlineMs)
    if (answer === undefined) return undefined
    return claim => {
      const pointer = pointers.get(claim)
      return pointer === undefined ? undefined : valueAt(answer, pointer)
    }
  },
}

/** A key is one part of a path, whatever it is: what a URL would make of it must be what we meant. */
function pathFor(template: string, key: string): string {
  // In a query a URL escapes the apostrophe too: Miss O'Hara is no path of another form.
  const path = template.replace('{key}', () => encodeURIComponent(key).replaceAll("'", '%27'))
  const { pathname, search } = new URL(path, 'https://host.example')
  if (pathname + search !== path) throw new UnusableAnswer('the key is no part of a path')
  return path
}

/** RFC 6901. */
function valueAt(document: JsonValue, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = /^(0|[1-9]\d{0,3})$/.test(name) ? value[Number(name)] : undefined
    else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
  return value
}
