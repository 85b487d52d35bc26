import type { KeyTimes } from '@holdfast/server/keys/life.ts'

/** What each process of a drill is told; plain data, in a file that only its owner can read. */

/** A certificate with its key, as PEM. */
export interface Identity {
  readonly certPem: string
  readonly keyPem: string
}

export type Jwk = Readonly<Record<string, string>>

/** How a process reaches its node: two ports, so that one can go dead without the other. */
export interface Network {
  readonly feedPort: number
  readonly restPort: number
}

export interface NodeConfig {
  /** `holdfast.yaml`. */
  readonly file: string
  readonly keyTimes: KeyTimes
}

interface PlaceConfig {
  readonly network: Network
  readonly caPem: string
  readonly tls: Identity
  /** Its client at every issuer. */
  readonly clientId: string
  readonly clientKey: Jwk
  readonly resources: readonly Resource[]
}

export interface ApiConfig extends PlaceConfig {
  readonly port: number
  readonly issuers: readonly {
    readonly name: string
    readonly url: string
    /** Under which name the gateway before it stands for this issuer. */
    readonly gatewayUrl: string
  }[]
  readonly gateway: {
    readonly publicJwk: Readonly<Record<string, unknown>>
    readonly thumbprint: string
  }
}

export interface GatewayConfig extends PlaceConfig {
  readonly issuers: readonly { readonly name: string; readonly url: string; readonly port: number }[]
  readonly evidenceKey: Jwk
  /** With what it proves itself to the API behind it. */
  readonly identity: Identity
  readonly apiPort: number
  readonly auditFile: string
}

/** The two APIs of every issuer: one takes opaque tokens, the other JWTs. */
export const resources = ['accounts', 'ledger'] as const
export type Resource = (typeof resources)[number]

export function audienceOf(resource: Resource): string {
  return `https://${resource}.bank.example`
}

export function pathOf(issuerName: string, resource: Resource): string {
  return `/${issuerName}/${resource}`
}

export function evidenceAudienceOf(resource: Resource): string {
  return `holdfast:api:${resource}`
}
