import assert from 'node:assert/strict'
import type { Attributes } from '@holdfast/policy'
import type { AttributeSources, FoundAttributes } from '../../ports.ts'
import type { AttributeSource } from '../../snapshot/snapshot.ts'
import { issuerUrl } from './world.ts'

/** A source about users that tells these claims, spoiled as asked. */
export const sourceOf = (
  name: string,
  claims: readonly string[],
  change: Partial<AttributeSource> = {},
): AttributeSource => ({
  ...{ name, digest: name, keyedBy: 'subject', isForPolicies: false, onFailure: 'deny' },
  ...{ deadlineMs: 100, cacheSeconds: 0, unknownCacheSeconds: 0 },
  attributes: new Map(claims.map(claim => [claim, { type: 'string', isRequired: false }])),
  of: { source: 'static', entries: new Map() },
  ...change,
})
/** Sources that say this; what they were asked stands in `asked`. */
export function telling(told: Readonly<Record<string, Attributes | Error | undefined>>): {
  readonly asked: string[]
  readonly sources: AttributeSources
} {
  const asked: string[] = []
  const sources: AttributeSources = {
    find: async (issuer, { name }, key): Promise<FoundAttributes> => {
      assert.equal(issuer, issuerUrl)
      asked.push(`${name} ${key}`)
      const one = told[name]
      return one instanceof Error ? { ok: false, message: one.message } : { ok: true, attributes: one }
    },
  }
  return { asked, sources }
}
