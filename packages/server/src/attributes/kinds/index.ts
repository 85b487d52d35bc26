import type { SourceName, SourceOf } from '../../snapshot/snapshot.ts'
import { directory } from './directory.ts'
import { http } from './http.ts'
import type { Reach, SourceKind, Told } from './kind.ts'
import { ldap } from './ldap.ts'
import { sql } from './sql.ts'
import { staticTable } from './static.ts'

/** The slot: a kind of source is one file and one line here. */
const kinds: { readonly [Name in SourceName]: SourceKind<Name> } = {
  static: staticTable,
  directory,
  http,
  ldap,
  sql,
}

/** Asks one source about one key. @throws when it cannot tell */
export function askSource<Name extends SourceName>(
  source: Extract<SourceOf, { source: Name }>,
  key: string,
  reach: Reach,
): Promise<Told | undefined> {
  const kind: SourceKind<Name> = kinds[source.source as Name]
  return kind.ask(source, key, reach)
}
