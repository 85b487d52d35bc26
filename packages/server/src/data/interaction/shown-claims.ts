import type { ClaimsRequest } from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { releasableClaims } from '../claims/release.ts'
import { scopeWords } from '../pages/scope-words.ts'
import type { Words } from '../pages/words/words.ts'

/** A detail about the user, asked for by name, as a page names it. */
export interface ShownClaim {
  readonly name: string
  readonly title: string
}

/** Every detail the client would be told that no scope of the page speaks of already. */
export function shownClaims(
  { scopes, claims }: { readonly scopes: readonly string[]; readonly claims: ClaimsRequest | undefined },
  client: Client,
  issuer: IssuerSnapshot,
  words: Words,
): readonly ShownClaim[] {
  const { idToken = [], userinfo = [] } = claims ?? {}
  const covered = new Set(scopes.flatMap(scope => issuer.scopes.get(scope)?.claims ?? []))
  const names = new Set([...idToken, ...userinfo].map(({ name }) => name).filter(name => !covered.has(name)))
  const releasable = releasableClaims(client, issuer)
  const standard: Readonly<Record<string, string>> = words.claims
  return [...names].map(name => {
    const { title } = scopeWords(releasable.get(name), name, words)
    return {
      name,
      title: Object.hasOwn(standard, name) ? (standard[name] ?? name) : words.consent.otherClaim(name, title),
    }
  })
}
