/** What pages and policies of a page say of a URL. */
export interface UrlParts {
  /** With its colon. */
  readonly protocol: string
  /** With its port; empty where the scheme has none. */
  readonly host: string
}

const known = new Map<string, UrlParts>()
/** Issuers, redirect URIs and audiences are registered, so they are few; the bound guards against those that register. */
const knownMax = 1000

/** Parts of a URL that is sound and comes again with every page. @throws TypeError when it is none */
export function urlParts(url: string): UrlParts {
  const found = known.get(url)
  if (found !== undefined) return found
  if (known.size >= knownMax) known.clear()
  const { protocol, host } = new URL(url)
  const parts = { protocol, host }
  known.set(url, parts)
  return parts
}
