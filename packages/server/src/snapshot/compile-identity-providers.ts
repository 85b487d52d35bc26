import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { IdentityProvider } from './snapshot.ts'

/** By document name, in the order of the buttons. */
export function compileIdentityProviders(
  documents: readonly DocumentOf<'IdentityProvider'>[],
  /** Of this issuer. */
  url: string,
  problems: Problem[],
): ReadonlyMap<string, IdentityProvider> {
  const compiled = new Map<string, IdentityProvider>()
  const names = new Map<string, string>()
  for (const { name, spec } of documents) {
    const wrong = (field: string, message: string): number =>
      problems.push({ document: `IdentityProvider/${name}`, field, message })
    const other = names.get(spec.issuer)
    if (other !== undefined) wrong('spec.issuer', `is also the issuer of \`${other}\``)
    if (spec.issuer === url) wrong('spec.issuer', 'is this issuer itself')
    // Or what we sign to authenticate could be read as a token of ours.
    if (spec.clientId === url) wrong('spec.clientId', 'is this issuer itself')
    names.set(spec.issuer, name)
    const { users, methods, ...plain } = spec
    compiled.set(name, {
      ...plain,
      name,
      users: users.are === 'created' ? 'created' : new Map(Object.entries(users.listed ?? {})),
      methodsByAcr: new Map(Object.entries(methods.byAcr)),
      otherMethods: methods.otherwise,
    })
  }
  return compiled
}
