import type { ClientSignal, SignInSignal } from '../signal.ts'
import { barredCountry } from './barred-country.ts'
import { looseProfile, publicClient, sharedSecret } from './client-authentication.ts'
import { expiringCredential } from './expiring-credential.ts'
import { failedAttempts } from './failed-attempts.ts'
import { failingNetwork } from './failing-network.ts'
import { impossibleTravel } from './impossible-travel.ts'
import { manySignIns } from './many-sign-ins.ts'
import { manyClientTokens, manyUserTokens } from './many-tokens.ts'
import { newClientKey } from './new-client-key.ts'
import { newCountry } from './new-country.ts'
import { newDevice } from './new-device.ts'
import { newNetwork } from './new-network.ts'
import { unusualHour } from './unusual-hour.ts'
import { youngClient } from './young-client.ts'

/** The slot: a signal is one file and one line here, and its weight in `snapshot/risk-rules.ts`. */
export const signInSignals: readonly SignInSignal[] = [
  newDevice,
  newNetwork,
  newCountry,
  barredCountry,
  impossibleTravel,
  manySignIns,
  failedAttempts,
  failingNetwork,
  unusualHour,
]

export const clientSignals: readonly ClientSignal[] = [
  manyUserTokens,
  manyClientTokens,
  publicClient,
  sharedSecret,
  looseProfile,
  youngClient,
  newClientKey,
  expiringCredential,
]
