import { type AdminGroup, adminGroups, adminScopes } from '../admin-scopes.ts'
import { apiVersion } from '../document.ts'

/** Name of the ResourceServer document of the admin API, unless an operator calls it otherwise. */
const adminApiName = 'holdfast-admin'

const verbs: Readonly<Record<string, (words: string) => string>> = {
  read: words => `See ${words}`,
  write: words => `Change ${words}`,
  approve: words => `Confirm changes: ${words}`,
}

/**
 * The documents without which nobody has a token for the admin API: the API itself and its scopes. They grant nothing:
 * who may have which is said by Client and Administrator documents that an operator writes.
 */
export function adminDocuments(audience: string, issuer?: string): readonly object[] {
  const document = (kind: string, name: string, spec: object): object => ({
    ...{ apiVersion, kind, metadata: { name, ...(issuer !== undefined && { issuer }) }, spec },
  })
  return [
    ...adminScopes.map(scope => {
      const [, group = '', verb = ''] = /^admin\.(\w+):(\w+)$/.exec(scope) ?? []
      const { words } = adminGroups[group as AdminGroup]
      const title = verbs[verb]?.(words) ?? words
      return document('Scope', scope, { title, description: `For administrators of this server. ${title}.` })
    }),
    document('ResourceServer', adminApiName, {
      ...{ audience, displayName: 'Administration', scopes: adminScopes },
      // Bound tokens of five minutes, within an hour of the user signing in.
      profile: 'tier-3-sensitive-write',
    }),
  ]
}
