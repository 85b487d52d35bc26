import { scopesAt } from '../data/mint/order.ts'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import type { Client, IssuerSnapshot, Snapshot } from '../snapshot/snapshot.ts'
import type { AuditRecord } from '../store/records.ts'
import type { Write } from '../store/writes.ts'
import { canonicalJson } from './document.ts'
import type { KindName } from './resources/index.ts'

/** A client at the issuer with this URL. */
export interface ClientAt {
  readonly issuer: string
  readonly name: string
}

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

/** Names listed in one audit record; the count beside them is always whole. */
export const listedMax = 100

/** What the record of the change says of them. */
export function factsOfNarrowed(clients: readonly ClientAt[], issuer: string): AuditRecord['facts'] {
  const names = clients.filter(client => client.issuer === issuer).map(({ name }) => name)
  return names.length === 0 ? {} : { narrowedCount: names.length, narrowed: names.slice(0, listedMax) }
}

/**
 * Tells whoever remembers their tokens to ask again. An access token that says too much is good no more (rule
 * `token.within-rights`); grants and refresh tokens stay, and buy what is still allowed.
 */
export function announcing(clients: readonly ClientAt[]): readonly Write[] {
  return clients.map(({ issuer, name }) => ({ kind: 'narrow-client', issuer, clientId: name }))
}

function isNarrowed(then: IssuerSnapshot, now: IssuerSnapshot, client: Client): boolean {
  const earlier = then.clients.get(client.clientId)
  if (earlier === undefined) return false
  const still = rightsOf(client, now)
  return [...rightsOf(earlier, then)].some(right => !still.has(right))
}

/**
 * What an access token of the client can say, each by itself: a scope counts at each API that lists it, and at each whose
 * tokens carry it because no other API does.
 */
function rightsOf(client: Client, issuer: IssuerSnapshot): ReadonlySet<string> {
  if (client.status !== 'active') return new Set()
  const { scopes, resources, authorizationDetailsTypes, ownAuthorizationDetails } = client
  return new Set([
    ...scopes.map(scope => `scope ${scope}`),
    ...resources.flatMap(audience => {
      const server = issuer.resourceServers.get(audience)
      const listed = server?.scopes.filter(scope => scopes.includes(scope)) ?? []
      return [
        `audience ${audience}`,
        ...listed.map(scope => `listed ${scope} ${audience}`),
        ...scopesAt(issuer, server, scopes).map(scope => `scope ${scope} ${audience}`),
      ]
    }),
    ...authorizationDetailsTypes.map(type => `type ${type}`),
    ...ownAuthorizationDetails.map(detail => `own ${canonicalJson(detail)}`),
  ])
}
