import type { ClaimRequest, ClaimsRequest } from '@holdfast/protocol/specs/oidc-core-claims/claims-request.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { scopeWords } from '../pages/scope-words.ts'
import type { Words } from '../pages/words/words.ts'
import { releasableClaims } from './release.ts'

/** One detail about the user, in words. */
export interface ClaimWords {
  readonly name: string
  readonly title: string
}

export interface NamedClaims {
  readonly scopes: readonly string[]
  readonly claims?: ClaimsRequest | undefined
}

/** Every detail that was asked for by name and that no scope beside it speaks of already. */
export function claimWords(
  { scopes, claims }: NamedClaims,
  client: Client,
  issuer: IssuerSnapshot,
  words: Words,
): readonly ClaimWords[] {
  const { idToken = [], userinfo = [] } = claims ?? {}
  const covered = new Set(scopes.flatMap(scope => issuer.scopes.get(scope)?.claims ?? []))
  const names = namesOf([...idToken, ...userinfo]).filter(name => !covered.has(name))
  const releasable = releasableClaims(client, issuer)
  const standard: Readonly<Record<string, string>> = words.claims
  return [...new Set(names)].map(name => {
    const { title } = scopeWords(releasable.get(name), name, words)
    return {
      name,
      title: Object.hasOwn(standard, name) ? (standard[name] ?? name) : words.consent.otherClaim(name, title),
    }
  })
}

export function namesOf(wishes: readonly ClaimRequest[]): readonly string[] {
  return wishes.map(({ name }) => name)
}
