import * as oauth from 'oauth4webapi'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { ChainWalk, Product, ProductClient } from './product.ts'
import { UserAgent } from './user-agent.ts'

type Fetch = ReturnType<typeof fetchOver>

/** The whole chain with `oauth4webapi`: a second independent judge, one call per message. */
export async function walkWithOauth4webapi(
  product: Product,
  who: ProductClient,
  _isPushed = true,
  more: Readonly<Record<string, string>> = {},
): Promise<ChainWalk> {
  const agent = dispatcherFor(product, who)
  const browserAgent = dispatcherFor(product)
  try {
    return await walk(product, who, fetchOver(agent), new UserAgent(browserAgent), more)
  } finally {
    await Promise.all([agent.destroy(), browserAgent.destroy()])
  }
}

async function walk(
  product: Product,
  who: ProductClient,
  fetch: Fetch,
  browser: UserAgent,
  more: Readonly<Record<string, string>>,
): Promise<ChainWalk> {
  const server = await discover(product, fetch)
  const client = clientOf(who)
  const authentication = authenticationOf(who)
  const DPoP = who.isDpop ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined
  const options = { [oauth.customFetch]: fetch as never, ...(DPoP && { DPoP }) }

  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const parameters = {
    response_type: 'code',
    redirect_uri: who.redirectUri,
    scope: 'openid profile accounts offline_access',
    resource: product.audience,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    prompt: 'consent',
    ...more,
    ...(who.requestKey && { response_mode: 'jwt' }),
  }
  const sent = who.requestKey
    ? { request: await oauth.issueRequestObject(server, client, parameters, who.requestKey) }
    : parameters
  const pushed = await withNonce(async () =>
    oauth.processPushedAuthorizationResponse(
      server,
      client,
      await oauth.pushedAuthorizationRequest(server, client, authentication, sent, options),
    ),
  )
  const url = new URL(server.authorization_endpoint ?? '')
  url.searchParams.set('client_id', who.clientId)
  url.searchParams.set('request_uri', pushed.request_uri)
  const callback = await browser.walk(url, who.redirectUri, { ...product.user, consent: 'allow' })

  const answer = who.requestKey
    ? await oauth.validateJwtAuthResponse(server, client, callback, state, {
        [oauth.customFetch]: fetch as never,
      })
    : oauth.validateAuthResponse(server, client, callback, state)
  const tokens = await withNonce(async () =>
    oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        answer,
        who.redirectUri,
        verifier,
        options,
      ),
      { expectedNonce: nonce, requireIdToken: true },
    ),
  )
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const userinfo = await withNonce(async () =>
    oauth.processUserInfoResponse(
      server,
      client,
      claims?.sub ?? '',
      await oauth.userInfoRequest(server, client, tokens.access_token, options),
    ),
  )
  const introspected = await (who.requestKey ? introspectSigned : introspectAs)(product, tokens.access_token)
  const refreshed = await withNonce(async () =>
    oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? '', {
        ...options,
        additionalParameters: { resource: product.audience },
      }),
    ),
  )
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(
      server,
      client,
      authentication,
      refreshed.refresh_token ?? tokens.refresh_token ?? '',
      options,
    ),
  )
  return {
    callback,
    tokenType: tokens.token_type,
    scope: tokens.scope,
    authorizationDetails: tokens.authorization_details,
    idTokenClaims: claims,
    userinfoSub: userinfo.sub,
    introspected,
    refreshed: { accessToken: refreshed.access_token, newRefreshToken: refreshed.refresh_token },
    introspectedAfterRevocation: await (who.requestKey ? introspectSigned : introspectAs)(
      product,
      refreshed.access_token,
    ),
    statuses: browser.statuses,
  }
}

/** The library keeps the newest nonce; a refused first try is repeated once, as RFC 9449 section 8 asks. */
async function withNonce<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return await send()
    throw error
  }
}

async function discover(product: Product, fetch: Fetch): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(product.issuer, {
    algorithm: 'oauth2',
    [oauth.customFetch]: fetch as never,
  })
  return await oauth.processDiscoveryResponse(product.issuer, response)
}

function clientOf(who: ProductClient): oauth.Client {
  return {
    client_id: who.clientId,
    use_mtls_endpoint_aliases: who.certificate !== undefined,
    id_token_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
  }
}

function authenticationOf({ privateKey, secret }: ProductClient): oauth.ClientAuth {
  if (privateKey !== undefined) return oauth.PrivateKeyJwt(privateKey)
  if (secret === undefined) return oauth.TlsClientAuth()
  const { value, sentBy } = secret
  if (sentBy === 'jwt') return oauth.ClientSecretJwt(value)
  return sentBy === 'post' ? oauth.ClientSecretPost(value) : oauth.ClientSecretBasic(value)
}

/** RFC 9701: asks for a signed answer, and verifies it with the published keys. */
async function introspectSigned(product: Product, token: string): Promise<Readonly<Record<string, unknown>>> {
  const agent = dispatcherFor(product, product.signedIntrospector)
  try {
    const fetch = fetchOver(agent)
    const options = { [oauth.customFetch]: fetch as never }
    const server = await discover(product, fetch)
    const client = { ...clientOf(product.signedIntrospector), introspection_signed_response_alg: 'ES256' }
    const authentication = authenticationOf(product.signedIntrospector)
    const response = await oauth.introspectionRequest(server, client, authentication, token, options)
    if (response.headers.get('content-type') !== 'application/token-introspection+jwt')
      throw new TypeError('the answer is not signed')
    const claims = await oauth.processIntrospectionResponse(server, client, response)
    await oauth.validateApplicationLevelSignature(server, response, options)
    return claims
  } finally {
    await agent.destroy()
  }
}

async function introspectAs(product: Product, token: string): Promise<Readonly<Record<string, unknown>>> {
  const agent = dispatcherFor(product, product.introspector)
  try {
    const fetch = fetchOver(agent)
    const server = await discover(product, fetch)
    const client = clientOf(product.introspector)
    const response = await oauth.introspectionRequest(
      server,
      client,
      authenticationOf(product.introspector),
      token,
      { [oauth.customFetch]: fetch as never },
    )
    return await oauth.processIntrospectionResponse(server, client, response)
  } finally {
    await agent.destroy()
  }
}
