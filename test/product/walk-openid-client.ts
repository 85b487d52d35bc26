import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { ChainWalk, Product, ProductClient } from './product.ts'
import { UserAgent } from './user-agent.ts'

/** The whole chain with `openid-client`: an independent judge of our wire. */
export async function walkWithOpenidClient(
  product: Product,
  who: ProductClient,
  isPushed = true,
  more: Readonly<Record<string, string>> = {},
): Promise<ChainWalk> {
  await using agent = closing(dispatcherFor(product, who))
  const { config, callback, tokens, options, statuses } = await signIn(
    product,
    who,
    fetchOver(agent.dispatcher),
    isPushed,
    more,
  )
  const userinfo = await client.fetchUserInfo(
    config,
    tokens.access_token,
    tokens.claims()?.sub ?? '',
    options,
  )
  const introspected = await introspectAs(product, tokens.access_token)
  const refreshed = await client.refreshTokenGrant(
    config,
    tokens.refresh_token ?? '',
    { resource: product.audience },
    options,
  )
  await client.tokenRevocation(config, refreshed.refresh_token ?? tokens.refresh_token ?? '')
  return {
    callback,
    tokenType: tokens.token_type,
    scope: tokens.scope,
    authorizationDetails: tokens.authorization_details,
    idTokenClaims: tokens.claims(),
    userinfoSub: userinfo.sub,
    introspected,
    refreshed: { accessToken: refreshed.access_token, newRefreshToken: refreshed.refresh_token },
    introspectedAfterRevocation: await introspectAs(product, refreshed.access_token),
    statuses,
  }
}

/** A client with its tokens, and the way it got them. */
export interface SignedIn {
  readonly config: client.Configuration
  readonly callback: URL
  readonly tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>
  readonly options: { readonly DPoP: client.DPoPHandle } | undefined
  readonly statuses: readonly number[]
}

/** From the request to the tokens. */
export async function signIn(
  product: Product,
  who: ProductClient,
  customFetch: ReturnType<typeof fetchOver>,
  isPushed = true,
  more: Readonly<Record<string, string>> = {},
): Promise<SignedIn> {
  await using browserAgent = closing(dispatcherFor(product))
  const config = await configure(product, who, customFetch)
  const keyPair = await client.randomDPoPKeyPair('ES256')
  const DPoP = who.isDpop ? client.getDPoPHandle(config, keyPair) : undefined
  const options = DPoP && { DPoP }

  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const parameters = {
    redirect_uri: who.redirectUri,
    scope: 'openid profile accounts offline_access',
    resource: product.audience,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    prompt: 'consent',
    ...more,
  }
  const url = isPushed
    ? await client.buildAuthorizationUrlWithPAR(config, await signedBy(who, config, parameters), options)
    : client.buildAuthorizationUrl(config, parameters)
  const browser = new UserAgent(browserAgent.dispatcher)
  const callback = await browser.walk(url, who.redirectUri, { ...product.user, consent: 'allow' })

  const tokens = await client.authorizationCodeGrant(
    config,
    callback,
    { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true },
    undefined,
    options,
  )
  return { config, callback, tokens, options, statuses: browser.statuses }
}

/** The parameters, or the one signed object they are put into. */
async function signedBy(
  { requestKey }: ProductClient,
  config: client.Configuration,
  parameters: Record<string, string>,
): Promise<Record<string, string>> {
  if (requestKey === undefined) return parameters
  client.useJwtResponseMode(config)
  const url = await client.buildAuthorizationUrlWithJAR(config, parameters, requestKey)
  return { request: url.searchParams.get('request') ?? '' }
}

export async function configure(
  product: Product,
  who: ProductClient,
  customFetch: ReturnType<typeof fetchOver>,
): Promise<client.Configuration> {
  const metadata = {
    use_mtls_endpoint_aliases: who.certificate !== undefined,
    authorization_signed_response_alg: 'ES256',
    id_token_signed_response_alg: who.isDpop || who.certificate || who.secret ? 'ES256' : 'RS256',
  }
  return await client.discovery(product.issuer, who.clientId, metadata, authenticationOf(who), {
    [client.customFetch]: customFetch as never,
  })
}

function authenticationOf({ privateKey, secret }: ProductClient): client.ClientAuth {
  if (privateKey !== undefined) return client.PrivateKeyJwt(privateKey)
  if (secret === undefined) return client.TlsClientAuth()
  const { value, sentBy } = secret
  if (sentBy === 'jwt') return client.ClientSecretJwt(value)
  return sentBy === 'post' ? client.ClientSecretPost(value) : client.ClientSecretBasic(value)
}

export async function introspectAs(
  product: Product,
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  await using agent = closing(dispatcherFor(product, product.introspector))
  const config = await configure(product, product.introspector, fetchOver(agent.dispatcher))
  return await client.tokenIntrospection(config, token)
}

export function closing(dispatcher: ReturnType<typeof dispatcherFor>): {
  readonly dispatcher: ReturnType<typeof dispatcherFor>
  readonly [Symbol.asyncDispose]: () => Promise<void>
} {
  return { dispatcher, [Symbol.asyncDispose]: async () => dispatcher.destroy() }
}
