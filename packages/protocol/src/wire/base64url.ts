/** Base64url without padding (RFC 4648 section 5, RFC 7515 appendix C). */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/**
 * The bytes of the one canonical spelling; undefined for everything else: padding, the other alphabet,
 * white space, a length no encoder makes, stray bits in the last character.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  // `Buffer.from` skips what it does not know, so the way back tells whether the text was canonical.
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
