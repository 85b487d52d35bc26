import type { KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import type { Clock, Entropy } from './ports.ts'

/** How this API proves to the issuer who it is. With TLS methods the certificate comes with the injected `fetch`. */
export type IntrospectionAuthentication =
  | {
      readonly method: 'private_key_jwt'
      readonly clientId: string
      readonly privateKey: KeyObject
      readonly alg: JwsAlg
      readonly kid?: string
    }
  | { readonly method: 'tls_client_auth' | 'self_signed_tls_client_auth'; readonly clientId: string }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const assertionSeconds = 60

/** Form parameters of one authenticated request: an assertion is made for each, and used once. */
export function clientParameters(
  authentication: IntrospectionAuthentication,
  issuerUrl: string,
  clock: Clock,
  entropy: Entropy,
): Readonly<Record<string, string>> {
  if (authentication.method !== 'private_key_jwt') return { client_id: authentication.clientId }
  const { clientId, privateKey, alg, kid } = authentication
  const now = clock.now()
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: issuerUrl,
    jti: entropy.bytes(16).toString('base64url'),
    iat: now,
    exp: now + assertionSeconds,
  }
  const header = kid === undefined ? { typ: 'JWT' } : { typ: 'JWT', kid }
  return {
    client_id: clientId,
    client_assertion_type: assertionType,
    client_assertion: signJws(header, claims, privateKey, alg),
  }
}
