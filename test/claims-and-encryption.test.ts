import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { compactDecrypt } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { startNode } from './product/node.ts'
import {
  makePrivateClient,
  type PrivateClient,
  person,
  personClaims,
  personDocument,
} from './product/private-client.ts'
import type { Product } from './product/product.ts'
import { postgresAnswers, prepareProduct, type StoreKind } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'
import { closing } from './product/walk-openid-client.ts'

/** Two client libraries ask for single claims and read answers that nobody else can, against the running product. */

const claims = JSON.stringify({
  id_token: { email: { essential: true }, acr: { essential: true, value: 'urn:holdfast:acr:pwd' } },
  userinfo: { given_name: null, address: { value: { country: 'DE' } }, email_verified: { value: false } },
})

/** What was told, and what the wire carried. */
interface Walk {
  readonly response: string
  readonly idToken: Readonly<Record<string, unknown>>
  readonly rawIdToken: string
  readonly userinfo: Readonly<Record<string, unknown>>
}

const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`claims and encryption on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    const made: PrivateClient[] = []
    before(async () => {
      made.push(
        await makePrivateClient('private-ecdh', 'ECDH-ES', 'A128GCM'),
        await makePrivateClient('private-wrap', 'ECDH-ES+A256KW', 'A256GCM'),
        await makePrivateClient('private-rsa', 'RSA-OAEP-256', undefined),
      )
      const documents = [personDocument, ...made.flatMap(one => one.documents)]
      const prepared = await prepareProduct(store, { documents })
      const node = await startNode(prepared.config)
      const close = async (): Promise<void> => {
        await node.close()
        await prepared.remove()
      }
      product = { ...prepared.product, close }
    })
    after(async () => product.close())

    for (const [library, walk] of [
      ['openid-client', withOpenidClient],
      ['oauth4webapi', withOauth4webapi],
    ] as const)
      it(`${library} gets exactly the claims it asked for, in messages only it can read`, async () => {
        for (const one of made) {
          const { response, idToken, rawIdToken, userinfo } = await walk(product, one)
          for (const message of [response, rawIdToken]) {
            assert.equal(message.split('.').length, 5)
            const header = JSON.parse(Buffer.from(message.split('.')[0] ?? '', 'base64url').toString())
            const { epk: _, ...rest } = header
            assert.deepEqual(rest, {
              alg: one.decryption.alg,
              enc: one.enc,
              cty: 'JWT',
              kid: one.decryption.kid,
            })
          }
          assert.equal(idToken.email, personClaims.email)
          assert.equal(idToken.acr, 'urn:holdfast:acr:pwd')
          assert.ok(!('given_name' in idToken))
          const { sub, iss, aud, ...told } = userinfo
          assert.equal(sub, idToken.sub)
          assert.equal(iss, idToken.iss)
          assert.equal(aud, one.who.clientId)
          assert.deepEqual(told, { given_name: personClaims.given_name, address: personClaims.address })
        }
      })

    it('openid-client sends the ID token back as a hint, and another user is not taken for its own', async () => {
      const [one] = made
      assert.ok(one)
      const { rawIdToken } = await withOpenidClient(product, one)
      const { plaintext } = await compactDecrypt(rawIdToken, one.decryption.key)
      const hint = Buffer.from(plaintext).toString()
      const again = await withOpenidClient(product, one, { id_token_hint: hint })
      assert.equal(again.idToken.email, personClaims.email)
      await assert.rejects(
        withOpenidClient(product, one, { id_token_hint: hint }, product.user),
        (error: unknown) =>
          error instanceof client.AuthorizationResponseError && error.error === 'login_required',
      )
      const encrypted = withOpenidClient(product, one, { id_token_hint: rawIdToken })
      await assert.rejects(
        encrypted,
        (error: unknown) => error instanceof client.ResponseBodyError && error.error === 'invalid_request',
      )
    })
  })

async function withOpenidClient(
  product: Product,
  { who, decryption, enc }: PrivateClient,
  more: Readonly<Record<string, string>> = {},
  user: Product['user'] = person,
): Promise<Walk> {
  await using agent = closing(dispatcherFor(product, who))
  await using browserAgent = closing(dispatcherFor(product))
  assert.ok(who.privateKey)
  const config = await client.discovery(
    product.issuer,
    who.clientId,
    {
      id_token_signed_response_alg: 'ES256',
      userinfo_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
    },
    client.PrivateKeyJwt(who.privateKey),
    { [client.customFetch]: fetchOver(agent.dispatcher) as never },
  )
  client.enableDecryptingResponses(config, [enc], decryption)
  client.useJwtResponseMode(config)
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: who.redirectUri,
    scope: 'openid',
    claims,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  })
  const browser = new UserAgent(browserAgent.dispatcher)
  const callback = await browser.walk(url, who.redirectUri, { ...user, consent: 'allow' })
  const tokens = await client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier,
    expectedState,
    idTokenExpected: true,
  })
  const idToken = tokens.claims() ?? { sub: '' }
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, idToken.sub)
  const response = callback.searchParams.get('response') ?? ''
  return { response, idToken: { ...idToken }, rawIdToken: tokens.id_token ?? '', userinfo: { ...userinfo } }
}

async function withOauth4webapi(product: Product, one: PrivateClient): Promise<Walk> {
  const { who, decryption, enc } = one
  await using agent = closing(dispatcherFor(product, who))
  await using browserAgent = closing(dispatcherFor(product))
  assert.ok(who.privateKey)
  const jweDecrypt = async (jwe: string): Promise<string> => {
    const { plaintext } = await compactDecrypt(jwe, decryption.key, {
      keyManagementAlgorithms: [decryption.alg],
      contentEncryptionAlgorithms: [enc],
    })
    return Buffer.from(plaintext).toString()
  }
  const options = {
    [oauth.customFetch]: fetchOver(agent.dispatcher) as never,
    [oauth.jweDecrypt]: jweDecrypt,
  }
  const { issuer } = product
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oidc' }),
  )
  const registered: oauth.Client = {
    client_id: who.clientId,
    id_token_signed_response_alg: 'ES256',
    userinfo_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
  }
  const authentication = oauth.PrivateKeyJwt(who.privateKey)
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters = {
    response_type: 'code',
    response_mode: 'jwt',
    redirect_uri: who.redirectUri,
    scope: 'openid',
    claims,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const pushed = await oauth.processPushedAuthorizationResponse(
    server,
    registered,
    await oauth.pushedAuthorizationRequest(server, registered, authentication, parameters, options),
  )
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = String(new URLSearchParams({ client_id: who.clientId, request_uri: pushed.request_uri }))
  const browser = new UserAgent(browserAgent.dispatcher)
  const callback = await browser.walk(url, who.redirectUri, { ...person, consent: 'allow' })
  const answer = await oauth.validateJwtAuthResponse(server, registered, callback, state, options)
  const sent = await oauth.authorizationCodeGrantRequest(
    server,
    registered,
    authentication,
    answer,
    who.redirectUri,
    verifier,
    options,
  )
  const { id_token: rawIdToken } = (await sent.clone().json()) as { id_token: string }
  const processed = { requireIdToken: true, ...options }
  const tokens = await oauth.processAuthorizationCodeResponse(server, registered, sent, processed)
  const idToken = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' }
  const told = await oauth.userInfoRequest(server, registered, tokens.access_token, options)
  assert.equal(told.headers.get('content-type'), 'application/jwt')
  const userinfo = await oauth.processUserInfoResponse(server, registered, idToken.sub, told, options)
  const response = callback.searchParams.get('response') ?? ''
  return { response, idToken: { ...idToken }, rawIdToken, userinfo: { ...userinfo } }
}
