import { type ClientSignal, raisedIf } from '../signal.ts'

/** More tokens for one user within the hour, at all clients together, than work needs. */
export const manyUserTokens: ClientSignal = {
  name: 'many-user-tokens',
  judge: ({ userTokens }, { userTokensPerHourMax }) =>
    userTokens === undefined ? 'unknown' : raisedIf(userTokens > userTokensPerHourMax),
}

/** More tokens for one client within the hour than it ever needs. */
export const manyClientTokens: ClientSignal = {
  name: 'many-client-tokens',
  judge: ({ clientTokens }, { clientTokensPerHourMax }) => raisedIf(clientTokens > clientTokensPerHourMax),
}
