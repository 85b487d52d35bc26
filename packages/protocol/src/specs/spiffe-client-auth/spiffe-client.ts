import { firstRefusal } from '../../rule.ts'
import { parseSpiffeId, spiffeIdRules } from '../spiffe-jwt-svid/spiffe-id.ts'

/** What a client registers: the one ID it has, or with a trailing `/*` a path that its workloads are under. */
export interface SpiffeClientId {
  readonly trustDomain: string
  /** The ID itself, or everything up to and with the last slash. */
  readonly text: string
  readonly isPrefix: boolean
}

const wildcard = '/*'

/** Why a `spiffe_id` can be no client's, or undefined. */
export function unfitSpiffeClientId(text: string): string | undefined {
  const refusal = firstRefusal(spiffeIdRules, { id: withoutWildcard(text) })
  return refusal?.reason
}

/** @returns undefined for anything `unfitSpiffeClientId` has a reason against */
export function parseSpiffeClientId(text: string): SpiffeClientId | undefined {
  const id = parseSpiffeId(withoutWildcard(text))
  if (id === undefined) return undefined
  const isPrefix = text.endsWith(wildcard)
  return { trustDomain: id.trustDomain, text: isPrefix ? text.slice(0, -1) : text, isPrefix }
}

/** Whether a workload is one of a client: the same ID, or whole segments below its path. */
export function isSpiffeClient(id: string, { text, isPrefix }: SpiffeClientId): boolean {
  return isPrefix ? id.startsWith(text) && id.length > text.length : id === text
}

/** Whether some workload could be both: then nobody could say which client it is. */
export function overlap(left: SpiffeClientId, right: SpiffeClientId): boolean {
  const covers = (one: SpiffeClientId, other: SpiffeClientId): boolean =>
    one.isPrefix ? other.text.startsWith(one.text) : !other.isPrefix && one.text === other.text
  return covers(left, right) || covers(right, left)
}

function withoutWildcard(text: string): string {
  return text.endsWith(wildcard) ? text.slice(0, -wildcard.length) : text
}
