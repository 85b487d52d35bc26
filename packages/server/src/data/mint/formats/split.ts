import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { joinedToken, splitSignatureOf } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import { fineTime, handleOf, hashOfHandle } from '../../handle.ts'
import { isSignedByUs, ownTokenBytesMax } from '../../own-token.ts'
import type { TokenFormat } from '../format.ts'
import { signAccessToken } from '../sign-access-token.ts'

/**
 * A JWT of which the client gets the signature and we keep the rest: neither half is a token, and the whole is stored
 * nowhere (docs/decisions/0050).
 */
export const split: TokenFormat = {
  format: 'split',
  mint: async (order, exchange, ports) => {
    const jti = ports.entropy.bytes(16).toString('base64url')
    const { jwt, status } = await signAccessToken(order, jti, exchange, ports)
    const dot = jwt.lastIndexOf('.')
    const now = fineTime(ports.clock)
    const half = handleOf('split_access_token', exchange.issuer.url, now, jwt.slice(dot + 1))
    return { ...half, jti, signingInput: jwt.slice(0, dot), ...(status && { status }) }
  },
  hashOf: (token, issuer) =>
    splitSignatureOf(token) === undefined ? undefined : hashOfHandle('split_access_token', issuer.url, token),
  // A key that is not published any more takes its tokens along, and halves of two tokens are none.
  isWhole: (token, { signingInput }, issuer, ports) => {
    const whole = signingInput === undefined ? undefined : joinedToken(token, signingInput)
    const jws = whole === undefined ? undefined : parseCompactJws(whole, ownTokenBytesMax)
    return jws?.ok === true && isSignedByUs(jws.value, issuer.url, ports)
  },
}
