import { judgeAttestation, provePossession } from '../attestation.ts'
import type { AuthenticationMethod } from '../method.ts'

/** Attestation-based client authentication, draft 10, with a proof of possession of its own. */
export const attestJwtClientAuth: AuthenticationMethod = {
  method: 'attest_jwt_client_auth',
  prove: attempt => {
    const { credential } = attempt
    // The engine lets no request without both come here.
    if (credential.kind !== 'attestation') throw new TypeError('no attestation')
    const attested = judgeAttestation(attempt, credential.attestation)
    return attested.ok ? provePossession(attempt, attested.value, credential.pop) : attested
  },
}
