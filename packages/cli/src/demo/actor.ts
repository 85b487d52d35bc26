import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'
import type { DemoKit, DemoKitClient } from '../demo-kit.ts'
import { type Exchange, Wire } from './wire.ts'

/** The clients the demo can play, by what they are called on the command line. */
export const demoClientNames = ['jwt-dpop', 'jwt-mtls', 'pki-mtls', 'own-mtls'] as const
export type DemoClientName = (typeof demoClientNames)[number]

/** A client that can act: its wire, and `openid-client` set up for it. */
export interface Actor {
  readonly listed: DemoKitClient
  readonly redirectUri: string
  readonly wire: Wire
  readonly config: oauth.Configuration
  readonly keyPair: oauth.CryptoKeyPair | undefined
  /** What every call of the library takes: the proofs of this client, when it makes any. */
  readonly options: { readonly DPoP?: oauth.DPoPHandle }
}

/** `openid-client`, set up for one of the demo's clients as its registration says. */
export async function actorFor(kit: DemoKit, clientId: string): Promise<Actor> {
  const listed = kit.clients.find(client => client.clientId === clientId)
  if (listed === undefined) throw new Error(`the server has no demo client \`${clientId}\``)
  const certificate = certificateOf(listed)
  const wire = new Wire({ caPem: readFileSync(kit.caFile, 'utf8'), certificate })
  const config = await configure(kit, listed, wire, await authenticationOf(listed))
  const keyPair = certificate === undefined ? await oauth.randomDPoPKeyPair('ES256') : undefined
  return {
    listed,
    redirectUri: listed.redirectUri ?? '',
    wire,
    config,
    keyPair,
    options: keyPair === undefined ? {} : { DPoP: oauth.getDPoPHandle(config, keyPair) },
  }
}

/** A configuration for `listed` over any wire and with any proof of who it is: a thief's, too. */
export async function configure(
  { issuer }: DemoKit,
  { clientId, certificateFile }: DemoKitClient,
  wire: Wire,
  authentication: oauth.ClientAuth,
): Promise<oauth.Configuration> {
  const metadata = {
    use_mtls_endpoint_aliases: certificateFile !== undefined,
    id_token_signed_response_alg: 'ES256',
  }
  return await oauth.discovery(new URL(issuer), clientId, metadata, authentication, {
    [oauth.customFetch]: wire.fetch as never,
  })
}

/** How a client proves who it is, with the keys the development server made for it. */
export async function authenticationOf({ keyFile }: DemoKitClient): Promise<oauth.ClientAuth> {
  if (keyFile === undefined) return oauth.TlsClientAuth()
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as JsonWebKey & { readonly kid: string }
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  return oauth.PrivateKeyJwt({ key, kid: jwk.kid })
}

function certificateOf({
  certificateFile,
  certificateKeyFile,
}: DemoKitClient): { readonly certPem: string; readonly keyPem: string } | undefined {
  if (certificateFile === undefined || certificateKeyFile === undefined) return undefined
  return {
    certPem: readFileSync(certificateFile, 'utf8'),
    keyPem: readFileSync(certificateKeyFile, 'utf8'),
  }
}

/** The last exchange with a path, of those given. @throws Error when there was none */
export function lastTo(path: string, exchanges: readonly Exchange[]): Exchange {
  const found = exchanges.findLast(({ url }) => new URL(url).pathname === path)
  if (found === undefined) throw new Error(`nothing was sent to ${path}`)
  return found
}
