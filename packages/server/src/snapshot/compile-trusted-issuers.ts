import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { unknownName } from '../control/suggestion.ts'
import type { Client, ResourceServer, Scope, TrustedIssuer } from './snapshot.ts'

export interface TrustContext {
  /** Of the issuer that trusts. */
  readonly url: string
  readonly clients: ReadonlyMap<string, Client>
  readonly scopes: ReadonlyMap<string, Scope>
  /** By document name. */
  readonly resources: ReadonlyMap<string, ResourceServer>
  readonly problems: Problem[]
}

/** By `iss`. What could never be used, or would say who a user is, is refused when it is applied. */
export function compileTrustedIssuers(
  documents: readonly DocumentOf<'TrustedIssuer'>[],
  context: TrustContext,
): ReadonlyMap<string, TrustedIssuer> {
  const compiled = new Map<string, TrustedIssuer>()
  for (const { name, spec } of documents) {
    const document = `TrustedIssuer/${name}`
    const other = compiled.get(spec.issuer)
    const wrong = (field: string, message: string): number =>
      context.problems.push({ document, field, message })
    if (other !== undefined) wrong('spec.issuer', `is also the issuer of \`${other.name}\``)
    if (spec.issuer === context.url) wrong('spec.issuer', 'is this issuer itself')
    context.problems.push(...unknownReferences(document, spec, context))
    for (const [index, scope] of spec.scopes.entries())
      if (isIdentity(scope, context))
        wrong(`spec.scopes[${index}]`, `\`${scope}\` belongs to a sign-in, and no user signs in here`)
    compiled.set(spec.issuer, {
      name,
      issuer: spec.issuer,
      jwksUri: spec.jwksUri,
      keys: keysOf(document, spec, context.problems),
      algs: spec.signingAlgs,
      subjects: spec.subjects.are === 'listed' ? listOf(spec.subjects.listed) : spec.subjects.are,
      clients: spec.clients,
      scopes: spec.scopes,
      resources: spec.resources.flatMap(resource => context.resources.get(resource)?.audience ?? []),
      assertionLifetimeSeconds: spec.assertionLifetimeSeconds,
    })
  }
  return compiled
}

type Spec = DocumentOf<'TrustedIssuer'>['spec']

function listOf(listed: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  return new Map(Object.entries(listed))
}

function keysOf(document: string, { jwks }: Spec, problems: Problem[]): readonly PublicKey[] {
  return (jwks?.keys ?? []).flatMap((jwk, index) => {
    const key = importPublicJwk(jwk)
    if (key.ok) return [key.value]
    const { reason: message, ruleId } = key
    problems.push({ document, field: `spec.jwks.keys[${index}]`, message, ruleId })
    return []
  })
}

function unknownReferences(document: string, spec: Spec, context: TrustContext): readonly Problem[] {
  const lists = [
    ['clients', 'client', spec.clients, context.clients],
    ['scopes', 'scope', spec.scopes, context.scopes],
    ['resources', 'resource server', spec.resources, context.resources],
  ] as const
  return lists.flatMap(([list, kind, names, known]) =>
    names.flatMap((name, index) =>
      known.has(name) ? [] : [unknownName(document, `spec.${list}[${index}]`, kind, name, known)],
    ),
  )
}

/** Scopes that tell a client who the user is, or let it act while the user is away. */
function isIdentity(scope: string, { scopes }: TrustContext): boolean {
  return scope === 'openid' || scope === 'offline_access' || (scopes.get(scope)?.claims.length ?? 0) > 0
}
