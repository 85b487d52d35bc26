import type { Level } from './rule.ts'

/**
 * Where a requirement of a document stands with us.
 * - `ruled`: a rule object carries the clause; its refusals are tested on both sides of each edge.
 * - `shown`: nothing can be refused (a status, a header, a published value); the named test observes it.
 * - `otherParty`: it binds somebody else: the client, the resource owner, the operator.
 * - `notApplicable`: with the reason.
 */
export type Standing =
  | { readonly kind: 'ruled' }
  | { readonly kind: 'shown'; readonly test: string }
  | { readonly kind: 'otherParty'; readonly party: 'client' | 'operator' | 'resource server' | 'user agent' }
  | { readonly kind: 'notApplicable'; readonly reason: string }

/** One clause of a document, in the vocabulary of the OpenID conformance suite, e.g. `RFC6749-4.1.2`. */
export interface Clause {
  readonly id: string
  readonly level: Exclude<Level, 'OURS'>
  /** What it demands, in our words. */
  readonly says: string
  readonly standing: Standing
  /** Row of our own requirement checklists, e.g. `DPOP-17`. */
  readonly rows?: readonly string[]
}

/** All clauses of one document that concern what is built. */
export interface ClauseManifest {
  /** Folder name under `specs/`. */
  readonly spec: string
  readonly title: string
  readonly url: string
  readonly clauses: readonly Clause[]
}

export const ruled: Standing = { kind: 'ruled' }

/** @param test exact title of the test that observes the clause */
export function shown(test: string): Standing {
  return { kind: 'shown', test }
}

export function otherParty(party: Extract<Standing, { kind: 'otherParty' }>['party']): Standing {
  return { kind: 'otherParty', party }
}

export function notApplicable(reason: string): Standing {
  return { kind: 'notApplicable', reason }
}
