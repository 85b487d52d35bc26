import { setImmediate } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** Records looked at together; in between, the server does its work. */
const pageSize = 1000
/** Records of one chain that are read; behind more of them nothing is called unused. */
const recordsMax = 10_000_000

export interface ScopeUsage {
  /** When a token was last issued for a right, by `usageKey`. */
  readonly lastAt: ReadonlyMap<string, number>
  /** Earliest record about the issuer. */
  readonly from: number | undefined
  /** Whether every record was read. */
  readonly isWhole: boolean
}

/** One right of one client at one API. No part holds a line feed. */
export function usageKey(client: string, audience: string, right: string): string {
  return `${client}\n${audience}\n${right}`
}

/** When each of these rights was last in a token that was issued, as far back as the audit goes. */
export async function readScopeUsage(
  store: Store,
  issuer: string,
  rights: ReadonlySet<string>,
): Promise<ScopeUsage> {
  const lastAt = new Map<string, number>()
  let from: number | undefined
  let isWhole = true
  for (const chain of await store.listAuditChains()) {
    let after = 0
    let isEnd = false
    while (!isEnd && after < recordsMax) {
      const records = await store.readAuditChain(chain, after, pageSize)
      for (const record of records) {
        if (record.issuer !== issuer) continue
        const { at, event, clientId, facts } = record
        from = Math.min(from ?? at, at)
        if (event !== 'token.issued' || clientId === undefined || typeof facts.audience !== 'string') continue
        for (const right of [...textsOf(facts.scopes), ...textsOf(facts.authorization_details_types)]) {
          const key = usageKey(clientId, facts.audience, right)
          if (rights.has(key)) lastAt.set(key, Math.max(lastAt.get(key) ?? at, at))
        }
      }
      const last = records.at(-1)
      isEnd = last === undefined
      after = last?.sequence ?? after
      await setImmediate()
    }
    isWhole &&= isEnd
  }
  return { lastAt, from, isWhole }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}
