import { leftHalfHash } from '@holdfast/protocol/jose/hash.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { signForClient } from '../sign-for-client.ts'
import type { MintOrder } from './order.ts'

/**
 * OpenID Connect Core section 2. It says who, when and how strongly; of the user's claims it has those that were asked
 * for by name and allowed, all others stay at userinfo.
 * One audience, so no `azp`. A refresh repeats the original authentication and carries no nonce (section 12.2).
 */
export async function mintIdToken(
  order: MintOrder,
  accessToken: string,
  exchange: Exchange,
  ports: Ports,
): Promise<string | undefined> {
  const { idToken, subject, client, issuedAt, nonce, authTime, acr, amr, sid, userClaims } = order
  if (idToken === undefined) return undefined
  const claims = {
    // First: nothing in them can change what the protocol says below.
    ...userClaims,
    iss: exchange.issuer.url,
    sub: subject,
    aud: client.clientId,
    exp: issuedAt + idToken.lifetimeSeconds,
    iat: issuedAt,
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(nonce !== undefined && { nonce }),
    ...(acr !== undefined && { acr }),
    ...(amr.length > 0 && { amr }),
    ...(sid !== undefined && { sid }),
    at_hash: leftHalfHash(idToken.alg, accessToken),
  }
  return await signForClient(
    { response: 'id_token', alg: idToken.alg, typ: 'JWT', claims },
    client,
    exchange.issuer.url,
    ports,
  )
}
