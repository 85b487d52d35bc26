import assert from 'node:assert/strict'
import { createHash, createPublicKey, sign, verify } from 'node:crypto'
import { httpbis, type Request } from 'http-message-signatures'
import type { TestKey } from '../testing.ts'

/** What the signature of a test's request covers and says; anything may be spoiled. */
export interface SignOptions {
  readonly key: TestKey
  readonly now: number
  readonly keyid?: string | null
  readonly covered?: readonly string[]
  readonly tag?: string
  readonly more?: Readonly<Record<string, string | Date>>
}

export function digestOf(body: string | Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}

/** Signs by a library that knows nothing of ours. @returns the header fields, with those of the signature */
export async function signedHeaders(
  { method, url, headers }: Request,
  { key, now, keyid = key.thumbprint, covered, tag = 'fapi-2-request', more = {} }: SignOptions,
): Promise<Record<string, string>> {
  const present = ['authorization', 'dpop', 'content-digest'].filter(name => headers[name] !== undefined)
  const params = { created: new Date(now * 1000), tag, ...more, ...(keyid !== null && { keyid }) }
  const signed = await httpbis.signMessage(
    {
      key: { sign: async data => rawSignature(data, key) },
      name: 'sig1',
      fields: [...(covered ?? ['@method', '@target-uri', ...present])],
      params: Object.keys(params),
      paramValues: params,
    },
    { method, url, headers },
  )
  return signed.headers as Record<string, string>
}

/** @param key of the types ES256 and EdDSA */
export function rawSignature(data: Buffer, { privateKey, alg }: TestKey): Buffer {
  return alg === 'ES256'
    ? sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    : sign(null, data, privateKey)
}

export interface SignedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The components that the signature of an answer covers, in their order; asserts that another library verifies it. */
export async function coveredByAnswer(
  request: Request,
  { status, headers, body }: SignedAnswer,
  { jwk, alg, thumbprint }: TestKey,
): Promise<readonly string[]> {
  const key = createPublicKey({ format: 'jwk', key: jwk as Record<string, string> })
  const isGood = await httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid, tag }) => {
        assert.deepEqual([keyid, tag], [thumbprint, 'fapi-2-response'])
        return {
          verify: async (data, signature) =>
            alg === 'ES256'
              ? verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
              : verify(null, data, key, signature),
        }
      },
      requiredParams: ['created', 'keyid', 'tag'],
      maxAge: 60,
    },
    { status, headers },
    request,
  )
  assert.equal(isGood, true)
  assert.equal(headers['content-digest'], body === '' ? undefined : digestOf(body))
  return (/\(([^)]*)\)/.exec(headers['signature-input'] ?? '')?.[1] ?? '').split(' ')
}
