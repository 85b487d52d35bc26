import type { SourceKind } from './kind.ts'

/** A table in the document. */
export const staticTable: SourceKind<'static'> = {
  source: 'static',
  ask: async ({ entries }, key) => {
    const entry = entries.get(key)
    return entry && (claim => entry.get(claim))
  },
}
