import * as oauth from 'openid-client'
import { answerTo, redirectUri, say } from '../setup.ts'

/** What every sign-in makes anew: the parameters of its request, and what the answer is checked against. */
export interface SignIn {
  readonly parameters: Record<string, string>
  readonly checks: oauth.AuthorizationCodeGrantChecks
}

export async function newSignIn(): Promise<SignIn> {
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [oauth.randomState(), oauth.randomNonce()]
  const parameters = {
    redirect_uri: redirectUri,
    scope: 'openid profile',
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  }
  return { parameters, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } }
}

/** From the address to the user: the library checks the response, the ID token and the userinfo. */
export async function finish(
  config: oauth.Configuration,
  url: URL,
  checks: oauth.AuthorizationCodeGrantChecks,
  options?: oauth.DPoPOptions,
): Promise<void> {
  const callback = await answerTo(url)
  const tokens = await oauth.authorizationCodeGrant(config, callback, checks, undefined, options)
  const user = await oauth.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '', options)
  say(`signed in: ${user.sub}, ${user.name}, with a token of type ${tokens.token_type}`)
  await oauth.tokenRevocation(config, tokens.access_token)
}
