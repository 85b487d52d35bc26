import { accept, refuse } from '@holdfast/protocol'
import { isWithinDates, parsedCertificate } from '../certificate.ts'
import { hasRegisteredCertificate } from '../client-keys.ts'
import type { AuthenticationMethod } from '../method.ts'

/** RFC 8705 section 2.2: no path validation; the certificate itself is the registered credential. */
export const selfSignedTlsClientAuth: AuthenticationMethod = {
  method: 'self_signed_tls_client_auth',
  prove: async ({ exchange, ports, client }) => {
    const peer = exchange.peerCertificate
    if (peer === undefined)
      return refuse(
        'client-auth.self-signed-missing',
        ['RFC8705-2'],
        'invalid_client',
        'no client certificate was presented',
      )
    const certificate = parsedCertificate(peer)
    if (certificate === undefined || !(await hasRegisteredCertificate(client, peer, certificate, ports)))
      return refuse(
        'client-auth.self-signed-unknown',
        ['RFC8705-2.2'],
        'invalid_client',
        'the certificate is not one the client registered',
        { certificate: peer.thumbprint },
      )
    if (!isWithinDates(certificate, ports.clock.now()))
      return refuse(
        'client-auth.self-signed-dates',
        ['RFC8705-2.2'],
        'invalid_client',
        'the certificate is outside its dates',
        { certificate: peer.thumbprint },
      )
    return accept({ facts: { certificate: peer.thumbprint }, credentialId: peer.thumbprint, writes: [] })
  },
}
