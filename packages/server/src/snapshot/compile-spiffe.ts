import { importKeySet } from '@holdfast/protocol/jose/keys.ts'
import {
  overlap,
  parseSpiffeClientId,
  type SpiffeClientId,
} from '@holdfast/protocol/specs/spiffe-client-auth/spiffe-client.ts'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { unknownName } from '../control/suggestion.ts'
import type { Client, SpiffeTrustDomain } from './snapshot.ts'

/** By name of the trust domain. A bundle that could never verify anything is refused when it is applied. */
export function compileSpiffeTrustDomains(
  documents: readonly DocumentOf<'SpiffeTrustDomain'>[],
  problems: Problem[],
): ReadonlyMap<string, SpiffeTrustDomain> {
  const compiled = new Map<string, SpiffeTrustDomain>()
  for (const { name, spec } of documents) {
    const document = `SpiffeTrustDomain/${name}`
    const { trustDomain, bundle, bundleEndpoint } = spec
    const other = compiled.get(trustDomain)
    if (other !== undefined)
      problems.push({ document, field: 'spec.trustDomain', message: `is also that of \`${other.name}\`` })
    // A bundle holds keys for other kinds of SVID too, and may hold ones that we do not know.
    const keys = importKeySet(bundle?.keys).filter(key => key.use === 'jwt-svid')
    if (bundle !== undefined && keys.length === 0) {
      const message = 'has no usable key whose `use` is `jwt-svid`'
      problems.push({ document, field: 'spec.bundle.keys', message })
    }
    compiled.set(trustDomain, { name, trustDomain, keys, bundleEndpoint })
  }
  return compiled
}

/** Which client a workload is. No two claim the same one: `spiffeClientProblems` sees to that. */
export function spiffeClients(clients: Iterable<Client>): (spiffeId: string) => Client | undefined {
  const byId = new Map<string, Client>()
  const byPrefix = new Map<string, Client>()
  for (const client of clients) {
    const claimed = client.spiffeId === undefined ? undefined : parseSpiffeClientId(client.spiffeId)
    if (claimed !== undefined) (claimed.isPrefix ? byPrefix : byId).set(claimed.text, client)
  }
  // Few lengths, however many clients: a request costs a look-up for each.
  const lengths = [...new Set([...byPrefix.keys()].map(prefix => prefix.length))]
  return spiffeId => {
    const exact = byId.get(spiffeId)
    if (exact !== undefined) return exact
    const length = lengths.find(one => spiffeId.length > one && byPrefix.has(spiffeId.slice(0, one)))
    return length === undefined ? undefined : byPrefix.get(spiffeId.slice(0, length))
  }
}

/** Workloads that two clients claim, and such as are in a trust domain nobody described. */
export function spiffeClientProblems(
  documents: readonly DocumentOf<'Client'>[],
  trustDomains: ReadonlyMap<string, SpiffeTrustDomain>,
): readonly Problem[] {
  const problems: Problem[] = []
  const claims: { readonly name: string; readonly claimed: SpiffeClientId }[] = []
  for (const { name, spec } of documents) {
    const { spiffe_id: spiffeId } = spec.metadata
    const claimed = spiffeId === undefined ? undefined : parseSpiffeClientId(spiffeId)
    if (claimed === undefined) continue
    const document = `Client/${name}`
    const field = 'spec.metadata.spiffe_id'
    if (!trustDomains.has(claimed.trustDomain))
      problems.push(unknownName(document, field, 'trust domain', claimed.trustDomain, trustDomains))
    claims.push({ name, claimed })
  }
  for (const [left, right] of overlapping(claims))
    problems.push({
      document: `Client/${right.name}`,
      field: 'spec.metadata.spiffe_id',
      message: `names a workload that is also client \`${left.name}\``,
    })
  return problems
}

interface Claim {
  readonly name: string
  readonly claimed: SpiffeClientId
}

/** Sorted, whatever a prefix covers comes right behind it: no need to compare all with all. */
function overlapping(claims: readonly Claim[]): readonly (readonly [Claim, Claim])[] {
  const sorted = claims.toSorted((left, right) => (left.claimed.text < right.claimed.text ? -1 : 1))
  const found: (readonly [Claim, Claim])[] = []
  let widest: Claim | undefined
  for (const claim of sorted) {
    if (widest !== undefined && overlap(widest.claimed, claim.claimed)) found.push([widest, claim])
    else widest = claim
  }
  return found
}
