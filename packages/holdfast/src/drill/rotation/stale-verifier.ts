import { createPrivateKey } from 'node:crypto'
import { createResourceServer } from '@holdfast/resource-server'
import { audienceOf } from '../configs.ts'
import { fetchOver } from '../fetch-over.ts'
import type { DrillIssuer, System } from '../system.ts'

/** One more API with the SDK, in this process. */
export interface StaleVerifier {
  /** From now on it gets the key set it has, whatever is published: a cache on the way that never refreshes. */
  readonly freeze: () => void
  readonly thaw: () => void
  readonly close: () => void
}

export async function openStaleVerifier(
  { nodes, caPem, clientKey }: System,
  issuer: DrillIssuer,
): Promise<StaleVerifier> {
  const { port } = nodes[1]
  const over = fetchOver({ feedPort: port, restPort: port }, caPem)
  const cache = { isFrozen: false, keys: new Uint8Array() }
  const authentication = {
    ...({ method: 'private_key_jwt', alg: 'ES256', clientId: 'stale', kid: clientKey.kid ?? '' } as const),
    privateKey: createPrivateKey({ format: 'jwk', key: clientKey }),
  }
  const api = createResourceServer({
    ...{ issuer: issuer.url, audience: audienceOf('ledger') },
    tokens: { jwt: true, introspection: { authentication } },
    fetch: async (url, init) => {
      const isKeys = url.endsWith('/jwks')
      if (isKeys && cache.isFrozen) return { status: 200, body: once(cache.keys) }
      const answer = await over(url, init)
      if (!isKeys || answer.body === null) return answer
      const parts: Uint8Array[] = []
      for await (const part of answer.body) parts.push(part)
      cache.keys = Buffer.concat(parts)
      return { status: answer.status, body: once(cache.keys) }
    },
  })
  await api.warmUp()
  return {
    freeze: () => {
      cache.isFrozen = true
    },
    thaw: () => {
      cache.isFrozen = false
    },
    close: () => api.close(),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
