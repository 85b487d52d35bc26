import type { SourceKind } from './kind.ts'

/** The users of this issuer, by the claims of their documents. */
export const directory: SourceKind<'directory'> = {
  source: 'directory',
  ask: async ({ keyedBy, claims }, key, { user }) => {
    const found = await user(keyedBy, key)
    if (found === undefined) return undefined
    return claim => {
      const name = claims.get(claim)
      return name !== undefined && Object.hasOwn(found.claims, name) ? found.claims[name] : undefined
    }
  },
}
