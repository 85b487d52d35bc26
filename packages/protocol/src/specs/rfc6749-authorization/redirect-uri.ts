/** Whether the URI is http on a literal loopback address (RFC 8252 7.3). A name like `localhost` is not literal. */
export function isLoopback(uri: string): boolean {
  return loopbackParts(uri) !== undefined
}

/**
 * Exact string comparison; between two loopback URIs the port may differ, everything else may not
 * (RFC 9700 2.1, RFC 8252 7.3, I11). Works on text, so that no normalisation makes two strings equal.
 */
export function matchesRegistered(registered: string, presented: string): boolean {
  if (registered === presented) return true
  const left = loopbackParts(registered)
  const right = loopbackParts(presented)
  return left !== undefined && right !== undefined && left.host === right.host && left.rest === right.rest
}

function loopbackParts(uri: string): { readonly host: string; readonly rest: string } | undefined {
  const match = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?([/?].*)?$/.exec(uri)
  if (match === null || Number(match[2] ?? 0) > 65_535) return undefined
  return { host: match[1] ?? '', rest: match[3] ?? '' }
}
