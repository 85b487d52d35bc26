import { decodeBase64url } from '../../wire/base64url.ts'

/** A JSON value that claims to be a public key. */
export interface JwkInput {
  readonly jwk: unknown
}

/** A member of the key itself, never an inherited one. */
export function memberOf(jwk: unknown, name: string): unknown {
  return typeof jwk === 'object' && jwk !== null && Object.hasOwn(jwk, name)
    ? (jwk as Readonly<Record<string, unknown>>)[name]
    : undefined
}

/** The bytes of a canonical base64url text that is not empty. */
export function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' && value !== '' ? decodeBase64url(value) : undefined
}
