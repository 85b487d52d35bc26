import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, customFetch, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { documentOf, user } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { openStore } from './product/node.ts'
import {
  forkNode,
  freePort,
  type PreparedProduct,
  postgresAnswers,
  prepareProduct,
  stopNode,
} from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'

/** Logout against the running product: an independent client library asks, independent receivers judge the tokens. */

const redirectUri = 'https://client.example/callback'
const bye = 'https://client.example/bye'
const hasPostgres = await postgresAnswers()

interface Receiver {
  /** Tokens by path, in the order they came. */
  readonly tokens: (readonly [path: string, token: string])[]
  answer: (response: ServerResponse) => void
  readonly listen: (folder: string) => Promise<Server>
}

function receiverOn(port: number): Receiver {
  const receiver: Receiver = {
    tokens: [],
    answer: response => void response.writeHead(200).end(),
    listen: async folder => {
      const tls = (name: string): string => readFileSync(join(folder, 'tls', name), 'utf8')
      const server = createServer(
        { cert: tls('server.pem'), key: tls('server.key') },
        (request, response) => {
          let body = ''
          request.setEncoding('utf8').on('data', (text: string) => {
            body += text
          })
          request.on('end', () => {
            receiver.tokens.push([request.url ?? '', new URLSearchParams(body).get('logout_token') ?? ''])
            receiver.answer(response)
          })
        },
      )
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return server
    },
  }
  return receiver
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey

function documentsFor(port: number): readonly string[] {
  return ['rp-a', 'rp-b'].map(name =>
    documentOf('Client', name, {
      profile: 'oidc-baseline',
      metadata: {
        client_name: `Relying party ${name}`,
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [bye],
        backchannel_logout_uri: `https://localhost:${port}/${name}?from=as`,
        backchannel_logout_session_required: true,
        grant_types: ['authorization_code'],
        scope: 'openid profile',
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
      },
    }),
  )
}

for (const store of ['sqlite', 'postgres'] as const)
  describe(`logout on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let receiver: Receiver
    let server: Server
    let dispatcher: ReturnType<typeof dispatcherFor>

    before(async () => {
      const port = await freePort()
      receiver = receiverOn(port)
      prepared = await prepareProduct(store, { documents: documentsFor(port), reachesLoopback: true })
      server = await receiver.listen(prepared.config.folder)
      dispatcher = dispatcherFor(prepared.product)
    })
    after(async () => {
      await dispatcher?.destroy()
      server?.closeAllConnections()
      server?.close()
      await prepared?.remove()
    })

    const configure = async (clientId: string): Promise<client.Configuration> =>
      await client.discovery(
        prepared.product.issuer,
        clientId,
        { id_token_signed_response_alg: 'ES256' },
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { [client.customFetch]: fetchOver(dispatcher) as never },
      )

    /** @returns the ID token the client got */
    const signIn = async (browser: UserAgent, config: client.Configuration): Promise<string> => {
      const pkceCodeVerifier = client.randomPKCECodeVerifier()
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: 'openid profile',
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
      })
      const callback = await browser.walk(url, redirectUri, { ...user, consent: 'allow' })
      const tokens = await client.authorizationCodeGrant(config, callback, {
        pkceCodeVerifier,
        idTokenExpected: true,
      })
      return tokens.id_token ?? ''
    }

    const verify = async (token: string, audience: string) =>
      await jwtVerify(
        token,
        createRemoteJWKSet(new URL('/jwks', prepared.product.issuer), {
          [customFetch]: fetchOver(dispatcher) as never,
        }),
        { issuer: prepared.config.issuer, audience, typ: 'logout+jwt', maxTokenAge: '120s' },
      )

    it('openid-client builds the URL, both clients get a token that jose accepts, and the browser goes back', async () => {
      const node = await forkNode(prepared.config)
      try {
        const browser = new UserAgent(dispatcher)
        const config = await configure('rp-a')
        assert.equal(config.serverMetadata().backchannel_logout_supported, true)
        const idToken = await signIn(browser, config)
        await signIn(browser, await configure('rp-b'))
        const url = client.buildEndSessionUrl(config, {
          id_token_hint: idToken,
          post_logout_redirect_uri: bye,
          state: 'st-1',
        })
        const { status, location } = await browser.send(url)
        assert.equal(status, 303)
        assert.equal(location?.href, `${bye}?state=st-1`)
        assert.ok(!browser.cookieNames.some(name => name.includes('session')))

        const paths = receiver.tokens.map(([path]) => path).toSorted()
        assert.deepEqual(paths, ['/rp-a?from=as', '/rp-b?from=as'])
        for (const [path, token] of receiver.tokens) {
          const { payload } = await verify(token, path.slice(1, 5))
          assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
          assert.equal(typeof payload.sid, 'string')
          assert.equal('nonce' in payload, false)
        }
      } finally {
        await stopNode(node)
      }
    })

    it('a process killed while it tells a client leaves the notice to the next, which delivers it', async () => {
      receiver.tokens.length = 0
      const killed = await forkNode(prepared.config)
      const browser = new UserAgent(dispatcher)
      const config = await configure('rp-a')
      const idToken = await signIn(browser, config)
      receiver.answer = () => undefined
      const unanswered = browser
        .send(client.buildEndSessionUrl(config, { id_token_hint: idToken }))
        .catch(() => 'gone')
      for (let turn = 0; turn < 200 && receiver.tokens.length === 0; turn++) await sleep(20)
      assert.equal(receiver.tokens.length, 1)
      const ended = once(killed, 'exit')
      killed.kill('SIGKILL')
      await ended
      assert.equal(await unanswered, 'gone')

      receiver.answer = response => void response.writeHead(204).end()
      const next = await forkNode(prepared.config)
      try {
        for (let turn = 0; turn < 300 && receiver.tokens.length < 2; turn++) await sleep(100)
        assert.equal(receiver.tokens.length, 2)
        const [, token = ''] = receiver.tokens[1] ?? []
        await verify(token, 'rp-a')
        const { html } = await browser.send(new URL('/logout', prepared.product.issuer))
        assert.match(html, /You are signed out/)
        await sleep(1500)
        assert.equal(receiver.tokens.length, 2)
      } finally {
        await stopNode(next)
      }
      const reopened = await openStore(prepared.config)
      const later = (Math.floor(Date.now() / 1000) + 3600) as Parameters<typeof reopened.expire>[0]
      assert.deepEqual(await reopened.listDueLogoutNotices(prepared.config.issuer, later, 9), [])
      await reopened.close()
    })
  })
