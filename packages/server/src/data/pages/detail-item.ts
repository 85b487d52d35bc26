import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { type DetailWords, wordsOf } from '@holdfast/protocol/specs/rfc9396-rar/words.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type Html, html } from './html.ts'

/** The entry and its words: the digest of a page covers both, so neither can change behind the user's back (I13). */
export interface ShownDetail {
  readonly detail: AuthorizationDetail
  readonly words: DetailWords
}

/** @param details of a request that was judged by the types of now */
export function shownDetails(
  details: readonly AuthorizationDetail[],
  { detailTypes }: IssuerSnapshot,
): readonly ShownDetail[] {
  return details.map(detail => {
    const type = detailTypes.get(detail.type)
    if (type === undefined) throw new TypeError('details that do not fit the issuer')
    return { detail, words: wordsOf(detail, type) }
  })
}

/** One authorization detail in a list: what it is, and every value of it under its label. */
export function detailItem({ words: { title, description, parts } }: Pick<ShownDetail, 'words'>): Html {
  return html`<li class="detail"><span class="tick" aria-hidden="true"></span><div><strong>${title}</strong><p>${description}</p>
<dl>
${parts.map(
  ({
    label,
    values,
  }) => html`<div><dt>${label}</dt>${values.map(value => html`<dd><bdi>${value}</bdi></dd>`)}</div>
`,
)}</dl></div></li>
`
}
