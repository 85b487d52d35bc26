import { type Refusal, refuse } from '@holdfast/protocol'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import { nameOneOf } from '../issuers-named.ts'

/** A query or a body that is not what the operation takes. */
export function unfit(what: 'query' | 'body', reason: string): Refusal {
  return what === 'query'
    ? refuse('admin.query', [], 'invalid_request', reason)
    : refuse('admin.body', [], 'invalid_request', reason)
}

/** One that names no issuer within reach, or too few where there are several. */
export function issuerUnclear(issuers: readonly IssuerBinding[]): Refusal {
  return refuse('admin.issuer', [], 'invalid_request', nameOneOf(issuers))
}
