import { accept, refuse } from '@holdfast/protocol'
import { isWithinDates, parsedCertificate } from '../certificate.ts'
import type { AuthenticationMethod } from '../method.ts'
import { matchesSubject } from '../subject.ts'
import { isTrusted } from '../trust-anchors.ts'

/** RFC 8705 section 2.1: a certificate chain to a configured anchor, then exactly the registered subject. */
export const tlsClientAuth: AuthenticationMethod = {
  method: 'tls_client_auth',
  prove: ({ exchange, ports, client }) => {
    const peer = exchange.peerCertificate
    if (peer === undefined)
      return refuse(
        'client-auth.certificate-missing',
        ['RFC8705-2'],
        'invalid_client',
        'no client certificate was presented',
      )
    const certificate = parsedCertificate(peer)
    if (certificate === undefined || !isTrusted(certificate, exchange.issuer, ports.clock.now()))
      return refuse(
        'client-auth.certificate-chain',
        ['RFC8705-2.1'],
        'invalid_client',
        'the certificate does not chain to a configured trust anchor',
        { certificate: peer.thumbprint },
      )
    if (!isWithinDates(certificate, ports.clock.now()))
      return refuse(
        'client-auth.certificate-dates',
        ['RFC8705-2.1'],
        'invalid_client',
        'the certificate is outside its dates',
        { certificate: peer.thumbprint },
      )
    if (client.tlsClientAuth === undefined || !matchesSubject(peer, client.tlsClientAuth))
      return refuse(
        'client-auth.certificate-subject',
        ['RFC8705-2.1.2'],
        'invalid_client',
        'the certificate is not of the registered subject',
        { certificate: peer.thumbprint },
      )
    return accept({ facts: { certificate: peer.thumbprint }, credentialId: peer.thumbprint, writes: [] })
  },
}
