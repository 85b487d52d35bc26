import type { FieldChange } from './admin-api.ts'

/** Members whose value never leaves the store, not even in a plan. */
const secretFields: ReadonlySet<string> = new Set([
  'spec.password',
  'spec.passwordHash',
  'spec.secrets[0].mac',
  'spec.secrets[1].mac',
  'spec.secrets[0].sealed',
  'spec.secrets[1].sealed',
])

/** Field by field what changes between two documents; secrets only say that they changed. */
export function difference(from: unknown, to: unknown): readonly FieldChange[] {
  const [before, after] = [leaves('', from), leaves('', to)]
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap(field => {
    const [old, next] = [before.get(field), after.get(field)]
    if (old === next) return []
    return [{ field, from: shown(field, old), to: shown(field, next) }]
  })
}

function shown(field: string, value: string | undefined): string | undefined {
  return value !== undefined && secretFields.has(field) ? '(secret)' : value
}

/** Every scalar of a document by its path, as JSON text. Empty objects and arrays count as scalars. */
function leaves(path: string, value: unknown): ReadonlyMap<string, string> {
  if (value === undefined) return new Map()
  const members: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((member, index) => [`${path}[${index}]`, member])
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([name, member]) => [memberOf(path, name), member])
      : []
  if (members.length === 0) return new Map([[path, JSON.stringify(value)]])
  return new Map(members.flatMap(([name, member]) => [...leaves(name, member)]))
}

/** No two places have one path: a name that could be read as several steps stands in brackets. */
function memberOf(path: string, name: string): string {
  if (!/^[^.[\]"\s]+$/u.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}
