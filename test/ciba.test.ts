import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import type { Agent } from 'undici'
import { documentOf, user } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { type RunningNode, startNode } from './product/node.ts'
import { freePort, type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'
import { introspectAs } from './product/walk-openid-client.ts'

/** CIBA under FAPI-CIBA: two client libraries that know nothing of us, a person with a browser, a listener for pings. */

const hasPostgres = await postgresAnswers()
const cibaGrantType = 'urn:openid:params:grant-type:ciba'
const notificationToken = 'a-token-of-the-client-0123456789'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as CryptoKey
const signer = { key, kid: 'k' }

const reading = {
  type: 'account_reading',
  account: 'DE89370400440532013000',
  actions: ['balance', 'history'],
}
const asking = (detail: object) => ({ authorization_details: JSON.stringify([detail]) })

function documentsFor(pingPort: number): readonly string[] {
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] }
  const documentFor = (name: string, metadata: object): string =>
    documentOf('Client', name, {
      profile: 'fapi-ciba',
      resources: ['accounts'],
      metadata: {
        client_name: `Point of sale ${name}`,
        grant_types: [cibaGrantType, 'refresh_token'],
        scope: 'openid accounts offline_access',
        id_token_signed_response_alg: 'ES256',
        jwks,
        authorization_details_types: ['account_reading'],
        backchannel_token_delivery_mode: 'poll',
        backchannel_authentication_request_signing_alg: 'ES256',
        ...metadata,
      },
    })
  const byKey = { token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true }
  return [
    documentFor('pos-poll', byKey),
    documentFor('pos-ping', {
      ...byKey,
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: `https://localhost:${pingPort}/ping?pos=1`,
    }),
    // Proves itself with the certificate of the client of this subject.
    documentFor('pos-mtls', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=issued, O=Example',
      tls_client_certificate_bound_access_tokens: true,
      use_mtls_endpoint_aliases: true,
    }),
  ]
}

interface Ping {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

async function listenForPings(folder: string, port: number, pings: Ping[]): Promise<Server> {
  const tls = (name: string): string => readFileSync(join(folder, 'tls', name), 'utf8')
  const server = createServer({ cert: tls('server.pem'), key: tls('server.key') }, (request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    request.on('end', () => {
      const { authorization } = request.headers
      pings.push({ path: request.url ?? '', authorization, body: JSON.parse(text) })
      response.writeHead(204).end()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

for (const store of ['sqlite', 'postgres'] as const)
  describe(`CIBA on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    const pings: Ping[] = []
    let prepared: PreparedProduct
    let node: RunningNode
    let listener: Server
    let agent: Agent
    let certified: Agent

    before(async () => {
      const port = await freePort()
      prepared = await prepareProduct(store, { documents: documentsFor(port), reachesLoopback: true })
      listener = await listenForPings(prepared.config.folder, port, pings)
      node = await startNode(prepared.config)
      agent = dispatcherFor(prepared.product)
      certified = dispatcherFor(prepared.product, prepared.product.clients['tls_client_auth with mTLS'])
    })
    after(async () => {
      await Promise.all([agent?.destroy(), certified?.destroy()])
      await node?.close()
      listener?.closeAllConnections()
      listener?.close()
      await prepared?.remove()
    })

    const answer = async (consent: 'allow' | 'deny'): Promise<string> =>
      await new UserAgent(agent).answerWaiting(new URL('/ciba', prepared.product.issuer), {
        ...user,
        consent,
      })

    const discovered = async (fetch: ReturnType<typeof fetchOver>): Promise<oauth.AuthorizationServer> => {
      const options = { algorithm: 'oauth2', [oauth.customFetch]: fetch as never } as const
      const { issuer } = prepared.product
      return await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
    }

    /** What a client asks for, signed as a library signs it. */
    const signed = async (clientId: string, more: Record<string, string> = {}): Promise<string> =>
      await oauth.issueRequestObject(
        await discovered(fetchOver(agent)),
        { client_id: clientId },
        {
          scope: 'openid accounts offline_access',
          resource: prepared.product.audience,
          login_hint: user.username,
          binding_message: 'W4SCT',
          acr_values: 'urn:holdfast:acr:pwd',
          ...more,
        },
        signer,
      )

    const configure = async (clientId: string): Promise<client.Configuration> =>
      await client.discovery(
        prepared.product.issuer,
        clientId,
        { id_token_signed_response_alg: 'ES256' },
        client.PrivateKeyJwt(signer),
        { [client.customFetch]: fetchOver(agent) as never },
      )

    it('openid-client asks, polls while a person answers in a browser, and gets bound tokens once', async () => {
      const config = await configure('pos-poll')
      assert.deepEqual(config.serverMetadata().backchannel_token_delivery_modes_supported, ['poll', 'ping'])
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const request = await signed('pos-poll', { requested_expiry: '120' })
      const asked = await client.initiateBackchannelAuthentication(config, { request })
      assert.equal(asked.expires_in, 120)
      const polling = client.pollBackchannelAuthenticationGrant(config, asked, undefined, { DPoP })
      assert.match(await answer('allow'), /You allowed Point of sale pos-poll/)
      const tokens = await polling
      const claims = tokens.claims()
      assert.equal(tokens.token_type, 'dpop')
      assert.equal(claims?.aud, 'pos-poll')
      assert.equal(claims?.acr, 'urn:holdfast:acr:pwd')
      assert.equal(claims?.['urn:openid:params:jwt:claim:auth_req_id'], asked.auth_req_id)
      const introspected = await introspectAs(withClose(prepared), tokens.access_token)
      assert.equal(introspected.active, true)
      assert.equal(introspected.sub, claims?.sub)
      assert.deepEqual(Object.keys((introspected.cnf ?? {}) as object), ['jkt'])
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
      assert.notEqual(refreshed.access_token, '')
      const again = { ...asked, interval: 0.01 }
      await assert.rejects(client.pollBackchannelAuthenticationGrant(config, again, undefined, { DPoP }), {
        error: 'invalid_grant',
      })
    })

    it('openid-client is told that the user denied', async () => {
      const config = await configure('pos-poll')
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const asked = await client.initiateBackchannelAuthentication(config, {
        request: await signed('pos-poll'),
      })
      assert.match(await answer('deny'), /You denied/)
      const soon = { ...asked, interval: 0.01 }
      await assert.rejects(client.pollBackchannelAuthenticationGrant(config, soon, undefined, { DPoP }), {
        error: 'access_denied',
      })
    })

    it('openid-client is refused what is not signed', async () => {
      const config = await configure('pos-poll')
      const plain = { scope: 'openid', login_hint: user.username, binding_message: 'W4SCT' }
      await assert.rejects(client.initiateBackchannelAuthentication(config, plain), {
        error: 'invalid_request',
      })
    })

    it('openid-client is pinged on its own listener, and fetches its tokens then', async () => {
      const config = await configure('pos-ping')
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const request = await signed('pos-ping', { client_notification_token: notificationToken })
      const asked = await client.initiateBackchannelAuthentication(config, { request })
      await sleep(1200)
      assert.equal(pings.length, 0)
      await answer('allow')
      for (let turn = 0; turn < 100 && pings.length === 0; turn++) await sleep(100)
      assert.deepEqual(pings, [
        {
          path: '/ping?pos=1',
          authorization: `Bearer ${notificationToken}`,
          body: { auth_req_id: asked.auth_req_id },
        },
      ])
      const now = { ...asked, interval: 0.01 }
      const tokens = await client.pollBackchannelAuthenticationGrant(config, now, undefined, { DPoP })
      assert.equal(tokens.claims()?.aud, 'pos-ping')
      await sleep(1500)
      assert.equal(pings.length, 1)
      const files = readdirSync(prepared.config.folder, { recursive: true, withFileTypes: true })
      for (const { name, parentPath } of files.filter(entry => entry.isFile()))
        for (const secret of [notificationToken, asked.auth_req_id.slice(-32)])
          assert.ok(!readFileSync(join(parentPath, name)).includes(secret), `a secret stands in ${name}`)
    })

    it('openid-client gets the details that a person allowed, narrows them at a refresh and cannot grow', async () => {
      const config = await configure('pos-poll')
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const request = await signed('pos-poll', { ...asking(reading), grant_management_action: 'create' })
      const asked = await client.initiateBackchannelAuthentication(config, { request })
      await answer('allow')
      const now = { ...asked, interval: 0.01 }
      const tokens = await client.pollBackchannelAuthenticationGrant(config, now, undefined, { DPoP })
      assert.deepEqual(tokens.authorization_details, [reading])
      assert.match(String(tokens.grant_id), /^[\w-]{20,}$/)
      const told = await introspectAs(withClose(prepared), tokens.access_token)
      assert.deepEqual(told.authorization_details, [reading])
      const refresh = (detail: object) =>
        client.refreshTokenGrant(config, tokens.refresh_token ?? '', asking(detail), { DPoP })
      const less = { ...reading, actions: ['balance'] }
      assert.deepEqual((await refresh(less)).authorization_details, [less])
      await assert.rejects(refresh({ ...reading, account: 'GB82WEST12345698765432' }), {
        error: 'invalid_authorization_details',
      })
      const other = { ...reading, account: 'GB82WEST12345698765432' }
      const merge = { grant_management_action: 'merge', grant_id: String(tokens.grant_id) }
      const merging = await client.initiateBackchannelAuthentication(config, {
        request: await signed('pos-poll', { ...asking(other), ...merge }),
      })
      await answer('allow')
      const soon = { ...merging, interval: 0.01 }
      const merged = await client.pollBackchannelAuthenticationGrant(config, soon, undefined, { DPoP })
      assert.equal(merged.grant_id, tokens.grant_id)
      assert.deepEqual(merged.authorization_details, [reading, other])
      const before = await introspectAs(withClose(prepared), tokens.access_token)
      assert.deepEqual(before, { active: false })
      const unknown = await signed('pos-poll', asking({ type: 'payment' }))
      await assert.rejects(client.initiateBackchannelAuthentication(config, { request: unknown }), {
        error: 'invalid_authorization_details',
      })
    })

    it('oauth4webapi asks and polls over mutual TLS, and gets tokens bound to its certificate', async () => {
      const fetch = fetchOver(certified)
      const options = { [oauth.customFetch]: fetch as never }
      const server = await discovered(fetch)
      const who = {
        client_id: 'pos-mtls',
        use_mtls_endpoint_aliases: true,
        id_token_signed_response_alg: 'ES256',
      }
      const parameters = { request: await signed('pos-mtls', asking(reading)) }
      const asked = await oauth.processBackchannelAuthenticationResponse(
        server,
        who,
        await oauth.backchannelAuthenticationRequest(server, who, oauth.TlsClientAuth(), parameters, options),
      )
      const poll = async () =>
        await oauth.processBackchannelAuthenticationGrantResponse(
          server,
          who,
          await oauth.backchannelAuthenticationGrantRequest(
            server,
            who,
            oauth.TlsClientAuth(),
            asked.auth_req_id,
            options,
          ),
        )
      await assert.rejects(poll(), { error: 'authorization_pending' })
      await assert.rejects(poll(), { error: 'slow_down' })
      await answer('allow')
      const tokens = await poll()
      assert.equal(tokens.token_type, 'bearer')
      assert.deepEqual(tokens.authorization_details, [reading])
      assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.aud, 'pos-mtls')
      const introspected = await introspectAs(withClose(prepared), tokens.access_token)
      assert.deepEqual(Object.keys((introspected.cnf ?? {}) as object), ['x5t#S256'])
      await assert.rejects(poll(), { error: 'invalid_grant' })
    })
  })

function withClose({ product }: PreparedProduct): Parameters<typeof introspectAs>[0] {
  return { ...product, close: async () => {} }
}
