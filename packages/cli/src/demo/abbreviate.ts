/**
 * What the demo may show of a message. A credential is never printed whole: its ends and its length are enough
 * to recognise it two steps later, and worth nothing to whoever reads the screen.
 */

/** Form fields, query parameters and JSON members whose values are credentials, or as good as. */
const secretNames: ReadonlySet<string> = new Set([
  ...['access_token', 'refresh_token', 'id_token', 'token', 'client_assertion', 'code', 'code_verifier'],
  ...['request_uri', 'state', 'nonce', 'csrf', 'shown', 'dpop-nonce', 'dpop', 'authorization'],
])
/** Not even the beginning of these. */
const hiddenNames: ReadonlySet<string> = new Set(['password', 'cookie', 'set-cookie'])

const firstCharacters = 4
const lastCharacters = 4
/** Of values as short as this, the ends would be most of them. */
const shortMax = 24

/** The value of a named field as it may be shown. */
export function shownValue(name: string, value: string): string {
  if (hiddenNames.has(name.toLowerCase())) return '(hidden)'
  if (!secretNames.has(name.toLowerCase())) return value
  const scheme = /^(?:DPoP|Bearer) /i.exec(value)?.[0] ?? ''
  return scheme + ends(value.slice(scheme.length))
}

/** `urn:ietf:params:oauth:request_uri:` and the like stay readable; only the random part is cut. */
function ends(value: string): string {
  const prefix = /^urn:(?:[\w-]+:)+/.exec(value)?.[0] ?? ''
  const random = value.slice(prefix.length)
  const shown =
    random.length <= shortMax ? '…' : `${random.slice(0, firstCharacters)}…${random.slice(-lastCharacters)}`
  return `${prefix}${shown} (${random.length} characters)`
}

/** A URL with the credentials in its query cut, and what names an interaction in its path. */
export function shownUrl(text: string): string {
  const url = new URL(text)
  const query = [...url.searchParams].map(([name, value]) => `${name}=${cut(name, value)}`)
  const path = url.pathname.replace(
    /^\/interaction\/([^/]+)/,
    (_, id: string) => `/interaction/${id.slice(0, firstCharacters)}…`,
  )
  return `${url.origin}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`
}

function cut(name: string, value: string): string {
  return shownValue(name, value).replace(/ \(\d+ characters\)$/, '')
}

/** Header and claims of a compact JWS, for showing what it says; undefined for anything else. */
export function readJws(
  text: string,
): { readonly header: Record<string, unknown>; readonly claims: Record<string, unknown> } | undefined {
  const [header, claims, signature, ...rest] = text.split('.')
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0)
    return undefined
  try {
    return { header: parsed(header), claims: parsed(claims) }
  } catch {
    return undefined
  }
}

function parsed(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>
}
