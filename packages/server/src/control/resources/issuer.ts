import { defaultAuthenticationLevels } from '@holdfast/protocol'
import { z } from 'zod'
import { defaultRiskRules, defaultWeights, type SignalName } from '../../snapshot/risk-rules.ts'
import { acrValue } from '../acr-demand.ts'

const from = (most: number, standard: number, least = 0) =>
  z.number().int().min(least).max(most).default(standard)
const rules = defaultRiskRules
const weights = Object.fromEntries(
  Object.entries(defaultWeights).map(([name, weight]) => [name, from(100, weight)]),
) as Readonly<Record<SignalName, ReturnType<typeof from>>>

/** Entries of a list of countries: there are no more of two letters. */
const countriesMax = 676
const countries = z
  .array(z.string().regex(/^[A-Z]{2}$/, 'must be a country of two capital letters, such as `DE`'))
  .max(countriesMax)
  .default([])

/** What the signals weigh that policies read as `context.risk`, and where they begin. Of every `…Max`: one more counts. */
const risk = z.strictObject({
  /** What each signal adds to the score, 0 to 100; 0: it is named and adds nothing. */
  weights: z.strictObject(weights).prefault({}),
  /** How long a device, network, hour or key is remembered after it was last seen. */
  rememberDays: from(730, rules.rememberDays, 1),
  /** Age at which a device, network or key counts as known without a second factor. */
  settleHours: from(17_520, rules.settleHours),
  /** ISO 3166-1 alpha-2: users who come from there raise `barred-country`. */
  blockedCountries: countries,
  /** Users who come from anywhere else raise `barred-country`; empty: nobody does. */
  allowedCountries: countries,
  travelKilometresPerHourMax: from(100_000, rules.travelKilometresPerHourMax, 1),
  /** Less is no travel: geography is coarse. */
  travelKilometresMin: from(20_000, rules.travelKilometresMin),
  signInsPerHourMax: from(1_000_000, rules.signInsPerHourMax),
  failuresPerDayMax: from(1_000_000, rules.failuresPerDayMax),
  networkFailuresPerHourMax: from(1_000_000, rules.networkFailuresPerHourMax),
  /** Counted by each process for itself. */
  userTokensPerHourMax: from(1_000_000_000, rules.userTokensPerHourMax),
  /** Counted by each process for itself. */
  clientTokensPerHourMax: from(1_000_000_000, rules.clientTokensPerHourMax),
  /** With fewer sign-ins remembered nobody knows which hours are usual. */
  usualHoursSignInsMin: from(1_000_000, rules.usualHoursSignInsMin, 1),
  youngClientDays: from(3650, rules.youngClientDays),
  expiringCredentialDays: from(3650, rules.expiringCredentialDays),
})

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
  /** What makes a request look risky, for policies that read it. */
  risk: risk.prefault({}),
  /** Whether only clients with an active onboarding are served; production should say so. */
  onboarding: z.enum(['off', 'required']).default('off'),
  /** When present it must agree with the bootstrap configuration. */
  environment: z.enum(['development', 'production']).optional(),
})

export type IssuerSpec = z.infer<typeof issuerSpec>
