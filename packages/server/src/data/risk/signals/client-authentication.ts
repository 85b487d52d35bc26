import { type ClientSignal, raisedIf } from '../signal.ts'

/** Anybody can act in its name. */
export const publicClient: ClientSignal = {
  name: 'public-client',
  judge: ({ isPublic }) => raisedIf(isPublic),
}

const sharedSecretMethods: ReadonlySet<string> = new Set([
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
])

/** It shares its credential with us, and with whoever else read it. */
export const sharedSecret: ClientSignal = {
  name: 'shared-secret',
  judge: ({ authMethod }) => raisedIf(sharedSecretMethods.has(authMethod)),
}

/** The profile of the request would take tokens that whoever finds them can use. */
export const looseProfile: ClientSignal = {
  name: 'loose-profile',
  judge: ({ isBoundByProfile }) => raisedIf(!isBoundByProfile),
}
