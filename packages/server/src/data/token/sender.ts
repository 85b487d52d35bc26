import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { senderRules } from '@holdfast/protocol/specs/rfc6749-token/order-rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuthenticatedClient } from '../client-auth/authenticate.ts'
import { isWithinDates, parsedCertificate } from '../client-auth/certificate.ts'
import type { ServerProof } from '../dpop/proof-at-server.ts'
import type { Sender } from '../mint/order.ts'

/** Judge whether the request proves what its client must prove, before any grant is looked at (DPOP-38, FAS-04). */
export function judgeSender(
  exchange: Exchange,
  ports: Ports,
  authenticated: AuthenticatedClient,
  proof: ServerProof | undefined,
): Outcome<Sender> {
  const { client, profile, instanceJkt } = authenticated
  const x5tS256 = currentThumbprint(exchange, ports)
  const proven = {
    ...(proof !== undefined && { jkt: proof.jkt }),
    ...(x5tS256 !== undefined && { x5tS256 }),
    ...(instanceJkt !== undefined && { instanceJkt }),
  }
  const refusal = firstRefusal(senderRules, {
    profile,
    requiresDpop: client.dpopBoundAccessTokens,
    requiresCertificate: client.tlsClientCertificateBoundAccessTokens,
    sender: proven,
  })
  return refusal ?? accept({ authenticated, proven, hasNonce: proof?.hasNonce ?? false })
}

/** A certificate outside its dates proves nothing. */
function currentThumbprint({ peerCertificate: peer }: Exchange, ports: Ports): string | undefined {
  const certificate = peer && parsedCertificate(peer)
  return certificate !== undefined && isWithinDates(certificate, ports.clock.now())
    ? peer?.thumbprint
    : undefined
}
