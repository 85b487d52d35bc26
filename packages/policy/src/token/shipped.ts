import type { PolicySource } from '../policy-set.ts'

/**
 * The policies an issuer has before it has any of its own: what profiles, registration and consent allow, they allow.
 * They are written down so that nothing is permitted by silence; copy them into a set of your own and narrow them.
 */
export const shippedPolicies: PolicySource['policies'] = {
  'shipped.cedar': `@id("shipped.authorize")
@title("A client acts for whoever allowed it to")
permit (principal, action == Action::"authorize", resource);

@id("shipped.mint")
@title("What a grant is entitled to under its profile is minted")
permit (principal, action == Action::"mint", resource);

@id("shipped.access")
@title("What a token is good for is done with it")
permit (principal, action == Action::"access", resource);

@id("shipped.register")
@title("What an initial access token allows is registered")
permit (principal, action == Action::"register", resource);
`,
}

const client = { type: 'Client', id: 'web-shop' }
const access = { type: 'Access', id: 'asked' }
const asked = {
  ...{ environment: 'production', time: 1_800_000_000, tier: 'fapi2-security' },
  scopes: [{ __entity: { type: 'Scope', id: 'accounts' } }],
  resources: [],
  detailsTypes: [],
}
const user = { __entity: { type: 'User', id: 'u_ada' } }
const contexts = {
  authorize: { asked, grantType: 'authorization_code', user, amr: ['pwd'] },
  mint: { asked, grantType: 'client_credentials', amr: [], binding: 'dpop', lifetimeSeconds: 300 },
  access: {
    ...{ asked, user, amr: ['pwd'], binding: 'dpop' },
    ...{ operation: 'read', objectType: 'account', objectId: '7' },
  },
  register: {
    asked,
    grantTypes: ['authorization_code'],
    redirectHosts: ['shop.example'],
    hasSoftwareStatement: false,
    initialToken: 'iat-1',
    isUpdate: false,
  },
} as const

/** One test of each, and the form in which to write more. */
export const shippedTests: Readonly<Record<string, string>> = {
  'shipped.tests.json': `${JSON.stringify(
    {
      entities: [
        {
          uid: client,
          attrs: {
            isPublic: false,
            isSelfRegistered: false,
            authMethod: 'private_key_jwt',
            profile: 'fapi2-security',
          },
          parents: [],
        },
        { uid: access, attrs: {}, parents: [{ type: 'Scope', id: 'accounts' }] },
      ],
      tests: Object.entries(contexts).map(([moment, context]) => ({
        name: `what is allowed elsewhere may ${moment}`,
        question: { principal: client, action: { type: 'Action', id: moment }, resource: access, context },
        expect: { decision: 'permit', determining: [`shipped.${moment}`] },
      })),
    },
    null,
    2,
  )}\n`,
}
