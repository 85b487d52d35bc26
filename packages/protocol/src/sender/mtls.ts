import { X509Certificate } from 'node:crypto'
import type { CertificateThumbprint, EpochSeconds } from '../brand.ts'
import { certificateThumbprint } from '../jose/thumbprint.ts'
import { accept, type Outcome, refuse } from '../refusal.ts'
import { firstRefusal } from '../rule.ts'
import { certificateTimeRules } from '../specs/rfc8705-mtls/rules.ts'

/** What a connection's certificate proves. Made once per connection; the dates are judged per request. */
export interface CertificateEvidence {
  readonly x5tS256: CertificateThumbprint
  readonly notBefore: EpochSeconds
  readonly notAfter: EpochSeconds
}

/**
 * Reads the certificate the TLS layer proved possession of.
 * @param der from the TLS socket, or from a proxy that is authenticated as one
 */
export function readCertificate(der: Uint8Array): Outcome<CertificateEvidence> {
  try {
    const { validFromDate, validToDate } = new X509Certificate(der)
    return accept({
      x5tS256: certificateThumbprint(der),
      notBefore: secondsOf(validFromDate),
      notAfter: secondsOf(validToDate),
    })
  } catch {
    return refuse('mtls.form', ['RFC8705-3'], 'invalid_token', 'client certificate cannot be read')
  }
}

function secondsOf(date: Date): EpochSeconds {
  return Math.max(0, Math.floor(date.getTime() / 1000)) as EpochSeconds
}

/** The thumbprint to put into `BindingEvidence`, when the certificate is within its dates (RFC 8705 section 6.2). */
export function judgeCertificate(
  certificate: CertificateEvidence,
  now: EpochSeconds,
): Outcome<CertificateThumbprint> {
  return firstRefusal(certificateTimeRules, { ...certificate, now }) ?? accept(certificate.x5tS256)
}
