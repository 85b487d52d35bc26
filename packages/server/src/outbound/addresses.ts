import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Special-use networks (RFC 6890, RFC 5737, RFC 6598, RFC 7526 and later): nothing of the public internet is there. */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Inside 2000::/3, which is the only part of IPv6 that is public at all. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']
const publicIpv6 = '2000::/3'

function listOf(prefixes: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const prefix of prefixes) {
    const [address = '', bits] = prefix.split('/')
    list.addSubnet(address, Number(bits), family)
  }
  return list
}

const blockedIpv4 = listOf(specialIpv4, 'ipv4')
const blockedIpv6 = listOf(specialIpv6, 'ipv6')
const allowedIpv6 = listOf([publicIpv6], 'ipv6')

/**
 * Whether an address is of the public internet. Forms that carry an IPv4 address in an IPv6 one (mapped, NAT64,
 * 6to4, Teredo) all lie outside 2000::/3 or inside a special-use network, so they are never public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !blockedIpv4.check(address, 'ipv4')
  if (!isIPv6(address) || address.includes('%')) return false
  return allowedIpv6.check(address, 'ipv6') && !blockedIpv6.check(address, 'ipv6')
}

/**
 * Whether an address is of one of these networks.
 * @param prefixes each an address and the length of a prefix, as `isNetwork` takes them
 */
export function insideOf(prefixes: readonly string[]): (address: string) => boolean {
  const ipv4 = listOf(
    prefixes.filter(prefix => !prefix.includes(':')),
    'ipv4',
  )
  const ipv6 = listOf(
    prefixes.filter(prefix => prefix.includes(':')),
    'ipv6',
  )
  return address =>
    isIPv4(address) ? ipv4.check(address, 'ipv4') : isIPv6(address) && ipv6.check(address, 'ipv6')
}

/** A network as a prefix, e.g. `10.3.0.0/16`. */
export function isNetwork(text: string): boolean {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? []
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  return Number(bits) <= most
}
