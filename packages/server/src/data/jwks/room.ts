import { documentReply } from '../render/document.ts'
import type { Room } from '../room.ts'

/** JWK-01, JWK-04: the public keys of the issuer, as bytes prepared when the ring last changed. */
export const jwksRoom: Room = async (exchange, ports) =>
  documentReply(exchange, ports.keys.published(exchange.issuer.url))
