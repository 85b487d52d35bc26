/** What the two engines spell differently; every migration is one text for both. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  readonly integer: string
  /** Text that sorts by its bytes, so that time-led keys append. */
  readonly text: string
  readonly bytes: string
  /** Ends a table of wide rows: stored in order of arrival, the key in an index of its own. */
  readonly wide: string
  /** Ends a table of narrow rows: the key is the table. */
  readonly narrow: string
  /** SQLite keeps one chain per file, so its sequence is the row's own place and costs no index. */
  readonly auditKey: string
}

export const sqliteDialect: Dialect = {
  name: 'sqlite',
  integer: 'integer',
  text: 'text',
  bytes: 'blob',
  wide: 'strict',
  narrow: 'strict, without rowid',
  auditKey: 'primary key (sequence)',
}

export const postgresDialect: Dialect = {
  name: 'postgres',
  integer: 'bigint',
  text: 'text collate "C"',
  bytes: 'bytea',
  wide: '',
  narrow: '',
  auditKey: 'primary key (chain, sequence)',
}

/** One step of the schema. Never edited once released; a later step changes what an earlier one made. */
export interface Migration {
  readonly version: number
  readonly title: string
  readonly statements: (dialect: Dialect) => readonly string[]
}
