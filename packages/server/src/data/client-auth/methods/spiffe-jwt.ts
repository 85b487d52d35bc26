import assert from 'node:assert/strict'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  refuse,
  secondsAfter,
} from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { fittingKeys, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import {
  isSpiffeClient,
  parseSpiffeClientId,
} from '@holdfast/protocol/specs/spiffe-client-auth/spiffe-client.ts'
import { svidAlgOf, svidRules, svidSkewSeconds } from '@holdfast/protocol/specs/spiffe-jwt-svid/rules.ts'
import type { Ports } from '../../../ports.ts'
import type { SpiffeTrustDomain } from '../../../snapshot/snapshot.ts'
import type { Write } from '../../../store/writes.ts'
import { hashOfJti } from '../../handle.ts'
import { verifyNothing } from '../decoy.ts'
import type { Attempt, AuthenticationMethod, Proven } from '../method.ts'
import { remoteKeySets } from '../remote-keys.ts'

/** How long a remembered SVID outlives its `exp`, so that no clock tolerance lets it in again. */
const replayMarginSeconds = 60

/** A JWT-SVID of a workload that is the client (SPIFFE client authentication, draft 02, section 3.1). */
export const spiffeJwt: AuthenticationMethod = {
  method: 'spiffe_jwt',
  prove: attempt => {
    const { client, credential, exchange, ports } = attempt
    // The engine lets no request without one come here.
    if (credential.kind !== 'svid') throw new TypeError('spiffe_jwt without an SVID')
    const { svid, spiffeId } = credential
    // INVARIANT: who it is was found by the workload; nobody proves another client with an SVID that is its own.
    const registered = parseSpiffeClientId(client.spiffeId ?? '')
    assert(registered !== undefined && isSpiffeClient(String(svid.claims.sub), registered))
    const alg = svidAlgOf(svid.header.alg, client.profile)
    const domain = exchange.issuer.spiffeTrustDomains.get(spiffeId.trustDomain)
    if (alg === undefined || domain === undefined) return unsigned(svid)
    const kid = typeof svid.header.kid === 'string' ? svid.header.kid : undefined
    const keys = keysOf(domain, kid, alg, ports)
    return keys instanceof Promise
      ? keys.then(found => verified(attempt, svid, { domain, alg, keys: found }))
      : verified(attempt, svid, { domain, alg, keys })
  },
}

/** Only of the bundle of that trust domain, and only keys for JWT-SVIDs; never by an `iss`. */
function keysOf(
  { keys, bundleEndpoint }: SpiffeTrustDomain,
  kid: string | undefined,
  alg: JwsAlg,
  ports: Ports,
): readonly PublicKey[] | Promise<readonly PublicKey[]> {
  const fitting = (all: readonly PublicKey[]): readonly PublicKey[] => fittingKeys(all, kid, alg, 'jwt-svid')
  if (bundleEndpoint === undefined) return fitting(keys)
  return remoteKeySets(ports)
    .find(bundleEndpoint, set => fitting(set.keys).length > 0)
    .then(set => fitting(set?.keys ?? []))
}

interface Candidates {
  readonly domain: SpiffeTrustDomain
  readonly alg: JwsAlg
  readonly keys: readonly PublicKey[]
}

/** The signature first: who has no SVID of the trust domain learns nothing about the claims. */
function verified(
  { client, exchange, ports }: Attempt,
  svid: ParsedJws,
  { domain, alg, keys }: Candidates,
): Outcome<Proven> {
  if (keys.length === 0) return unsigned(svid)
  const key = keys.find(candidate => verifyJws(svid, candidate, [alg], 'jwt-svid'))
  if (key === undefined) return notOfTheDomain('the signature of the JWT-SVID is wrong')
  const { header, claims } = svid
  const { profile, clientId } = client
  const now = ports.clock.now()
  const issuer = exchange.issuer.url
  const facts = {
    spiffe_id: String(claims.sub),
    trust_domain: domain.name,
    key_id: key.kid ?? key.thumbprint,
  }
  const refusal = firstRefusal(svidRules, { header, claims, issuer, profile, now })
  if (refusal !== undefined) return { ...refusal, facts: { ...refusal.facts, ...facts } }
  return accept({
    facts,
    writes: profile.svidReuse === 'forbidden' ? [rememberedSvid(svid, issuer, clientId)] : [],
  })
}

/** What is signed is remembered, and no signature: whoever saw one could write another of the same words. */
function rememberedSvid({ claims, signingInput }: ParsedJws, issuer: string, clientId: string): Write {
  const exp = claims.exp as EpochSeconds
  const issuedAt = (claims.iat ?? exp) as EpochSeconds
  return {
    kind: 'remember-jti',
    what: 'client-svid',
    key: hashOfJti('client-svid', issuer, issuedAt, [clientId, sha256(signingInput)]),
    issuedAt,
    expiresAt: secondsAfter(exp, svidSkewSeconds + replayMarginSeconds),
  }
}

/** No key to try must not be faster than a wrong one. */
function unsigned(svid: ParsedJws): Outcome<Proven> {
  verifyNothing(svid)
  return notOfTheDomain('no key for JWT-SVIDs of the trust domain fits the JWT-SVID')
}

function notOfTheDomain(reason: string): Outcome<Proven> {
  return refuse(
    'client-auth.svid-signature',
    [
      'SPIFFE-CLIENT-AUTH-3.1-4',
      'SPIFFE-CLIENT-AUTH-6',
      'JWT-SVID-4-alg',
      'JWT-SVID-6.2',
      'SPIFFE-BUNDLE-3',
      'SPIFFE-BUNDLE-4.2.2',
    ],
    'invalid_client',
    reason,
  )
}
