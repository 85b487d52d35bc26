import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import type { Problem } from '../control/problem.ts'
import type { IssuerSpec } from '../control/resources/issuer.ts'
import type { Attester } from './snapshot.ts'

/** Methods that need an attester to trust. */
export function isAttestedMethod(method: string): boolean {
  return method === 'attest_jwt_client_auth' || method === 'attest_jwt_client_auth_dpop'
}

/** By name. A key that could never verify anything is refused when it is applied. */
export function compileAttesters(
  document: string,
  attesters: IssuerSpec['attesters'],
  problems: Problem[],
): ReadonlyMap<string, Attester> {
  const compiled = new Map<string, Attester>()
  for (const [index, { name, jwks }] of attesters.entries()) {
    const field = `spec.attesters[${index}]`
    if (compiled.has(name)) problems.push({ document, field, message: `attester \`${name}\` stands twice` })
    const keys: PublicKey[] = []
    for (const [place, jwk] of jwks.keys.entries()) {
      const key = importPublicJwk(jwk)
      if (key.ok) keys.push(key.value)
      else
        problems.push({
          document,
          field: `${field}.jwks.keys[${place}]`,
          message: key.reason,
          ruleId: key.ruleId,
        })
    }
    compiled.set(name, { name, keys })
  }
  return compiled
}
