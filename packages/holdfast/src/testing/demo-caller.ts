import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, importJWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import type { Agent } from 'undici'
import { dispatcherFor, fetchOver } from '../../../../test/product/dispatchers.ts'
import { listedClients } from './demo-chain.ts'
import type { Workshop } from './product.ts'

export const originOf = (port: number | undefined): string => `https://localhost:${port}`
export const caPemOf = ({ folder }: Workshop): string =>
  readFileSync(join(folder, '.holdfast/tls/ca.pem'), 'utf8')

/** A client of the demo, and the way it speaks. */
export function demoClient(workshop: Workshop, clientId: string) {
  const listed = listedClients(workshop).find(client => client.clientId === clientId)
  assert.ok(listed)
  const { certificateFile, certificateKeyFile, keyFile } = listed
  const agent: Agent = dispatcherFor(
    { caPem: caPemOf(workshop) },
    certificateFile === undefined
      ? undefined
      : ({
          certificate: {
            certPem: readFileSync(certificateFile, 'utf8'),
            keyPem: readFileSync(certificateKeyFile ?? '', 'utf8'),
          },
        } as never),
  )
  const jwk =
    keyFile === undefined ? undefined : (JSON.parse(readFileSync(keyFile, 'utf8')) as { kid: string })
  return { agent, jwk, fetch: fetchOver(agent) }
}

export const accountsOf = (port: number | undefined): URL => new URL(`${originOf(port)}/accounts`)

export const again = async <T>(call: () => Promise<T>): Promise<T> =>
  call().catch(cause => (oauth.isDPoPNonceError(cause) ? call() : Promise.reject(cause)))

/** `demo-jwt-dpop` with a token for the demo API, as oauth4webapi has it. */
export async function dpopCaller(workshop: Workshop) {
  const { agent, jwk, fetch } = demoClient(workshop, 'demo-jwt-dpop')
  const { ports } = workshop
  const issuer = new URL(originOf(ports.public))
  const options = { [oauth.customFetch]: fetch as never }
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
  )
  const client: oauth.Client = { client_id: 'demo-jwt-dpop' }
  const key = (await importJWK(jwk as never, 'ES256')) as CryptoKey
  const authentication = oauth.PrivateKeyJwt({ key, kid: jwk?.kid ?? '' })
  const pair = await oauth.generateKeyPair('ES256')
  const DPoP = oauth.DPoP(client, pair)
  const parameters = new URLSearchParams({ scope: 'accounts:read', resource: originOf(ports.demoApi) })
  const { access_token: token } = await again(async () =>
    oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, {
        ...options,
        DPoP,
      }),
    ),
  )
  return {
    ...{ agent, fetch, client, token, DPoP },
    call: (with_: typeof DPoP | undefined, url = accountsOf(ports.gateway), method = 'GET') =>
      oauth.protectedResourceRequest(token, method, url, new Headers(), null, {
        ...options,
        ...(with_ && { DPoP: with_ }),
      }),
    /** A proof for one call, made by hand, so that it can be sent twice. */
    proofFor: async (url: URL, nonce?: string): Promise<string> =>
      new SignJWT({
        ...{ jti: randomUUID(), htm: 'GET', htu: url.href, ath: sha256(token) },
        ...(nonce !== undefined && { nonce }),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(pair.publicKey) })
        .setIssuedAt()
        .sign(pair.privateKey),
    revoke: async () =>
      oauth.processRevocationResponse(
        await oauth.revocationRequest(server, client, authentication, token, options),
      ),
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
