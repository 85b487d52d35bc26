import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { evidenceKeyOf, type Gateway, openGateway } from '@holdfast/gateway'
import { epochSeconds } from '@holdfast/protocol'
import { createResourceServer, inMemoryReplayMemory } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { systemClock } from '@holdfast/server/clock.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { createRemoteJWKSet, customFetch, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import {
  forkNode,
  freePort,
  type PreparedProduct,
  postgresAnswers,
  prepareProduct,
  stopNode,
} from './product/start.ts'

/** The running product over TLS: openid-client holds half a token, the gateway joins it, jose reads what the API gets. */

const hasPostgres = await postgresAnswers()
const reader = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const edge = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const readerKey = (await importJWK(
  reader.privateKey.export({ format: 'jwk' }) as never,
  'ES256',
)) as client.CryptoKey
const keySetOf = ({ publicKey }: typeof reader) => ({
  keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }],
})

const documents = (audience: string): readonly string[] => [
  documentOf('Scope', 'vault', { title: 'See the vault', description: 'What is in it' }),
  documentOf('ResourceServer', 'vault', {
    ...{ audience, scopes: ['vault'], accessTokenFormat: 'split', statusList: true },
  }),
  documentOf('Client', 'vault-reader', {
    resources: ['vault'],
    metadata: {
      client_name: 'Reads the vault',
      grant_types: ['client_credentials'],
      scope: 'vault',
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: keySetOf(reader),
    },
  }),
  documentOf('Client', 'vault-gateway', {
    introspects: ['vault'],
    metadata: {
      client_name: 'The gateway of the vault',
      grant_types: ['client_credentials'],
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      introspection_signed_response_alg: 'ES256',
      jwks: keySetOf(edge),
    },
  }),
]

for (const store of ['sqlite', 'postgres'] as const)
  describe(`split tokens on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let node: Awaited<ReturnType<typeof forkNode>>
    let dispatcher: ReturnType<typeof dispatcherFor>
    let api: Server
    let gateway: Gateway
    let external: string
    const audience = 'https://vault.example'
    const received: string[] = []

    before(async () => {
      prepared = await prepareProduct(store, { documents: documents(audience) })
      node = await forkNode(prepared.config)
      dispatcher = dispatcherFor(prepared.product)
      const { issuer, folder } = prepared.config
      const fetch = fetchOver(dispatcher) as never
      const ca = await openDevelopmentCa(join(folder, 'tls'), systemClock.now())
      const own = await ca.clientCertificate('vault-gateway', 'CN=vault-gateway', 'issued')
      const port = await freePort()
      external = `https://localhost:${port}`
      const evidenceKey = evidenceKeyOf(
        generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as never,
      )
      const replayMemory = inMemoryReplayMemory({ completeSince: epochSeconds(0) })
      const sdk = createResourceServer({
        ...{ issuer, audience, fetch, replayMemory },
        tokens: {
          gateway: { issuer: external, audience: 'vault', keys: [evidenceKey.publicJwk], splitTokens: true },
        },
      })
      const tls = (name: string): string => readFileSync(join(folder, 'tls', name), 'utf8')
      const listener = protect(sdk, { scopes: ['vault'] }, (request, response, { form, binding }) => {
        received.push(String(request.headers['holdfast-token']))
        response.end(JSON.stringify({ form, binding }))
      })
      api = createServer({ cert: tls('server.pem'), key: tls('server.key') }, listener)
      api.listen(0, 'localhost')
      await once(api, 'listening')
      const { port: behind } = api.address() as { readonly port: number }
      gateway = await openGateway({
        ...{ externalUrl: external, issuer, evidenceKey, fetch, replayMemory, tls: ca.server },
        address: { host: '127.0.0.1', port },
        introspection: {
          ...{ method: 'private_key_jwt', clientId: 'vault-gateway', alg: 'ES256', kid: 'k' },
          privateKey: edge.privateKey,
        },
        apis: [
          {
            ...{ name: 'vault', audience, evidenceAudience: 'vault' },
            upstream: {
              url: `https://localhost:${behind}`,
              ...{ caPem: ca.caPem, certPem: own.certPem, keyPem: own.keyPem },
            },
          },
        ],
        routes: [{ api: 'vault', methods: ['GET'], path: '/gold', scopes: ['vault'] }],
        audit: () => undefined,
        log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      })
    })
    after(async () => {
      await gateway?.close()
      api?.closeAllConnections()
      api?.close()
      await stopNode(node)
      await dispatcher?.destroy()
      await prepared?.remove()
    })

    it('a client holds a signature, the API gets the JWT, and revocation ends it at the gateway', async () => {
      const { issuer } = prepared.config
      const fetch = fetchOver(dispatcher) as never
      const config = await client.discovery(
        new URL(issuer),
        'vault-reader',
        {},
        client.PrivateKeyJwt({ key: readerKey, kid: 'k' }),
        { [client.customFetch]: fetch },
      )
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const asked = { scope: 'vault', resource: audience }
      const { access_token: token } = await client.clientCredentialsGrant(config, asked, { DPoP })
      assert.match(token, /^st_/)
      const call = async (presented: string): Promise<number> => {
        try {
          const url = new URL('/gold', external)
          return (
            await client.fetchProtectedResource(config, presented, url, 'GET', undefined, undefined, { DPoP })
          ).status
        } catch (error) {
          assert.ok(error instanceof client.WWWAuthenticateChallengeError, String(error))
          return error.status
        }
      }
      assert.equal(await call(token), 200)
      const [whole = ''] = received
      const keys = createRemoteJWKSet(new URL('/jwks', issuer), { [customFetch]: fetch })
      const { payload } = await jwtVerify(whole, keys, { typ: 'at+jwt', issuer, audience })
      assert.equal(payload.client_id, 'vault-reader')
      assert.ok(payload.status)
      assert.ok(whole.endsWith(`.${token.slice(9)}`))

      assert.equal(await call(whole), 401)
      assert.equal(await call(`at_${token.slice(3)}`), 401)
      assert.equal(received.length, 1)

      await client.tokenRevocation(config, token)
      // The announcement is under way; the harness for propagation measures how long.
      for (let round = 0; round < 400 && (await call(token)) === 200; round++) await sleep(25)
      assert.equal(await call(token), 401)
    })
  })
