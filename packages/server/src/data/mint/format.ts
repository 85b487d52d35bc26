import type { HandleHash } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot, ResourceServer } from '../../snapshot/snapshot.ts'
import type { AccessTokenRecord } from '../../store/records.ts'
import type { StatusPlace } from '../status-list/allocate.ts'
import type { MintOrder } from './order.ts'

export interface MintedToken {
  /** What the client holds. */
  readonly value: string
  readonly hash: HandleHash
  readonly jti: string
  /** Where its status will stand, when it says so. */
  readonly status?: StatusPlace
  /** Head and payload of a token of which the client holds the signature only. */
  readonly signingInput?: string
}

/** A slot: one form of access token. */
export interface TokenFormat {
  readonly format: ResourceServer['accessTokenFormat']
  readonly mint: (order: MintOrder, exchange: Exchange, ports: Ports) => MintedToken | Promise<MintedToken>
  /**
   * What the store knows a presented token by.
   * @returns undefined when it is not of this form, or not one this issuer made
   */
  readonly hashOf: (token: string, issuer: IssuerSnapshot, ports: Ports) => HandleHash | undefined
  /** Whether what was presented and what was kept are one token, where a token is more than its handle. */
  readonly isWhole?: (token: string, kept: AccessTokenRecord, issuer: IssuerSnapshot, ports: Ports) => boolean
}
