import { X509Certificate } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { isWithinDates } from './certificate.ts'

/** Extended key usage of TLS clients (RFC 5280 section 4.2.1.12). */
const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const anyUsage = '2.5.29.37.0'

const anchorsOf = new WeakMap<IssuerSnapshot, readonly X509Certificate[]>()
/** Which anchor signed a certificate: a signature check per connection, not per request. */
const signedBy = new WeakMap<X509Certificate, WeakMap<IssuerSnapshot, X509Certificate>>()

/**
 * The anchor of the issuer that signed the certificate. Anchors are named one by one and sign directly: an
 * intermediate authority is an anchor or it is nothing, so that no root opens the door for all it ever certifies.
 */
export function anchorOf(
  certificate: X509Certificate,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): X509Certificate | undefined {
  const usages = certificate.keyUsage as readonly string[] | undefined
  if (usages !== undefined && !usages.includes(clientAuthentication) && !usages.includes(anyUsage))
    return undefined
  const known = signedBy.get(certificate)?.get(issuer)
  const anchor = known ?? anchors(issuer).find(candidate => isSignedBy(certificate, candidate))
  if (anchor === undefined) return undefined
  if (known === undefined) {
    const perIssuer = signedBy.get(certificate) ?? new WeakMap<IssuerSnapshot, X509Certificate>()
    perIssuer.set(issuer, anchor)
    signedBy.set(certificate, perIssuer)
  }
  return isWithinDates(anchor, now) ? anchor : undefined
}

function anchors(issuer: IssuerSnapshot): readonly X509Certificate[] {
  const known = anchorsOf.get(issuer)
  if (known !== undefined) return known
  const parsed = issuer.clientTrustAnchors.map(pem => new X509Certificate(pem))
  anchorsOf.set(issuer, parsed)
  return parsed
}

function isSignedBy(certificate: X509Certificate, anchor: X509Certificate): boolean {
  return anchor.ca && certificate.checkIssued(anchor) && certificate.verify(anchor.publicKey)
}
