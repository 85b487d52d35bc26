import { createRequire } from 'node:module'
import { isIPv4, isIPv6 } from 'node:net'
import type { PeerCertificate } from '../../http/exchange.ts'
import type { TlsClientSubject } from '../../snapshot/snapshot.ts'
import { isSameName, nameOfCertificate, parseDistinguishedName } from './distinguished-name.ts'

/** Subject of a certificate, read once per connection. */
interface Subject {
  readonly name: ReturnType<typeof nameOfCertificate>
  readonly alternatives: readonly { readonly type: string; readonly value: string }[]
}

const subjects = new WeakMap<PeerCertificate, Subject>()

type X509 = typeof import('@peculiar/x509')
let library: X509 | undefined

/** Loaded with the first certificate: it is two hundred modules, and most starts never see one. */
function x509Library(): X509 {
  if (library !== undefined) return library
  const require = createRequire(import.meta.url)
  require('reflect-metadata')
  library = require('@peculiar/x509') as X509
  return library
}

/** Whether the one registered subject form matches (RFC 8705 section 2.1.2). */
export function matchesSubject(peer: PeerCertificate, registered: TlsClientSubject): boolean {
  const { name, alternatives } = subjectOf(peer)
  const has = (type: string, matches: (value: string) => boolean): boolean =>
    alternatives.some(alternative => alternative.type === type && matches(alternative.value))
  switch (registered.kind) {
    case 'subject_dn': {
      const wanted = parseDistinguishedName(registered.value)
      return wanted !== undefined && wanted.length > 0 && isSameName(name, wanted)
    }
    case 'san_dns':
      return has('dns', value => isSameDomain(value, registered.value))
    case 'san_uri':
      return has('url', value => value === registered.value)
    case 'san_ip':
      return has('ip', value => isSameAddress(value, registered.value))
    case 'san_email':
      return has('email', value => isSameMailbox(value, registered.value))
    default:
      return registered.kind satisfies never
  }
}

function subjectOf(peer: PeerCertificate): Subject {
  const known = subjects.get(peer)
  if (known !== undefined) return known
  const x509 = x509Library()
  const certificate = new x509.X509Certificate(new Uint8Array(peer.der))
  const extension = certificate.getExtension(x509.SubjectAlternativeNameExtension)
  const subject: Subject = {
    name: nameOfCertificate(certificate),
    alternatives: extension?.names.items.map(({ type, value }) => ({ type, value })) ?? [],
  }
  subjects.set(peer, subject)
  return subject
}

/** No wildcard on either side: `*` is an ordinary character that no host name has. */
function isSameDomain(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase() && !left.includes('*')
}

/** The domain of a mailbox is case-insensitive, its local part is not (RFC 5280 section 7.5). */
function isSameMailbox(left: string, right: string): boolean {
  const [leftAt, rightAt] = [left.lastIndexOf('@'), right.lastIndexOf('@')]
  return (
    leftAt > 0 &&
    left.slice(0, leftAt) === right.slice(0, rightAt) &&
    isSameDomain(left.slice(leftAt + 1), right.slice(rightAt + 1))
  )
}

function isSameAddress(left: string, right: string): boolean {
  const canonical = canonicalAddress(left)
  return canonical !== undefined && canonical === canonicalAddress(right)
}

/** One text per address, whatever the spelling; undefined for anything that is none. */
function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  return isIPv6(text) && !text.includes('%') ? new URL(`http://[${text}]`).hostname : undefined
}
