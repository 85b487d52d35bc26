import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { fetchJsonObject } from './fetch-json.ts'
import type { Fetch } from './ports.ts'

/** Most keys of one set. */
export const keysMax = 20
export const documentBytesMax = 131_072
export const documentTimeoutMs = 3000

/** The usable keys of a published set. @throws Error that names the URL, when there are none or too many */
export async function fetchKeySet(fetch: Fetch, url: string): Promise<readonly PublicKey[]> {
  const document = await fetchJsonObject({
    fetch,
    url,
    method: 'GET',
    // A cache in between would give what it had: this side has its own rules about how old keys may be.
    headers: { accept: 'application/jwk-set+json, application/json', 'cache-control': 'no-cache' },
    bytesMax: documentBytesMax,
    timeoutMs: documentTimeoutMs,
  })
  const listed = document.keys
  if (!Array.isArray(listed) || listed.length === 0) throw new Error(`the key set \`${url}\` is empty`)
  if (listed.length > keysMax) throw new Error(`the key set \`${url}\` has more than ${keysMax} keys`)
  const keys = listed.flatMap(jwk => {
    // A key of a kind we do not know is none of ours; it must not cost us the ones we know.
    const key = importPublicJwk(jwk)
    return key.ok ? [key.value] : []
  })
  if (keys.length === 0) throw new Error(`the key set \`${url}\` has no usable key`)
  return keys
}
