import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Clock } from '../../ports.ts'
import { adminScopes } from '../admin-scopes.ts'
import { apply } from '../apply.ts'
import { storedDocuments } from '../documents.ts'
import { type AdminGround, mainBinding, movedClock, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, clientFor, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { audience, documentFor } from '../testing/admin-world.ts'
import { firstJwk, newJwk, shopForm } from '../testing/onboarded.ts'
import { isLastDoor, lastDoor } from './doors.ts'
import { changeLifetimeSeconds } from './propose.ts'

/**
 * Which clients count as a way in: as long as one is left beside it, one person suspends a client by which administrators
 * come in. What could not get a token for the admin API is none that is left, whatever its document says.
 */

const persons = ['cora', 'dora'].flatMap(name => personFor(name))
const daySeconds = 86_400
const main = 'admin-cli'
const other = 'other-cli'

/** What a client by which persons come in says; `status` beside it. */
const usual = {
  grant_types: ['authorization_code'],
  redirect_uris: ['https://other.example/cb'],
  scope: adminScopes.join(' '),
}
const otherWith = (metadata: object = {}, more: object = {}): object =>
  clientFor(other, { ...usual, ...metadata }, { resources: ['holdfast-admin'], ...more })

const placeOf = (document: object): string => {
  const { kind, metadata } = document as { kind: string; metadata: { name: string } }
  return `${kind}/${metadata.name}`
}

const opened: AdminGround[] = []
/** @param more beside the usual documents, or in the place of one */
async function openGround(more: readonly object[], clock?: Clock): Promise<AdminGround> {
  const places = new Set(more.map(placeOf))
  const kept = peopleDocuments.filter(document => !places.has(placeOf(document)))
  const documents = [...kept, ...persons, ...more]
  const ground = await openAdminGround({ documents, ...(clock && { clock }) })
  opened.push(ground)
  return ground
}

/** On the machine, where nobody is asked. */
async function applied({ desk }: AdminGround, ...documents: readonly object[]): Promise<void> {
  const files = documents.map(one => ({ path: 'a', text: JSON.stringify(one) }))
  const result = await apply({ files, dryRun: false, prune: false }, desk.options.ports)
  assert.ok(result.ok, JSON.stringify(result))
}

/** What becomes of it when one person suspends the client. */
async function suspending({ send, store }: AdminGround, name: string): Promise<string> {
  const found = (await store.listDocuments()).find(
    one => one.documentKind.endsWith('Client') && one.name === name,
  )
  assert.ok(found)
  const { spec, ...document } = JSON.parse(found.body)
  const text = JSON.stringify({ ...document, spec: { ...spec, status: 'suspended' } })
  return ruleOf(await send('anna', { id: 'applyDocuments', body: { files: [{ path: 'a', text }] } }))
}

/** The client is onboarded, for 200 days. */
async function onboard({ send }: AdminGround, client: string): Promise<void> {
  const { name: record } = bodyOf(
    await send('anna', { id: 'draftOnboarding', body: { form: { ...shopForm, client }, days: 200 } }),
  )
  const certification = { against: 'our own rules', evidence: 'file 7', days: 200 }
  const step = async (who: string, of: string, more: object = {}) =>
    bodyOf(await send(who, { id: 'changeOnboarding', body: { step: of, record, ...more } }))
  await step('anna', 'submit')
  bodyOf(await send('anna', { id: 'checkOnboarding', body: { record } }))
  for (const who of ['bela', 'cora']) await step(who, 'approve')
  await step('dora', 'certify', { certification })
  await step('anna', 'activate')
}

/** An admin API whose scopes only grants give. */
const governed: readonly object[] = [
  documentFor('ResourceServer', 'holdfast-admin', {
    ...{ audience, displayName: 'Administration', scopes: adminScopes },
    ...{ profile: 'tier-3-sensitive-write', governed: true },
  }),
  documentFor('ApiOperations', 'holdfast-admin', {
    owner: 'us',
    operations: adminScopes.map((scope, index) => ({
      ...{ id: `o${index}`, method: 'GET', path: `/${index}`, description: scope, tier: 2 },
      coveredBy: [{ scopes: [scope] }],
    })),
  }),
]

/** A grant of these scopes for so many days from now. @returns its name */
async function grant(
  { send }: AdminGround,
  client: string,
  days: number,
  scopes: readonly string[] = adminScopes,
): Promise<string> {
  const body = {
    ...{ client, resourceServer: 'holdfast-admin', scopes, authorizationDetailsTypes: [] },
    ...{ purpose: 'to administer', days, reviewDays: 100 },
  }
  const { name } = bodyOf(await send('anna', { id: 'requestScopeGrant', body }))
  for (const [who, step] of [
    ['bela', 'approve'],
    ['anna', 'activate'],
  ] as const)
    bodyOf(await send(who, { id: 'changeScopeGrant', body: { name, step } }))
  return String(name)
}

after(async () => {
  for (const ground of opened) await ground.close()
})

describe('a client that is left, by its documents', () => {
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const without = { redirect_uris: undefined, response_types: [] }
  const cases: readonly (readonly [how: string, client: object, rule: '200' | '202'])[] = [
    ['that any person may use', otherWith(), '200'],
    ['for another API only', otherWith({}, { resources: [] }), '202'],
    ['that is suspended', otherWith({}, { status: 'suspended' }), '202'],
    ['with one scope of the admin API', otherWith({ scope: 'openid admin.clients:write' }), '200'],
    ['with none of its scopes', otherWith({ scope: 'openid' }), '202'],
    ['for devices', otherWith({ ...without, grant_types: [device] }), '200'],
    ['that speaks for itself', otherWith({ ...without, grant_types: ['client_credentials'] }), '202'],
    [
      'that goes on from assertions of others',
      otherWith({ ...without, grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'] }),
      '202',
    ],
    ['whose keys are fetched', otherWith({ jwks: undefined, jwks_uri: 'https://other.example/keys' }), '200'],
  ]
  for (const [how, client, rule] of cases)
    test(`${how}: ${rule}`, async () => {
      assert.equal(await suspending(await openGround([client]), main), rule)
    })

  test('stands under profiles that the admin API takes tokens by', async () => {
    const weak = [
      documentFor('Issuer', 'main', { floor: 'oidc-baseline' }),
      documentFor('ResourceServer', 'holdfast-admin', { audience, scopes: adminScopes }),
    ]
    for (const [profile, rule] of [
      ['fapi2-security', '200'],
      ['oidc-baseline', '202'],
    ] as const)
      assert.equal(await suspending(await openGround([...weak, otherWith({}, { profile })]), main), rule)
  })

  test('is no door elsewhere: an issuer whose tokens the admin API does not take', async () => {
    const binding = { ...mainBinding, name: 'north', url: 'https://north.example' }
    const there = (document: object) => ({
      ...document,
      metadata: { ...(document as { metadata: object }).metadata, issuer: 'north' },
    })
    const here = [...peopleDocuments, ...persons].map(document => ({
      ...document,
      metadata: { ...(document as { metadata: object }).metadata, issuer: 'main' },
    }))
    const words = { title: 'Clients', description: 'To change them.' }
    const elsewhere = [
      documentFor('Scope', 'admin.clients:write', words),
      documentFor('ResourceServer', 'holdfast-admin', { audience, scopes: ['admin.clients:write'] }),
      otherWith({ scope: 'admin.clients:write' }),
    ].map(there)
    const ground = await openAdminGround({
      documents: [...here, ...elsewhere],
      issuers: [mainBinding, binding],
    })
    opened.push(ground)
    assert.equal(await suspending(ground, other), '200')
    assert.equal(await suspending(ground, main), '202')
  })
})

describe('a client that registered itself', () => {
  const policy = {
    ...{ profile: 'fapi2-security', scopes: adminScopes, grantTypes: ['authorization_code'] },
    ...{ resources: ['holdfast-admin'], redirectHosts: ['other.example'], softwareStatement: 'optional' },
  }
  const registered = (more: object = {}, metadata: object = {}): object =>
    documentFor('RegisteredClient', other, {
      ...{ policy, token: 't1', registeredAt: 1, ...more },
      metadata: {
        ...{ ...usual, ...metadata, client_name: other, token_endpoint_auth_method: 'private_key_jwt' },
        ...{ dpop_bound_access_tokens: true, jwks: { keys: [firstJwk] } },
      },
    })

  test('counts like any other, as what is left and as what is stopped', async () => {
    assert.equal(await suspending(await openGround([registered()]), main), '200')
    assert.equal(await suspending(await openGround([registered()]), other), '200')
    const alone = await openGround([registered()])
    assert.equal(await suspending(alone, main), '200')
    assert.equal(await suspending(alone, other), '202')
  })

  test('is not left when it is suspended, registered for none of the scopes, or may not reach the API', async () => {
    for (const client of [
      registered({ status: 'suspended' }),
      registered({}, { scope: 'openid' }),
      registered({ policy: { ...policy, resources: [] } }),
    ])
      assert.equal(await suspending(await openGround([client]), main), '202')
  })
})

describe('a client that is left, by what was approved of it', () => {
  const changes: readonly (readonly [how: string, client: object, rule: '200' | '202'])[] = [
    ['as it was approved', otherWith(), '200'],
    ['with other contacts', otherWith({ contacts: ['us@other.example'] }), '200'],
    ['under another name', otherWith({ client_name: 'Another' }), '202'],
    ['under another profile', otherWith({}, { profile: 'fapi2-message-signing' }), '202'],
    [
      'with one redirect URI more',
      otherWith({ redirect_uris: [...usual.redirect_uris, 'https://b.example/cb'] }),
      '200',
    ],
    ['with another redirect URI only', otherWith({ redirect_uris: ['https://b.example/cb'] }), '202'],
    ['with one key more', otherWith({ jwks: { keys: [firstJwk, newJwk('next')] } }), '200'],
    ['with another key only', otherWith({ jwks: { keys: [newJwk('next')] } }), '202'],
  ]
  for (const [how, client, rule] of changes)
    test(`${how}: ${rule}`, async () => {
      const ground = await openGround([otherWith()])
      await onboard(ground, other)
      await applied(ground, client)
      assert.equal(await suspending(ground, main), rule)
      if (rule === '202') assert.equal(await suspending(ground, other), '200')
    })
})

describe('a client that is left, by its grants of scopes', () => {
  const days = 30
  for (const [left, rule] of [
    [1, '200'],
    [0, '202'],
    [1 - changeLifetimeSeconds, '202'],
    [-changeLifetimeSeconds, '202'],
  ] as const)
    test(`that end ${left} s after a change waited: ${rule}`, async () => {
      const clock = movedClock()
      const ground = await openGround([...governed, otherWith()], clock)
      await grant(ground, main, 90)
      await grant(ground, other, days)
      clock.pass(days * daySeconds - changeLifetimeSeconds - left)
      assert.equal(await suspending(ground, main), rule)
    })

  test('of which one lasts: it is left as long as one scope is', async () => {
    const clock = movedClock()
    const ground = await openGround([...governed, otherWith()], clock)
    await grant(ground, main, 90)
    await grant(ground, other, days, ['admin.clients:write'])
    clock.pass(days * daySeconds - changeLifetimeSeconds - 1)
    assert.equal(await suspending(ground, main), '200')
  })

  test('that it never had', async () => {
    const ground = await openGround([...governed, otherWith()])
    await grant(ground, main, 90)
    assert.equal(await suspending(ground, main), '202')
    assert.equal(await suspending(ground, other), '200')
  })

  for (const [left, rule] of [
    [1, '202'],
    [0, '200'],
  ] as const)
    test(`the last one is one until its own end: ${rule} when ${left} s are left`, async () => {
      const clock = movedClock()
      const ground = await openGround(governed, clock)
      await grant(ground, main, days)
      clock.pass(days * daySeconds - left)
      assert.equal(await suspending(ground, main), rule)
    })
})

describe('the grant by which the last client has scopes of the admin API', () => {
  const days = 30
  const revoking = (ground: AdminGround, name: string) =>
    ground.send('anna', { id: 'changeScopeGrant', body: { step: 'revoke', name, reason: 'in a hurry' } })

  test('is revoked by two persons', async () => {
    const ground = await openGround([...governed, otherWith()])
    const name = await grant(ground, main, days)
    const waits = await revoking(ground, name)
    assert.equal(ruleOf(waits), '202', JSON.stringify(waits))
    assert.deepEqual(bodyOf(waits).reasons, [`Client/${main}: ${lastDoor}`])
    const confirm = { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} }
    assert.equal(ruleOf(await ground.send('anna', confirm)), 'admin.own-change')
    assert.equal(bodyOf(await ground.send('bela', confirm)).state, 'revoked')
  })

  test('is revoked by one while another client has some for longer than a change waits', async () => {
    for (const [left, rule] of [
      [1, '200'],
      [0, '202'],
    ] as const) {
      const clock = movedClock()
      const ground = await openGround([...governed, otherWith()], clock)
      const name = await grant(ground, main, 90)
      await grant(ground, other, days)
      clock.pass(days * daySeconds - changeLifetimeSeconds - left)
      assert.equal(ruleOf(await revoking(ground, name)), rule)
    }
  })

  test('is revoked by one when it lets nobody in: it has ended, waits, or is of a client that speaks for itself', async () => {
    const clock = movedClock()
    const ground = await openGround(governed, clock)
    await grant(ground, main, 90)
    assert.equal(ruleOf(await revoking(ground, await grant(ground, 'robot', days))), '200')
    const body = {
      ...{ client: main, resourceServer: 'holdfast-admin', scopes: ['admin.audit:read'] },
      ...{ authorizationDetailsTypes: [], purpose: 'to read', days, reviewDays: 10 },
    }
    const asked = bodyOf(await ground.send('anna', { id: 'requestScopeGrant', body }))
    assert.equal(ruleOf(await revoking(ground, String(asked.name))), '200')
  })
})

test('what does not compile lets in nobody to count on, and does not say that a client is no door', async () => {
  const { store, desk } = await openGround([otherWith()])
  const stored = storedDocuments(await store.listDocuments())
  assert.ok(stored.ok)
  const place = { audience, home: mainBinding, now: desk.options.ports.clock.now() }
  const sound = stored.value
  const changed = (names: readonly string[], spec: object): typeof sound =>
    sound.map(({ issuerUrl, document }) => {
      const isOne = document.kind === 'Client' && names.includes(document.name)
      const after = isOne ? { ...document, spec: { ...document.spec, ...spec } } : document
      return { issuerUrl, document: after as typeof document }
    })
  const broken = changed([other], { resources: ['holdfast-admin', 'nowhere'] })
  const closed = changed([main, other], { status: 'suspended' })
  const ask = (name: string, before: typeof sound, after: typeof sound): boolean =>
    isLastDoor(name, mainBinding.url, { ...place, before, after })
  assert.deepEqual([ask(main, sound, sound), ask(main, sound, broken)], [false, true])
  assert.deepEqual([ask('robot', sound, closed), ask('robot', broken, closed)], [false, true])
})
