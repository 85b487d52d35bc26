import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { importJWK } from 'jose'
import Provider from 'oidc-provider'
import * as client from 'openid-client'
import { documentOf, user } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { startNode } from './product/node.ts'
import { freePort, type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'

/** Users sign in at `oidc-provider`, which judges our requests by its own rules; an independent client gets the tokens. */

const redirectUri = 'https://client.example/callback'
const hasPostgres = await postgresAnswers()
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey

type Name = 'listed' | 'created'

function documentsFor(ops: Readonly<Record<Name, string>>): readonly string[] {
  return [
    documentOf('Client', 'rp', {
      profile: 'oidc-baseline',
      metadata: {
        client_name: 'Relying party',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        scope: 'openid',
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
      },
    }),
    ...(
      [
        ['listed', { are: 'listed', listed: { 'their-user': user.username } }],
        ['created', { are: 'created' }],
      ] as const
    ).map(([name, users]) =>
      documentOf('IdentityProvider', name, {
        issuer: ops[name],
        displayName: `Provider for ${name} users`,
        clientId: 'holdfast',
        authorizationEndpoint: `${ops[name]}/auth`,
        tokenEndpoint: `${ops[name]}/token`,
        jwksUri: `${ops[name]}/jwks`,
        signingAlgs: ['ES256'],
        users,
        methods: { byAcr: { 'urn:op:strong': ['pwd', 'otp'] }, otherwise: ['pwd'] },
      }),
    ),
  ]
}

/** One `oidc-provider` that signs everybody in as `their-user`, without a page. */
function providerAt(
  issuer: string,
  callback: string,
  jwks: unknown,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { privateKey: signing } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'holdfast',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks,
        redirect_uris: [callback],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...signing.export({ format: 'jwk' }), kid: 'op', alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['not a secret'] },
    clientAuthMethods: ['private_key_jwt'],
    acrValues: ['urn:op:strong'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => '/sign-in' },
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    loadExistingGrant: async (context: {
      oidc: {
        session: { accountId: string }
        provider: {
          Grant: new (about: object) => { addOIDCScope: (scope: string) => void; save: () => Promise<void> }
        }
      }
    }) => {
      const { session, provider: own } = context.oidc
      const grant = new own.Grant({ clientId: 'holdfast', accountId: session.accountId })
      grant.addOIDCScope('openid')
      await grant.save()
      return grant
    },
  })
  const handle = provider.callback()
  return (request, response) =>
    request.url?.startsWith('/sign-in') === true
      ? provider.interactionFinished(request, response, {
          login: { accountId: 'their-user', acr: 'urn:op:strong', amr: ['hwk'] },
        })
      : handle(request, response)
}

for (const store of ['sqlite', 'postgres'] as const)
  describe(`a sign-in at another provider, on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let node: Awaited<ReturnType<typeof startNode>>
    let dispatcher: ReturnType<typeof dispatcherFor>
    const servers: Server[] = []

    before(async () => {
      const ports = { listed: await freePort(), created: await freePort() }
      const ops = {
        listed: `https://localhost:${ports.listed}`,
        created: `https://localhost:${ports.created}`,
      }
      prepared = await prepareProduct(store, { documents: documentsFor(ops), reachesLoopback: true })
      node = await startNode(prepared.config)
      const { issuer } = prepared.product
      dispatcher = dispatcherFor(prepared.product)
      const jwks = await (await fetchOver(dispatcher)(`${issuer.href.replace(/\/$/, '')}/jwks`, {})).json()
      const tls = (name: string): string => readFileSync(join(prepared.config.folder, 'tls', name), 'utf8')
      for (const name of ['listed', 'created'] as const) {
        const callback = `${issuer.href.replace(/\/$/, '')}/upstream/${name}`
        const handle = providerAt(ops[name], callback, jwks)
        const identity = { cert: tls('server.pem'), key: tls('server.key') }
        const server = createServer(identity, (request, response) => void handle(request, response))
        server.listen(ports[name], '127.0.0.1')
        await once(server, 'listening')
        servers.push(server)
      }
    })
    after(async () => {
      await dispatcher?.destroy()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await node?.close()
      await prepared?.remove()
    })

    /** The claims of the ID token that the independent client took. */
    const signIn = async (
      at: Name,
      more: Record<string, string> = {},
      browser = new UserAgent(dispatcher),
    ) => {
      const config = await client.discovery(
        prepared.product.issuer,
        'rp',
        { id_token_signed_response_alg: 'ES256' },
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { [client.customFetch]: fetchOver(dispatcher) as never },
      )
      const pkceCodeVerifier = client.randomPKCECodeVerifier()
      const start = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: 'openid',
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        ...more,
      })
      const person = { ...user, consent: 'allow', signInAt: at } as const
      const callback = await browser.walk(start, redirectUri, person)
      const tokens = await client.authorizationCodeGrant(config, callback, {
        pkceCodeVerifier,
        idTokenExpected: true,
      })
      return { claims: tokens.claims(), browser }
    }

    it('a linked user signs in, and the client learns only what holds here', async () => {
      const { claims, browser } = await signIn('listed')
      assert.match(claims?.sub ?? '', /^u_/)
      assert.notEqual(claims?.sub, 'their-user')
      assert.ok(Math.abs((claims?.auth_time as number) - Date.now() / 1000) < 30)
      assert.ok(!browser.statuses.includes(307))
    })

    it('a level that is asked for here is asked for there, and counts as the document says', async () => {
      const { claims } = await signIn('listed', { acr_values: 'urn:holdfast:acr:mfa' })
      assert.equal(claims?.acr, 'urn:holdfast:acr:mfa')
      assert.deepEqual(claims?.amr, ['pwd', 'otp', 'mfa'])
    })

    it('prompt=login makes the user sign in there again', async () => {
      const first = await signIn('listed')
      const again = await signIn('listed', { prompt: 'login' }, first.browser)
      assert.equal(again.claims?.sub, first.claims?.sub)
      assert.ok((again.claims?.auth_time as number) >= (first.claims?.auth_time as number))
    })

    it('a new user is made once, and is the same the next time', async () => {
      const first = await signIn('created')
      const second = await signIn('created')
      assert.match(first.claims?.sub ?? '', /^u_[A-Za-z0-9_-]{43}$/)
      assert.equal(second.claims?.sub, first.claims?.sub)
      assert.notEqual(first.claims?.sub, (await signIn('listed')).claims?.sub)
    })
  })
