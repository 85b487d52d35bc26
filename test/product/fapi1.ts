import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '@holdfast/server/clock.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { type CryptoKey, importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { documentOf } from './clients.ts'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import { applyDocuments, startNode } from './node.ts'
import type { ChainWalk, Product, ProductClient } from './product.ts'
import { prepareProduct, type StoreKind } from './start.ts'
import { UserAgent } from './user-agent.ts'
import { closing, introspectAs } from './walk-openid-client.ts'

/** How a FAPI 1.0 Advanced client proves itself, and what it signs with. */
export type Fapi1Kind = 'private_key_jwt and PS256' | 'tls_client_auth and ES256'

export interface Fapi1Client extends ProductClient {
  readonly alg: 'PS256' | 'ES256'
  readonly requestKey: { readonly key: CryptoKey; readonly kid: string }
}

export interface Fapi1Product extends Product {
  readonly fapi1: Readonly<Record<Fapi1Kind, Fapi1Client>>
}

const redirectUri = 'https://bank.example/callback'

/** The product of every other test, with two more clients on its one issuer. */
export async function startFapi1Product(store: StoreKind): Promise<Fapi1Product> {
  const { config, product, remove } = await prepareProduct(store)
  const ca = await openDevelopmentCa(join(config.folder, 'tls'), systemClock.now())
  const [ps, es] = await Promise.all([keyed('ps', 'PS256'), keyed('es', 'ES256')])
  const bound = await ca.clientCertificate('fapi1-ps', 'CN=fapi1-ps', 'issued')
  const issued = await ca.clientCertificate('fapi1-es', 'CN=fapi1-es, O=Example', 'issued')
  const registered = (clientId: string, keys: Keyed, metadata: object): string =>
    documentOf('Client', clientId, {
      profile: 'fapi1-advanced',
      resources: ['accounts'],
      metadata: {
        redirect_uris: [redirectUri],
        response_types: ['code', 'code id_token'],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid profile accounts offline_access',
        jwks: { keys: [keys.publicJwk] },
        id_token_signed_response_alg: keys.alg,
        request_object_signing_alg: keys.alg,
        authorization_signed_response_alg: keys.alg,
        tls_client_certificate_bound_access_tokens: true,
        ...metadata,
      },
    })
  await applyDocuments(config, [
    registered('fapi1-ps', ps, { token_endpoint_auth_method: 'private_key_jwt' }),
    registered('fapi1-es', es, {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=fapi1-es, O=Example',
    }),
  ])
  const node = await startNode(config)
  const common = { redirectUri, isDpop: false } as const
  return {
    ...product,
    fapi1: {
      'private_key_jwt and PS256': {
        clientId: 'fapi1-ps',
        privateKey: ps,
        requestKey: ps,
        certificate: bound,
        alg: 'PS256',
        ...common,
      },
      'tls_client_auth and ES256': {
        clientId: 'fapi1-es',
        requestKey: es,
        certificate: issued,
        alg: 'ES256',
        ...common,
      },
    },
    close: async () => {
      await node.close()
      await remove()
    },
  }
}

interface Keyed {
  readonly alg: 'PS256' | 'ES256'
  readonly kid: string
  readonly key: CryptoKey
  readonly publicJwk: object
}

async function keyed(kid: string, alg: 'PS256' | 'ES256'): Promise<Keyed> {
  const { privateKey, publicKey } =
    alg === 'PS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, alg)) as CryptoKey
  return { alg, kid, key, publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

export type Fapi1Flow = 'code id_token' | 'code as a JWT'
export type Carrier = 'by value' | 'pushed'

/** The whole chain with `openid-client`, which checks the detached signature or the JWT by itself. */
export async function walkFapi1(
  product: Fapi1Product,
  who: Fapi1Client,
  flow: Fapi1Flow,
  carrier: Carrier,
): Promise<ChainWalk> {
  await using agent = closing(dispatcherFor(product, who))
  await using browserAgent = closing(dispatcherFor(product))
  const config = await client.discovery(
    product.issuer,
    who.clientId,
    {
      use_mtls_endpoint_aliases: true,
      id_token_signed_response_alg: who.alg,
      authorization_signed_response_alg: who.alg,
    },
    who.privateKey ? client.PrivateKeyJwt(who.privateKey) : client.TlsClientAuth(),
    { [client.customFetch]: fetchOver(agent.dispatcher) as never },
  )
  if (flow === 'code id_token') {
    client.useCodeIdTokenResponseType(config)
    client.enableDetachedSignatureResponseChecks(config)
  } else client.useJwtResponseMode(config)

  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const signed = await client.buildAuthorizationUrlWithJAR(
    config,
    {
      redirect_uri: who.redirectUri,
      scope: 'openid profile accounts offline_access',
      resource: product.audience,
      state: expectedState,
      nonce: expectedNonce,
      // FAPI1-ADV-5.2.2-18: only a push needs it.
      ...(carrier === 'pushed' && {
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
      }),
    },
    who.requestKey,
  )
  const request = signed.searchParams.get('request') ?? ''
  const url = carrier === 'pushed' ? await client.buildAuthorizationUrlWithPAR(config, { request }) : signed
  const browser = new UserAgent(browserAgent.dispatcher)
  const callback = await browser.walk(url, who.redirectUri, { ...product.user, consent: 'allow' })

  const tokens = await client.authorizationCodeGrant(config, callback, {
    ...(carrier === 'pushed' && { pkceCodeVerifier }),
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')
  const introspected = await introspectAs(product, tokens.access_token)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {
    resource: product.audience,
  })
  await client.tokenRevocation(config, refreshed.refresh_token ?? tokens.refresh_token ?? '')
  return {
    callback,
    tokenType: tokens.token_type,
    scope: tokens.scope,
    authorizationDetails: tokens.authorization_details,
    idTokenClaims: claims,
    userinfoSub: userinfo.sub,
    introspected,
    refreshed: { accessToken: refreshed.access_token, newRefreshToken: refreshed.refresh_token },
    introspectedAfterRevocation: await introspectAs(product, refreshed.access_token),
    statuses: browser.statuses,
  }
}

/** A response as the browser brings it, and everything `oauth4webapi` judges it by. */
export interface DetachedResponse {
  readonly server: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly callback: URL
  readonly nonce: string
  readonly state: string
  readonly verifier: string
  readonly judge: (callback: URL, expected?: { nonce?: string; state?: string }) => Promise<URLSearchParams>
}

/**
 * Up to the response of a pushed `code id_token` request, with `oauth4webapi`.
 * @param walk brings a person from the authorization URL to the response
 */
export async function detachedResponse(
  product: Fapi1Product,
  who: Fapi1Client,
  walk: (start: URL) => Promise<URL> = start => walkWithoutBrowser(product, who, start),
): Promise<DetachedResponse> {
  const agent = dispatcherFor(product, who)
  const options = { [oauth.customFetch]: fetchOver(agent) as never }
  const server = await oauth.processDiscoveryResponse(
    product.issuer,
    await oauth.discoveryRequest(product.issuer, options),
  )
  const relying: oauth.Client = {
    client_id: who.clientId,
    use_mtls_endpoint_aliases: true,
    id_token_signed_response_alg: who.alg,
  }
  const [nonce, state, verifier] = [
    oauth.generateRandomNonce(),
    oauth.generateRandomState(),
    oauth.generateRandomCodeVerifier(),
  ]
  const parameters = {
    response_type: 'code id_token',
    redirect_uri: who.redirectUri,
    scope: 'openid accounts',
    resource: product.audience,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const authentication = who.privateKey ? oauth.PrivateKeyJwt(who.privateKey) : oauth.TlsClientAuth()
  const request = await oauth.issueRequestObject(server, relying, parameters, who.requestKey)
  const pushed = await oauth.processPushedAuthorizationResponse(
    server,
    relying,
    await oauth.pushedAuthorizationRequest(server, relying, authentication, { request }, options),
  )
  const url = new URL(server.authorization_endpoint ?? '')
  url.searchParams.set('client_id', who.clientId)
  url.searchParams.set('request_uri', pushed.request_uri)
  const callback = await walk(url)
  // The keys of the issuer are fetched once, here: what is judged later needs no connection.
  const jwksCache: oauth.ExportedJWKSCache | Record<string, never> = {}
  const judge: DetachedResponse['judge'] = (answer, expected = {}) =>
    oauth.validateDetachedSignatureResponse(
      server,
      relying,
      answer,
      expected.nonce ?? nonce,
      expected.state ?? state,
      undefined,
      { ...options, [oauth.jwksCache]: jwksCache },
    )
  await judge(callback)
  await agent.destroy()
  return { server, client: relying, callback, nonce, state, verifier, judge }
}

async function walkWithoutBrowser(product: Fapi1Product, who: Fapi1Client, start: URL): Promise<URL> {
  await using agent = closing(dispatcherFor(product))
  const browser = new UserAgent(agent.dispatcher)
  return await browser.walk(start, who.redirectUri, { ...product.user, consent: 'allow' })
}
