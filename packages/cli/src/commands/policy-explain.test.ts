import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { shippedPolicies, tokenSchema } from '@holdfast/policy'
import type { AdminApi, AuditList } from '@holdfast/server/control/admin-api.ts'
import { runWith } from '../testing/run.ts'

const run = (args: readonly string[], answers: Partial<AdminApi> = {}) =>
  runWith(['policy', 'explain', ...args], answers)

const reference = 'r'.repeat(22)
const record = {
  ...{ at: 1_800_000_000, issuer: 'https://as.example', event: 'policy.mint', outcome: 'refused' },
  ...{ requestId: reference, clientId: 'shop', chain: 'c', sequence: 1, previousHash: '', hash: '' },
  facts: {
    ...{ is_public: false, is_self_registered: false, auth_method: 'private_key_jwt', client_profile: 'p' },
    ...{ environment: 'production', tier: 'p', scopes: ['payments'], resources: [], details_types: [] },
    ...{ grant_type: 'client_credentials', has_user: false, amr: [], constraint: 'dpop', lifetime: 300 },
    ...{ policies: 'tokens.1', decision: 'deny' },
  },
} as unknown as AuditList['records'][number]
const other = { ...record, event: 'token.refused' }
const own = {
  'own.cedar': `@id("own.no") @step_up("urn:mfa") forbid (principal, action == Action::"mint", resource in Scope::"payments");
@id("own.other") forbid (principal == Client::"other", action, resource);`,
}

function answers(name: string, kind = 'PolicySet'): Partial<AdminApi> {
  const document = {
    kind,
    name,
    issuer: 'https://as.example',
    document: { spec: { policies: { ...shippedPolicies, ...own } } },
  }
  return {
    audit: async () => ({ ok: true, value: { records: [other, record] } }),
    documents: async () => ({ ok: true, value: { revision: 1, documents: [document] } }),
  }
}

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'hf-explain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

test('a recorded decision is explained by the version that made it', async () => {
  const { out, exitCode } = await run([reference], answers('tokens.1'))
  assert.equal(exitCode, 0, out)
  assert.match(out, /policy\.mint {2}shop {2}by tokens\.1\ndeny/)
  assert.match(out, /own\.no +forbid +decides +@step_up\("urn:mfa"\)/)
  assert.match(out, /shipped\.mint +permit +holds, and others decide/)
  assert.match(out, /own\.other +forbid +is about another principal/)
  assert.doesNotMatch(out, /recorded was/)
  const [asJson] = JSON.parse((await run([reference, '-o', 'json'], answers('tokens.1'))).out)
  assert.deepEqual([asJson.by, asJson.decision.determining], ['tokens.1', ['own.no']])
})

test('or by a draft, which says that it would be another', async t => {
  const folder = folderWith(t, { 'tokens.cedarschema': tokenSchema.text, ...shippedPolicies })
  const { out } = await run([reference, '--policies', folder], answers('tokens.1'))
  assert.match(out, /recorded was deny\npermit/)
  assert.match(out, /shipped\.mint +permit +decides/)
})

test('a version that is gone, a reference without decisions and a wrong draft are told', async t => {
  const gone = await run([reference], answers('tokens.2'))
  assert.equal(gone.exitCode, 1)
  assert.match(gone.err, /`tokens\.1` that decided is not there any more/)
  const nothing: Partial<AdminApi> = { audit: async () => ({ ok: true, value: { records: [other] } }) }
  const none = await run([reference], nothing)
  assert.equal(none.exitCode, 1)
  assert.match(none.err, /no decision of policies is recorded/)
  const folder = folderWith(t, { 'tokens.cedarschema': tokenSchema.text, 'p.cedar': 'permit (principal);' })
  assert.equal((await run([reference, '--policies', folder], answers('tokens.1'))).exitCode, 1)
  assert.equal((await run([])).exitCode, 2)
  assert.equal((await run([reference, '--question', 'x'])).exitCode, 2)
})

test('a question of your own is explained by a folder of policies', async t => {
  const uid = (type: string, id: string) => ({ type, id })
  const question = {
    entities: [
      { uid: uid('User', 'ada'), attrs: {}, parents: [] },
      { uid: uid('Case', '1'), attrs: {}, parents: [] },
    ],
    question: {
      principal: uid('User', 'ada'),
      action: uid('Action', 'read'),
      resource: uid('Case', '1'),
      context: {},
    },
  }
  const folder = folderWith(t, {
    's.cedarschema': 'entity User; entity Case; action read appliesTo { principal: User, resource: Case };',
    'p.cedar': '@id("one") permit (principal, action, resource);',
    'q.json': JSON.stringify(question),
    'bad.json': '{',
    'wrong.json': '{"question": {}}',
  })
  const file = (name: string): readonly string[] => ['--policies', folder, '--question', join(folder, name)]
  const { out, exitCode } = await run(file('q.json'))
  assert.equal(exitCode, 0)
  assert.match(out, /^permit .*\n +one +permit +decides/)
  assert.equal(JSON.parse((await run([...file('q.json'), '-o', 'json'])).out).policies.length, 1)
  assert.equal((await run(file('bad.json'))).exitCode, 3)
  assert.equal((await run(file('wrong.json'))).exitCode, 1)
})
