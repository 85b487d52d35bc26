import { hash as digest } from 'node:crypto'
import type { HandleHash } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { fineTime, hashOfHandle, newHandle } from '../handle.ts'

/**
 * `browser` ties interactions to the browser that started them (I12); `session` is the user's. Both live until
 * the browser closes; the records behind them have their own ends. `device` stays, for signals of risk: by it a
 * browser is known again.
 */
export type CookieKind = 'browser' | 'session' | 'device'

/** `__Host-`: only this host, only over TLS, sets and reads it. Named per issuer, because hosts can be shared. */
export function cookieName(kind: CookieKind, issuer: string): string {
  return `__Host-holdfast-${kind}-${markOf(issuer)}`
}

const marks = new Map<string, string>()
/** Issuers are few and configured; the bound only guards against a bug. */
const marksMax = 1000

function markOf(issuer: string): string {
  const known = marks.get(issuer)
  if (known !== undefined) return known
  if (marks.size >= marksMax) marks.clear()
  const mark = digest('sha256', issuer, 'hex').slice(0, 8)
  marks.set(issuer, mark)
  return mark
}

export interface NewCookie {
  readonly hash: HandleHash
  readonly header: readonly [name: string, value: string]
}

export function newCookie(exchange: Exchange, ports: Ports, kind: CookieKind): NewCookie {
  const issuer = exchange.issuer.url
  const { value, hash } = newHandle(ports.entropy, kind, issuer, fineTime(ports.clock))
  // Lax and not Strict: the user arrives here from the client's site.
  return {
    hash,
    header: ['set-cookie', `${cookieName(kind, issuer)}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax`],
  }
}

/** The browser that asks, by the cookie it brought or by a new one, which goes back in these headers. */
export function browserOf(
  exchange: Exchange,
  ports: Ports,
): { readonly hash: HandleHash; readonly headers: Reply['headers'] } {
  const known = cookieHash(exchange, 'browser')
  if (known !== undefined) return { hash: known, headers: [] }
  const { hash, header } = newCookie(exchange, ports, 'browser')
  return { hash, headers: [header] }
}

/** The cookie the browser brought, or a new one, to be kept for so many seconds from now. */
export function keptCookie(
  exchange: Exchange,
  ports: Ports,
  kind: CookieKind,
  lifetimeSeconds: number,
): NewCookie {
  const brought = presentedCookie(exchange, kind)
  if (brought === undefined) {
    const { hash, header } = newCookie(exchange, ports, kind)
    return { hash, header: [header[0], `${header[1]}; Max-Age=${lifetimeSeconds}`] }
  }
  const { url } = exchange.issuer
  const text = `${cookieName(kind, url)}=${brought}; Path=/; Secure; HttpOnly; SameSite=Lax`
  return {
    hash: hashOfHandle(kind, url, brought),
    header: ['set-cookie', `${text}; Max-Age=${lifetimeSeconds}`],
  }
}

/** Takes the cookie from the browser. */
export function clearedCookie(exchange: Exchange, kind: CookieKind): NewCookie['header'] {
  const name = cookieName(kind, exchange.issuer.url)
  return ['set-cookie', `${name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0`]
}

/** What the store knows the browser's cookie by; undefined when absent, doubled or not of our making. */
export function cookieHash(exchange: Exchange, kind: CookieKind): HandleHash | undefined {
  const value = presentedCookie(exchange, kind)
  return value === undefined ? undefined : hashOfHandle(kind, exchange.issuer.url, value)
}

function presentedCookie(exchange: Exchange, kind: CookieKind): string | undefined {
  const wanted = `${cookieName(kind, exchange.issuer.url)}=`
  let value: string | undefined
  for (const header of exchange.headers('cookie'))
    for (const part of header.split(';')) {
      const pair = part.trim()
      if (!pair.startsWith(wanted)) continue
      if (value !== undefined) return undefined
      value = pair.slice(wanted.length)
    }
  return value !== undefined && /^[A-Za-z0-9_-]{49}$/.test(value) ? value : undefined
}
