import * as oauth from 'openid-client'
import { openOauthClient } from '../oauth-client.ts'

export interface CallerOptions {
  readonly issuer: string
  readonly clientId: string
  /** Private JWK of the client, for `private_key_jwt`. */
  readonly keyFile: string
  readonly scope: string
  readonly resource?: string
  /** PEM of the authority of all servers, when it is not a public one. */
  readonly caFile?: string
}

/** A client of the system that is measured: gets tokens bound to a key of its own, uses them, gives them back. */
export interface Caller {
  readonly newToken: () => Promise<string>
  /** @returns the status of the answer; a challenge is one */
  readonly call: (url: URL, token: string) => Promise<number>
  readonly revoke: (token: string) => Promise<void>
  readonly close: () => Promise<void>
}

const answerTimeoutMs = 15_000

/** @throws Error that says what is wrong with the key, or why the issuer cannot be asked */
export async function openCaller(options: CallerOptions): Promise<Caller> {
  const { issuer, clientId, keyFile, scope, resource, caFile } = options
  const { config, alg, close } = await openOauthClient({ issuer, clientId, keyFile, caFile, answerTimeoutMs })
  const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair(alg))
  return {
    newToken: async () => {
      const parameters = { scope, ...(resource !== undefined && { resource }) }
      return (await oauth.clientCredentialsGrant(config, parameters, { DPoP })).access_token
    },
    call: async (url, token) => {
      const asked = oauth.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, { DPoP })
      const answer = await asked.catch((thrown: unknown) => {
        if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
        throw thrown
      })
      await answer.body?.cancel()
      return answer.status
    },
    revoke: token => oauth.tokenRevocation(config, token),
    close,
  }
}
