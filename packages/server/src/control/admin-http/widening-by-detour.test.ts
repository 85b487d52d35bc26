import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type AdminGround, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, clientFor, door, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { documentFor } from '../testing/admin-world.ts'

/** Attack: what takes two persons is done by one on a way round: rename, delete and make again, take a name, lock out. */

const strict = { profile: 'tier-3-sensitive-write' }
const bank = (more: object = {}) =>
  documentFor('ResourceServer', 'bank', { audience: 'https://bank.example', scopes: ['pay'], ...more })
const mandate = (resourceServer: string) =>
  documentFor('AuthorizationDetailsType', 'mandate', {
    ...{ resourceServer, title: 'Mandate', description: 'Collect.' },
    fields: [{ name: 'to', label: 'To', kind: 'text' }],
  })
const documents = [
  ...peopleDocuments,
  ...personFor('una', ['admin.users:write', 'admin.apis:write', 'admin.clients:write']),
  documentFor('Scope', 'pay', { title: 'Pay', description: 'Pay.' }),
  documentFor('Scope', 'old', { title: 'Old', description: 'Used by none, allowed by many.' }),
  bank(strict),
  documentFor('ResourceServer', 'shelf', { audience: 'https://shelf.example' }),
  mandate('bank'),
  clientFor('shop', { grant_types: ['client_credentials'], scope: 'pay' }, { resources: ['shelf'] }),
  documentFor('User', 'carl', { password: 'of-carl-00', claims: { name: 'Carl Carlson' } }),
]
const filesOf = (...set: readonly object[]) => ({
  files: set.map(one => ({ path: 'a', text: JSON.stringify(one) })),
})

describe('no way round a second person', () => {
  const opened: AdminGround[] = []
  const openGround = async (): Promise<AdminGround> => {
    const ground = await openAdminGround({ documents })
    opened.push(ground)
    return ground
  }
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  const detours: readonly (readonly [string, string, string, object | undefined, RegExp])[] = [
    [
      ...([
        'an API gets another audience, so that its old one is free for an API that asks less',
        'ResourceServer',
      ] as const),
      ...([
        'bank',
        bank({ ...strict, audience: 'https://elsewhere.example' }),
        /for whom its tokens are/,
      ] as const),
    ],
    [
      'a scope is deleted, to be made again with more in it',
      'Scope',
      'old',
      undefined,
      /allowed under its name/,
    ],
    [
      'a type of details goes to another API',
      'AuthorizationDetailsType',
      'mandate',
      mandate('shelf'),
      /whose it is/,
    ],
    [
      ...(['the only client by which persons come in is suspended', 'Client', 'admin-cli'] as const),
      ...([
        { ...door('admin-cli'), spec: { ...specOf(door('admin-cli')), status: 'suspended' } },
        /administrators come in/,
      ] as const),
    ],
  ]
  for (const [what, kind, name, body, why] of detours)
    test(what, async () => {
      const { send } = await openGround()
      const line = body === undefined ? { id: `delete${kind}`, name } : { id: `put${kind}`, name, body }
      const done = await send('anna', line)
      assert.equal(ruleOf(done), '202', JSON.stringify(done))
      assert.match(String(bodyOf(done).reasons), why)
    })

  test('a client by which persons come in is suspended at once while there is another one', async () => {
    const { send } = await openGround()
    const made = await send('anna', { id: 'putClient', name: 'other-cli', body: door('other-cli') })
    assert.equal(ruleOf(made), '202')
    const name = String(bodyOf(made).name)
    assert.equal(ruleOf(await send('bela', { id: 'confirmChange', name, body: {} })), '200')
    const suspended = (of: string) => ({ ...door(of), spec: { ...specOf(door(of)), status: 'suspended' } })
    const put = (of: string) => send('anna', { id: 'putClient', name: of, body: suspended(of) })
    assert.equal(ruleOf(await put('admin-cli')), '200')
    assert.equal(ruleOf(await put('other-cli')), '202')
  })

  test('users are not listed by pruning them, nor deleted', async () => {
    const { send } = await openGround()
    const one = documentFor('User', 'una', { status: 'active' })
    for (const dryRun of [true, false]) {
      const body = { ...filesOf(one), prune: true, dryRun }
      const done = await send('una', { id: 'applyDocuments', body })
      assert.equal(ruleOf(done), 'admin.users-pruned')
      assert.doesNotMatch(JSON.stringify(done), /carl/)
    }
  })

  test('who may write and not read is not told what stood there', async () => {
    const { send } = await openGround()
    const carl = documentFor('User', 'carl', { claims: { name: 'Other' } })
    for (const dryRun of [true, false]) {
      const apply = { id: 'applyDocuments', body: { ...filesOf(carl), dryRun } }
      if (dryRun) assert.match(JSON.stringify(bodyOf(await send('anna', apply))), /Carl Carlson/)
      const seen = JSON.stringify(bodyOf(await send('una', apply)))
      assert.match(seen, /"field":"spec.claims.name"/)
      assert.doesNotMatch(seen, /Carlson/)
    }
    const less = clientFor('shop', { grant_types: ['client_credentials'], scope: 'old' }, { resources: [] })
    const plan = { id: 'applyDocuments', body: { ...filesOf(less), dryRun: true } }
    const namesOf = async (who: string) =>
      (bodyOf(await send(who, plan)).narrowed as { name: string }[]).map(({ name }) => name)
    assert.deepEqual([await namesOf('anna'), await namesOf('una')], [['shop'], []])
    const moved = { ...filesOf(bank({ ...strict, audience: 'https://elsewhere.example' })) }
    const waits = await send('una', { id: 'applyDocuments', body: moved })
    assert.equal(ruleOf(waits), '202')
    assert.doesNotMatch(JSON.stringify(bodyOf(waits).changes), /"from"/)
    const shown = await send('bela', { id: 'readChange', name: String(bodyOf(waits).name) })
    assert.match(JSON.stringify(bodyOf(shown).changes), /"from":"\\"https:..bank.example/)
  })

  test('a change with more than a hundred reasons is confirmed like any other', async () => {
    const { send } = await openGround()
    const many = Array.from({ length: 150 }, (_, index) =>
      documentFor('SecurityProfile', `p${index}`, { base: 'fapi2-security', tighten: {} }),
    )
    const waits = await send('anna', { id: 'applyDocuments', body: filesOf(...many) })
    assert.equal((bodyOf(waits).reasons as unknown[]).length, 150)
    const confirmed = await send('bela', { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} })
    assert.equal(ruleOf(confirmed), '200', JSON.stringify(confirmed))
  })

  test('who confirms policies reads the whole name of the version that will decide', async () => {
    const { send } = await openGround()
    const policies = { 'all.cedar': 'permit (principal, action, resource);' }
    const { name } = bodyOf(
      await send('anna', { id: 'submitPolicies', body: { set: 'main', policies, tests: {} } }),
    )
    const change = (body: object) => send('anna', { id: 'changePolicies', body })
    const activate = bodyOf(await change({ step: 'activate', name: 'ma' }))
    assert.deepEqual(activate.reasons, [`which policies decide: ${name}`])
  })
})

function specOf(document: object): object {
  return (document as { readonly spec: object }).spec
}
