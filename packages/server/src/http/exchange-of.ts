import type { IncomingMessage } from 'node:http'
import type { IssuerSnapshot } from '../snapshot/snapshot.ts'
import type { Connection } from './connection.ts'
import type { Exchange, Listener } from './exchange.ts'

export interface ExchangeParts {
  readonly raw: IncomingMessage
  readonly target: Target
  readonly body: Buffer
  readonly listener: Listener
  readonly connection: Connection
  /** After trusted proxies. */
  readonly remoteAddress: string
  readonly requestId: string
  readonly issuer: IssuerSnapshot
  readonly params: Readonly<Record<string, string>>
  /** Where the listener is reached, when that is not where the issuer is. */
  readonly origin: string | undefined
}

/** The request as rooms see it. Every URL in it comes from configuration (I18). */
export function exchangeOf(parts: ExchangeParts): Exchange {
  const { raw, target, listener, issuer, connection } = parts
  const [path, query] = target
  return {
    method: raw.method as string,
    path,
    query,
    externalUrl: (parts.origin ?? originOf(listener === 'mtls' ? issuer.mtlsUrl : issuer.url)) + path,
    headers: name => headerValues(raw.rawHeaders, name),
    body: parts.body,
    listener,
    peerCertificate: connection.peerCertificate,
    remoteAddress: parts.remoteAddress,
    requestId: parts.requestId,
    issuer,
    params: parts.params,
  }
}

/** Path and query as sent, without `?`. */
export type Target = readonly [path: string, query: string]

export function splitTarget(target: string): Target {
  const at = target.indexOf('?')
  return at === -1 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

const nothing: readonly string[] = []

/** From the raw list: Node's `headers` joins or drops repeated fields, and a room must see them all. */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] as string
    if (field.length !== name.length || (field !== name && field.toLowerCase() !== name)) continue
    if (values === undefined) values = []
    values.push(rawHeaders[index + 1] as string)
  }
  return values ?? nothing
}

const origins = new Map<string, string>()
/** Issuers are few and configured; the bound only guards against a bug. */
const originsMax = 1000

/** Scheme, host and port: the path of a request already holds the issuer's own path. */
function originOf(url: string): string {
  const found = origins.get(url)
  if (found !== undefined) return found
  if (origins.size >= originsMax) origins.clear()
  const { origin } = new URL(url)
  origins.set(url, origin)
  return origin
}
