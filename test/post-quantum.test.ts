import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ApiRequest, createResourceServer } from '@holdfast/resource-server'
import { type CryptoKey, createRemoteJWKSet, customFetch, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { startNode } from './product/node.ts'
import type { Product } from './product/product.ts'
import { postgresAnswers, prepareProduct, type StoreKind } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'
import { closing } from './product/walk-openid-client.ts'

/**
 * A client library signs its assertions with ML-DSA and gets ML-DSA tokens, which `jose` and our SDK verify against
 * the published keys, over TLS, on both stores. Beside it stand the clients that know nothing of it.
 */

const redirectUri = 'https://client.example/callback'
const api = 'https://api.example/post-quantum'
const edwardsApi = 'https://api.example/edwards'

interface SigningClient {
  readonly clientId: string
  readonly key: CryptoKey
  readonly idTokenAlg: string
  readonly document: string
}

async function makeClient(clientId: string, alg: string, idTokenAlg: string): Promise<SigningClient> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid: clientId, use: 'sig', alg }
  const document = documentOf('Client', clientId, {
    profile: 'oauth21-post-quantum',
    resources: ['post-quantum', 'edwards'],
    metadata: {
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'client_credentials'],
      scope: 'openid profile',
      jwks: { keys: [jwk] },
      token_endpoint_auth_signing_alg: alg,
      id_token_signed_response_alg: idTokenAlg,
      userinfo_signed_response_alg: idTokenAlg,
    },
  })
  return { clientId, key: privateKey, idTokenAlg, document }
}

const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`ML-DSA on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    const made: SigningClient[] = []
    before(async () => {
      made.push(
        await makeClient('pq-44', 'ML-DSA-44', 'ML-DSA-87'),
        await makeClient('pq-65', 'ML-DSA-65', 'ML-DSA-44'),
        await makeClient('pq-87', 'ML-DSA-87', 'ML-DSA-65'),
        await makeClient('edwards', 'Ed25519', 'Ed25519'),
      )
      const servers = [
        ['post-quantum', api, 'ML-DSA-65'],
        ['edwards', edwardsApi, 'Ed25519'],
      ].map(([name = '', audience, accessTokenSigningAlg]) =>
        documentOf('ResourceServer', name, { audience, accessTokenFormat: 'jwt', accessTokenSigningAlg }),
      )
      const documents = [...servers, ...made.map(one => one.document)]
      const prepared = await prepareProduct(store, { documents, floor: 'oidc-baseline-post-quantum' })
      const node = await startNode(prepared.config)
      const close = async (): Promise<void> => {
        await node.close()
        await prepared.remove()
      }
      product = { ...prepared.product, close }
    })
    after(async () => product.close())

    it('a client library signs in with assertions and ID tokens of every parameter set', async () => {
      for (const one of made) {
        await using agent = closing(dispatcherFor(product))
        await using browserAgent = closing(dispatcherFor(product))
        const config = await configurationOf(product, one, fetchOver(agent.dispatcher))
        client.enableNonRepudiationChecks(config)
        const pkceCodeVerifier = client.randomPKCECodeVerifier()
        const url = await client.buildAuthorizationUrlWithPAR(config, {
          redirect_uri: redirectUri,
          scope: 'openid profile',
          code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
          code_challenge_method: 'S256',
        })
        const browser = new UserAgent(browserAgent.dispatcher)
        const callback = await browser.walk(url, redirectUri, { ...product.user, consent: 'allow' })
        const tokens = await client.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier,
          idTokenExpected: true,
        })
        const [head = ''] = (tokens.id_token ?? '').split('.')
        assert.equal(JSON.parse(Buffer.from(head, 'base64url').toString()).alg, one.idTokenAlg)
        const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
        assert.equal(userinfo.name, 'Alice Example')
      }
    })

    for (const [audience, alg] of [
      [api, 'ML-DSA-65'],
      [edwardsApi, 'Ed25519'],
    ] as const)
      it(`${alg} access tokens are verified by jose and by our SDK against the published keys`, async () => {
        const [one] = made
        assert.ok(one)
        await using agent = closing(dispatcherFor(product))
        const fetchIt = fetchOver(agent.dispatcher)
        const config = await configurationOf(product, one, fetchIt)
        const { access_token: token } = await client.clientCredentialsGrant(config, { resource: audience })
        const issuer = product.issuer.origin
        const keySet = createRemoteJWKSet(new URL('/jwks', issuer), { [customFetch]: fetchIt as never })
        const expected = { issuer, audience, typ: 'at+jwt', algorithms: [alg] }
        const { payload, protectedHeader } = await jwtVerify(token, keySet, expected)
        assert.equal(protectedHeader.alg, alg)
        assert.equal(payload.client_id, one.clientId)

        for (const [algs, ok] of [
          [[alg, 'ES256'], true],
          [['ES256'], false],
        ] as const) {
          const server = createResourceServer({
            ...{ issuer, audience, algs, tokens: 'jwt', senderConstraint: 'allowed' },
            fetch: fetchIt as never,
          })
          assert.equal((await server.guard()(requestWith(token))).ok, ok)
        }
      })

    it('metadata names what is signed, and no ML-DSA where it would have to fit a header', async () => {
      await using agent = closing(dispatcherFor(product))
      const answer = await fetchOver(agent.dispatcher)(
        new URL('/.well-known/openid-configuration', product.issuer).href,
        {},
      )
      const metadata = (await answer.json()) as Readonly<Record<string, readonly string[]>>
      const large = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']
      const has = (name: string): boolean => large.every(alg => metadata[name]?.includes(alg))
      const lacks = (name: string): boolean => !large.some(alg => metadata[name]?.includes(alg))
      for (const name of ['id_token', 'userinfo', 'introspection', 'authorization', 'request_object'])
        assert.ok(has(`${name}_signing_alg_values_supported`), name)
      assert.ok(has('token_endpoint_auth_signing_alg_values_supported'))
      for (const name of ['dpop', 'client_attestation', 'client_attestation_pop'])
        assert.ok(
          metadata[`${name}_signing_alg_values_supported`] && lacks(`${name}_signing_alg_values_supported`),
        )
    })
  })

const requestWith = (token: string): ApiRequest => ({
  method: 'GET',
  target: '/post-quantum',
  headers: name => (name === 'authorization' ? [`Bearer ${token}`] : []),
  isSecure: true,
  peerCertificate: undefined,
  isTokenInBody: false,
  native: undefined,
})

type FetchIt = ReturnType<typeof fetchOver>

function configurationOf(
  product: Product,
  one: SigningClient,
  fetchIt: FetchIt,
): Promise<client.Configuration> {
  const { clientId, key, idTokenAlg } = one
  const registered = { id_token_signed_response_alg: idTokenAlg, userinfo_signed_response_alg: idTokenAlg }
  const authentication = client.PrivateKeyJwt({ key, kid: clientId })
  return client.discovery(product.issuer, clientId, registered, authentication, {
    [client.customFetch]: fetchIt as never,
  })
}
