import { accept, type JwsAlg, type Outcome, refuse, secondsAfter } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import type { MacAlg } from '@holdfast/protocol/jose/mac.ts'
import { judgeAssertion } from '@holdfast/protocol/specs/rfc7523-client-assertion/judge.ts'
import type { Exchange } from '../../http/exchange.ts'
import { hashOfJti } from '../handle.ts'
import { paths } from '../paths.ts'
import { verifyNothing } from './decoy.ts'
import type { Attempt, Proven } from './method.ts'

/** How long a remembered `jti` outlives its `exp`, so that no clock tolerance lets it in again. */
const replayMarginSeconds = 60

/** The assertion of a method that is presented by one; the engine lets no other credential come to it. */
export function assertionOf({ credential, client }: Attempt): ParsedJws {
  if (credential.kind !== 'assertion')
    throw new TypeError(`\`${client.tokenEndpointAuthMethod}\` without an assertion`)
  return credential.assertion
}

/** An algorithm of another kind than the method's: as slow as a signature, or MAC, that is wrong. */
export function unfitAlg(assertion: ParsedJws): Outcome<Proven> {
  verifyNothing(assertion)
  return refuse(
    'client-auth.alg',
    ['RFC7523-3-9', 'FAPI2-SP-FINAL-5.4.1-1', 'OIDCC-9-client_secret_jwt'],
    'invalid_client',
    'the algorithm of the client assertion is not one of the method and the profile of the client',
  )
}

/**
 * Judges what an assertion says, for every method whose proof is one. After the proof: who has not proven the key
 * learns nothing about the claims.
 * @param algs of the method, under the profile of the client
 * @param keyId of what made the proof, as the audit names it
 * @param credentialId the same, as nobody else can name theirs
 */
export function judgeProven(
  { client, exchange, ports }: Attempt,
  jws: ParsedJws,
  algs: readonly (JwsAlg | MacAlg)[],
  keyId: string,
  credentialId: string,
): Outcome<Proven> {
  const { profile, clientId, tokenEndpointAuthSigningAlg: registeredAlg } = client
  const issuer = exchange.issuer.url
  const judged = judgeAssertion({
    jws,
    algs,
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
    facts: { key_id: keyId },
    credentialId,
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
