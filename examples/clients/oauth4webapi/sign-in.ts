import * as oauth from 'oauth4webapi'
import { answerTo, issuer, redirectUri, say } from '../setup.ts'

/** The server, the client, and how its requests are sent: what every call of this library takes. */
export interface Desk {
  readonly server: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly authentication: oauth.ClientAuth
  readonly options: { DPoP?: oauth.DPoPHandle; [oauth.customFetch]?: typeof fetch }
}

export async function openDesk(
  client: oauth.Client,
  authentication: oauth.ClientAuth,
  binding: 'dpop' | 'bearer' | ((url: string, options: object) => Promise<Response>),
): Promise<Desk> {
  const fetched = typeof binding === 'function' ? { [oauth.customFetch]: binding as typeof fetch } : {}
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, fetched))
  const relying = { id_token_signed_response_alg: 'ES256', ...client }
  const DPoP = binding === 'dpop' ? oauth.DPoP(relying, await oauth.generateKeyPair('ES256')) : undefined
  return { server, client: relying, authentication, options: { ...fetched, ...(DPoP && { DPoP }) } }
}

/** What every sign-in makes anew. */
export async function newSignIn(): Promise<{
  readonly parameters: Record<string, string>
  readonly verifier: string
}> {
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = {
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  }
  return { parameters, verifier }
}

/** @returns where the browser goes: a reference to what was pushed */
export async function push(desk: Desk, parameters: Record<string, string>): Promise<URL> {
  const { server, client, authentication, options } = desk
  const { request_uri } = await withNonce(async () =>
    oauth.processPushedAuthorizationResponse(
      server,
      client,
      await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, options),
    ),
  )
  return authorizationUrl(desk, { request_uri })
}

export function authorizationUrl({ server, client }: Desk, parameters: Record<string, string>): URL {
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({ client_id: client.client_id, ...parameters }).toString()
  return url
}

/**
 * From the address to the user.
 * @param validate checks the response as the profile says: plain, as a JWT, or with its detached signature
 */
export async function finish(
  desk: Desk,
  url: URL,
  { parameters, verifier }: Awaited<ReturnType<typeof newSignIn>>,
  validate: (callback: URL, state: string) => URLSearchParams | Promise<URLSearchParams> = (
    callback,
    state,
  ) => oauth.validateAuthResponse(desk.server, desk.client, callback, state),
): Promise<void> {
  const { server, client, authentication, options } = desk
  const answer = await validate(await answerTo(url), parameters.state ?? '')
  const tokens = await withNonce(async () =>
    oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        answer,
        redirectUri,
        verifier,
        options,
      ),
      { expectedNonce: parameters.nonce ?? '', requireIdToken: true },
    ),
  )
  await tell(desk, tokens)
}

/** Who signed in, by ID token and userinfo; then the token is given back. */
export async function tell(desk: Desk, tokens: oauth.TokenEndpointResponse): Promise<void> {
  const { server, client, authentication, options } = desk
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''
  const user = await withNonce(async () =>
    oauth.processUserInfoResponse(
      server,
      client,
      subject,
      await oauth.userInfoRequest(server, client, tokens.access_token, options),
    ),
  )
  say(`signed in: ${user.sub}, ${user.name}, with a token of type ${tokens.token_type}`)
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, tokens.access_token, options),
  )
}

/** The library keeps the newest nonce; a refused first try is repeated once, as RFC 9449 section 8 asks. */
export async function withNonce<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return await send()
    throw error
  }
}
