import {
  contradictions,
  meetUnchecked,
  profileFields,
  type profileLattice,
  type SecurityProfile,
} from '@holdfast/protocol'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { didYouMean } from '../control/suggestion.ts'

export type ProfileTable = ReadonlyMap<string, SecurityProfile>

/** How many profiles may stand on each other. */
const depthMax = 8

/**
 * The shipped profiles and those of documents, by name. A document may only tighten its base: the `meet` of
 * both must be what was written.
 * @param problems receives what is wrong; a profile that is wrong is not in the table
 */
export function compileProfiles(
  shipped: ProfileTable,
  documents: readonly DocumentOf<'SecurityProfile'>[],
  problems: Problem[],
): ProfileTable {
  const table = new Map(shipped)
  const waiting = new Map(documents.map(document => [document.name, document]))
  for (const { name } of documents) {
    if (!shipped.has(name)) continue
    const message = 'is the name of a shipped profile'
    problems.push({ document: `SecurityProfile/${name}`, field: 'metadata.name', message })
    waiting.delete(name)
  }
  // Bases first: each round settles every profile whose base is settled.
  for (let round = 0; round < depthMax && waiting.size > 0; round++) {
    for (const [name, document] of waiting) {
      const base = table.get(document.spec.base)
      if (base === undefined) continue
      waiting.delete(name)
      const found = tightened(document, base)
      if (Array.isArray(found)) problems.push(...found)
      else table.set(name, found as SecurityProfile)
    }
  }
  for (const { name, spec } of waiting.values()) {
    const message = documents.some(other => other.name === spec.base)
      ? `base \`${spec.base}\` is broken, stands on this profile, or lies more than ${depthMax} profiles deep`
      : `there is no profile \`${spec.base}\`${didYouMean(spec.base, [...table.keys()])}`
    problems.push({ document: `SecurityProfile/${name}`, field: 'spec.base', message })
  }
  return table
}

function tightened(
  { name, spec }: DocumentOf<'SecurityProfile'>,
  base: SecurityProfile,
): SecurityProfile | readonly Problem[] {
  const written = Object.fromEntries(Object.entries(spec.tighten).filter(([, value]) => value !== undefined))
  const candidate: SecurityProfile = { ...base, ...written, name }
  const met = meetUnchecked(base, candidate)
  const document = `SecurityProfile/${name}`
  const looser = profileFields.filter(
    field => Object.hasOwn(written, field) && textOf(met[field]) !== textOf(candidate[field]),
  )
  if (looser.length > 0)
    return looser.map(field => ({
      document,
      field: `spec.tighten.${field}`,
      message: `\`${textOf(candidate[field])}\` is looser than \`${textOf(base[field])}\` of \`${base.name}\``,
    }))
  return contradictions(candidate).length === 0
    ? candidate
    : contradictions(candidate).map(message => ({ document, field: 'spec.tighten', message }))
}

function textOf(value: SecurityProfile[keyof typeof profileLattice]): string {
  return typeof value === 'object' ? [...new Set(value)].toSorted().join(' ') : String(value)
}
