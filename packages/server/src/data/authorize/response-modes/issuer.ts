import type { Outgoing } from './response-mode.ts'

/** The parameters of a plain response, with `iss` (RFC 9207); a signed one has it inside only. */
export function withIssuer({ exchange, parameters }: Outgoing): Readonly<Record<string, string>> {
  return { ...parameters, iss: exchange.issuer.url }
}
