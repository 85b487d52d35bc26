import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { StatementIssuer } from './snapshot.ts'

/** By `iss`. A key that could never verify anything is refused when it is applied. */
export function compileStatementIssuers(
  documents: readonly DocumentOf<'SoftwareStatementIssuer'>[],
  problems: Problem[],
): ReadonlyMap<string, StatementIssuer> {
  const compiled = new Map<string, StatementIssuer>()
  for (const { name, spec } of documents) {
    const document = `SoftwareStatementIssuer/${name}`
    const { issuer, jwks, maxAgeSeconds, requiredClaims } = spec
    if (compiled.has(issuer))
      problems.push({ document, field: 'spec.issuer', message: `\`${issuer}\` stands in another document` })
    const keys: PublicKey[] = []
    for (const [place, jwk] of jwks.keys.entries()) {
      const key = importPublicJwk(jwk)
      const field = `spec.jwks.keys[${place}]`
      if (key.ok) keys.push(key.value)
      else problems.push({ document, field, message: key.reason, ruleId: key.ruleId })
    }
    compiled.set(issuer, { keys, maxAgeSeconds, requiredClaims })
  }
  return compiled
}
