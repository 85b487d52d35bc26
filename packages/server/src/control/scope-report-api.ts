/** The part of the admin API that reports who can do what, and what does not fit together. */

export interface ScopeReportRequest {
  /** Name or URL; needed when there are several issuers. */
  readonly issuer?: string | undefined
  /** Rights that no token was issued for in so many days are unused; absent: the audit is not read. */
  readonly unusedDays?: number | undefined
  /** A scope that lets into more operations is broad. */
  readonly operationsMax: number
  /** Only this client. */
  readonly client?: string | undefined
  /** Only this API, by the name of its ResourceServer. */
  readonly resourceServer?: string | undefined
  /** The other environment: name or URL of an issuer here, or name of the issuer in `documents`. */
  readonly against?: string | undefined
  /** What `holdfast export` wrote there. */
  readonly documents?: { readonly path: string; readonly text: string } | undefined
  /** Text of `gateway.yaml`. */
  readonly gateway?: string | undefined
}

export interface ScopeReport {
  readonly issuer: string
  readonly environment: string
  readonly access: readonly AccessRow[]
  /** Rows that found no room. */
  readonly accessUntold: number
  /** Clients that may use APIs of which nobody says what their operations are. */
  readonly uncatalogued: readonly UncataloguedApi[]
  /** Undefined when it was not asked for. */
  readonly unused: readonly UnusedRight[] | undefined
  /** Earliest record of the audit about this issuer; undefined when there is none. */
  readonly auditFrom: number | undefined
  /** Whether the audit reaches back far enough, and was read to its end, to call anything unused. */
  readonly isAuditLongEnough: boolean
  readonly broad: readonly BroadScope[]
  /** Undefined when nothing was named to compare with. */
  readonly environments: readonly Drift[] | undefined
  readonly gateway: readonly Drift[] | undefined
}

/** One client may call one operation. */
export interface AccessRow {
  readonly client: string
  /** Name of the ResourceServer. */
  readonly api: string
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly tier: number
  readonly dataTypes: readonly string[]
  /** Each alone lets the client in: scopes and types of details, together. */
  readonly by: readonly (readonly string[])[]
  /** Name of the active ScopeGrant of a governed API. */
  readonly grant?: string
  /** When that grant ends, in seconds since the epoch. */
  readonly until?: number
}

export interface UncataloguedApi {
  readonly api: string
  readonly clients: readonly string[]
}

/** A scope or type of details that a client may have and did not use. */
export interface UnusedRight {
  readonly client: string
  readonly api: string
  readonly right: string
  readonly grant?: string
  /** Last token with it, in seconds since the epoch; absent: none that the audit knows. */
  readonly lastUsedAt?: number
}

export interface BroadScope {
  readonly api: string
  readonly scope: string
  readonly operations: number
  readonly tiers: readonly number[]
  readonly dataTypes: readonly string[]
  /** Clients that may have it. */
  readonly clients: number
  readonly reasons: readonly ('operations' | 'tiers' | 'reads-and-writes' | 'data-types')[]
}

/** One thing in which two descriptions of the same differ. */
export interface Drift {
  readonly kind: string
  readonly name: string
  readonly message: string
  /** To know, and nothing to mend. */
  readonly isNote?: true
}
