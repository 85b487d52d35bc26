import { z } from 'zod'

const httpsUrl = z
  .string()
  .max(2048)
  .refine(
    url =>
      URL.canParse(url) &&
      url.startsWith('https://') &&
      new URL(url).username === '' &&
      !url.includes('#') &&
      !url.includes('?'),
    'must be an https URL without query and fragment',
  )

const methods = z
  .array(z.enum(['pwd', 'otp', 'passkey']))
  .min(1)
  .max(3)
  .refine(
    list => list.includes('pwd') || list.includes('passkey'),
    'needs `pwd` or `passkey`: nobody signs in with a second factor alone',
  )

/** Another OpenID Provider where users of ours may sign in. We are its client. */
export const identityProviderSpec = z.strictObject({
  /** Its `iss`, exactly. */
  issuer: httpsUrl,
  /** What the button on the login page calls it. */
  displayName: z.string().min(1).max(64),
  /** What it calls us. We authenticate with `private_key_jwt` and the keys at our `/jwks`. */
  clientId: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be printable ASCII'),
  clientAssertionAlg: z.enum(['ES256', 'PS256', 'EdDSA']).default('ES256'),
  authorizationEndpoint: httpsUrl,
  tokenEndpoint: httpsUrl,
  jwksUri: httpsUrl,
  /** Algorithms of its ID tokens. */
  signingAlgs: z
    .array(z.enum(['PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS256']))
    .min(1)
    .default(['PS256', 'ES256', 'EdDSA', 'Ed25519']),
  scopes: z
    .array(z.string().regex(/^[!#-[\]-~]{1,128}$/))
    .max(20)
    .refine(list => list.includes('openid'), 'needs `openid`')
    .default(['openid']),
  /** Whether its answers carry `iss` (RFC 9207). Without it only the callback address tells providers apart. */
  sendsIss: z.boolean().default(true),
  users: z
    .strictObject({
      /** `listed`: only who stands there; `created`: whoever is new becomes a user of ours. */
      are: z.enum(['listed', 'created']),
      /** Its `sub` to our username. */
      listed: z.record(z.string().max(255), z.string().max(256)).optional(),
    })
    .refine(
      ({ are, listed }) => (are === 'listed') === (listed !== undefined),
      '`listed` stands there when, and only when, `are` is `listed`',
    ),
  /** What an authentication there counts as here. */
  methods: z
    .strictObject({
      /** By its `acr`. */
      byAcr: z.record(z.string().max(255), methods).default({}),
      /** For every other `acr`, and for none; absent: such a sign-in is refused. */
      otherwise: methods.optional(),
    })
    .refine(
      ({ byAcr, otherwise }) => otherwise !== undefined || Object.keys(byAcr).length > 0,
      'needs `byAcr` or `otherwise`: else nobody could ever sign in',
    ),
})

export type IdentityProviderSpec = z.infer<typeof identityProviderSpec>
