import {
  accept,
  firstRefusal,
  headerAlgs,
  type JwsAlg,
  type Outcome,
  refuse,
  secondsAfter,
} from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { fittingKeys, importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import {
  attestationRules,
  challengeRules,
  freshAttestationRules,
  popRules,
} from '@holdfast/protocol/specs/client-attestation/rules.ts'
import { isCurrentNonce } from '../dpop/nonce.ts'
import { judgeServerProof } from '../dpop/proof-at-server.ts'
import { hashOfJti } from '../handle.ts'
import { verifyNothing } from './decoy.ts'
import type { Attempt, Proven } from './method.ts'

/** How long a remembered proof outlives its acceptance, for nodes whose clocks differ. */
const replayMarginSeconds = 60

/** An attestation that a trusted attester made for this client, and the key of the instance it vouches for. */
interface Attested {
  readonly key: PublicKey
  readonly facts: Readonly<Record<string, string>>
  /** Asked last: only who has the key is told that its attestation is old. */
  readonly fresh: Outcome<undefined>
}

/** The signature first: who has no attestation of a trusted attester learns nothing about the claims. */
export function judgeAttestation(attempt: Attempt, attestation: ParsedJws): Outcome<Attested> {
  const { client, ports } = attempt
  const { header, claims } = attestation
  const alg = headerAlgs(client.profile.signingAlgs).find(allowed => allowed === header.alg)
  const kid = typeof header.kid === 'string' ? header.kid : undefined
  const found = alg && signerOf(attempt, attestation, kid, alg)
  if (found === undefined) {
    // No key to try must not be faster than a wrong one.
    verifyNothing(attestation)
    return refuse(
      'client-auth.attestation-signature',
      ['CLIENT-ATTESTATION-7.1-signature'],
      'invalid_client',
      'no attester that the client names signed the attestation',
    )
  }
  const instanceKey = importPublicJwk(jwkOf(claims.cnf))
  const input = { header, claims, profile: client.profile, now: ports.clock.now(), instanceKey }
  const refusal = firstRefusal(attestationRules, input)
  if (refusal !== undefined) return refusal
  if (!instanceKey.ok) throw new TypeError('rule table')
  const facts = { attester: found.attester, key_id: found.keyId, instance_jkt: instanceKey.value.thumbprint }
  const stale = firstRefusal(freshAttestationRules, input)
  return accept({ key: instanceKey.value, facts, fresh: stale ?? accept(undefined) })
}

function signerOf(
  { client }: Attempt,
  attestation: ParsedJws,
  kid: string | undefined,
  alg: JwsAlg,
): { readonly attester: string; readonly keyId: string } | undefined {
  for (const { name, keys } of client.attesters) {
    const key = fittingKeys(keys, kid, alg).find(candidate => verifyJws(attestation, candidate, [alg]))
    if (key !== undefined) return { attester: name, keyId: key.kid ?? key.thumbprint }
  }
  return undefined
}

function jwkOf(cnf: unknown): unknown {
  return typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jwk')
    ? (cnf as Readonly<Record<string, unknown>>).jwk
    : undefined
}

/** A proof of possession of its own (section 5.1). */
export function provePossession(attempt: Attempt, attested: Attested, pop: ParsedJws): Outcome<Proven> {
  const { client, exchange, ports } = attempt
  const { profile, clientId } = client
  const { header, claims } = pop
  const { key, facts, fresh } = attested
  if (!verifyJws(pop, key, headerAlgs(profile.signingAlgs)))
    return refuse(
      'client-auth.pop-signature',
      ['CLIENT-ATTESTATION-7.2-signature'],
      'invalid_client',
      'the key of the attestation did not sign the proof',
      facts,
    )
  const issuer = exchange.issuer.url
  const now = ports.clock.now()
  const isCurrent = (challenge: string): boolean => isCurrentNonce(ports.keys, issuer, now, challenge)
  const refusal =
    firstRefusal(popRules, { header, claims, issuer, profile, now }) ??
    firstRefusal(challengeRules, { challenge: claims.challenge, isCurrent })
  if (refusal !== undefined) return { ...refusal, facts }
  if (!fresh.ok) return { ...fresh, facts }
  const issuedAt = secondsAfter(now, (claims.iat as number) - now)
  return accept({
    facts,
    instanceJkt: key.thumbprint,
    writes: [
      {
        kind: 'remember-jti',
        what: 'client-attestation-pop',
        key: hashOfJti('client-attestation-pop', issuer, issuedAt, [
          clientId,
          key.thumbprint,
          claims.jti as string,
        ]),
        issuedAt,
        expiresAt: secondsAfter(issuedAt, profile.proofAgeSeconds + 1 + replayMarginSeconds),
      },
    ],
  })
}

/** One DPoP proof serves as proof of possession too (section 5.2); the challenge stands in its nonce. */
export function proveByDpop(attempt: Attempt, attested: Attested): Outcome<Proven> {
  const { client, exchange, ports } = attempt
  const { key, facts, fresh } = attested
  const judged = judgeServerProof(
    exchange,
    ports,
    { ...client.profile, dpopNonce: 'required' },
    { expectedJkt: key.thumbprint, required: true },
  )
  if (!judged.ok)
    return judged.error === 'use_dpop_nonce'
      ? refuse(
          'client-auth.attestation-nonce',
          ['CLIENT-ATTESTATION-7.4-challenge', 'CLIENT-ATTESTATION-5.2'],
          'use_attestation_challenge',
          'the nonce of the proof is no current challenge of ours',
          facts,
        )
      : refuse(
          'client-auth.attestation-proof',
          ['CLIENT-ATTESTATION-5.2'],
          'invalid_client',
          `the DPoP proof does not prove the instance: ${judged.reason}`,
          facts,
        )
  const proof = judged.value
  if (proof === undefined) throw new TypeError('a required proof')
  if (!fresh.ok) return { ...fresh, facts }
  return accept({ facts, instanceJkt: key.thumbprint, proof, writes: proof.writes })
}
