import { type JwsAlg, type Outcome, refuse } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { assertionOf, judgeProven, unfitAlg } from '../assertion.ts'
import { keysFor } from '../client-keys.ts'
import { verifyNothing } from '../decoy.ts'
import type { Attempt, AuthenticationMethod, Proven } from '../method.ts'

/** RFC 7523 section 2.2, OpenID Connect Core section 9. */
export const privateKeyJwt: AuthenticationMethod = {
  method: 'private_key_jwt',
  prove: attempt => {
    const { client, ports } = attempt
    const assertion = assertionOf(attempt)
    const alg = client.profile.signingAlgs.find(allowed => allowed === assertion.header.alg)
    if (alg === undefined) return unfitAlg(assertion)
    const kid = typeof assertion.header.kid === 'string' ? assertion.header.kid : undefined
    const keys = keysFor(client, { kid, alg }, ports)
    return keys instanceof Promise
      ? keys.then(found => verified(attempt, assertion, found, alg))
      : verified(attempt, assertion, keys, alg)
  },
}

function verified(
  attempt: Attempt,
  assertion: ParsedJws,
  keys: readonly PublicKey[],
  alg: JwsAlg,
): Outcome<Proven> {
  // No key to try must not be faster than a wrong one: it would tell which clients and key ids exist.
  if (keys.length === 0) verifyNothing(assertion)
  const key = keys.find(candidate => verifyJws(assertion, candidate, [alg]))
  if (key === undefined)
    return refuse(
      'client-auth.signature',
      ['RFC7523-3-9', 'OIDCC-9'],
      'invalid_client',
      keys.length === 0
        ? 'no key of the client fits the assertion'
        : 'the signature of the assertion is wrong',
    )
  const { signingAlgs } = attempt.client.profile
  return judgeProven(attempt, assertion, signingAlgs, key.kid ?? key.thumbprint, key.thumbprint)
}
