import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { canonicalAddress, prefixOf } from '@holdfast/protocol/wire/address.ts'
import type { Listener, PeerCertificate } from './exchange.ts'

export { canonicalAddress, prefixOf }

/** What is true for every request of one connection, worked out at the first. */
export interface Connection {
  readonly address: string
  /** Where limits count: IPv4 /24, IPv6 /56. */
  readonly prefix: string
  readonly peerCertificate: PeerCertificate | undefined
}

const known = new WeakMap<Socket, Connection>()

/** @param listener the public one asks for no certificate: there is none to trust */
export function connectionOf(socket: Socket, listener: Listener): Connection {
  const found = known.get(socket)
  if (found !== undefined) return found
  const address = canonicalAddress(socket.remoteAddress ?? '')
  const asks = listener === 'mtls' || listener === 'admin'
  const peerCertificate = asks ? certificateOf(socket) : undefined
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
