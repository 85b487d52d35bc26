import { z } from 'zod'

/** Who may vouch for software that registers itself (RFC 7591 section 2.3). */
export const softwareStatementIssuerSpec = z.strictObject({
  /** `iss` of its statements, compared exactly. */
  issuer: z.string().min(1).max(2048),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) }),
  /** How old a statement may be, whatever its `exp` says. */
  maxAgeSeconds: z.number().int().min(10).max(31_536_000).default(600),
  /** Claims without which a statement is not approved, e.g. `software_id`, `redirect_uris`. */
  requiredClaims: z.array(z.string().min(1).max(128)).max(50).default([]),
})

export type SoftwareStatementIssuerSpec = z.infer<typeof softwareStatementIssuerSpec>
