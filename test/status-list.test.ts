import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inflateSync } from 'node:zlib'
import { createResourceServer } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { createRemoteJWKSet, customFetch, decodeJwt, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import {
  anotherNode,
  forkNode,
  freePort,
  type PreparedProduct,
  postgresAnswers,
  prepareProduct,
  stopNode,
} from './product/start.ts'

/** The running product over TLS: openid-client asks, jose reads the lists, and an API with the SDK refuses in time. */

const hasPostgres = await postgresAnswers()
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey

const documents = (audience: string): readonly string[] => [
  documentOf('Scope', 'stock', { title: 'See the stock', description: 'What is there' }),
  documentOf('ResourceServer', 'stock', {
    audience,
    scopes: ['stock'],
    accessTokenFormat: 'jwt',
    statusList: true,
  }),
  documentOf('Client', 'stock-reader', {
    resources: ['stock'],
    metadata: {
      client_name: 'Reads the stock',
      grant_types: ['client_credentials'],
      scope: 'stock',
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
    },
  }),
]

for (const store of ['sqlite', 'postgres'] as const)
  describe(`status lists on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let dispatcher: ReturnType<typeof dispatcherFor>
    let api: Server
    let audience: string

    before(async () => {
      const port = await freePort()
      audience = `https://localhost:${port}`
      prepared = await prepareProduct(store, { documents: documents(audience) })
      dispatcher = dispatcherFor(prepared.product)
      api = await listen(port)
    })
    after(async () => {
      await dispatcher?.destroy()
      api?.closeAllConnections()
      api?.close()
      await prepared?.remove()
    })

    const listen = async (port: number): Promise<Server> => {
      const guard = createResourceServer({
        issuer: prepared.config.issuer,
        audience,
        tokens: { jwt: true, jwtRevocation: 'status-list' },
        fetch: fetchOver(dispatcher) as never,
      })
      const tls = (name: string): string => readFileSync(join(prepared.config.folder, 'tls', name), 'utf8')
      const listener = protect(guard, { scopes: ['stock'] }, (_request, response) => {
        response.end('42')
      })
      const server = createServer({ cert: tls('server.pem'), key: tls('server.key') }, listener)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return server
    }

    const configure = async (): Promise<client.Configuration> =>
      await client.discovery(
        prepared.product.issuer,
        'stock-reader',
        {},
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { [client.customFetch]: fetchOver(dispatcher) as never },
      )

    /** A token, and how to use it at the API. */
    const getToken = async (config: client.Configuration) => {
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const asked = { scope: 'stock', resource: audience }
      const { access_token: token } = await client.clientCredentialsGrant(config, asked, { DPoP })
      const call = async (): Promise<number> => {
        const url = new URL('/stock', audience)
        try {
          const args = [config, token, url, 'GET', undefined, undefined, { DPoP }] as const
          return (await client.fetchProtectedResource(...args)).status
        } catch (error) {
          assert.ok(error instanceof client.WWWAuthenticateChallengeError, String(error))
          return error.status
        }
      }
      return { token, call }
    }

    /** @param origin of the node that is asked */
    const statusOf = async (token: string, origin = prepared.config.issuer): Promise<number> => {
      const { status } = decodeJwt<{ status: { status_list: { idx: number; uri: string } } }>(token)
      const { idx, uri } = status.status_list
      assert.ok(uri.startsWith(`${prepared.config.issuer}/status-lists/`))
      const fetched = await fetchOver(dispatcher)(uri.replace(prepared.config.issuer, origin), {
        headers: { origin: 'https://any.example' },
      })
      assert.equal(fetched.status, 200)
      assert.equal(fetched.headers.get('content-type'), 'application/statuslist+jwt')
      assert.equal(fetched.headers.get('access-control-allow-origin'), '*')
      const keys = createRemoteJWKSet(new URL('/jwks', origin), {
        [customFetch]: fetchOver(dispatcher) as never,
      })
      const { payload } = await jwtVerify(await fetched.text(), keys, {
        typ: 'statuslist+jwt',
        subject: uri,
        issuer: prepared.config.issuer,
        maxTokenAge: 30,
        requiredClaims: ['exp', 'ttl'],
      })
      const { bits, lst } = payload.status_list as { readonly bits: number; readonly lst: string }
      assert.equal(bits, 1)
      const bytes = inflateSync(Buffer.from(lst, 'base64url'))
      return ((bytes[idx >> 3] ?? 0) >> (idx & 7)) & 1
    }

    it('a revoked token is refused by an API within fifteen seconds, and another is not', async () => {
      const node = await forkNode(prepared.config)
      try {
        const config = await configure()
        const [ended, kept] = [await getToken(config), await getToken(config)]
        for (const { token, call } of [ended, kept]) {
          assert.equal(await statusOf(token), 0)
          assert.equal(await call(), 200)
        }
        await client.tokenRevocation(config, ended.token)
        const revokedAt = performance.now()
        // By when it was sent: a call that a busy machine answers late was judged no earlier.
        for (let sentAt = revokedAt; (await ended.call()) === 200; sentAt = performance.now()) {
          assert.ok(sentAt - revokedAt < 15_000)
          await sleep(250)
        }
        assert.equal(await ended.call(), 401)
        assert.equal(await statusOf(ended.token), 1)
        assert.equal(await statusOf(kept.token), 0)
        assert.equal(await kept.call(), 200)
      } finally {
        await stopNode(node)
      }
    })

    it('lists outlive the process that began them, and its end is no end of a token', async () => {
      const killed = await forkNode(prepared.config)
      const config = await configure()
      const [revoked, kept] = [await getToken(config), await getToken(config)]
      await client.tokenRevocation(config, revoked.token)
      const exited = once(killed, 'exit')
      killed.kill('SIGKILL')
      await exited
      const next = await forkNode(prepared.config)
      try {
        assert.equal(await statusOf(revoked.token), 1)
        assert.equal(await statusOf(kept.token), 0)
        const later = await getToken(await configure())
        const listOf = (token: string): unknown =>
          decodeJwt<{ status: { status_list: { uri: string } } }>(token).status.status_list.uri
        assert.notEqual(listOf(later.token), listOf(kept.token))
        assert.equal(await statusOf(later.token), 0)
      } finally {
        await stopNode(next)
      }
    })

    // SQLite is for one process.
    const onNodes = store === 'sqlite' ? undefined : it
    onNodes?.('a second node serves the lists of the first', async () => {
      const second = await anotherNode(prepared.config)
      const nodes = [await forkNode(prepared.config), await forkNode(second)]
      const origin = `https://localhost:${second.publicPort}`
      try {
        const config = await configure()
        const [revoked, kept] = [await getToken(config), await getToken(config)]
        assert.equal(await statusOf(kept.token, origin), 0)
        await client.tokenRevocation(config, revoked.token)
        await sleep(6000)
        assert.equal(await statusOf(revoked.token, origin), 1)
        assert.equal(await statusOf(kept.token, origin), 0)
      } finally {
        for (const node of nodes) await stopNode(node)
      }
    })
  })
