import type { ResponseModeName } from '@holdfast/protocol/specs/jarm/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'

/** A response on its way to the client. */
export interface Outgoing {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly clientId: string
  readonly redirectUri: string
  /** Without `iss`, which every mode puts where it belongs. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface ResponseMode {
  /** `jwt` stands for one of the others. */
  readonly mode: Exclude<ResponseModeName, 'jwt'>
  readonly send: (outgoing: Outgoing) => Reply | Promise<Reply>
}

/** The parameters of a plain response, with `iss` (RFC 9207); a signed one has it inside only. */
export function withIssuer({ exchange, parameters }: Outgoing): Readonly<Record<string, string>> {
  return { ...parameters, iss: exchange.issuer.url }
}
