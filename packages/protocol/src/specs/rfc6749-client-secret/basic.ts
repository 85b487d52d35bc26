/** What a `Basic` header says, decoded. */
export interface BasicCredentials {
  readonly clientId: string
  readonly secret: string
}

/**
 * HTTP Basic as RFC 6749 section 2.3.1 uses it: identifier and secret are each form-urlencoded before they are
 * joined. Strict: canonical base64, printable ASCII inside, nothing empty.
 */
export function parseBasic(header: string): BasicCredentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return undefined
  const text = bytes.toString('latin1')
  const colon = text.indexOf(':')
  if (!/^[\x21-\x7e]+$/.test(text) || colon < 0) return undefined
  const clientId = formDecoded(text.slice(0, colon))
  const secret = formDecoded(text.slice(colon + 1))
  return clientId && secret ? { clientId, secret } : undefined
}

/** RFC 6749 appendix B; undefined when an escape is malformed or not UTF-8. */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
