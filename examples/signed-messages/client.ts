import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { httpbis } from 'http-message-signatures'

/** How the API is reached: `request => fetch(request)`, or what a test puts in its place. */
export type Transport = (request: Request) => Promise<Response>

export interface Signer {
  /** Ed25519, of the keys the client registered. */
  readonly privateKey: KeyObject
  readonly kid: string
  /** Keys of the API by their ids. */
  readonly apiKeys: ReadonlyMap<string, KeyObject>
  readonly transport: Transport
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
}

export interface VerifiedAnswer {
  readonly status: number
  readonly body: string
}

/** The keys an API signs answers with, as its metadata (RFC 9728) names them. */
export async function apiKeysOf(resource: string, transport: Transport): Promise<Signer['apiKeys']> {
  const json = async (url: string): Promise<unknown> => (await transport(new Request(url))).json()
  const metadata = (await json(`${resource}/.well-known/oauth-protected-resource`)) as Record<string, string>
  // Somebody else's metadata would bring somebody else's keys.
  if (metadata.resource !== resource) throw new Error('the metadata is of another API')
  const { keys } = (await json(metadata.jwks_uri ?? '')) as { readonly keys: readonly { kid: string }[] }
  return new Map(keys.map(key => [key.kid, createPublicKey({ format: 'jwk', key })]))
}

/** Signs a request, sends it, and gives the answer when it is the signed answer to this very request. */
export async function signedFetch(
  signer: Signer,
  {
    url,
    headers,
    method = 'GET',
    body = '',
  }: Omit<Asked, 'method'> & { readonly method?: string; readonly body?: string },
): Promise<VerifiedAnswer> {
  const plain: Asked = {
    method,
    url,
    headers: { ...headers, ...(body !== '' && { 'content-digest': digestOf(body) }) },
  }
  const covered = ['authorization', 'dpop', 'content-digest', 'content-type'].filter(
    name => name in plain.headers,
  )
  const asked = await httpbis.signMessage(
    {
      key: { id: signer.kid, sign: async data => sign(null, data, signer.privateKey) },
      name: 'sig1',
      fields: ['@method', '@target-uri', ...covered],
      // The nonce makes two requests of the same second two.
      params: ['created', 'keyid', 'nonce', 'tag'],
      paramValues: { tag: 'fapi-2-request', nonce: crypto.randomUUID() },
    },
    plain,
  )
  const sent = new Request(url, { method, headers: asked.headers, ...(body !== '' && { body }) })
  const response = await signer.transport(sent)
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
  await verifyAnswer(signer.apiKeys, asked, answer)
  return answer
}

/** @throws Error that says what is wrong; nothing of such an answer may be believed */
async function verifyAnswer(
  keys: Signer['apiKeys'],
  asked: Asked,
  { status, headers, body }: VerifiedAnswer & { readonly headers: Record<string, string> },
): Promise<void> {
  if (body !== '' && headers['content-digest'] !== digestOf(body)) throw new Error('the body is another')
  const list = /^[a-z0-9]+=\(([^()]*)\);[^()]*$/.exec(headers['signature-input'] ?? '')?.[1]
  if (list === undefined) throw new Error('the answer has no signature, or several')
  const covered = new Set(list.split(' '))
  const due = [
    '"@status"',
    ...(body === '' ? [] : ['"content-digest"']),
    ...('content-type' in headers ? ['"content-type"'] : []),
    ...['@method', '@target-uri', 'signature', 'signature-input'].map(name => `"${name}";req`),
    ...('content-digest' in asked.headers ? ['"content-digest";req'] : []),
  ]
  const missing = due.find(component => !covered.has(component))
  if (missing !== undefined) throw new Error(`the signature does not cover ${missing}`)
  const isGood = await httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid = '', tag }) => {
        const key = keys.get(keyid)
        if (key === undefined || tag !== 'fapi-2-response') return null
        return { verify: async (data, signature) => verify(null, data, key, signature) }
      },
      requiredParams: ['created', 'keyid', 'tag'],
      maxAge: 60,
      tolerance: 10,
    },
    { status, headers },
    asked,
  )
  if (isGood !== true) throw new Error('the signature is not of this API, or not for this')
}

function digestOf(body: string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}
