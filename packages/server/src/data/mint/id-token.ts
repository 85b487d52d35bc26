import { leftHalfHash } from '@holdfast/protocol/jose/hash.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { MintOrder } from './order.ts'
import { sidFor, subjectFor } from './pairwise.ts'

/**
 * OpenID Connect Core section 2. Claims about the user stay at userinfo: the token says who, when and how strongly.
 * One audience, so no `azp`. A refresh repeats the original authentication and carries no nonce (section 12.2).
 */
export async function mintIdToken(
  order: MintOrder,
  accessToken: string,
  exchange: Exchange,
  ports: Ports,
): Promise<string | undefined> {
  const { idToken, subject, sector, client, issuedAt, nonce, authTime, acr, amr, sid } = order
  if (idToken === undefined) return undefined
  const { url } = exchange.issuer
  const claims = {
    iss: url,
    sub: subjectFor(ports.keys, url, sector, subject),
    aud: client.clientId,
    exp: issuedAt + idToken.lifetimeSeconds,
    iat: issuedAt,
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(nonce !== undefined && { nonce }),
    ...(acr !== undefined && { acr }),
    ...(amr.length > 0 && { amr }),
    ...(sid !== undefined && { sid: sidFor(ports.keys, url, sector, sid) }),
    at_hash: leftHalfHash(idToken.alg, accessToken),
  }
  return ports.keys.sign(url, idToken.alg, 'JWT', claims)
}
