import type { AuthenticationLevel } from '@holdfast/protocol'
import type { ControlDocument } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { IssuerSpec } from '../control/resources/issuer.ts'
import { unknownName } from '../control/suggestion.ts'

/** The levels of an issuer; what contradicts itself in them goes into `problems`. */
export function compileLevels(
  document: string,
  levels: IssuerSpec['authenticationLevels'],
  problems: Problem[],
): readonly AuthenticationLevel[] {
  const seen = new Set<string>()
  for (const [index, { acr, anyOf }] of levels.entries()) {
    const field = `spec.authenticationLevels[${index}]`
    if (seen.has(acr)) problems.push({ document, field: `${field}.acr`, message: `\`${acr}\` stands twice` })
    seen.add(acr)
    // Whoever types a code must have said first who they are.
    if (anyOf.some(set => !set.includes('pwd') && !set.includes('passkey')))
      problems.push({ document, field: `${field}.anyOf`, message: 'a set needs `pwd` or `passkey`' })
  }
  return levels
}

/** Whether every level that a scope or resource server asks for is one of the issuer's. */
export function checkAcrs(
  documents: readonly ControlDocument[],
  levels: readonly AuthenticationLevel[],
  problems: Problem[],
): void {
  const known = new Map(levels.map(level => [level.acr, level]))
  for (const document of documents) {
    if (document.kind !== 'Scope' && document.kind !== 'ResourceServer') continue
    const { acr } = document.spec
    if (acr !== undefined && !known.has(acr))
      problems.push(unknownName(`${document.kind}/${document.name}`, 'spec.acr', 'level', acr, known))
  }
}
