import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'
import { Agent, fetch as undiciFetch } from 'undici'

export interface OauthClientOptions {
  readonly issuer: string
  readonly clientId: string
  /** Private JWK of the client, for `private_key_jwt`. */
  readonly keyFile: string
  /** PEM of the authority of all servers, when it is not a public one. */
  readonly caFile: string | undefined
  readonly answerTimeoutMs: number
}

/** A client that knows its issuer, and connections that trust what its options name. */
export interface OauthClient {
  readonly config: oauth.Configuration
  /** For the key of its proofs. */
  readonly alg: string
  readonly close: () => Promise<void>
}

/** @throws Error that says what is wrong with the key, or why the issuer cannot be asked */
export async function openOauthClient({
  issuer,
  clientId,
  keyFile,
  caFile,
  answerTimeoutMs,
}: OauthClientOptions): Promise<OauthClient> {
  const { privateKey, kid, alg } = await privateKeyOf(keyFile)
  const agent = new Agent({
    ...(caFile !== undefined && { connect: { ca: readFileSync(caFile, 'utf8') } }),
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  })
  const customFetch = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent } as never)
  const authentication = oauth.PrivateKeyJwt({ key: privateKey, ...(kid !== undefined && { kid }) })
  try {
    const config = await oauth.discovery(new URL(issuer), clientId, undefined, authentication, {
      algorithm: 'oauth2',
      [oauth.customFetch]: customFetch as never,
    })
    return { config, alg, close: () => agent.destroy() }
  } catch (thrown) {
    await agent.destroy()
    throw new Error(`\`${issuer}\` does not answer as an issuer`, { cause: thrown })
  }
}

const importOf: Readonly<Record<string, EcKeyImportParams | RsaHashedImportParams | Algorithm>> = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
}

async function privateKeyOf(
  file: string,
): Promise<{ readonly privateKey: oauth.CryptoKey; readonly kid: string | undefined; readonly alg: string }> {
  const jwk = JSON.parse(readFileSync(file, 'utf8')) as JsonWebKey & { readonly kid?: string }
  const alg = jwk.alg ?? 'ES256'
  const how = Object.hasOwn(importOf, alg) ? importOf[alg] : undefined
  if (how === undefined)
    throw new Error(`\`${file}\` is a key for \`${alg}\`; ES256, PS256 and Ed25519 can be used`)
  const privateKey = await crypto.subtle.importKey('jwk', jwk, how, false, ['sign'])
  return { privateKey, kid: jwk.kid, alg: 'ES256' }
}
