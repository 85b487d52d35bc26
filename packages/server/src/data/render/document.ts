import type { Exchange, Reply } from '../../http/exchange.ts'

/** How long anybody may keep a public document (MD-05, JWK-04). */
export const documentMaxAgeSeconds = 300

interface PreparedDocument {
  readonly body: Buffer
  readonly etag: string
}

/** A public JSON document, or 304 when the caller still has it. */
export function documentReply(exchange: Exchange, document: PreparedDocument): Reply {
  const caching = [
    ['cache-control', `public, max-age=${documentMaxAgeSeconds}`],
    ['etag', document.etag],
  ] as const
  if (isKnown(exchange.headers('if-none-match'), document.etag))
    return { status: 304, headers: caching, body: '' }
  return { status: 200, headers: [['content-type', 'application/json'], ...caching], body: document.body }
}

/** RFC 9110 section 13.1.2, weak comparison. */
export function isKnown(ifNoneMatch: readonly string[], etag: string): boolean {
  if (ifNoneMatch.length === 0) return false
  return ifNoneMatch
    .join(',')
    .split(',')
    .some(candidate => candidate.trim().replace(/^W\//, '') === etag)
}
