import type { IssuerBinding } from '../snapshot/compile.ts'
import type { DocumentRecord } from '../store/writes.ts'
import type { DocumentList, PageRequest } from './admin-api.ts'
import { issuersNamed } from './issuers-named.ts'
import { pageOf, placeAt } from './page.ts'

/** One page of the documents of a revision: by kind, issuer and name. */
export function documentPage(
  { revision, records }: { readonly revision: number; readonly records: readonly DocumentRecord[] },
  asked: PageRequest,
  issuers: readonly IssuerBinding[],
  kinds: readonly string[],
): DocumentList {
  const urls = issuersNamed(asked.issuer, issuers).map(({ url }) => url)
  const { page, ...more } = pageOf(
    records.filter(
      ({ documentKind, issuer }) =>
        kinds.includes(documentKind) && (asked.issuer === undefined || urls.includes(issuer)),
    ),
    asked,
    {
      placeOf: record => placeAt(record.documentKind, record),
      show: ({ documentKind: kind, name, issuer, body }) => ({
        ...{ kind, name, issuer },
        document: JSON.parse(body) as Readonly<Record<string, unknown>>,
      }),
    },
  )
  return { revision, documents: page, ...more }
}
