import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import { accept, type Outcome } from '@holdfast/protocol'
import type { CertificateEvidence } from '@holdfast/protocol/sender/mtls.ts'
import { readClientCert } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { canonicalAddress, prefixOf } from '@holdfast/protocol/wire/address.ts'
import { readPeerCertificate } from '@holdfast/resource-server'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'

/** Who is at the other end of a connection: worked out once, true for all its requests. */
export interface Connection {
  readonly address: string
  readonly der: Uint8Array | undefined
  readonly certificate: CertificateEvidence | undefined
}

/** Who sent a request. */
export interface Peer {
  /** For `Forwarded` and for the log. */
  readonly address: string
  /** Where failures count. */
  readonly prefix: string
  readonly der: Uint8Array | undefined
  readonly certificate: CertificateEvidence | undefined
}

const connections = new WeakMap<Socket, Connection>()

/** Who is at the other end of a connection, by its own certificate. */
export function connectionOf(socket: Socket): Connection {
  const known = connections.get(socket)
  if (known !== undefined) return known
  const der = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined
  const address = canonicalAddress(socket.remoteAddress ?? '')
  const connection = { address, der, certificate: readPeerCertificate(der) }
  connections.set(socket, connection)
  return connection
}

/**
 * The client of a request. A proxy is believed only when its own certificate is listed: an address is not a proof. From
 * everybody else `Client-Cert` and `X-Forwarded-For` are what any other header is: not read.
 */
export function peerOf({ socket, rawHeaders }: IncomingMessage, proxies: ReadonlySet<string>): Outcome<Peer> {
  const { address, der, certificate } = connectionOf(socket)
  const isFromProxy = certificate !== undefined && proxies.has(certificate.x5tS256)
  if (!isFromProxy) return accept({ address, prefix: prefixOf(address), der, certificate })
  return peerBehind(rawHeaders, address)
}

/** The client as a proxy that is believed describes it. @param address of the proxy, when it does not say the client's */
export function peerBehind(rawHeaders: readonly string[], address: string): Outcome<Peer> {
  const client = clientAddress(headerValues(rawHeaders, 'x-forwarded-for')) ?? address
  const found = { address: client, prefix: prefixOf(client) }
  const values = headerValues(rawHeaders, 'client-cert')
  // The proxy's own certificate is never the client's.
  if (values.length === 0) return accept({ ...found, der: undefined, certificate: undefined })
  const read = readClientCert({ values, isFromProxy: true })
  if (!read.ok) return read
  return accept({ ...found, der: read.value, certificate: readPeerCertificate(read.value) })
}

/** The right-most address is the one the proxy itself saw; what stands left of it anybody may have written. */
function clientAddress(values: readonly string[]): string | undefined {
  const last = canonicalAddress(values.join(',').split(',').at(-1)?.trim() ?? '')
  return isIP(last) === 0 ? undefined : last
}
