import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '@holdfast/server/clock.ts'
import { createRegistrationToken } from '@holdfast/server/control/registration-tokens.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { bindingOf, type NodeConfig, openStore, type RunningNode, startNode } from './product/node.ts'
import type { Product, ProductClient } from './product/product.ts'
import {
  anotherNode,
  forkNode,
  type PreparedProduct,
  postgresAnswers,
  prepareProduct,
  type StoreKind,
  stopNode,
  withoutFailureLimits,
} from './product/start.ts'
import { walkWithOauth4webapi } from './product/walk-oauth4webapi.ts'
import { walkWithOpenidClient } from './product/walk-openid-client.ts'
import { requestBytes, sendOverTls, type WireRequest } from './product/wire.ts'

/** Clients that register themselves at the running product, over TLS, by two libraries that know nothing of us. */

const redirectUri = 'https://client.example/callback'
const scope = 'openid profile accounts offline_access'
const policy = {
  profile: 'fapi2-security',
  scopes: scope.split(' '),
  grantTypes: ['authorization_code', 'refresh_token'],
  resources: ['accounts'],
  authorizationDetailsTypes: ['account_reading'],
  redirectHosts: ['client.example'],
  softwareStatement: 'optional',
} as const

interface KeyPair {
  readonly key: CryptoKey
  readonly kid: string
  readonly publicJwk: object
}

async function keyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const kid = randomBytes(8).toString('hex')
  return {
    key: privateKey,
    kid,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
  }
}

function metadataOf({ publicJwk }: KeyPair): Record<string, unknown> {
  return {
    client_name: 'Registered over the wire',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [publicJwk] },
    dpop_bound_access_tokens: true,
    id_token_signed_response_alg: 'ES256',
    subject_type: 'pairwise',
    authorization_details_types: ['account_reading'],
  }
}

const plainPolicy = { ...policy, profile: 'oidc-baseline' } as const
const plainMetadata = {
  client_name: 'Signs with a secret',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
  scope,
  token_endpoint_auth_method: 'client_secret_jwt',
  id_token_signed_response_alg: 'ES256',
}

const signingWith = (clientId: string, value: string): ProductClient => ({
  ...{ clientId, redirectUri, isDpop: false },
  secret: { value, sentBy: 'jwt' },
})

async function tokenFor(config: NodeConfig, uses: number, allowed: object = policy): Promise<string> {
  const entropy = openEntropy()
  const store = await openStore(config)
  const passwords = openPasswords({ entropy })
  const made = await createRegistrationToken(
    { uses, lifetimeSeconds: 3600, policy: allowed as typeof policy, note: '' },
    {
      ...{ store, clock: systemClock, entropy, passwords, issuers: [bindingOf(config)] },
      newReference: () => randomBytes(8).toString('hex'),
    },
  )
  passwords.close()
  await store.close()
  if (!made.ok) throw new TypeError(JSON.stringify(made.problems))
  return made.value.token
}

const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`registration on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let node: RunningNode
    let product: Product
    let token = ''
    let plainToken = ''
    const agents: ReturnType<typeof dispatcherFor>[] = []
    const fetchOf = (): ReturnType<typeof fetchOver> => {
      const agent = dispatcherFor(product)
      agents.push(agent)
      return fetchOver(agent)
    }
    before(async () => {
      prepared = await prepareProduct(store)
      token = await tokenFor(prepared.config, 10)
      plainToken = await tokenFor(prepared.config, 3, plainPolicy)
      node = await startNode(prepared.config)
      product = { ...prepared.product, close: async () => {} }
    })
    after(async () => {
      await Promise.all(agents.map(agent => agent.destroy()))
      await node?.close()
      await prepared?.remove()
    })

    it('openid-client registers a client and walks the FAPI 2.0 flow with it', async () => {
      const keys = await keyPair()
      const config = await client.dynamicClientRegistration(
        product.issuer,
        metadataOf(keys) as Partial<client.ClientMetadata>,
        client.PrivateKeyJwt(keys),
        { initialAccessToken: token, [client.customFetch]: fetchOf() as never },
      )
      const { client_id: clientId } = config.clientMetadata()
      const details = [
        { type: 'account_reading', account: 'DE89370400440532013000', actions: ['balance', 'history'] },
      ]
      const asked = { authorization_details: JSON.stringify(details) }
      const seen = await walkWithOpenidClient(product, whoOf(clientId, keys), true, asked)
      assert.deepEqual(seen.authorizationDetails, details)
      assert.equal(seen.idTokenClaims?.aud, clientId)
      assert.equal(seen.tokenType, 'dpop')
      assert.equal(seen.introspected.sub, seen.idTokenClaims?.sub)
      assert.equal(seen.userinfoSub, seen.idTokenClaims?.sub)
      const usual = await walkWithOpenidClient(product, product.clients['private_key_jwt with DPoP'])
      assert.notEqual(usual.idTokenClaims?.sub, seen.idTokenClaims?.sub)
    })

    it('openid-client registers a client that signs with its secret, and walks the code flow with it', async () => {
      const register = async (alg: string) => {
        const config = await client.dynamicClientRegistration(
          product.issuer,
          { ...plainMetadata, token_endpoint_auth_signing_alg: alg },
          undefined,
          { initialAccessToken: plainToken, [client.customFetch]: fetchOf() as never },
        )
        const { client_id: clientId, client_secret: value } = config.clientMetadata()
        assert.match(String(value), /^cs_[\w-]{86}$/)
        return signingWith(clientId, String(value))
      }
      const who = await register('HS256')
      const seen = await walkWithOpenidClient(product, who)
      assert.equal(seen.idTokenClaims?.aud, who.clientId)
      assert.equal(seen.introspected.active, true)
      const wrong = signingWith(who.clientId, `cs_${'x'.repeat(86)}`)
      await assert.rejects(walkWithOpenidClient(product, wrong), { error: 'invalid_client' })
      // The library signs with HS256 whatever was registered.
      await assert.rejects(walkWithOpenidClient(product, await register('HS512')), {
        error: 'invalid_client',
      })
    })

    it('oauth4webapi registers a client that signs with its secret, and walks the code flow with it', async () => {
      const options = { [oauth.customFetch]: fetchOf() as never }
      const server = await oauth.processDiscoveryResponse(
        product.issuer,
        await oauth.discoveryRequest(product.issuer, options),
      )
      const registered = await oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(server, plainMetadata, {
          ...options,
          initialAccessToken: plainToken,
        }),
      )
      const who = signingWith(registered.client_id, String(registered.client_secret))
      const seen = await walkWithOauth4webapi(product, who)
      assert.equal(seen.idTokenClaims?.aud, who.clientId)
      assert.equal(seen.introspected.active, true)
    })

    it('oauth4webapi registers a client, walks the FAPI 2.0 flow with it, and takes it away again', async () => {
      const keys = await keyPair()
      const options = { [oauth.customFetch]: fetchOf() as never }
      const server = await oauth.processDiscoveryResponse(
        product.issuer,
        await oauth.discoveryRequest(product.issuer, options),
      )
      assert.equal(server.registration_endpoint, `${product.issuer.origin}/register`)
      const registered = await oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(server, metadataOf(keys) as never, {
          ...options,
          initialAccessToken: token,
        }),
      )
      const seen = await walkWithOauth4webapi(product, whoOf(registered.client_id, keys))
      assert.equal(seen.idTokenClaims?.aud, registered.client_id)
      const uri = String(registered.registration_client_uri)
      const authorization = `Bearer ${registered.registration_access_token}`
      const fetch = fetchOf()
      const deleted = await fetch(uri, { method: 'DELETE', headers: { authorization } })
      assert.equal(deleted.status, 204)
      assert.equal((await fetch(uri, { headers: { authorization } })).status, 401)
      await assert.rejects(walkWithOauth4webapi(product, whoOf(registered.client_id, keys)))
    })

    it('a method that nobody speaks at the configuration endpoint is 405', async () => {
      const fetch = fetchOf()
      for (const method of ['POST', 'PATCH']) {
        const reply = await fetch(`${product.issuer.origin}/register/c_x`, { method })
        assert.equal(reply.status, 405)
        assert.equal(reply.headers.get('allow'), 'GET, PUT, DELETE')
      }
      assert.equal((await fetch(`${product.issuer.origin}/register`, {})).status, 405)
    })

    it('the edge holds a registration to JSON, 64 KiB and no compression', async () => {
      const send = (headers: readonly string[], body: string) =>
        sendOverTls(product, requestBytes(requestOf(headers, body, token), product.issuer.host))
      assert.equal((await send(['Content-Type: application/x-www-form-urlencoded'], '{}')).status, 400)
      assert.equal((await send([], '{}')).status, 400)
      const encoded = ['Content-Type: application/json', 'Content-Encoding: gzip']
      assert.equal((await send(encoded, '{}')).status, 415)
      const large = JSON.stringify({ client_name: 'x'.repeat(64 * 1024) })
      assert.equal((await send(['Content-Type: application/json'], large)).status, 413)
    })
  })

describe('registration on two processes', { skip: hasPostgres ? false : 'no PostgreSQL answers' }, () => {
  it('a token for 12 clients makes exactly 12 of 32 registrations at two processes, each known at both', async () => {
    const prepared = await prepareProduct('postgres', { limits: withoutFailureLimits })
    const token = await tokenFor(prepared.config, 12)
    const other = await anotherNode(prepared.config)
    const nodes = await Promise.all([forkNode(prepared.config), forkNode(other)])
    const agent = dispatcherFor(prepared.product)
    const fetch = fetchOver(agent)
    const ports = [prepared.config.publicPort, other.publicPort]
    try {
      const keys = await keyPair()
      const replies = await Promise.all(
        Array.from({ length: 32 }, (_, index) =>
          fetch(`https://localhost:${ports[index % 2]}/register`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            body: JSON.stringify(metadataOf(keys)),
          }),
        ),
      )
      const made = replies.filter(({ status }) => status === 201)
      assert.equal(made.length, 12)
      assert.equal(replies.filter(({ status }) => status === 401).length, 20)
      for (const reply of made) {
        const { client_id, registration_access_token } = (await reply.json()) as Record<string, string>
        // Read at both, one after the other: the token that the first answered with is good at the second.
        const first = await readSoon(
          fetch,
          `https://localhost:${ports[0]}/register/${client_id}`,
          String(registration_access_token),
        )
        await readSoon(fetch, `https://localhost:${ports[1]}/register/${client_id}`, first)
      }
    } finally {
      await agent.destroy()
      await Promise.all(nodes.map(stopNode))
      await prepared.remove()
    }
  })
})

/** Another node knows of a registration within a second. @returns the token that is good from now on */
async function readSoon(fetch: ReturnType<typeof fetchOver>, uri: string, token: string): Promise<string> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const reply = await fetch(uri, { headers: { authorization: `Bearer ${token}` } })
    if (reply.status === 200)
      return String(((await reply.json()) as Record<string, unknown>).registration_access_token)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${uri} was not known within two seconds`)
}

function whoOf(clientId: string, { key, kid }: KeyPair): ProductClient {
  return { clientId, redirectUri, privateKey: { key, kid }, isDpop: true }
}

function requestOf(headers: readonly string[], body: string, token: string): WireRequest {
  return {
    method: 'POST',
    target: '/register',
    headers: [`Authorization: Bearer ${token}`, ...headers],
    body,
  }
}
