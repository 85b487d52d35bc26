import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import { adminScopes } from '../admin-scopes.ts'
import { type AdminGround, mainBinding, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { documentFor } from '../testing/admin-world.ts'

/**
 * Two administrators of `north` agree on a document of `north` that reaches further: into a database that has rows of
 * `south`, or into the tenant of `south`.
 */

const connections = [
  { name: 'everybodys', kind: 'postgres' },
  { name: 'shared', kind: 'postgres', issuers: ['north', 'south'] },
  { name: 'northern', kind: 'postgres', issuers: ['north'] },
] as const

const bindingOf = (name: string): IssuerBinding => ({
  ...mainBinding,
  ...{ name, url: `https://${name}.example`, mtlsUrl: `https://m.${name}.example` },
  connections: connections.filter(one => !('issuers' in one) || one.issuers.some(served => served === name)),
})

const at = (issuer: string, document: object): object => {
  const { metadata, ...rest } = document as { readonly metadata: object }
  return { ...rest, metadata: { ...metadata, issuer } }
}

const sourceFor = (connection: string): object =>
  documentFor('AttributeSource', 'people', {
    ...{ source: 'sql', keyedBy: 'subject', connection },
    query: 'select secret from everybody where $1 is not null limit 1',
    attributes: { secret: { type: 'string', column: 'secret' } },
  })

const issuerOf = (name: string, tenant: string, more: object = {}): object =>
  documentFor('Issuer', name, { tenant, ...more })

const documents: readonly object[] = [
  ...peopleDocuments.map(document => at('main', document)),
  ...['nora', 'nils'].flatMap(name => personFor(name, adminScopes, { issuers: ['north'] })),
  ...['wilma', 'walter'].flatMap(name => personFor(name, adminScopes, { issuers: ['north', 'south'] })),
].map(document => at('main', document))

const opened: AdminGround[] = []
async function openTenants(more: readonly object[] = []): Promise<AdminGround> {
  const issuers = [mainBinding, bindingOf('north'), bindingOf('south')]
  const ground = await openAdminGround({ documents: [...documents, ...more], issuers })
  opened.push(ground)
  return ground
}

type Pair = readonly [proposes: string, confirms: string]
const northern: Pair = ['nora', 'nils']
const wide: Pair = ['wilma', 'walter']
const whole: Pair = ['anna', 'bela']

/** Proposes it, and has another person confirm it. @returns what came of it */
async function done(
  { send }: AdminGround,
  [one, other]: Pair,
  id: string,
  name: string,
  document?: object,
): Promise<string> {
  const body = document === undefined ? {} : { body: at('north', document) }
  const issuer = id.endsWith('Issuer') ? 'north' : undefined
  const plain = issuer === undefined ? body : document === undefined ? {} : { body: document }
  const waits = await send(one, { id, name, query: { issuer: 'north' }, ...plain })
  if (ruleOf(waits) !== '202') return ruleOf(waits)
  return ruleOf(await send(other, { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} }))
}

describe('a document of one issuer reaches no further than who writes it', () => {
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  const sources: readonly (readonly [connection: string, who: Pair, outcome: string])[] = [
    ['northern', northern, '200'],
    ['shared', northern, 'admin.reach'],
    ['shared', wide, '200'],
    ['everybodys', northern, 'admin.reach'],
    ['everybodys', wide, 'admin.reach'],
    ['everybodys', whole, '200'],
  ]
  for (const [connection, who, outcome] of sources)
    test(`an attribute source with the connection ${connection}, by ${who[0]}: ${outcome}`, async () => {
      const ground = await openTenants()
      assert.equal(await done(ground, who, 'putAttributeSource', 'people', sourceFor(connection)), outcome)
      const stored = await ground.store.listDocuments()
      assert.equal(
        stored.some(one => one.documentKind === 'AttributeSource'),
        outcome === '200',
      )
    })

  test('a source that others wrote is not changed, and may be taken away', async () => {
    const ground = await openTenants([at('north', sourceFor('everybodys'))])
    const other = { ...sourceFor('everybodys') } as { spec: object }
    const spec = { ...other.spec, query: 'select name as secret from everybody where id = $1' }
    const changed = { ...other, spec }
    assert.equal(await done(ground, northern, 'putAttributeSource', 'people', changed), 'admin.reach')
    const scope = documentFor('Scope', 'books', { title: 'Books', description: 'Books' })
    assert.equal(await done(ground, northern, 'putScope', 'books', scope), '201')
    assert.equal(await done(ground, northern, 'deleteAttributeSource', 'people'), '200')
  })

  const tenants: readonly (readonly [string, Pair, object | undefined, string])[] = [
    ['another tenant', northern, issuerOf('north', 'southern'), 'admin.reach'],
    ['another tenant of which all issuers are within reach', wide, issuerOf('north', 's'), 'admin.reach'],
    ['another tenant, by who reaches all', whole, issuerOf('north', 'southern'), '200'],
    ['no document, and so the tenant of those without', northern, undefined, 'admin.reach'],
    [
      'the same tenant',
      northern,
      issuerOf('north', 'northern', { registration: 'initial-access-token' }),
      '200',
    ],
  ]
  for (const [name, who, document, outcome] of tenants)
    test(`an issuer that gets ${name}: ${outcome}`, async () => {
      const ground = await openTenants([issuerOf('north', 'northern')])
      const id = document === undefined ? 'deleteIssuer' : 'putIssuer'
      assert.equal(await done(ground, who, id, 'north', document), outcome)
    })

  test('an issuer without a document gets one that leaves its tenant as it is', async () => {
    for (const [tenant, outcome] of [
      ['default', '200'],
      ['southern', 'admin.reach'],
    ] as const)
      assert.equal(
        await done(await openTenants(), northern, 'putIssuer', 'north', issuerOf('north', tenant)),
        outcome,
      )
  })

  test('a set with one such document is refused whole', async () => {
    const { send } = await openTenants()
    const files = [documentFor('Scope', 'books', { title: 'B', description: 'B' }), sourceFor('shared')].map(
      one => ({ path: 'a', text: JSON.stringify(at('north', one)) }),
    )
    assert.equal(ruleOf(await send('nora', { id: 'applyDocuments', body: { files } })), 'admin.reach')
    assert.deepEqual(bodyOf(await send('anna', { id: 'listChanges' })), { changes: [] })
  })

  test('what waits is judged again, by the reach of who proposed it and not of who confirms', async () => {
    const { send, store } = await openTenants()
    const body = at('north', sourceFor('northern'))
    const waits = await send('nora', {
      id: 'putAttributeSource',
      name: 'people',
      query: { issuer: 'north' },
      body,
    })
    const name = String(bodyOf(waits).name)
    const [northernNow] = [{ name: 'northern', kind: 'postgres', issuers: ['north', 'south'] }] as const
    const issuers = [mainBinding, { ...bindingOf('north'), connections: [northernNow] }, bindingOf('south')]
    const later = await openAdminGround({ documents, issuers, store })
    for (const who of ['nils', 'wilma', 'anna'])
      assert.equal(ruleOf(await later.send(who, { id: 'confirmChange', name, body: {} })), 'admin.reach', who)
    assert.equal(ruleOf(await send('anna', { id: 'confirmChange', name, body: {} })), '200')
  })
})
