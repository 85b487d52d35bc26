import { type ClientAt, isNarrowed } from '../data/mint/narrowed.ts'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { KindName } from './resources/index.ts'

/** A document that changes; the issuer by its URL. */
interface Changed {
  readonly kind: string
  readonly issuer: string
}

/** Kinds that say nothing about what a client may have; of every other one it is looked at. */
const withoutRights: ReadonlySet<string> = new Set<KindName>([
  ...(['AttributeSource', 'ClientSecret', 'DecisionPoint', 'IdentityProvider'] as const),
  ...(['PendingChange', 'PolicySet', 'User'] as const),
])

/**
 * Clients that may have less after a change of documents than before: their access tokens say what is no longer so. A
 * client that is no longer there is none of them. Where what was stored does not compile, it is every client of that
 * issuer: nobody knows what their tokens were given for.
 * @param changed kinds and issuers of the documents that change
 * @param before every document, as it is stored; read only where a right can have changed
 */
export function narrowedClients(
  changed: readonly Changed[],
  before: () => readonly PlacedDocument[] | undefined,
  after: Snapshot,
  issuers: readonly IssuerBinding[],
): readonly ClientAt[] {
  const touched = new Set(changed.flatMap(({ kind, issuer }) => (withoutRights.has(kind) ? [] : [issuer])))
  const stored = touched.size === 0 ? undefined : before()
  return issuers
    .filter(({ url }) => touched.has(url))
    .flatMap(binding => {
      const now = after.issuers.get(binding.url)
      const then = stored && compileSnapshot({ revision: 0, issuers: [binding], documents: stored })
      const known = then?.ok === true ? then.value.issuers.get(binding.url) : undefined
      return [...(now?.clients.values() ?? [])]
        .filter(client => now !== undefined && (known === undefined || isNarrowed(known, now, client)))
        .map(({ clientId: name }) => ({ issuer: binding.url, name }))
    })
}
