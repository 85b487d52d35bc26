import { z } from 'zod'
import type { IssuerBinding } from '../snapshot/compile.ts'
import { issuersNamed, nameOneOf } from './issuers-named.ts'
import type { PageRequest } from './page-api.ts'
import type { Problem } from './problem.ts'

/** What one page of a list holds unless less is asked for, and at most. */
const pageItems = 100
const pageItemsMax = 500
/** Bytes of the items of one page as JSON. What is larger by itself is a page of its own. */
export const pageBytesMax = 4_194_304
/** A kind, the URL of an issuer and a name. */
const placeMax = 4096

export const pageQuery = z.strictObject({
  issuer: z.string().max(2048).optional(),
  limit: z.coerce.number().int().min(1).max(pageItemsMax).default(pageItems),
  after: z.string().max(placeMax).optional(),
})

/** The same of a question that is posted. */
export const pageBody = pageQuery.extend({
  limit: z.number().int().min(1).max(pageItemsMax).default(pageItems),
})

/** How one list is cut. */
interface List<I, T> {
  /** No two items have the same. The order of the list; it says where a page ended also when that item is gone. */
  readonly placeOf: (item: I) => string
  readonly show: (item: I) => T
}

/** The items behind `after`, in order. */
function behind<I>(items: readonly I[], after: string, placeOf: (item: I) => string) {
  return items
    .map(item => ({ item, place: placeOf(item) }))
    .filter(({ place }) => place > after)
    .toSorted((left, right) => (left.place < right.place ? -1 : 1))
}

/** Those that a page is made of, and one more: what costs something to be shown is asked for these alone. */
export function nearestOf<I>(
  items: readonly I[],
  { limit = pageItems, after = '' }: Omit<PageRequest, 'issuer'>,
  placeOf: (item: I) => string,
): readonly I[] {
  return behind(items, after, placeOf)
    .slice(0, limit + 1)
    .map(({ item }) => item)
}

/** The items behind `after`, as many as a page holds. */
export function pageOf<I, T>(
  items: readonly I[],
  { limit = pageItems, after = '' }: Omit<PageRequest, 'issuer'>,
  { placeOf, show }: List<I, T>,
): { readonly page: readonly T[]; readonly next?: string } {
  const rest = behind(items, after, placeOf)
  const page: T[] = []
  let bytes = 0
  for (const { item } of rest.slice(0, limit)) {
    const shown = show(item)
    bytes += Buffer.byteLength(JSON.stringify(shown))
    if (page.length > 0 && bytes > pageBytesMax) break
    page.push(shown)
  }
  const last = rest[page.length - 1]
  return { page, ...(last !== undefined && page.length < rest.length && { next: last.place }) }
}

/** Where something stands in a list that is about several issuers. */
export function placeAt(kind: string, { issuer, name }: { readonly issuer: string; readonly name: string }) {
  return `${kind} ${issuer} ${name}`
}

/** Where something stands that is listed by time, the earliest of each issuer first; it does not move. */
export function placeInTime(
  kind: string,
  { issuer, name, at }: { readonly issuer: string; readonly name: string; readonly at: number },
): string {
  return placeAt(kind, { issuer, name: `${String(at).padStart(12, '0')}.${name}` })
}

/**
 * What of a question for a page means nothing. A place of another list or issuer is refused: it would silently begin
 * somewhere else. Whether something still stands at the place does not matter.
 * @param kinds those that the list holds
 * @param left URLs of issuers that are configured no more and in the list all the same
 */
export function misfitOfPage(
  { issuer, after }: Omit<PageRequest, 'limit'>,
  issuers: readonly IssuerBinding[],
  kinds: readonly string[],
  left: readonly string[] = [],
): Pick<Problem, 'field' | 'message'> | undefined {
  const asked = issuersNamed(issuer, issuers)
  if (issuer !== undefined && asked.length === 0) return { field: 'issuer', message: nameOneOf(issuers) }
  if (after === undefined) return undefined
  const [, kind = '', url = ''] = /^(\S+) (\S+) \S+$/.exec(after) ?? []
  const urls = [...asked.map(binding => binding.url), ...(issuer === undefined ? left : [])]
  return kinds.includes(kind) && urls.includes(url)
    ? undefined
    : { field: 'after', message: '`after` does not fit: it is the `next` of a page of the same list' }
}
