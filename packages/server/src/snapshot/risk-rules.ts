/**
 * Every signal of risk, with what it weighs unless an issuer says otherwise. The weights of those that are raised add
 * up to the score, which ends at 100.
 */
export const defaultWeights = {
  // Of the user, judged when they answer in a browser.
  'new-device': 25,
  'new-network': 15,
  'new-country': 20,
  'barred-country': 50,
  'impossible-travel': 40,
  'many-sign-ins': 20,
  'failed-attempts': 25,
  'failing-network': 20,
  'unusual-hour': 10,
  // Of the client, and of what is minted for it.
  'many-user-tokens': 15,
  'many-client-tokens': 15,
  'public-client': 5,
  'shared-secret': 10,
  'loose-profile': 10,
  'young-client': 10,
  'new-client-key': 15,
  'expiring-credential': 5,
} as const satisfies Readonly<Record<string, number>>

export type SignalName = keyof typeof defaultWeights

/** What the signals of an issuer are judged by. Of every `…Max`: as many say nothing, one more does. */
export interface RiskRules {
  readonly weights: Readonly<Record<SignalName, number>>
  /** How long a device, network, hour or key is remembered after it was last seen. */
  readonly rememberDays: number
  /** Age at which a device, network or key counts as known without a second factor. */
  readonly settleHours: number
  /** ISO 3166-1 alpha-2. Where nobody should come from. */
  readonly blockedCountries: readonly string[]
  /** ISO 3166-1 alpha-2. Where everybody should come from; empty: anywhere. */
  readonly allowedCountries: readonly string[]
  readonly travelKilometresPerHourMax: number
  /** What geography is too coarse to tell is no travel. */
  readonly travelKilometresMin: number
  readonly signInsPerHourMax: number
  readonly failuresPerDayMax: number
  readonly networkFailuresPerHourMax: number
  /** Minted by one process. */
  readonly userTokensPerHourMax: number
  /** Minted by one process. */
  readonly clientTokensPerHourMax: number
  /** With fewer sign-ins remembered nobody knows which hours are usual. */
  readonly usualHoursSignInsMin: number
  readonly youngClientDays: number
  readonly expiringCredentialDays: number
}

export const defaultRiskRules: RiskRules = {
  weights: defaultWeights,
  rememberDays: 90,
  settleHours: 24,
  blockedCountries: [],
  allowedCountries: [],
  travelKilometresPerHourMax: 900,
  travelKilometresMin: 500,
  signInsPerHourMax: 10,
  failuresPerDayMax: 3,
  networkFailuresPerHourMax: 20,
  userTokensPerHourMax: 120,
  clientTokensPerHourMax: 10_000,
  usualHoursSignInsMin: 20,
  youngClientDays: 7,
  expiringCredentialDays: 14,
}
