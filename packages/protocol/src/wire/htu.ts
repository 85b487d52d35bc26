/** Already in normal form: lower-case, no default port, no dot segment, nothing encoded. The usual case. */
const canonical =
  /^https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9]\d{0,4})?(?:\/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)+$/

/**
 * Scheme, host, port and path; userinfo, white space, backslash and raw non-ASCII match nothing. No two neighbouring
 * parts may match the same character, or a hostile `htu` would cost quadratic time.
 */
const parts =
  /^(https?):\/\/([a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(\d{0,5}))?(\/[\w.~!$&'()*+,;=:@%/-]*)?(?:\?[!"$-~]*)?(?:#[!-~]*)?$/i

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443 }

/**
 * The normal form in which `htu` and the request URL are compared (RFC 9449 section 4.3, RFC 3986 sections 6.2.2
 * and 6.2.3): without query and fragment, scheme and host in lower case, default port dropped, unreserved characters
 * decoded, the other escapes in upper case, dot segments removed, empty path as `/`.
 * @returns undefined when `url` is no absolute http(s) URL or carries userinfo
 */
export function normaliseHtu(url: string): string | undefined {
  if (url !== last.url) last = { url, normal: normalForm(url) }
  return last.normal
}

/** The request's own URL is asked for more than once per request, and at a server it is often the same. */
let last: { readonly url: string; readonly normal: string | undefined } = { url: '', normal: undefined }

function normalForm(url: string): string | undefined {
  if (canonical.test(url) && !hasDefaultPort(url)) return url
  const match = parts.exec(url)
  if (match === null) return undefined
  const [, scheme = '', host = '', port = '', path = ''] = match
  const lowerScheme = scheme.toLowerCase()
  const portNumber = port === '' ? defaultPorts[lowerScheme] : Number(port)
  if (portNumber === undefined || portNumber > 65_535) return undefined
  const normalPath = normalisePath(path)
  if (normalPath === undefined) return undefined
  const authority =
    portNumber === defaultPorts[lowerScheme] ? host.toLowerCase() : `${host.toLowerCase()}:${portNumber}`
  return `${lowerScheme}://${authority}${normalPath}`
}

function hasDefaultPort(url: string): boolean {
  return url.startsWith('https:') ? /^https:\/\/[^/]+:443\//.test(url) : /^http:\/\/[^/]+:80\//.test(url)
}

const escapes = /%(..?)?/g
const hexPair = /^[0-9a-f]{2}$/i
const unreserved = /^[\w.~-]$/

function normalisePath(path: string): string | undefined {
  let isSound = true
  const decoded = path.replace(escapes, (written: string, hex: string | undefined) => {
    if (hex === undefined || !hexPair.test(hex)) {
      isSound = false
      return written
    }
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return unreserved.test(character) ? character : written.toUpperCase()
  })
  return isSound ? withoutDotSegments(decoded) : undefined
}

/** RFC 3986 section 5.2.4 for a path that is empty or begins with a slash. */
function withoutDotSegments(path: string): string {
  const segments = path.split('/').slice(1)
  const kept: string[] = []
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    if (isLast && (segment === '.' || segment === '..')) kept.push('')
  })
  return `/${kept.join('/')}`
}
