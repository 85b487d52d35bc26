import { isIPv4 } from 'node:net'

/** An IPv4 address seen through an IPv6 socket is written as IPv4. */
export function canonicalAddress(address: string): string {
  const text = address.toLowerCase()
  return text.startsWith('::ffff:') && isIPv4(text.slice(7)) ? text.slice(7) : text
}

/** Where limits count: IPv4 /24, IPv6 /56. @param address canonical */
export function prefixOf(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`
  return `${expandedGroups(address).slice(0, 4).join(':').slice(0, -2)}00::/56`
}

/** What somebody moves within without changing where they are: IPv4 /24, IPv6 /48. @param address canonical */
export function networkOf(address: string): string {
  if (isIPv4(address)) return prefixOf(address)
  return `${expandedGroups(address).slice(0, 3).join(':')}::/48`
}

/** The eight four-digit groups of an IPv6 address. */
export function expandedGroups(address: string): readonly string[] {
  const plain = address.split('%')[0] ?? ''
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  return [...groups, ...Array<string>(8).fill('0')].slice(0, 8).map(group => group.padStart(4, '0'))
}
