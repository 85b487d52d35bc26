import { UnusableAnswer } from '../unusable.ts'
import type { SourceKind } from './kind.ts'

/** One row of a database. */
export const sql: SourceKind<'sql'> = {
  source: 'sql',
  ask: async ({ connection, query, columns }, key, reach) => {
    const database = reach.sql(connection)
    if (database === undefined) throw new Error('there is no such connection')
    const [row, ...more] = await database.select(query, key, reach.deadlineMs)
    if (more.length > 0) throw new UnusableAnswer('the query gave more than one row')
    if (row === undefined) return undefined
    for (const column of columns.values())
      if (!Object.hasOwn(row, column)) throw new Error(`the query gives no \`${column}\``)
    return claim => row[columns.get(claim) ?? '']
  },
}
