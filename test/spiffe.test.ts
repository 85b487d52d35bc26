import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { startNode } from './product/node.ts'
import type { Product } from './product/product.ts'
import { freePort, postgresAnswers, prepareProduct, type StoreKind } from './product/start.ts'

/**
 * A workload with SVIDs that `jose` signs, as an agent would, gets bound tokens through a client library; the server
 * fetches the bundle of its trust domain over TLS.
 */

const spiffeId = 'spiffe://prod.example/billing/reader'

interface Authority {
  readonly key: CryptoKey
  readonly jwk: object
}

async function authorityOf(kid: string): Promise<Authority> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'jwt-svid' } }
}

/** What a SPIFFE bundle endpoint answers, and how often it was asked. */
interface Bundle {
  keys: readonly object[]
  fetched: number
}

async function serveBundle(folder: string, port: number, bundle: Bundle): Promise<Server> {
  const tls = (name: string): string => readFileSync(join(folder, 'tls', name), 'utf8')
  const server = createServer({ cert: tls('server.pem'), key: tls('server.key') }, (_request, response) => {
    bundle.fetched++
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: bundle.keys, spiffe_sequence: 1, spiffe_refresh_hint: 300 }))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Client authentication of the draft, in the shape the library takes others in. */
function svidAuthentication(signing: CryptoKey, kid: string, sub = spiffeId): client.ClientAuth {
  return async (server, _client, body) => {
    const svid = new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .setSubject(sub)
      .setAudience([server.issuer])
      .setIssuedAt()
      .setExpirationTime('5m')
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe')
    body.set('client_assertion', await svid.sign(signing))
  }
}

const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`SPIFFE workloads on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    let authority: Authority
    const bundle: Bundle = { keys: [], fetched: 0 }
    before(async () => {
      authority = await authorityOf('prod-1')
      bundle.keys = [{ ...authority.jwk, use: 'x509-svid', kid: 'x509' }, authority.jwk]
      const port = await freePort()
      const documents = [
        documentOf('SpiffeTrustDomain', 'production', {
          trustDomain: 'prod.example',
          bundleEndpoint: `https://localhost:${port}/bundle.json`,
        }),
        documentOf('Client', 'reader', {
          profile: 'oauth21',
          resources: ['accounts'],
          introspects: ['accounts'],
          metadata: {
            token_endpoint_auth_method: 'spiffe_jwt',
            spiffe_id: spiffeId,
            grant_types: ['client_credentials'],
            scope: 'accounts',
            dpop_bound_access_tokens: true,
          },
        }),
      ]
      const prepared = await prepareProduct(store, { documents, reachesLoopback: true })
      const server = await serveBundle(prepared.config.folder, port, bundle)
      const node = await startNode(prepared.config)
      const close = async (): Promise<void> => {
        await node.close()
        server.closeAllConnections()
        server.close()
        await prepared.remove()
      }
      product = { ...prepared.product, close }
    })
    after(async () => product.close())

    const configured = (authentication: client.ClientAuth, dispatcher: ReturnType<typeof dispatcherFor>) =>
      client.discovery(product.issuer, 'reader', {}, authentication, {
        [client.customFetch]: fetchOver(dispatcher) as never,
      })

    it('fetches the bundle over TLS by the one guarded way out', async () => {
      const agent = dispatcherFor(product)
      try {
        const config = await configured(svidAuthentication(authority.key, 'prod-1'), agent)
        assert.ok(config.serverMetadata().token_endpoint_auth_methods_supported?.includes('spiffe_jwt'))
        const proof = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
        for (let round = 0; round < 3; round++) {
          const tokens = await client.clientCredentialsGrant(config, { scope: 'accounts' }, { DPoP: proof })
          assert.equal(tokens.token_type, 'dpop')
          const seen = await client.tokenIntrospection(config, tokens.access_token)
          assert.equal(seen.client_id, 'reader')
          assert.ok(seen.cnf?.jkt)
          await client.tokenRevocation(config, tokens.access_token)
          assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false)
        }
        assert.equal(bundle.fetched, 1)
      } finally {
        await agent.destroy()
      }
    })

    it('lets no workload in that another authority vouches for, or that is no client', async () => {
      const agent = dispatcherFor(product)
      const other = await authorityOf('prod-1')
      try {
        for (const authentication of [
          svidAuthentication(other.key, 'prod-1'),
          svidAuthentication(authority.key, 'x509'),
          svidAuthentication(authority.key, 'prod-1', 'spiffe://prod.example/billing/writer'),
          svidAuthentication(authority.key, 'prod-1', 'spiffe://else.example/billing/reader'),
        ]) {
          const config = await configured(authentication, agent)
          await assert.rejects(
            client.clientCredentialsGrant(config, { scope: 'accounts' }),
            (error: unknown) =>
              error instanceof client.ResponseBodyError &&
              error.status === 401 &&
              error.error === 'invalid_client',
          )
        }
      } finally {
        await agent.destroy()
      }
    })
  })
