import { type Refusal, refuse } from '@holdfast/protocol'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { Store } from '../../store/store.ts'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import { tenantOf } from '../revoke-tenant.ts'
import { parsed, placesOf } from './risk.ts'
import type { AdminDesk, Standing } from './visit.ts'

/**
 * The one place that keeps administrators of some issuers to them: what they are given to work with has no other
 * issuers in it. No operation asks, so none can forget.
 */

/** Names of issuers; undefined: all of them. */
export type Reach = readonly string[] | undefined

/** @returns the same server as if it had only the issuers within reach, and never the one that protects the admin API */
export function deskWithin(desk: AdminDesk, reach: Reach): AdminDesk {
  if (reach === undefined) return desk
  const { options, issuerUrl } = desk
  const issuers = options.ports.issuers.filter(({ name, url }) => reach.includes(name) && url !== issuerUrl)
  const store = storeWithin(options.ports.store, new Set(issuers.map(({ url }) => url)))
  return { ...desk, options: { ...options, ports: { ...options.ports, issuers, store } } }
}

export function standingWithin(standing: Standing, desk: AdminDesk, reach: Reach): Standing {
  if (reach === undefined) return standing
  const urls = new Set(desk.options.ports.issuers.map(({ url }) => url))
  return {
    revision: standing.revision,
    records: standing.records.filter(({ issuer }) => urls.has(issuer)),
    documents: standing.documents.filter(({ issuerUrl }) => urls.has(issuerUrl)),
  }
}

/** Whether everything that the one reaches is reached by the other too. */
export function isWithin(one: Reach, other: Reach): boolean {
  return other === undefined || one?.every(name => other.includes(name)) === true
}

/**
 * What documents of an issuer within reach say that is about others, too: of which tenant it is, and a connection that
 * serves more than is within reach. Whoever writes what is asked over it reads all that it reads.
 */
export function judgeReach(
  before: readonly DocumentRecord[],
  writes: readonly Write[],
  issuers: readonly IssuerBinding[],
  reach: Reach,
): Refusal | undefined {
  if (reach === undefined) return undefined
  const after = parsed(writes.flatMap(write => (write.kind === 'put-document' ? [write.document] : [])))
  const places = [...placesOf(writes).values()].filter(({ documentKind }) => documentKind === 'Issuer')
  const earlier = places.length === 0 ? [] : parsed(before)
  const isMoved = places.some(({ issuer }) => tenantOf(issuer, earlier) !== tenantOf(issuer, after))
  if (isMoved) return further('of which tenant an issuer is, is said by who reaches all issuers')
  const shared = after.flatMap(({ issuerUrl, document: { kind, spec } }) => {
    if (kind !== 'AttributeSource' || !('connection' in spec)) return []
    const { connections = [] } = issuers.find(({ url }) => url === issuerUrl) ?? {}
    const found = connections.find(({ name }) => name === spec.connection)
    return isWithin(found?.issuers, reach) ? [] : [spec.connection]
  })
  return shared.length === 0
    ? undefined
    : further(`the connection \`${shared[0]}\` is not for issuers within reach alone`)
}

function further(reason: string): Refusal {
  return refuse('admin.reach', ['HFA-8'], 'access_denied', reason)
}

/** Reads that take no issuer; all others are asked for one, and those are the issuers of the desk. */
function storeWithin(store: Store, urls: ReadonlySet<string>): Store {
  return {
    ...store,
    listDocuments: async () => (await store.listDocuments()).filter(({ issuer }) => urls.has(issuer)),
    findAudit: async (id, limit) =>
      (await store.findAudit(id, limit)).filter(({ issuer }) => urls.has(issuer)),
  }
}
