import type { Refusal } from '@holdfast/protocol'
import type { AdminApi, Answer, PageRequest } from '../admin-api.ts'
import type { AdminScope } from '../admin-scopes.ts'
import { misfitOfPage, pageQuery } from '../page.ts'
import { operation } from './operation.ts'
import { issuerUnclear, unfit } from './unfit.ts'
import { type AdminOperation, type AdminVisit, apiOf, done } from './visit.ts'

interface ListLine {
  readonly id: string
  readonly path: string
  readonly summary: string
  readonly scope: AdminScope
  /** What its places begin with. */
  readonly kind: string
  readonly read: (api: AdminApi, asked: PageRequest) => Promise<Answer<unknown>>
}

/** A list about every issuer within reach, or the one named, in pages. */
export function listOperation({ id, path, summary, scope, kind, read }: ListLine): AdminOperation {
  return operation({
    ...{ id, method: 'GET', path, summary, scopes: [scope], query: pageQuery },
    work: async visit => {
      const refusal = judgePage(visit, visit.query, [kind])
      return refusal === undefined ? done(await read(apiOf(visit), visit.query)) : { ok: false, refusal }
    },
  })
}

/** As `misfitOfPage`, in the words of this API. */
export function judgePage(
  { desk }: Pick<AdminVisit, 'desk'>,
  asked: PageRequest,
  kinds: readonly string[],
  { left = [], of = 'query' }: { readonly left?: readonly string[]; readonly of?: 'query' | 'body' } = {},
): Refusal | undefined {
  const { issuers } = desk.options.ports
  const misfit = misfitOfPage(asked, issuers, kinds, left)
  if (misfit === undefined) return undefined
  return misfit.field === 'issuer' ? issuerUnclear(issuers) : unfit(of, misfit.message)
}
