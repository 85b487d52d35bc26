import { accept, type Outcome, refuse } from '../refusal.ts'

const uriLengthMax = 2048

/** Absolute URI in printable ASCII (RFC 3986 section 2): no spaces, quotes, backslashes or controls. */
const uriText = /^[a-z][a-z0-9+.-]*:[!$%&'()*+,./0-9:;=?@A-Z[\]_a-z~#-]+$/i
const loopback = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?((?:[/?][^#]*)?)$/

/**
 * Whether a redirect URI may be registered or pushed: absolute, no fragment, no userinfo, `https`, or `http` on a
 * literal loopback address (RFC 8252 section 7.3, FAPI2-SP-FINAL-5.3.2.2-8).
 */
export function judgeRedirectUri(uri: string): Outcome<string> {
  const problem = problemOf(uri)
  if (problem !== undefined) return redirectRefusal(problem)
  if (!uri.startsWith('https://') && !loopback.test(uri))
    return redirectRefusal('redirect URI is neither https nor http on a literal loopback address')
  return accept(uri)
}

function redirectRefusal(reason: string): Outcome<never> {
  return refuse(
    'redirect-uri.form',
    ['RFC6749-3.1.2', 'FAPI2-SP-FINAL-5.3.2.2-8'],
    'invalid_redirect_uri',
    reason,
  )
}

/** Whether a `resource` parameter has the right form: an absolute URI without fragment (RFC 8707 section 2). */
export function judgeResourceUri(uri: string): Outcome<string> {
  const problem = uri.length > uriLengthMax || !uriText.test(uri) ? 'not an absolute URI' : fragmentOf(uri)
  return problem === undefined
    ? accept(uri)
    : refuse('resource-uri.form', ['RFC8707-2'], 'invalid_target', `resource is refused: ${problem}`)
}

function problemOf(uri: string): string | undefined {
  if (uri.length > uriLengthMax) return `redirect URI is longer than ${uriLengthMax} characters`
  if (!uriText.test(uri) || !URL.canParse(uri)) return 'redirect URI is not an absolute URI'
  if (uri.includes('#')) return 'redirect URI has a fragment'
  // Everything up to the first slash, question mark or end after `//` is the authority.
  const authority = /^[^:]+:\/\/([^/?]*)/.exec(uri)?.[1]
  if (authority === undefined || authority === '') return 'redirect URI has no host'
  if (authority.includes('@')) return 'redirect URI has userinfo'
  return undefined
}

function fragmentOf(uri: string): string | undefined {
  return uri.includes('#') ? 'it has a fragment' : undefined
}

/**
 * Exact comparison, character by character (I11). Only the port of a registered literal loopback address may vary.
 */
export function redirectUriMatches(registered: string, presented: string): boolean {
  if (registered === presented) return true
  const ours = loopback.exec(registered)
  const theirs = loopback.exec(presented)
  if (ours === null || theirs === null) return false
  return ours[1] === theirs[1] && ours[3] === theirs[3] && isPort(theirs[2])
}

function isPort(text: string | undefined): boolean {
  return text === undefined || (Number(text) >= 1 && Number(text) <= 65_535)
}
