import type { ClientMetadataInput } from './metadata.ts'
import { redirectUriLengthMax } from './metadata.ts'

/** Characters RFC 3986 allows in a URI; so no spaces, controls, quotes or non-ASCII look-alikes. */
const uriCharacters = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()+,;=%]+$/
const literalLoopback = new Set(['127.0.0.1', '[::1]'])

/** Why a redirect URI is not well formed for our exact comparison, or undefined. */
export function malformedRedirectUri(uri: string): string | undefined {
  if (uri.length > redirectUriLengthMax) return `is longer than ${redirectUriLengthMax} characters`
  if (uri.includes('*')) return 'holds a wildcard'
  if (uri.includes('#')) return 'has a fragment'
  if (!uriCharacters.test(uri)) return 'holds a character that a URI may not'
  if (!URL.canParse(uri)) return 'is not an absolute URI'
  const { username, password } = new URL(uri)
  if (username !== '' || password !== '' || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(uri)) return 'has userinfo'
  return undefined
}

/** Why the scheme and host do not fit the kind of application, or undefined. `uri` is well formed. */
export function unfitRedirectUri(
  uri: string,
  { metadata, environment }: Pick<ClientMetadataInput, 'metadata' | 'environment'>,
): string | undefined {
  const { protocol, hostname } = new URL(uri)
  const isNative = metadata.application_type === 'native'
  if (protocol === 'https:') {
    const isLocal = hostname === 'localhost' || literalLoopback.has(hostname)
    return isLocal && !isNative && environment === 'production'
      ? 'of a web client is on this machine'
      : undefined
  }
  if (!isNative) return 'of a web client is not https'
  if (protocol === 'http:')
    return literalLoopback.has(hostname) ? undefined : 'is http on a host that is not 127.0.0.1 or [::1]'
  // RFC 8252 7.1: a private-use scheme is a reversed domain name; this also leaves out javascript: and data:
  return protocol.includes('.') ? undefined : 'has a scheme without a domain name'
}
