import { noncesAt } from '../dpop/nonce.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'

/**
 * What a client attestation's proof must carry (draft 10, section 6). The values of DPoP nonces: a proof that serves
 * both has room for one only. Kept nowhere, so anybody may ask.
 */
export const challengeRoom: Room = async (exchange, ports) =>
  jsonReply(200, {
    attestation_challenge: noncesAt(ports.keys, exchange.issuer.url, ports.clock.now()).current,
  })
