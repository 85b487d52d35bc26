import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { Store } from '../../store/store.ts'
import { adminScopes } from '../admin-scopes.ts'
import {
  type AdminGround,
  groundNow,
  type Line,
  mainBinding,
  openAdminGround,
} from '../testing/admin-ground.ts'
import { bodyOf, clientFor, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { documentFor } from '../testing/admin-world.ts'
import { adminOperations } from './operations.ts'

/**
 * Two administrators of the issuer `north` work together, with every scope there is. Whatever they send, in whatever
 * order and to whatever issuer: nothing of `south` or of the issuer of the administrators changes, and no answer holds
 * a word of theirs. Each document of those has a word of its own, by which it is told.
 */

const bindingOf = (name: string): IssuerBinding => ({
  ...mainBinding,
  ...{ name, url: `https://${name}.example`, mtlsUrl: `https://m.${name}.example` },
})
const [north, south] = [bindingOf('north'), bindingOf('south')]

const at = (issuer: string, document: object): object => {
  const { metadata, ...rest } = document as { readonly metadata: object }
  return { ...rest, metadata: { ...metadata, issuer } }
}

/** What stands at both, so that a name alone never says which is meant. */
const estateOf = (issuer: string, secret: string): readonly object[] =>
  [
    documentFor('Scope', 'books', { title: secret, description: 'Books' }),
    documentFor('ResourceServer', 'shelf', { audience: 'https://shelf.example', scopes: ['books'] }),
    clientFor('shop', {
      grant_types: ['client_credentials'],
      scope: 'books',
      contacts: [`${secret}@a.example`],
    }),
    documentFor('User', 'carl', { password: 'first-of-carl', claims: { name: secret }, groups: ['payers'] }),
    documentFor('SecurityProfile', 'short', { base: 'fapi2-security', tighten: {} }),
    documentFor('Administrator', 'carl', { user: 'carl', scopes: ['admin.audit:read'] }),
  ].map(document => at(issuer, document))

const limited = { issuers: ['north'] }
const documents: readonly object[] = [
  ...peopleDocuments.map(document => at('main', document)),
  ...['nora', 'nils'].flatMap(name => personFor(name, adminScopes, limited)).map(one => at('main', one)),
  ...estateOf('north', 'northern'),
  ...estateOf('south', 'southern'),
]

const opened: AdminGround[] = []
async function openTenants(): Promise<AdminGround> {
  const ground = await openAdminGround({ documents, issuers: [mainBinding, north, south] })
  opened.push(ground)
  return ground
}

/** Everything that is not of `north`: documents but what waits, users, tokens of registration, and what ended. */
async function elsewhere(store: Store): Promise<readonly string[]> {
  const seen: string[] = []
  for (const record of await store.listDocuments())
    if (record.issuer !== north.url && record.documentKind !== 'PendingChange')
      seen.push(JSON.stringify(record))
  for (const { url } of [mainBinding, south]) {
    for (const user of await store.listUsers(url)) seen.push(JSON.stringify(user))
    for (const token of await store.listInitialAccessTokens(url)) seen.push(JSON.stringify(token))
  }
  for (const { what, key } of await store.listRevocations(0, 1000))
    if (!key.includes('north')) seen.push(`${what} ${key}`)
  return seen
}

const issuers = fc.constantFrom(undefined, 'north', 'south', 'main', south.url, mainBinding.url)
const name = fc.constantFrom(
  'books',
  'shelf',
  'shop',
  'carl',
  'short',
  'nora',
  'anna',
  'north',
  'south',
  'main',
)
const kinds = [
  'Scope',
  'ResourceServer',
  'Client',
  'User',
  'SecurityProfile',
  'Administrator',
  'Issuer',
] as const

const specs: Readonly<Record<(typeof kinds)[number], object>> = {
  Scope: { title: 'Evil', description: 'Evil' },
  ResourceServer: { audience: 'https://evil.example' },
  Client: { metadata: { client_name: 'evil', grant_types: ['client_credentials'] }, status: 'suspended' },
  User: { password: 'evil-password', status: 'active' },
  SecurityProfile: { base: 'fapi2-security', tighten: { accessTokenLifetimeSeconds: 77 } },
  Administrator: { user: 'nora', scopes: adminScopes },
  Issuer: { tenant: 'evil' },
}

const documentsOf = fc.tuple(fc.constantFrom(...kinds), name, issuers).map(([kind, of, issuer]) => {
  const document = documentFor(kind, of, specs[kind])
  return { kind, name: of, issuer, document: issuer === undefined ? document : at(issuer, document) }
})

type Told = Line & { readonly change?: number }

const lines: fc.Arbitrary<Told> = fc.oneof(
  documentsOf.map(({ kind, name: of, issuer, document }) => ({
    ...{ id: `put${kind}`, name: of, body: document, query: issuer === undefined ? {} : { issuer } },
  })),
  fc.tuple(fc.array(documentsOf, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([set, prune]) => ({
    id: 'applyDocuments',
    body: { files: set.map(({ document }) => ({ path: 'a', text: JSON.stringify(document) })), prune },
  })),
  fc
    .tuple(fc.constantFrom('Scope', 'Client', 'Administrator', 'SecurityProfile'), name, issuers)
    .map(([kind, of, issuer]) => ({
      ...{ id: `delete${kind}`, name: of, query: issuer === undefined ? {} : { issuer } },
    })),
  fc
    .tuple(name, issuers)
    .map(([username, issuer]) => ({ id: 'resetSecondFactors', body: { username, issuer } })),
  fc
    .tuple(fc.constantFrom('user', 'client'), name, issuers)
    .map(([of, named, issuer]) => ({ id: 'revokeAccess', body: { of, name: named, issuer } })),
  issuers.map(issuer => ({ id: 'revokeTenant', body: { tenant: 'default', issuer } })),
  issuers.map(issuer => ({
    id: 'createRegistrationToken',
    body: {
      ...{ issuer, uses: 1, lifetimeSeconds: 600, note: '' },
      policy: {
        ...{ profile: 'fapi2-security', scopes: ['books'], grantTypes: ['client_credentials'] },
        ...{ resources: ['shelf'], redirectHosts: [], softwareStatement: 'optional' },
      },
    },
  })),
  issuers.map(issuer => ({ id: 'submitPolicies', body: { issuer, set: 'main', policies: {}, tests: {} } })),
  fc.nat(3).map(change => ({ id: 'confirmChange', body: {}, change })),
  fc.nat(3).map(change => ({ id: 'withdrawChange', change })),
  fc
    .tuple(fc.constantFrom(...adminOperations.filter(({ method }) => method === 'GET')), name, issuers)
    .map(([{ id, path, query }, of, issuer]) => ({
      id,
      ...(path.includes(':') && { name: of }),
      query: query !== undefined && issuer !== undefined ? { issuer } : {},
    })),
)

/** Words of documents that are not theirs. Of the issuer of the administrators the names of its users are such words. */
const strange = /southern|u_anna_00000|u_bela_00000|first-anna/

describe('administrators of one issuer', () => {
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  test('whatever administrators of one issuer do together, another issuer neither changes nor shows', async () => {
    let accepted = 0
    const plan = fc.array(fc.tuple(fc.constantFrom('nora', 'nils'), lines), { minLength: 1, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(plan, async steps => {
        const { send, store } = await openTenants()
        const before = await elsewhere(store)
        // A change that somebody else proposed waits there too.
        const line = { id: 'putSecurityProfile', name: 'short', query: { issuer: 'south' } }
        const body = at('south', documentFor('SecurityProfile', 'short', { ...specs.SecurityProfile }))
        assert.equal(ruleOf(await send('anna', { ...line, body })), '202')
        for (const [who, { change, ...told }] of steps) {
          const waiting = (await store.listDocuments()).filter(one => one.documentKind === 'PendingChange')
          const of = change === undefined ? told.name : waiting[change % waiting.length]?.name
          const done = await send(who, { ...told, name: of })
          if (done !== 'refused' && done.ok) accepted++
          const seen = `${who} ${JSON.stringify({ ...told, name: of })}`
          assert.deepEqual(await elsewhere(store), before, seen)
          assert.doesNotMatch(JSON.stringify(done), strange, seen)
        }
        const left = (await store.listDocuments()).filter(
          ({ documentKind, body: text }) =>
            documentKind === 'PendingChange' && /"proposedBy":"anna"/.test(text),
        )
        assert.equal(left.length, 1, 'what others proposed waits on')
      }),
      // Many plans: chance alone must not decide whether enough of what they ask is granted.
      { numRuns: 120 },
    )
    assert.ok(accepted > 50, String(accepted))
  })

  test('do at their own what they like, by two persons where that is asked', async () => {
    const { send, store } = await openTenants()
    const body = documentFor('SecurityProfile', 'short', specs.SecurityProfile)
    const waits = await send('nora', { id: 'putSecurityProfile', name: 'short', body })
    assert.equal(ruleOf(waits), '202', JSON.stringify(waits))
    const change = String(bodyOf(waits).name)
    assert.deepEqual(bodyOf(waits).issuers, ['north'])
    assert.equal(
      ruleOf(await send('nora', { id: 'confirmChange', name: change, body: {} })),
      'admin.own-change',
    )
    assert.equal(ruleOf(await send('nils', { id: 'confirmChange', name: change, body: {} })), '200')
    const read = await send('nora', { id: 'readScope', name: 'books' })
    assert.match(JSON.stringify(bodyOf(read)), /northern/)
    assert.match(JSON.stringify(bodyOf(await send('anna', { id: 'listDocuments' }))), /southern/)
    const stored = await store.listDocuments()
    const short = stored.find(one => one.documentKind === 'SecurityProfile' && one.issuer === north.url)
    assert.match(short?.body ?? '', /77/)
  })

  test('what they proposed is done at their own, also when who confirms reaches further', async () => {
    const { send, store } = await openTenants()
    const before = await elsewhere(store)
    const waits = await send('nora', { id: 'revokeTenant', body: { tenant: 'default' } })
    const confirmed = await send('anna', { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} })
    assert.deepEqual(bodyOf(confirmed).issuers, [north.url])
    assert.deepEqual(await elsewhere(store), before)
  })

  test('neither read nor confirm nor withdraw what was proposed for more than theirs', async () => {
    const { send } = await openTenants()
    const waits = await send('anna', { id: 'revokeTenant', body: { tenant: 'default', issuer: 'north' } })
    const name = String(bodyOf(waits).name)
    assert.equal(ruleOf(await send('nora', { id: 'readChange', name })), 'admin.change-unknown')
    for (const id of ['confirmChange', 'withdrawChange'])
      assert.equal(ruleOf(await send('nora', { id, name, body: {} })), 'admin.change-unknown', id)
    assert.deepEqual(bodyOf(await send('nora', { id: 'listChanges' })), { changes: [] })
  })

  test('read of the audit what is about theirs, and never the whole of it', async () => {
    const { send, store } = await openTenants()
    const record = { at: groundNow, event: 'x', outcome: 'accepted', requestId: 'r', facts: {} } as const
    for (const { url } of [north, south])
      await store.commit([{ kind: 'append-audit', record: { ...record, issuer: url } }])
    const { records } = bodyOf(await send('nora', { id: 'readAudit', query: { id: 'r' } }))
    assert.deepEqual(
      (records as { issuer: string }[]).map(({ issuer }) => issuer),
      [north.url],
    )
    assert.equal(ruleOf(await send('nora', { id: 'verifyAudit' })), 'admin.reach')
    assert.equal(ruleOf(await send('anna', { id: 'verifyAudit' })), '200')
  })

  test('read lists in pages that are cut of theirs alone, and begin nowhere else', async () => {
    const { send } = await openTenants()
    const policy = {
      ...{ profile: 'fapi2-security', scopes: ['books'], grantTypes: ['client_credentials'] },
      ...{ resources: ['shelf'], redirectHosts: [], softwareStatement: 'optional' },
    }
    for (const issuer of ['north', 'south', 'north', 'south', 'north']) {
      const token = { issuer, uses: 1, lifetimeSeconds: 600, note: issuer, policy }
      assert.equal(ruleOf(await send('anna', { id: 'createRegistrationToken', body: token })), '201')
    }
    const lists = [
      ['listRegistrationTokens', 'tokens'],
      ['listDocuments', 'documents'],
    ] as const
    for (const [id, member] of lists) {
      const pageOf = async (who: string, query: object) => {
        const body = bodyOf(await send(who, { id, query: query as Readonly<Record<string, unknown>> }))
        return { items: body[member] as readonly { readonly issuer: string }[], next: body.next }
      }
      const all = await pageOf('anna', { limit: 500 })
      const own = all.items.filter(({ issuer }) => issuer === north.url)
      assert.ok(own.length > 2 && own.length < all.items.length)
      const seen: unknown[] = []
      let next: unknown
      for (let page = 0; page < 50 && (page === 0 || next !== undefined); page++) {
        const more = await pageOf('nora', { limit: 2, ...(page > 0 && { after: next }) })
        const isLast = more.next === undefined
        assert.equal(more.items.length, isLast ? own.length - seen.length : 2)
        seen.push(...more.items)
        next = more.next
      }
      assert.deepEqual(seen, own)
      const { next: place } = await pageOf('nora', { limit: 1, issuer: 'north' })
      for (const url of [south.url, mainBinding.url, 'https://nowhere.example']) {
        const after = String(place).replace(north.url, url)
        assert.equal(ruleOf(await send('nora', { id, query: { after } })), 'admin.query', url)
      }
      for (const issuer of ['south', south.url, 'main', 'nowhere'])
        assert.equal(ruleOf(await send('nora', { id, query: { issuer } })), 'admin.issuer', issuer)
      const elsewhereAt = String(place).replace(north.url, south.url)
      const both = { issuer: 'north', after: elsewhereAt }
      assert.equal(ruleOf(await send('anna', { id, query: both })), 'admin.query')
      assert.equal(ruleOf(await send('anna', { id, query: { after: elsewhereAt } })), '200')
    }
    for (const id of ['listScopeGrants', 'listOnboardings']) {
      assert.equal(ruleOf(await send('nora', { id })), '200')
      assert.equal(ruleOf(await send('nora', { id, query: { issuer: 'south' } })), 'admin.issuer')
    }
  })

  test('nobody is limited to the issuer that protects the admin API', async () => {
    const { send } = await openTenants()
    const limitedToAll = at('main', rightsAt('carla', ['north', 'main']))
    const refused = await send('anna', {
      id: 'putAdministrator',
      name: 'carla',
      body: limitedToAll,
      query: { issuer: 'main' },
    })
    assert.match(JSON.stringify(refused), /is where administrators stand/)
  })
})

function rightsAt(user: string, names: readonly string[]): object {
  return documentFor('Administrator', user, { user, issuers: names, scopes: ['admin.audit:read'] })
}
