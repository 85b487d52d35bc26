import { isIPv4, isIPv6 } from 'node:net'
import type { IpRange } from './value.ts'

/** Longest text of a range: eight groups of four, a slash, three digits. */
const ipTextLengthMax = 43
const bits = { 4: 32, 6: 128 } as const

/**
 * Reads an address or a range (`10.0.0.0/8`, `2001:db8::/32`). Stricter than `node:net`: no zone, no dotted part in an
 * IPv6 address, no leading zero in the prefix.
 * @returns undefined when the text is none
 */
export function parseIpRange(text: string): IpRange | undefined {
  if (text.length > ipTextLengthMax) return undefined
  const slash = text.indexOf('/')
  const host = slash === -1 ? text : text.slice(0, slash)
  const version = isIPv4(host) ? 4 : isIPv6(host) && /^[0-9A-Fa-f:]+$/.test(host) ? 6 : undefined
  if (version === undefined) return undefined
  const prefix = slash === -1 ? bits[version] : parsePrefix(text.slice(slash + 1), bits[version])
  if (prefix === undefined) return undefined
  return { kind: 'ipaddr', version, address: version === 4 ? v4(host) : v6(host), prefix }
}

function parsePrefix(text: string, max: number): number | undefined {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return undefined
  const prefix = Number(text)
  return prefix <= max ? prefix : undefined
}

function v4(text: string): bigint {
  return text.split('.').reduce((address, part) => address * 256n + BigInt(part), 0n)
}

function v6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((address, part) => address * 65536n + BigInt(`0x${part}`), 0n)
}

export function isInRange(inner: IpRange, outer: IpRange): boolean {
  if (inner.version !== outer.version || inner.prefix < outer.prefix) return false
  const shift = BigInt(bits[outer.version] - outer.prefix)
  return inner.address >> shift === outer.address >> shift
}

export function isLoopback({ version, address, prefix }: IpRange): boolean {
  return version === 4 ? address >> 24n === 127n && prefix >= 8 : address === 1n && prefix === 128
}

export function isMulticast({ version, address, prefix }: IpRange): boolean {
  return version === 4 ? address >> 28n === 0xen && prefix >= 4 : address >> 120n === 0xffn && prefix >= 8
}
