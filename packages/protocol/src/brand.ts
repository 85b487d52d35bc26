declare const brand: unique symbol

/** A value that only its constructor may make: the type remembers where it came from. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Seconds since 1970-01-01T00:00:00Z, as in JWT NumericDate (RFC 7519 section 2). */
export type EpochSeconds = Brand<number, 'EpochSeconds'>

/** Base64url of SHA-256 of a one-time value; what the store keeps instead of the value. */
export type HandleHash = Brand<string, 'HandleHash'>

/** Base64url RFC 7638 SHA-256 thumbprint of a public key. */
export type JwkThumbprint = Brand<string, 'JwkThumbprint'>

/** Base64url SHA-256 of a DER certificate (RFC 8705 section 3.1). */
export type CertificateThumbprint = Brand<string, 'CertificateThumbprint'>

/** @throws TypeError when `value` is not a finite, non-negative integer */
export function epochSeconds(value: number): EpochSeconds {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not epoch seconds: ${value}`)
  return value as EpochSeconds
}

/** `at` moved by `seconds` (may be negative), never before the epoch. */
export function secondsAfter(at: EpochSeconds, seconds: number): EpochSeconds {
  return Math.max(0, at + seconds) as EpochSeconds
}
