import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { apply } from './apply.ts'
import { changeScopeGrant, requestScopeGrant } from './scope-grants.ts'
import { applied, type ControlWorld, done, openControlWorld, stores } from './testing/control-world.ts'
import { binding, documentOf, fileOf, jwk } from './testing/documents.ts'
import { governedDocuments } from './testing/governed.ts'

/** Who may have less than before is announced in the commit that takes it: what is remembered of its tokens is asked again. */

const api = (scopes: string, more = ''): string =>
  documentOf('ResourceServer', 'ledger', `{audience: https://ledger.example, scopes: [${scopes}]${more}}`)
const words = ['read', 'write'].map(name =>
  documentOf('Scope', name, `{title: To ${name}, description: All of it.}`),
)
const caller = (name: string, scope: string, more = 'resources: [ledger]'): string =>
  documentOf(
    'Client',
    name,
    `{${more}, metadata: {grant_types: [client_credentials], scope: ${scope}, dpop_bound_access_tokens: true,
      jwks: {keys: [${jwk}]}}}`,
  )
const bank = documentOf('ResourceServer', 'bank', '{audience: https://bank.example, scopes: []}')
/** @param more of its first field */
const mandate = (more = '', words = 'title: Mandate, description: Once.', fields = ''): string =>
  documentOf(
    'AuthorizationDetailsType',
    'mandate',
    `{resourceServer: bank, ${words}, fields: [{name: to, label: To, kind: text, lengthMax: 20${more}}${fields}]}`,
  )
/** A client that may ask users for these types. */
const asking = (name: string, types: string): string =>
  documentOf(
    'Client',
    name,
    `{resources: [bank], metadata: {grant_types: [authorization_code], redirect_uris: ['https://${name}.example/cb'],
      scope: openid, authorization_details_types: [${types}], dpop_bound_access_tokens: true, jwks: {keys: [${jwk}]}}}`,
  )
const typed = [bank, mandate(), asking('payer', 'mandate'), asking('other', '')]
const detailed = (details: string): string => `resources: [bank], ownAuthorizationDetails: [${details}]`

const before = [api('read, write'), ...words, caller('a', 'read write'), caller('b', 'read')]

async function open(
  t: TestContext,
  documents: readonly string[] = before,
  on?: (typeof stores)[number]['open'],
) {
  const world = await openControlWorld(t, documents, on)
  return world
}

/** Clients that were announced, in order. */
async function announced({ ports: { store } }: ControlWorld): Promise<string[]> {
  const events = await store.listRevocations(0, 100)
  assert.ok(events.every(({ what, key }) => what === 'client' && key.startsWith(`${binding.url}\n`)))
  return events.map(({ key }) => key.slice(key.indexOf('\n') + 1))
}

async function narrowedBy(world: ControlWorld, ...documents: readonly string[]): Promise<string[]> {
  const { narrowed } = await done(applied(documents, world.ports))
  const names: string[] = narrowed.map(({ name }) => name)
  assert.deepEqual(await announced(world), names)
  return names
}

for (const { name, skip, open: on } of stores)
  describe(`clients that are narrowed on ${name}`, { skip }, () => {
    test('are announced in the same commit, and stand in its audit record', async t => {
      const world = await open(t, before, on)
      const { reference } = await done(applied([caller('a', 'read')], world.ports))
      assert.deepEqual(await announced(world), ['a'])
      const [record] = await world.ports.store.findAudit(reference ?? '', 10)
      assert.deepEqual([record?.facts.narrowedCount, record?.facts.narrowed], [1, ['a']])
    })

    test('are those whose type of details judges otherwise, and of a display text nobody is', async t => {
      const world = await open(t, typed, on)
      const tighter = await done(applied([mandate(', required: true')], world.ports))
      assert.deepEqual(await announced(world), ['payer'])
      const [record] = await world.ports.store.findAudit(tighter.reference ?? '', 10)
      assert.deepEqual([record?.facts.narrowedCount, record?.facts.narrowed], [1, ['payer']])
      const words = 'title: Direct debit, description: As often as it likes.'
      const worded = await done(applied([mandate(', required: true', words)], world.ports))
      assert.deepEqual([worded.narrowed, await announced(world)], [[], ['payer']])
    })

    test('are those of a grant of scopes that is revoked, once', async t => {
      const world = await open(t, governedDocuments, on)
      const request = {
        ...{ as: 'bob', client: 'batch', resourceServer: 'bank', scopes: ['accounts'] },
        ...{ authorizationDetailsTypes: [], purpose: 'nightly run', days: 30, reviewDays: 10 },
      }
      const { name: grant } = await done(requestScopeGrant(request, world.ports))
      const step = (as: string, of: 'approve' | 'activate' | 'revoke') =>
        done(changeScopeGrant({ step: of, name: grant, as }, world.ports))
      await step('alice', 'approve')
      await step('bob', 'activate')
      assert.deepEqual(await announced(world), [])
      const { reference } = await step('alice', 'revoke')
      assert.deepEqual(await announced(world), ['batch'])
      const [record] = await world.ports.store.findAudit(reference, 10)
      assert.deepEqual(record?.facts.narrowed, ['batch'])
    })
  })

describe('a client is narrowed', () => {
  test('when its API has a scope no longer: all that had it, and nobody else', async t => {
    assert.deepEqual(await narrowedBy(await open(t), api('read')), ['a'])
  })

  test('when its API becomes governed: what it had stands in no grant', async t => {
    const operations = documentOf(
      'ApiOperations',
      'ledger',
      `{owner: us, operations: [
        {id: r, method: GET, path: /, description: r, tier: 1, coveredBy: [{scopes: [read]}]},
        {id: w, method: POST, path: /, description: w, tier: 1, coveredBy: [{scopes: [write]}]}]}`,
    )
    const world = await open(t)
    assert.deepEqual(await narrowedBy(world, api('read, write', ', governed: true'), operations), ['a', 'b'])
  })

  test('when it may no longer reach an API whose scopes it keeps', async t => {
    const world = await open(t)
    assert.deepEqual(await narrowedBy(world, caller('b', 'read', 'resources: []')), ['b'])
  })

  test('when another API takes a scope that nobody had: at its own it says nothing any more', async t => {
    const other = documentOf(
      'ResourceServer',
      'other',
      "{audience: 'https://other.example', scopes: [write]}",
    )
    const world = await open(t, [api('read'), ...words, caller('a', 'read write'), caller('b', 'read')])
    assert.deepEqual(await narrowedBy(world, other), ['a'])
  })

  test('when a detail of its own is another one', async t => {
    const open100 = documentOf('ResourceServer', 'bank', '{audience: https://api.example, scopes: []}')
    const type = documentOf(
      'AuthorizationDetailsType',
      'mandate',
      '{resourceServer: bank, title: M, description: C., fields: [{name: to, label: To, kind: text}]}',
    )
    const own = (to: string): string =>
      documentOf(
        'Client',
        'c',
        `{${detailed(`{type: mandate, to: ${to}}`)}, metadata: {grant_types: [client_credentials], scope: openid,
          authorization_details_types: [mandate], dpop_bound_access_tokens: true, jwks: {keys: [${jwk}]}}}`,
      )
    const world = await open(t, [open100, type, own('us')])
    assert.deepEqual(await narrowedBy(world, own('them')), ['c'])
  })

  const tightened: readonly (readonly [how: string, type: string])[] = [
    ['has a shorter text', mandate().replace('20', '19')],
    ['asks for what could be left out', mandate(', required: true')],
    ['takes text of one format only', mandate(', format: iban')],
    ['has another name for its field', mandate().replace('name: to', 'name: payee')],
    ['lets what it has in its own name say less', mandate(', format: date, narrowing: at-most')],
    // Nobody loses by it, and nobody looks whether somebody does.
    ['has one more field', mandate('', undefined, ', {name: by, label: By, kind: boolean}')],
  ]
  for (const [how, type] of tightened)
    test(`when a type of details that it may ask for ${how}`, async t => {
      assert.deepEqual(await narrowedBy(await open(t, typed), type), ['payer'])
    })

  test('and not when a type of details reads otherwise, or stands on another profile', async t => {
    const world = await open(t, typed)
    for (const type of [
      mandate('', 'title: Direct debit, description: As often as it likes.'),
      mandate().replace('label: To', 'label: Payee'),
      mandate('', 'title: Mandate, description: Once., profile: fapi2-security'),
    ])
      assert.deepEqual(await narrowedBy(world, type), [])
  })

  test('when it is suspended', async t => {
    const world = await open(t)
    const { narrowed } = await done(
      applied([caller('b', 'read', 'status: suspended, resources: [ledger]')], world.ports),
    )
    assert.deepEqual(
      narrowed.map(({ name }) => name),
      ['b'],
    )
  })

  test('and not when it gets more, is named otherwise, is new, or nothing changes', async t => {
    const world = await open(t)
    assert.deepEqual(await narrowedBy(world, caller('b', 'read write')), [])
    assert.deepEqual(await narrowedBy(world, caller('c', 'read')), [])
    assert.deepEqual(await narrowedBy(world, api('read, write', ', displayName: Ledger')), [])
    assert.deepEqual(await narrowedBy(world, caller('c', 'read')), [])
  })

  test('and a plan says so before it is done', async t => {
    const world = await open(t)
    const files = [fileOf(caller('a', 'write'))]
    const planned = await done(apply({ files, dryRun: true, prune: false }, world.ports))
    assert.deepEqual(planned.narrowed, [{ issuer: binding.url, name: 'a' }])
    assert.deepEqual(await announced(world), [])
  })

  test('every one of them, where what was stored cannot be understood', async t => {
    const world = await open(t)
    const body = JSON.stringify({
      ...{ apiVersion: 'holdfast.dev/v1', kind: 'Client', metadata: { name: 'b' } },
      spec: { ...JSON.parse((await bodyOf(world, 'b')) ?? '{}').spec, resources: ['nowhere'] },
    })
    const document = { documentKind: 'Client', issuer: binding.url, name: 'b', body }
    await world.ports.store.commit([{ kind: 'put-document', document }])
    assert.deepEqual(await narrowedBy(world, caller('b', 'read write')), ['a', 'b'])
  })
})

async function bodyOf({ ports: { store } }: ControlWorld, client: string): Promise<string | undefined> {
  return (await store.listDocuments()).find(
    ({ documentKind, name }) => documentKind === 'Client' && name === client,
  )?.body
}
