/**
 * What an administrator may be let do, in groups of operations; reading and writing apart, and apart from both to
 * confirm what another person proposed. The tokens, the Administrator documents, the routes and the shipped Scope
 * documents all read this table.
 */
export const adminGroups = {
  clients: { words: 'clients and their secrets', kinds: ['Client', 'RegisteredClient'], has: 'rwa' },
  users: { words: 'users and their second factors', kinds: ['User'], has: 'rwa' },
  apis: {
    words: 'APIs and their scopes',
    kinds: ['Scope', 'ResourceServer', 'AuthorizationDetailsType', 'ApiOperations'],
    has: 'rwa',
  },
  issuers: { words: 'issuers and profiles', kinds: ['Issuer', 'SecurityProfile'], has: 'rwa' },
  trust: {
    words: 'whose word counts',
    kinds: [
      'TrustedIssuer',
      'IdentityProvider',
      'SpiffeTrustDomain',
      'SoftwareStatementIssuer',
      'AttributeSource',
    ],
    has: 'rwa',
  },
  policies: { words: 'policies and the decision point', kinds: ['PolicySet', 'DecisionPoint'], has: 'rwa' },
  governance: {
    words: 'scopes that clients are granted',
    kinds: ['ScopeGrant', 'ClientOnboarding'],
    has: 'rwa',
  },
  registration: { words: 'tokens with which clients register', kinds: [], has: 'rwa' },
  keys: { words: 'signing keys', kinds: [], has: 'rwa' },
  administrators: { words: 'administrators', kinds: ['Administrator'], has: 'rwa' },
  changes: { words: 'changes that wait for a second person', kinds: [], has: 'r' },
  access: { words: 'access of users and clients, to end it', kinds: [], has: 'wa' },
  audit: { words: 'the audit', kinds: [], has: 'r' },
  status: { words: 'the state of the server', kinds: [], has: 'r' },
} as const satisfies Readonly<Record<string, AdminGroupWords>>

interface AdminGroupWords {
  readonly words: string
  /** Kinds of documents. */
  readonly kinds: readonly string[]
  /** `r`ead, `w`rite, `a`pprove. */
  readonly has: string
}

export type AdminGroup = keyof typeof adminGroups
export type AdminScope = `admin.${AdminGroup}:${'read' | 'write' | 'approve'}`

const verbs = { r: 'read', w: 'write', a: 'approve' } as const

export const adminScopes: readonly AdminScope[] = Object.entries(adminGroups).flatMap(([group, { has }]) =>
  [...has].map(letter => `admin.${group as AdminGroup}:${verbs[letter as keyof typeof verbs]}` as const),
)

export function isAdminScope(name: string): boolean {
  return name.startsWith('admin.')
}

/** The group that documents of a kind belong to. */
export function groupOfKind(kind: string): AdminGroup | undefined {
  const found = Object.entries(adminGroups).find(([, { kinds }]) => kinds.some(one => one === kind))
  return found?.[0] as AdminGroup | undefined
}
