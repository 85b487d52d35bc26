import { KeyObject } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { epochSeconds } from '@holdfast/protocol'
import {
  createResourceServer,
  type Fetch,
  inMemoryReplayMemory,
  type ResourceServer,
  type TokenOptions,
} from '@holdfast/resource-server'
import { type TestKey, testProof } from '@holdfast/resource-server/testing.ts'
import { systemClock } from '@holdfast/server/clock.ts'
import { calculateJwkThumbprint } from 'jose'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from '../product/dispatchers.ts'
import type { Product, ProductClient } from '../product/product.ts'
import { configure } from '../product/walk-openid-client.ts'

export const silenceBoundMs = 1500

/** An API that hears of revocations from one node; its feed can be cut without the rest. */
export interface Listening {
  readonly api: ResourceServer
  /** Whether the API lets this token in. */
  readonly accepts: (token: string) => Promise<boolean>
  /** From now on the network swallows what the feed says, as a dead route does: nothing is closed. */
  readonly cutFeed: () => void
  readonly mendFeed: () => void
  readonly close: () => Promise<void>
}

export interface Bound {
  readonly config: client.Configuration
  readonly key: TestKey
  readonly newToken: () => Promise<string>
  readonly revoke: (token: string) => Promise<void>
  readonly close: () => Promise<void>
}

type Served = Omit<Product, 'close'>

/** @param port of the node this API speaks to; all nodes are one issuer */
export function listen(
  product: Served,
  port: number,
  key: TestKey,
  tokens: Partial<TokenOptions> = {},
): Listening {
  const agent = dispatcherFor(product, product.introspector)
  const over = fetchOver(agent)
  const network = { isCut: false }
  const fetch: Fetch = async (url, init) => {
    const target = new URL(url)
    target.port = String(port)
    const response = await over(target.href, init)
    if (target.pathname !== '/revocations') return response as never
    return { status: response.status, body: swallowed(response.body as never, network, init.signal) }
  }
  const { privateKey, clientId } = product.introspector
  if (privateKey === undefined) throw new TypeError('the API has a key')
  const authentication = {
    method: 'private_key_jwt',
    clientId,
    privateKey: KeyObject.from(privateKey.key as never),
    alg: 'ES256',
    kid: privateKey.kid,
  } as const
  const issuer = product.issuer.href.replace(/\/$/, '')
  const api = createResourceServer({
    issuer,
    audience: product.audience,
    tokens: {
      jwt: true,
      introspection: { authentication },
      revocationFeed: { authentication, silenceBoundMs },
      ...tokens,
    },
    fetch,
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  })
  const guard = api.guard()
  const url = `${product.audience}/7`
  const { origin, pathname } = new URL(url)
  return {
    api,
    accepts: async token => {
      const dpop = testProof({ key, method: 'GET', url: origin + pathname, token, now: systemClock.now() })
      const headers = new Map([
        ['authorization', `DPoP ${token}`],
        ['dpop', dpop],
      ])
      const answer = await guard({
        method: 'GET',
        target: pathname,
        headers: name => [headers.get(name) ?? []].flat(),
        isSecure: true,
        peerCertificate: undefined,
        isTokenInBody: false,
        native: undefined,
      })
      if (!answer.ok && answer.status !== 401) throw new Error(`${answer.ruleId}: ${answer.reason}`)
      return answer.ok
    },
    cutFeed: () => {
      network.isCut = true
    },
    mendFeed: () => {
      network.isCut = false
    },
    close: async () => {
      api.close()
      await agent.destroy()
    },
  }
}

/** What a feed says, until the network is cut: then nothing comes and nothing is closed. */
export async function* swallowed(
  body: AsyncIterable<Uint8Array>,
  network: { readonly isCut: boolean },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    while (network.isCut) {
      if (signal.aborted) return
      await pause(20)
    }
    yield chunk
  }
}

/** A client that gets bound tokens and takes them back, with `openid-client`. */
export async function openClient(
  product: Served,
  who: ProductClient = product.clients['private_key_jwt with DPoP'],
): Promise<Bound> {
  const agent = dispatcherFor(product, who)
  const config = await configure({ ...product, close: async () => {} }, who, fetchOver(agent))
  const pair = await client.randomDPoPKeyPair('ES256')
  const DPoP = client.getDPoPHandle(config, pair)
  const jwk = KeyObject.from(pair.publicKey).export({ format: 'jwk' })
  const key: TestKey = {
    alg: 'ES256',
    privateKey: KeyObject.from(pair.privateKey),
    jwk: jwk as TestKey['jwk'],
    thumbprint: await calculateJwkThumbprint(jwk as never),
  }
  const parameters = { scope: 'accounts', resource: product.audience }
  return {
    config,
    key,
    newToken: async () => (await client.clientCredentialsGrant(config, parameters, { DPoP })).access_token,
    revoke: token => client.tokenRevocation(config, token),
    close: () => agent.destroy(),
  }
}

export async function whenTrusted(listening: Listening, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (listening.api.feedStatus()?.isTrusted !== true) {
    if (performance.now() > deadline) throw new Error('the feed was never heard')
    await pause(20)
  }
}

/** @returns milliseconds from now until the API refuses the token */
export async function untilRefused(listening: Listening, token: string, withinMs: number): Promise<number> {
  const start = performance.now()
  while (await listening.accepts(token)) {
    if (performance.now() - start > withinMs) throw new Error(`still accepted after ${withinMs} ms`)
    await pause(2)
  }
  return performance.now() - start
}

export interface RevocationFigures {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Gets tokens, shows them to every API so that each remembers its answer, takes them back, and waits for refusal. */
export async function measureRevocations(
  bound: Bound,
  apis: readonly Listening[],
  count: number,
  atOnce: number,
): Promise<RevocationFigures> {
  const taken: number[] = []
  const rest = { count }
  const worker = async (): Promise<void> => {
    while (rest.count-- > 0) {
      const token = await bound.newToken()
      for (const api of apis) if (!(await api.accepts(token))) throw new Error('a good token was refused')
      await bound.revoke(token)
      taken.push(...(await Promise.all(apis.map(api => untilRefused(api, token, 10_000)))))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const sorted = taken.toSorted((one, other) => one - other)
  const at = (share: number): number =>
    Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}
