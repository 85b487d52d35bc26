import { judgeAttestation, proveByDpop } from '../attestation.ts'
import type { AuthenticationMethod } from '../method.ts'

/** Attestation-based client authentication, draft 10, with the DPoP proof as proof of possession. */
export const attestJwtClientAuthDpop: AuthenticationMethod = {
  method: 'attest_jwt_client_auth_dpop',
  prove: attempt => {
    const { credential } = attempt
    // The engine lets no request without an attestation come here.
    if (credential.kind !== 'attestation-dpop') throw new TypeError('no attestation')
    const attested = judgeAttestation(attempt, credential.attestation)
    return attested.ok ? proveByDpop(attempt, attested.value) : attested
  },
}
