import { BlockList, isIP, isIPv6 } from 'node:net'
import { canonicalAddress } from './connection.ts'
import { headerValues } from './exchange-of.ts'

/** Longest chain of proxies that is read; further left is whatever the client wrote. */
const hopsMax = 10

/** The address of the client, given the connection's and the raw header list. */
export type ClientAddress = (peer: string, rawHeaders: readonly string[]) => string

/**
 * Without trusted proxies (the default) the header does not exist. With them, the client is the right-most
 * address that is not a trusted proxy, and only when the connection itself comes from one.
 * @param trusted addresses or prefixes like `10.0.0.0/8`
 * @throws TypeError when an entry is neither
 */
export function clientAddressBehind(trusted: readonly string[]): ClientAddress {
  if (trusted.length === 0) return peer => peer
  const list = new BlockList()
  for (const entry of trusted) addEntry(list, entry)
  const isTrusted = (address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

  return (peer, rawHeaders) => {
    if (isIP(peer) === 0 || !isTrusted(peer)) return peer
    const forwardedFor = headerValues(rawHeaders, 'x-forwarded-for')
    let client = peer
    for (const hop of forwardedFor.join(',').split(',').slice(-hopsMax).toReversed()) {
      const address = canonicalAddress(hop.trim())
      if (isIP(address) === 0) return client
      client = address
      if (!isTrusted(address)) return client
    }
    return client
  }
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/')
  const version = isIP(address)
  if (version === 0) throw new TypeError(`\`${entry}\` is not an address or prefix`)
  const family = version === 6 ? 'ipv6' : 'ipv4'
  const most = version === 6 ? 128 : 32
  const length = bits === undefined ? most : Number(bits)
  if (!Number.isInteger(length) || length < 0 || length > most)
    throw new TypeError(`\`${entry}\` is not an address or prefix`)
  list.addSubnet(address, length, family)
}
