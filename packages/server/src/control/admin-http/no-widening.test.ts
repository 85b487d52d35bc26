import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Store } from '../../store/store.ts'
import { type AdminScope, adminScopes } from '../admin-scopes.ts'
import type { DocumentOf } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import { type AdminGround, type Line, openAdminGround } from '../testing/admin-ground.ts'
import { audience, documentFor, issuer } from '../testing/admin-world.ts'
import { adminOperations } from './operations.ts'
import { adminDocuments } from './template.ts'

/**
 * One person holds two tokens: her own, and that of the client she answers for. Whatever she sends with them, in
 * whatever order, what she can get a token for is what she could before. The oracle below knows nothing of how changes are
 * judged: it looks at who could sign in as whom.
 */

const jwks = (x: string) => ({
  keys: [
    { kty: 'EC', crv: 'P-256', x, y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM', kid: 'k', alg: 'ES256' },
  ],
})
const known = 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4'
const client = (name: string, scope: string, resources: readonly string[], more: object = {}) =>
  documentFor('Client', name, {
    resources,
    metadata: {
      ...{ client_name: name, grant_types: ['client_credentials'], dpop_bound_access_tokens: true, scope },
      ...{ token_endpoint_auth_method: 'private_key_jwt', jwks: jwks(known) },
    },
    ...more,
  })

const groundDocuments = (scopes: readonly AdminScope[]): readonly object[] => [
  ...adminDocuments(audience),
  documentFor('Scope', 'books', { title: 'Books', description: 'Books' }),
  documentFor('ResourceServer', 'books', { audience: 'https://books.example', scopes: ['books'] }),
  client('admin-cli', adminScopes.join(' '), ['holdfast-admin']),
  client('robot', adminScopes.join(' '), ['holdfast-admin']),
  client('shop', 'books', ['books']),
  ...['mallory', 'anna'].map(name =>
    documentFor('User', name, { password: `first-${name}`, subject: `u_${name}_000` }),
  ),
  documentFor('User', 'shop', { password: 'first-shop', groups: ['payers'], subject: 'u_shop_0000' }),
  documentFor('Administrator', 'mallory', { user: 'mallory', scopes }),
  documentFor('Administrator', 'robot', { client: 'robot', responsible: ['mallory'], scopes }),
  documentFor('Administrator', 'anna', { user: 'anna', scopes: adminScopes }),
]

interface Ground extends AdminGround {
  /** Every administrator that is not her own and that she could be, with each scope; and what else fell. */
  readonly reach: () => Promise<readonly string[]>
}

type Who = 'mallory' | 'robot' | 'anna'

const opened: AdminGround[] = []

async function openGround(scopes: readonly AdminScope[]): Promise<Ground> {
  const ground = await openAdminGround({ documents: groundDocuments(scopes) })
  opened.push(ground)
  const first = new Set(await powersOf(ground.store))
  return {
    ...ground,
    reach: async () => (await powersOf(ground.store)).filter(power => !first.has(power)),
  }
}

/** Who can be whom, as strings: `robot admin.keys:write by key MKB…`; and what a whole issuer stands on. */
async function powersOf(store: Store): Promise<readonly string[]> {
  const stored = storedDocuments(await store.listDocuments())
  assert.ok(stored.ok)
  const documents = stored.value.map(({ document }) => document)
  const powers: string[] = []
  const grounds = ['Issuer', 'SecurityProfile', 'TrustedIssuer', 'IdentityProvider', 'SpiffeTrustDomain']
  const grounding = new Set([...grounds, 'SoftwareStatementIssuer', 'ClientSecret', 'DecisionPoint'])
  for (const document of documents) {
    if (grounding.has(document.kind)) powers.push(JSON.stringify(document.source))
    if (document.kind === 'Scope' && document.name.startsWith('admin.'))
      powers.push(JSON.stringify(document.source))
    if (document.kind === 'ResourceServer' && document.spec.audience === audience)
      powers.push(JSON.stringify(document.source))
    // Whatever may ask for tokens of the admin API, or turns others into such.
    if (document.kind === 'Client' && reachesAdmin(document)) powers.push(JSON.stringify(document.source))
    if (document.kind === 'RegisteredClient') powers.push(JSON.stringify(document.source))
    if (document.kind !== 'Administrator') continue
    const { user, client: clientId, responsible = [], scopes } = document.spec
    const record = user === undefined ? undefined : await store.findUserByUsername(issuer, user)
    const by =
      user === undefined
        ? `key of ${clientId}, answered for by ${responsible.join()}`
        : `password ${record?.passwordHash}, ${record?.status}`
    for (const scope of scopes) powers.push(`${document.name} ${user ?? clientId} ${scope} by ${by}`)
  }
  // Who approves for a group, and by which password.
  for (const { username, groups = [], passwordHash } of await store.listUsers(issuer))
    for (const group of groups) powers.push(`${username} approves for ${group} by ${passwordHash}`)
  for (const token of await store.listInitialAccessTokens(issuer))
    if ([...token.policy.scopes, ...token.policy.resources].some(one => /admin/.test(one)))
      powers.push(`registers clients with ${token.policy.scopes.join(' ')}`)
  return powers
}

function reachesAdmin({ spec }: DocumentOf<'Client'>): boolean {
  return (
    [...spec.resources, ...spec.introspects, ...spec.exchanges.tokensFor].includes('holdfast-admin') ||
    (spec.metadata.scope ?? '').includes('admin.') ||
    spec.exchanges.tokensOf.some(name => name === 'admin-cli' || name === 'robot') ||
    spec.mayAct !== undefined
  )
}

const names = [
  'mallory',
  'robot',
  'anna',
  'shop',
  'evil',
  'admin-cli',
  'holdfast-admin',
  'books',
  'admin.keys:write',
  'main',
]
const name = fc.constantFrom(...names)
const scopeSets = fc.uniqueArray(fc.constantFrom(...adminScopes), { minLength: 1, maxLength: 5 })

const specs: readonly (readonly [kind: string, fc.Arbitrary<object>])[] = [
  [
    'Administrator',
    fc.oneof(
      fc.record({ user: fc.constantFrom('mallory', 'anna', 'evil', 'shop'), scopes: scopeSets }),
      fc.record({
        client: fc.constantFrom('robot', 'shop', 'evil'),
        responsible: fc.constantFrom(['anna'], ['mallory']),
        scopes: scopeSets,
      }),
    ),
  ],
  [
    'Client',
    fc
      .record({
        scope: fc.constantFrom('books', 'books admin.keys:write', adminScopes.join(' ')),
        resources: fc.constantFrom(['books'], ['holdfast-admin'], ['books', 'holdfast-admin'], []),
        key: fc.constantFrom(known, 'WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis'),
        more: fc.constantFrom(
          {},
          { status: 'suspended' },
          { exchanges: { tokensOf: ['robot'], tokensFor: [] } },
          { exchanges: { tokensOf: [], tokensFor: ['holdfast-admin'] } },
          { mayAct: 'shop' },
          { introspects: ['holdfast-admin'] },
          { profile: 'oidc-baseline' },
        ),
      })
      .map(({ scope, resources, key, more }) => ({
        resources,
        metadata: {
          ...{
            client_name: 'evil',
            grant_types: ['client_credentials'],
            dpop_bound_access_tokens: true,
            scope,
          },
          ...{ token_endpoint_auth_method: 'private_key_jwt', jwks: jwks(key) },
        },
        ...more,
      })),
  ],
  [
    'User',
    fc.record(
      {
        password: fc.constantFrom('evil-password', 'first-anna', 'other-password'),
        status: fc.constantFrom('active', 'disabled'),
        username: fc.constantFrom('anna', 'mallory', 'evil', 'shop'),
        groups: fc.constantFrom([], ['payers']),
        subject: fc.constantFrom('u_anna_000', 'u_evil_000'),
      },
      { requiredKeys: [] },
    ),
  ],
  ['Issuer', fc.constantFrom({ floor: 'oidc-baseline' }, { registration: 'initial-access-token' })],
  ['SecurityProfile', fc.constant({ base: 'oidc-baseline', tighten: {} })],
  [
    'TrustedIssuer',
    fc.constant({
      ...{ issuer: 'https://evil.example', jwks: jwks(known), subjects: { are: 'username' } },
      ...{ clients: ['shop'], scopes: ['books'], resources: ['books'] },
    }),
  ],
  [
    'ResourceServer',
    fc.record({
      audience: fc.constantFrom(audience, 'https://books.example', 'https://evil.example'),
      scopes: fc.constantFrom<readonly string[]>(['books'], ['admin.keys:write'], adminScopes),
    }),
  ],
  ['Scope', fc.constant({ title: 'Evil', description: 'Evil' })],
  ['ClientSecret', fc.constant({ secrets: [] })],
  ['PendingChange', fc.constant({ content: {} })],
]

const documents = fc
  .oneof(...specs.map(([kind, spec]) => fc.tuple(fc.constant(kind), name, spec)))
  .map(([kind, of, spec]) => ({ kind, name: of, document: documentFor(kind, of, spec) }))

/** A line of her plan; `change` is the number of the change it is about, of those that wait. */
const lines: fc.Arbitrary<Line & { readonly change?: number }> = fc.oneof(
  {
    weight: 6,
    arbitrary: documents.map(({ kind, name: of, document }) =>
      adminOperations.some(({ id }) => id === `put${kind}`)
        ? { id: `put${kind}`, name: of, body: document }
        : { id: 'applyDocuments', body: filesOf([document]) },
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(documents, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([set, prune]) => ({
        id: 'applyDocuments',
        body: { ...filesOf(set.map(({ document }) => document)), prune },
      })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('Client', 'ResourceServer', 'Administrator', 'Scope'), name)
      .map(([kind, of]) => ({ id: `delete${kind}`, name: of })),
  },
  { weight: 5, arbitrary: fc.nat(5).map(change => ({ id: 'confirmChange', body: {}, change })) },
  { weight: 1, arbitrary: fc.nat(5).map(change => ({ id: 'withdrawChange', change })) },
  {
    weight: 1,
    arbitrary: name.map(clientId => ({ id: 'rotateSecret', body: { clientId, overlapSeconds: 0 } })),
  },
  { weight: 1, arbitrary: name.map(username => ({ id: 'resetSecondFactors', body: { username } })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(['books'], ['holdfast-admin']).map(resources => ({
      id: 'createRegistrationToken',
      body: {
        ...{ uses: 1, lifetimeSeconds: 600, note: 'evil' },
        policy: {
          ...{ profile: 'fapi2-security', scopes: ['admin.keys:write'], grantTypes: ['client_credentials'] },
          ...{ resources, redirectHosts: [], softwareStatement: 'optional' },
        },
      },
    })),
  },
)

function filesOf(set: readonly object[]) {
  return { files: set.map(one => ({ path: 'evil', text: JSON.stringify(one) })), dryRun: false, prune: false }
}

async function play(ground: Ground, who: Who, line: Line & { readonly change?: number }) {
  if (line.change === undefined) return await ground.send(who, line)
  const records = await ground.store.listDocuments()
  const waiting = records.filter(({ documentKind }) => documentKind === 'PendingChange')
  return await ground.send(who, {
    ...line,
    name: waiting[line.change % Math.max(1, waiting.length)]?.name ?? 'none',
  })
}

describe('no administrator widens what they may do', () => {
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  test('whatever one administrator does alone, nobody has more than before', async () => {
    let accepted = 0
    const plan = fc.array(fc.tuple(fc.constantFrom<Who>('mallory', 'robot'), lines), {
      minLength: 1,
      maxLength: 12,
    })
    const scopes = fc.oneof(fc.constant(adminScopes), fc.subarray([...adminScopes], { minLength: 1 }))
    await fc.assert(
      fc.asyncProperty(scopes, plan, async (held, steps) => {
        const ground = await openGround(held)
        for (const [who, line] of steps) {
          const done = await play(ground, who, line)
          if (done !== 'refused' && done.ok) accepted++
          assert.deepEqual(await ground.reach(), [], `${who} ${JSON.stringify(line)}`)
        }
      }),
      { numRuns: 100 },
    )
    // A property over refusals alone would say nothing.
    assert.ok(accepted > 50, String(accepted))
  })

  test('with another person the same lines do it, so the oracle sees what it is there to see', async () => {
    const found = new Set<string>()
    const payer = ['User', fc.constant({ groups: ['payers'] })] as const
    for (const [kind, spec] of [...specs, payer])
      for (const [index, of] of names.entries()) {
        const ground = await openGround(adminScopes)
        const document = documentFor(kind, of, fc.sample(spec, { numRuns: 1, seed: index })[0] ?? {})
        const id = adminOperations.some(one => one.id === `put${kind}`) ? `put${kind}` : 'applyDocuments'
        const line =
          id === 'applyDocuments' ? { id, body: filesOf([document]) } : { id, name: of, body: document }
        const done = await play(ground, 'mallory', line)
        if (done === 'refused' || !done.ok || done.status !== 202) continue
        const confirmed = await play(ground, 'anna', { id: 'confirmChange', body: {}, change: 0 })
        assert.ok(confirmed !== 'refused' && confirmed.ok, JSON.stringify(confirmed))
        if ((await ground.reach()).length > 0) found.add(kind)
      }
    for (const kind of ['Administrator', 'Client', 'Issuer', 'TrustedIssuer', 'ResourceServer', 'User'])
      assert.ok(found.has(kind), `${kind}: ${[...found].join()}`)
  })
})
