import { X509Certificate } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import type { PeerCertificate } from '../../http/exchange.ts'

/** Parsed once per connection: the edge hands the same object to every request of it. */
const parsed = new WeakMap<PeerCertificate, X509Certificate>()

/** Undefined when the runtime cannot read it. */
export function parsedCertificate(peer: PeerCertificate): X509Certificate | undefined {
  const known = parsed.get(peer)
  if (known !== undefined) return known
  try {
    const certificate = new X509Certificate(peer.der)
    parsed.set(peer, certificate)
    return certificate
  } catch {
    return undefined
  }
}

/** Checked on every request: a connection may outlive its certificate. Both ends are inside. */
export function isWithinDates(certificate: X509Certificate, now: EpochSeconds): boolean {
  const at = now * 1000
  return at >= Date.parse(certificate.validFrom) && at <= Date.parse(certificate.validTo)
}
