import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { fineTime, hashOfHandle, newHandle } from '../../handle.ts'
import { isSignedByUs, ownTokenBytesMax } from '../../own-token.ts'
import type { TokenFormat } from '../format.ts'
import { signAccessToken } from '../sign-access-token.ts'

/** RFC 9068, for resource servers that ask for it. Its record in the store makes it revocable all the same. */
export const jwt: TokenFormat = {
  format: 'jwt',
  mint: async (order, exchange, ports) => {
    const issuer = exchange.issuer.url
    const { value: jti, hash } = newHandle(ports.entropy, 'jwt_access_token', issuer, fineTime(ports.clock))
    const { jwt: value, status } = await signAccessToken(order, jti, exchange, ports)
    return { value, hash, jti, ...(status && { status }) }
  },
  hashOf: (token, issuer, ports) => {
    const jws = parseCompactJws(token, ownTokenBytesMax)
    if (!jws.ok) return undefined
    const { header, claims } = jws.value
    const { jti, iss } = claims
    if (header.typ !== 'at+jwt' || iss !== issuer.url || typeof jti !== 'string') return undefined
    return isSignedByUs(jws.value, issuer.url, ports)
      ? hashOfHandle('jwt_access_token', issuer.url, jti)
      : undefined
  },
}
