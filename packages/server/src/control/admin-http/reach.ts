import type { Store } from '../../store/store.ts'
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

/** Reads that take no issuer; all others are asked for one, and those are the issuers of the desk. */
function storeWithin(store: Store, urls: ReadonlySet<string>): Store {
  return {
    ...store,
    listDocuments: async () => (await store.listDocuments()).filter(({ issuer }) => urls.has(issuer)),
    findAudit: async (id, limit) =>
      (await store.findAudit(id, limit)).filter(({ issuer }) => urls.has(issuer)),
  }
}
