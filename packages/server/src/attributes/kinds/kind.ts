import type { JsonObject } from '@holdfast/protocol/wire/json.ts'
import type { SourceName, SourceOf } from '../../snapshot/snapshot.ts'
import type { UserRecord } from '../../store/records.ts'

/** What the kinds reach the world by. */
export interface Reach {
  readonly user: (by: 'subject' | 'username', key: string) => Promise<UserRecord | undefined>
  readonly http: (connection: string) => HttpConnection | undefined
  readonly sql: (connection: string) => SqlConnection | undefined
  readonly ldap: (connection: string) => LdapConnection | undefined
  readonly deadlineMs: number
}

export interface HttpConnection {
  /** @returns undefined: it answered that there is nothing (404) */
  readonly ask: (
    path: string,
    /** Posted as JSON; undefined: a GET. */
    body: object | undefined,
    timeoutMs: number,
  ) => Promise<JsonObject | undefined>
}

export interface SqlConnection {
  /** At most two rows. */
  readonly select: (
    query: string,
    key: string,
    timeoutMs: number,
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

export interface LdapConnection {
  /** At most two entries, each by name of the attribute in lower case. */
  readonly search: (
    wanted: {
      readonly base: string
      readonly match: string
      readonly objectClass: string
      readonly attributes: readonly string[]
    },
    key: string,
    timeoutMs: number,
  ) => Promise<readonly ReadonlyMap<string, readonly unknown[]>[]>
}

/** What one kind of source says about one key: what stands at each claim. Undefined: it knows nobody of that name. */
export type Told = (claim: string) => unknown

/** A slot: where a source finds things. What it throws is a failure of the source. */
export interface SourceKind<Name extends SourceName> {
  readonly source: Name
  readonly ask: (
    source: Extract<SourceOf, { source: Name }>,
    key: string,
    reach: Reach,
  ) => Promise<Told | undefined>
}
