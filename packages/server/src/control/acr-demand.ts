import { z } from 'zod'

/** A value that can stand in `acr_values` and in a challenge (RFC 9470 section 3): no space, quote or backslash. */
export const acrValue = z
  .string()
  .max(255)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be printable ASCII without spaces, quotes or backslashes')

/** What a scope or a resource server asks of the authentication of a user. */
export const acrDemand = {
  /** Least level, one of the issuer's `authenticationLevels`. */
  acr: acrValue.optional(),
  /** Longest time from the authentication to the issue of a token, in seconds; a page may be open for some of it. */
  maxAuthenticationAgeSeconds: z.number().int().min(300).max(31_536_000).optional(),
}
