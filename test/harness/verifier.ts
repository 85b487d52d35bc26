import { generateKeyPairSync, KeyObject } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { epochSeconds } from '@holdfast/protocol'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import {
  createResourceServer,
  type Fetch,
  inMemoryReplayMemory,
  type ResourceServer,
  type TokenOptions,
} from '@holdfast/resource-server'
import { type TestKey, testProof } from '@holdfast/resource-server/testing.ts'
import { systemClock } from '@holdfast/server/clock.ts'
import { importJWK } from 'jose'
import * as client from 'openid-client'
import { documentOf } from '../product/clients.ts'
import { dispatcherFor, fetchOver } from '../product/dispatchers.ts'
import type { PreparedProduct } from '../product/start.ts'
import { swallowed } from './revocation.ts'

const audience = 'https://ledger.example'
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] }
const assertion = { token_endpoint_auth_method: 'private_key_jwt', jwks }

/** An API with JWT access tokens, a client of it, and as many clients that verify for it as a test wants. */
export function ledgerDocuments(verifiers: readonly string[]): readonly string[] {
  return [
    documentOf('Scope', 'ledger', { title: 'Read the ledger', description: 'Read the ledger.' }),
    documentOf('ResourceServer', 'ledger', { audience, scopes: ['ledger'], accessTokenFormat: 'jwt' }),
    documentOf('Client', 'ledger-reader', {
      resources: ['ledger'],
      metadata: {
        ...{ client_name: 'Reads the ledger', grant_types: ['client_credentials'], scope: 'ledger' },
        ...{ ...assertion, dpop_bound_access_tokens: true },
      },
    }),
    ...verifiers.map(name =>
      documentOf('Client', name, {
        introspects: ['ledger'],
        metadata: {
          ...{ client_name: name, grant_types: ['client_credentials'], ...assertion },
          dpop_bound_access_tokens: true,
        },
      }),
    ),
  ]
}

/** A reader of the ledger. */
export interface Reader {
  readonly key: TestKey
  readonly newToken: () => Promise<string>
  readonly close: () => Promise<void>
}

export async function openReader({ config, product }: PreparedProduct): Promise<Reader> {
  const agent = dispatcherFor(product)
  const own = (await importJWK(
    pair.privateKey.export({ format: 'jwk' }) as never,
    'ES256',
  )) as client.CryptoKey
  const found = await client.discovery(
    new URL(config.issuer),
    'ledger-reader',
    {},
    client.PrivateKeyJwt({ key: own, kid: 'k' }),
    { algorithm: 'oauth2', [client.customFetch]: fetchOver(agent) as never },
  )
  const handed = await client.randomDPoPKeyPair('ES256')
  const DPoP = client.getDPoPHandle(found, handed)
  const jwk = KeyObject.from(handed.publicKey).export({ format: 'jwk' }) as TestKey['jwk']
  const key = { alg: 'ES256', privateKey: KeyObject.from(handed.privateKey), jwk } as const
  return {
    key: { ...key, thumbprint: jwkThumbprint(jwk) },
    newToken: async () =>
      (await client.clientCredentialsGrant(found, { scope: 'ledger', resource: audience }, { DPoP }))
        .access_token,
    close: () => agent.destroy(),
  }
}

/** An API that verifies the ledger's tokens and reports which keys it holds. */
export interface Verifier {
  readonly api: ResourceServer
  /** @returns undefined when the token is let in, or the rule that refused it */
  readonly refusal: (token: string) => Promise<string | undefined>
  /** From now on it gets the key set it has, whatever is published: a cache that never refreshes. */
  readonly freezeKeys: () => void
  readonly thawKeys: () => void
  readonly cutFeed: () => void
  /** Reports sent so far. */
  readonly reports: () => number
  readonly close: () => Promise<void>
}

/** @param port of the node this API speaks to; all nodes are one issuer */
export function openVerifier(
  { config, product }: PreparedProduct,
  clientId: string,
  port: number,
  reader: TestKey,
  more: Partial<TokenOptions> = {},
): Verifier {
  const agent = dispatcherFor(product)
  const over = fetchOver(agent)
  const network = { isCut: false, isFrozen: false, keys: '', reports: 0 }
  const fetch: Fetch = async (url, init) => {
    const target = new URL(url)
    target.port = String(port)
    if (target.pathname === '/key-reports') network.reports++
    if (target.pathname === '/jwks' && network.isFrozen) return new Response(network.keys)
    const response = await over(target.href, init)
    if (target.pathname === '/jwks') {
      network.keys = await response.text()
      return new Response(network.keys)
    }
    if (target.pathname !== '/revocations') return response as never
    return { status: response.status, body: swallowed(response.body as never, network, init.signal) }
  }
  const { privateKey } = pair
  const authentication = { method: 'private_key_jwt', clientId, privateKey, alg: 'ES256', kid: 'k' } as const
  const revocationFeed = { authentication, silenceBoundMs: 1500 }
  const api = createResourceServer({
    ...{ issuer: config.issuer, audience, fetch },
    tokens: { jwt: true, jwtRevocation: 'feed', revocationFeed, ...more },
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  })
  const guard = api.guard()
  return {
    api,
    refusal: async token => {
      const dpop = testProof({
        key: reader,
        method: 'GET',
        url: `${audience}/1`,
        token,
        now: systemClock.now(),
      })
      const headers = new Map([
        ['authorization', `DPoP ${token}`],
        ['dpop', dpop],
      ])
      const answer = await guard({
        ...{ method: 'GET', target: '/1', isSecure: true, peerCertificate: undefined },
        headers: name => [headers.get(name) ?? []].flat(),
        ...{ isTokenInBody: false, native: undefined },
      })
      return answer.ok ? undefined : answer.ruleId
    },
    freezeKeys: () => {
      network.isFrozen = true
    },
    thawKeys: () => {
      network.isFrozen = false
    },
    cutFeed: () => {
      network.isCut = true
    },
    reports: () => network.reports,
    close: async () => {
      api.close()
      await agent.destroy()
    },
  }
}

/** @returns milliseconds until it happened; throws when it does not */
export async function until(
  what: string,
  is: () => Promise<boolean> | boolean,
  withinMs = 30_000,
): Promise<number> {
  const start = performance.now()
  while (!(await is())) {
    if (performance.now() - start > withinMs) throw new Error(`after ${withinMs} ms not yet: ${what}`)
    await pause(10)
  }
  return performance.now() - start
}
