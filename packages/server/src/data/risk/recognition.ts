import { createHmac } from 'node:crypto'
import { isIP } from 'node:net'
import type { HandleHash } from '@holdfast/protocol'
import { canonicalAddress, networkOf } from '@holdfast/protocol/wire/address.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { hashOfHandle } from '../handle.ts'
import { cookieHash } from '../interaction/cookies.ts'

/**
 * What a browser, a network, a country or a key is remembered by: a hash under a key of the issuer, and of the one it belongs to.
 * Two users of one browser, one network or one issuer and the next have nothing in common in the store.
 */
function itemOf({ keys }: Ports, issuer: string, what: string, owner: string, text: string): string {
  const mac = createHmac('sha256', keys.secret(issuer, 'risk-history'))
  return mac.update(`${what}\n${owner}\n${text}`).digest('base64url')
}

/** Undefined: the browser brought no cookie of ours. */
export function deviceItem(exchange: Exchange, ports: Ports, subject: string): string | undefined {
  const hash = cookieHash(exchange, 'device')
  return hash === undefined ? undefined : deviceItemOf(exchange, ports, subject, hash)
}

export function deviceItemOf({ issuer }: Exchange, ports: Ports, subject: string, hash: HandleHash): string {
  return itemOf(ports, issuer.url, 'device', subject, hash)
}

/** Undefined: there is no address. */
export function networkItem(exchange: Exchange, ports: Ports, subject: string): string | undefined {
  const network = networkOfRequest(exchange)
  return network === undefined ? undefined : itemOf(ports, exchange.issuer.url, 'network', subject, network)
}

/** @param country ISO 3166-1 alpha-2 */
export function countryItem({ issuer }: Exchange, ports: Ports, subject: string, country: string): string {
  return itemOf(ports, issuer.url, 'country', subject, country)
}

export function keyItem({ issuer }: Exchange, ports: Ports, clientId: string, credentialId: string): string {
  return itemOf(ports, issuer.url, 'key', clientId, credentialId)
}

/** What failures and sign-ins are counted under. */
export interface RiskCounters {
  readonly failures: (username: string) => HandleHash
  readonly signIns: (subject: string) => HandleHash
  /** Undefined: there is no address. */
  readonly networkFailures: HandleHash | undefined
}

export function riskCounters(exchange: Exchange, ports: Ports): RiskCounters {
  const { url } = exchange.issuer
  const keyOf = (what: string, text: string): HandleHash =>
    hashOfHandle('failures', url, itemOf(ports, url, `count-${what}`, '', text))
  const network = networkOfRequest(exchange)
  return {
    failures: username => keyOf('failures', username.normalize('NFKC').toLowerCase()),
    signIns: subject => keyOf('sign-ins', subject),
    networkFailures: network === undefined ? undefined : keyOf('network', network),
  }
}

function networkOfRequest({ remoteAddress }: Exchange): string | undefined {
  const address = canonicalAddress(remoteAddress)
  return isIP(address) === 0 ? undefined : networkOf(address)
}
