import { createHash } from 'node:crypto'
import { isIPv4, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Listener, PeerCertificate } from './exchange.ts'

/** What is true for every request of one connection, worked out at the first. */
export interface Connection {
  readonly address: string
  /** Where limits count: IPv4 /24, IPv6 /56. */
  readonly prefix: string
  readonly peerCertificate: PeerCertificate | undefined
}

const known = new WeakMap<Socket, Connection>()

/** @param listener only the mutual-TLS listener asks for a certificate; elsewhere there is none to trust */
export function connectionOf(socket: Socket, listener: Listener): Connection {
  const found = known.get(socket)
  if (found !== undefined) return found
  const address = canonicalAddress(socket.remoteAddress ?? '')
  const peerCertificate = listener === 'mtls' ? certificateOf(socket) : undefined
  const connection = { address, prefix: prefixOf(address), peerCertificate }
  // A certificate can only appear with the handshake, and requests only come after it.
  known.set(socket, connection)
  return connection
}

function certificateOf(socket: Socket): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const der = socket.getPeerX509Certificate()?.raw
  return der === undefined
    ? undefined
    : { der, thumbprint: createHash('sha256').update(der).digest('base64url') }
}

/** An IPv4 address seen through an IPv6 socket is written as IPv4. */
export function canonicalAddress(address: string): string {
  const text = address.toLowerCase()
  return text.startsWith('::ffff:') && isIPv4(text.slice(7)) ? text.slice(7) : text
}

/** @param address canonical */
export function prefixOf(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`
  return `${expandedGroups(address).slice(0, 4).join(':').slice(0, -2)}00::/56`
}

/** The eight four-digit groups of an IPv6 address. */
function expandedGroups(address: string): readonly string[] {
  const plain = address.split('%')[0] ?? ''
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  return [...groups, ...Array<string>(8).fill('0')].slice(0, 8).map(group => group.padStart(4, '0'))
}
