import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'
import { Agent, fetch as undiciFetch } from 'undici'

export interface CallerOptions {
  readonly issuer: string
  readonly clientId: string
  /** Private JWK of the client, for `private_key_jwt`. */
  readonly keyFile: string
  readonly scope: string
  readonly resource?: string
  /** PEM of the authority of all servers, when it is not a public one. */
  readonly caFile?: string
}

/** A client of the system that is measured: gets tokens bound to a key of its own, uses them, gives them back. */
export interface Caller {
  readonly newToken: () => Promise<string>
  /** @returns the status of the answer; a challenge is one */
  readonly call: (url: URL, token: string) => Promise<number>
  readonly revoke: (token: string) => Promise<void>
  readonly close: () => Promise<void>
}

const answerTimeoutMs = 15_000

/** @throws Error that says what is wrong with the key, or why the issuer cannot be asked */
export async function openCaller(options: CallerOptions): Promise<Caller> {
  const { issuer, clientId, keyFile, scope, resource, caFile } = options
  const { privateKey, kid, alg } = await privateKeyOf(keyFile)
  const agent = new Agent({
    ...(caFile !== undefined && { connect: { ca: readFileSync(caFile, 'utf8') } }),
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  })
  const customFetch = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent } as never)
  const authentication = oauth.PrivateKeyJwt({ key: privateKey, ...(kid !== undefined && { kid }) })
  const config = await oauth.discovery(new URL(issuer), clientId, undefined, authentication, {
    algorithm: 'oauth2',
    [oauth.customFetch]: customFetch as never,
  })
  const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair(alg))
  return {
    newToken: async () => {
      const parameters = { scope, ...(resource !== undefined && { resource }) }
      return (await oauth.clientCredentialsGrant(config, parameters, { DPoP })).access_token
    },
    call: async (url, token) => {
      const asked = oauth.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, { DPoP })
      const answer = await asked.catch((thrown: unknown) => {
        if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
        throw thrown
      })
      await answer.body?.cancel()
      return answer.status
    },
    revoke: token => oauth.tokenRevocation(config, token),
    close: () => agent.destroy(),
  }
}

const importOf: Readonly<Record<string, EcKeyImportParams | RsaHashedImportParams | Algorithm>> = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
}

export async function privateKeyOf(
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
