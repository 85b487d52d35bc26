import { accept, type JwsAlg, type Outcome, refuse, secondsAfter } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { judgeAssertion } from '@holdfast/protocol/specs/rfc7523-client-assertion/judge.ts'
import type { Exchange } from '../../../http/exchange.ts'
import { hashOfJti } from '../../handle.ts'
import { paths } from '../../paths.ts'
import { keysFor } from '../client-keys.ts'
import { verifyNothing } from '../decoy.ts'
import type { Attempt, AuthenticationMethod, Proven } from '../method.ts'

/** How long a remembered `jti` outlives its `exp`, so that no clock tolerance lets it in again. */
const replayMarginSeconds = 60

/** RFC 7523 section 2.2, OpenID Connect Core section 9. */
export const privateKeyJwt: AuthenticationMethod = {
  method: 'private_key_jwt',
  prove: attempt => {
    const { client, credential, ports } = attempt
    // The engine lets no request without assertion come here.
    if (credential.kind !== 'assertion') throw new TypeError('private_key_jwt without an assertion')
    const { assertion } = credential
    const alg = client.profile.signingAlgs.find(allowed => allowed === assertion.header.alg)
    if (alg === undefined) {
      verifyNothing(assertion)
      return refuse(
        'client-auth.alg',
        ['RFC7523-3-9', 'FAPI2-SP-FINAL-5.4.1-1'],
        'invalid_client',
        'the algorithm of the client assertion is not allowed by the profile of the client',
      )
    }
    const kid = typeof assertion.header.kid === 'string' ? assertion.header.kid : undefined
    const keys = keysFor(client, { kid, alg }, ports)
    return keys instanceof Promise
      ? keys.then(found => verified(attempt, assertion, found, alg))
      : verified(attempt, assertion, keys, alg)
  },
}

/** What an older client may mean by its audience: the token endpoint or the one it asks, on either listener. */
function endpointsOf({ issuer: { url, mtlsUrl }, path, externalUrl }: Exchange): readonly string[] {
  return [url + paths.token, mtlsUrl + paths.token, originOf(url) + path, externalUrl]
}

/** One per issuer: a URL is parsed once, not with every request. */
const origins = new Map<string, string>()

function originOf(issuer: string): string {
  const known = origins.get(issuer) ?? new URL(issuer).origin
  origins.set(issuer, known)
  return known
}

/** The signature first: who has not proven the key learns nothing about the claims. */
function verified(
  { client, exchange, ports }: Attempt,
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
  const { profile, clientId, tokenEndpointAuthSigningAlg: registeredAlg } = client
  const issuer = exchange.issuer.url
  const judged = judgeAssertion({
    jws: assertion,
    clientId,
    issuer,
    endpoints: endpointsOf(exchange),
    profile,
    now: ports.clock.now(),
    ...(registeredAlg !== undefined && { registeredAlg }),
  })
  if (!judged.ok) return judged
  const { jti, issuedAt, expiresAt } = judged.value
  return accept({
    facts: { key_id: key.kid ?? key.thumbprint },
    writes: [
      {
        kind: 'remember-jti',
        what: 'client-assertion',
        key: hashOfJti('client-assertion', issuer, issuedAt, [clientId, jti]),
        issuedAt,
        expiresAt: secondsAfter(expiresAt, replayMarginSeconds),
      },
    ],
  })
}
