import type { AdminApi, Answer, Change } from '@holdfast/server/control/admin-api.ts'

/** What the commands need from the process they run in; the `holdfast` package puts it together. */
export interface Composition {
  readonly version: string
  /** Runs until told to stop. @returns exit code */
  readonly serve: (options: ServeOptions) => Promise<number>
  /** Runs a gateway until told to stop. @returns exit code */
  readonly gateway: (options: GatewayCommandOptions) => Promise<number>
  /** Starts a system of its own and tries something out on it. @returns what was seen */
  readonly drill: (plan: DrillPlan) => Promise<DrillReport>
  readonly configuration: (file: string | undefined) => ConfigurationAnswer
  /**
   * The admin API of the running server, or of its store while no server runs; with a profile that of the server it
   * names, over HTTPS.
   */
  readonly admin: (file: string | undefined, profile?: string | undefined) => Promise<AdminConnection>
  /** Of the process: where a profile may be named. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The documents that the admin API over HTTPS needs; undefined when the configuration has none. */
  readonly adminDocuments: (file: string | undefined) => readonly object[] | undefined
}

export interface ServeOptions {
  readonly config: string | undefined
  readonly log: 'info' | 'warn' | 'error' | 'silent' | undefined
}

export interface GatewayCommandOptions {
  /** Path of `gateway.yaml`. */
  readonly config: string
  /** Only reads it, says what is wrong, and prints the keys the APIs must trust. */
  readonly check: boolean
  readonly log: ServeOptions['log']
}

/** Changes that one person may not make alone. */
export interface AdminChanges {
  readonly self: () => Promise<Answer<AdminSelf>>
  readonly list: () => Promise<Answer<{ readonly changes: readonly WaitingChange[] }>>
  readonly read: (name: string) => Promise<Answer<WaitingChange>>
  readonly confirm: (name: string) => Promise<Answer<object>>
  readonly withdraw: (name: string) => Promise<Answer<object>>
}

/** Who the server takes the holder of the token for. */
export interface AdminSelf {
  readonly name: string
  readonly isPerson: boolean
  readonly scopes: readonly string[]
  readonly clientId: string
}

export interface WaitingChange {
  readonly name: string
  readonly operation: string
  /** What was asked for, of anything but documents. */
  readonly request?: object
  readonly changes: readonly Change[]
  readonly reasons: readonly string[]
  readonly approveScopes: readonly string[]
  readonly proposedBy: string
  readonly expiresAt: number
}

export type DrillPlan = RevocationDrillOptions | RotationDrillOptions

interface DrillOptions {
  /** PostgreSQL, in which the drill makes a schema of its own and drops it. */
  readonly postgres: string
  /** Requests a second of ordinary traffic. */
  readonly load: number
  readonly onProgress: (line: string) => void
}

export interface RevocationDrillOptions extends DrillOptions {
  readonly drill: 'revocation'
  readonly count: number
  readonly atOnce: number
  /** How many lose their access while the feed is cut; 0: it is not cut. */
  readonly cut: number
  readonly aimP99Ms: number
  readonly aimMaxMs: number
}

export interface RotationDrillOptions extends DrillOptions {
  readonly drill: 'rotation'
  readonly rotations: number
  readonly issuers: number
}

/** All that was measured, and what a person should read of it. */
export interface DrillReport {
  readonly evidence: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
  /** What was not as it must be; empty when all was. */
  readonly failures: readonly string[]
}

export interface AdminConnection {
  readonly api: AdminApi
  readonly via: 'server' | 'store' | 'https'
  /** What waits for a second person; only over HTTPS is it known who is the second. */
  readonly changes?: AdminChanges
  readonly close: () => Promise<void>
}

export type ConfigurationAnswer =
  | { readonly ok: true; readonly value: Configuration }
  | { readonly ok: false; readonly problems: readonly string[] }

/** The bootstrap configuration as far as commands look at it. */
export interface Configuration {
  readonly environment: 'development' | 'production'
  readonly dataFolder: string
  readonly issuers: readonly { readonly name: string; readonly url: string; readonly mtlsUrl: string }[]
  readonly listeners: Readonly<Record<string, { readonly host: string; readonly port: number }>>
  /** Certificate authority that signed the server's certificate, when it is a development one. */
  readonly caFile: string | undefined
  readonly settings: readonly { readonly name: string; readonly value: string; readonly origin: string }[]
}
