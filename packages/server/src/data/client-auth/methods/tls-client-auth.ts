import { accept, firstRefusal, refuse } from '@holdfast/protocol'
import { certificateRevocationRules } from '@holdfast/protocol/specs/rfc8705-mtls/revocation-rules.ts'
import { isWithinDates, parsedCertificate } from '../certificate.ts'
import type { AuthenticationMethod } from '../method.ts'
import { matchesSubject } from '../subject.ts'
import { anchorOf } from '../trust-anchors.ts'

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
    const now = ports.clock.now()
    const anchor = certificate && anchorOf(certificate, exchange.issuer, now)
    if (certificate === undefined || anchor === undefined)
      return refuse(
        'client-auth.certificate-chain',
        ['RFC8705-2.1'],
        'invalid_client',
        'the certificate does not chain to a configured trust anchor',
        { certificate: peer.thumbprint },
      )
    if (!isWithinDates(certificate, now))
      return refuse(
        'client-auth.certificate-dates',
        ['RFC8705-2.1'],
        'invalid_client',
        'the certificate is outside its dates',
        { certificate: peer.thumbprint },
      )
    const revocation = ports.certificateLists.standing(exchange.issuer.url, anchor, certificate, now)
    const revoked = firstRefusal(certificateRevocationRules, revocation)
    if (revoked !== undefined) return { ...revoked, facts: { certificate: peer.thumbprint } }
    if (client.tlsClientAuth === undefined || !matchesSubject(peer, client.tlsClientAuth))
      return refuse(
        'client-auth.certificate-subject',
        ['RFC8705-2.1.2'],
        'invalid_client',
        'the certificate is not of the registered subject',
        { certificate: peer.thumbprint },
      )
    const isUnchecked = revocation.policy !== 'off' && revocation.standing === 'unknown'
    if (isUnchecked) ports.metrics.count('client_certificates_unchecked_total')
    const facts = { certificate: peer.thumbprint, ...(isUnchecked && { certificate_unchecked: true }) }
    return accept({ facts, credentialId: peer.thumbprint, writes: [] })
  },
}
