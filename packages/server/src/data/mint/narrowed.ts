import { soundnessOf } from '@holdfast/protocol/specs/rfc9396-rar/soundness.ts'
import { canonicalDetail } from '@holdfast/protocol/specs/rfc9396-rar/within.ts'
import type { AuthorizationDetailsType, Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { scopesAt } from './order.ts'

/** A client at the issuer with this URL. */
export interface ClientAt {
  readonly issuer: string
  readonly name: string
}

/**
 * Whether this client may have less than the one of its name had before: access tokens of it may say what is no longer
 * so (rule `token.within-rights`). One that is new is not.
 */
export function isNarrowed(then: IssuerSnapshot, now: IssuerSnapshot, client: Client): boolean {
  const earlier = then.clients.get(client.clientId)
  if (earlier === undefined) return false
  const still = rightsOf(client, now)
  return [...rightsOf(earlier, then)].some(right => !still.has(right))
}

/** Names listed in one audit record; the count beside them is always whole. */
export const listedMax = 100

/** What the record of the change says of them. */
export function factsOfNarrowed(clients: readonly ClientAt[], issuer: string): AuditRecord['facts'] {
  const names = clients.filter(client => client.issuer === issuer).map(({ name }) => name)
  return names.length === 0 ? {} : { narrowedCount: names.length, narrowed: names.slice(0, listedMax) }
}

/**
 * Tells whoever remembers their tokens to ask again. An access token that says too much is good no more; grants and
 * refresh tokens stay, and buy what is still allowed.
 */
export function announcing(clients: readonly ClientAt[]): readonly Write[] {
  return clients.map(({ issuer, name }) => ({ kind: 'narrow-client', issuer, clientId: name }))
}

const soundnessByType = new WeakMap<AuthorizationDetailsType, string>()

/** Worked out once for all clients that have the type. */
function rememberedSoundness(type: AuthorizationDetailsType): string {
  const known = soundnessByType.get(type) ?? soundnessOf(type)
  soundnessByType.set(type, known)
  return known
}

/**
 * What an access token of the client can say, each by itself: a scope counts at each API that lists it, and at each whose
 * tokens carry it because no other API does; a type of details with all by which it judges them. A type that allows more
 * is not told apart from one that allows less: telling too often costs a question, telling too seldom an access.
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
    ...authorizationDetailsTypes.map(name => {
      const type = issuer.detailTypes.get(name)
      return `type ${name} ${type === undefined ? '' : rememberedSoundness(type)}`
    }),
    ...ownAuthorizationDetails.map(detail => `own ${canonicalDetail(detail)}`),
  ])
}
