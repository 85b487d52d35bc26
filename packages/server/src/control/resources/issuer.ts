import { defaultAuthenticationLevels } from '@holdfast/protocol'
import { z } from 'zod'
import { acrValue } from '../acr-demand.ts'

/** What holds for a whole issuer. Its address stands in the bootstrap configuration, never here (I18). */
export const issuerSpec = z.strictObject({
  /** Name of the profile that nothing below this issuer can loosen. */
  floor: z.string().default('fapi2-security'),
  tenant: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('default'),
  /** Who may vouch for instances of clients; a client names those that count for it. */
  attesters: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
        jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) }),
      }),
    )
    .max(20)
    .default([]),
  /** What `acr` values mean, the weakest first; a stronger level is good for every weaker one. */
  authenticationLevels: z
    .array(
      z.strictObject({
        acr: acrValue,
        /** Sets of methods; any one of them reaches the level. */
        anyOf: z
          .array(
            z
              .array(z.enum(['pwd', 'otp', 'passkey']))
              .min(1)
              .max(3),
          )
          .min(1)
          .max(8),
      }),
    )
    .min(1)
    .max(16)
    .default(
      defaultAuthenticationLevels.map(({ acr, anyOf }) => ({ acr, anyOf: anyOf.map(set => [...set]) })),
    ),
  /** Whether clients may register themselves with an initial access token. */
  registration: z.enum(['off', 'initial-access-token']).default('off'),
  /** Whether only clients with an active onboarding are served; production should say so. */
  onboarding: z.enum(['off', 'required']).default('off'),
  /** When present it must agree with the bootstrap configuration. */
  environment: z.enum(['development', 'production']).optional(),
})

export type IssuerSpec = z.infer<typeof issuerSpec>
