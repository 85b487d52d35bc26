import { fineTime, hashOfHandle, newHandle } from '../../handle.ts'
import type { TokenFormat } from '../format.ts'

const opaqueToken = /^at_[\w-]{49}$/

/** A handle that says nothing; the default at the edge. */
export const opaque: TokenFormat = {
  format: 'opaque',
  mint: (_order, exchange, ports) => {
    const handle = newHandle(ports.entropy, 'access_token', exchange.issuer.url, fineTime(ports.clock))
    // Not the hash: what an API sees of a token must not be what the store knows it by.
    return { ...handle, jti: ports.entropy.bytes(16).toString('base64url') }
  },
  hashOf: (token, issuer) =>
    opaqueToken.test(token) ? hashOfHandle('access_token', issuer.url, token) : undefined,
}
