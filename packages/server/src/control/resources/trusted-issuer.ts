import { mlDsaAlgs } from '@holdfast/protocol'
import { z } from 'zod'

const names = (max: number) => z.array(z.string()).min(1).max(max)

/** Another issuer whose signed word about a user is good for access tokens of ours (RFC 7523). */
export const trustedIssuerSpec = z
  .strictObject({
    /** Its `iss`, exactly as its assertions have it. */
    issuer: z.string().min(1).max(2048),
    jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) }).optional(),
    jwksUri: z.string().max(2048).refine(isHttps, 'must be an https URL').optional(),
    /** Algorithms it signs with; the profile of the client narrows them further. */
    signingAlgs: z
      .array(z.enum(['PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS256', ...mlDsaAlgs]))
      .min(1)
      .default(['PS256', 'ES256', 'EdDSA', 'Ed25519']),
    subjects: z
      .strictObject({
        /** What its `sub` is here. */
        are: z.enum(['subject', 'username', 'listed']),
        /** Its `sub` to our username; all that is not listed is refused. */
        listed: z.record(z.string().max(255), z.string()).optional(),
      })
      .refine(
        ({ are, listed }) => (are === 'listed') === (listed !== undefined),
        '`listed` stands there when, and only when, `are` is `listed`',
      ),
    /** Names of the clients that may use its assertions. */
    clients: names(100),
    scopes: names(100),
    /** Names of the resource servers its tokens may be for. */
    resources: names(50),
    /** Longest time from `iat` to `exp` of an assertion; no token outlives its assertion. */
    assertionLifetimeSeconds: z.number().int().min(10).max(3600).default(300),
  })
  .refine(
    ({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined),
    'needs `jwks` or `jwksUri`, and not both',
  )

export type TrustedIssuerSpec = z.infer<typeof trustedIssuerSpec>

function isHttps(url: string): boolean {
  return URL.canParse(url) && url.startsWith('https://') && new URL(url).username === ''
}
