import { UnusableAnswer } from '../unusable.ts'
import type { SourceKind } from './kind.ts'

/** One entry of a directory, by one attribute of it. */
export const ldap: SourceKind<'ldap'> = {
  source: 'ldap',
  ask: async ({ connection, base, match, objectClass, places }, key, reach) => {
    const directory = reach.ldap(connection)
    if (directory === undefined) throw new Error('there is no such connection')
    const attributes = [...new Set([match, ...[...places.values()].map(({ attribute }) => attribute)])]
    const wanted = { base, match, objectClass, attributes }
    const [entry, ...more] = await directory.search(wanted, key, reach.deadlineMs)
    if (more.length > 0) throw new UnusableAnswer('more than one entry is of that name')
    if (entry === undefined) return undefined
    // To a directory `ada`, `ADA` and `ada ` are one name; here they are three users.
    const names = entry.get(match.toLowerCase()) ?? []
    if (names.length === 0) throw new Error(`the entry does not show its \`${match}\``)
    if (!names.includes(key)) return undefined
    return claim => {
      const place = places.get(claim)
      const values = place && entry.get(place.attribute.toLowerCase())
      if (place === undefined || values === undefined || values.length === 0) return undefined
      if (place.type === 'strings') return values
      // Of several values none is the one.
      const [value, ...others] = values
      if (others.length > 0) return values
      return place.type === 'boolean' ? (flags.get(value) ?? value) : value
    }
  },
}

/** RFC 4517 section 3.3.3. */
const flags: ReadonlyMap<unknown, boolean> = new Map([
  ['TRUE', true],
  ['FALSE', false],
])
