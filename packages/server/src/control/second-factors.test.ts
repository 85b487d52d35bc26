import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { epochSeconds, type HandleHash, secondsAfter } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import type { Clock } from '../ports.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { SessionRecord } from '../store/records.ts'
import { apply, type ControlPorts } from './apply.ts'
import { listSecondFactors, resetSecondFactors } from './second-factors.ts'
import { accounts, bank, binding, documentOf, fileOf, shop, shopMetadata } from './testing/documents.ts'

const now = epochSeconds(1_700_000_000)
const clock: Clock = { now: () => now, monotonicMs: () => 0 }
const issuer = binding.url
const told = documentOf(
  'Client',
  'told',
  `{resources: [bank], metadata: ${shopMetadata.replace('{', "{backchannel_logout_uri: 'https://shop.example/out', ")}}`,
)
const user = (spec: string): string => documentOf('User', 'alice', spec)

async function opened(t: TestContext): Promise<ControlPorts> {
  const entropy = openEntropy()
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  let count = 0
  const passwords = openPasswords({ entropy })
  const ports = {
    ...{ store, clock, entropy, passwords, issuers: [binding] },
    newReference: () => `reference-${++count}`,
  }
  const all = [shop, told, bank, accounts, user('{password: correct horse battery, subject: u_alice12345}')]
  const applied = await apply({ files: [fileOf(...all)], dryRun: false, prune: false }, ports)
  assert.ok(applied.ok, JSON.stringify(applied))
  return ports
}

const session: SessionRecord = {
  hash: 'session-1' as HandleHash,
  issuer,
  sid: 'sid-1',
  subject: 'u_alice12345',
  authTime: now,
  acr: 'urn:holdfast:acr:pwd',
  amr: ['pwd'],
  issuedAt: now,
  idleExpiresAt: secondsAfter(now, 1800),
  expiresAt: secondsAfter(now, 3600),
}

async function signIn({ store }: ControlPorts): Promise<void> {
  const participant = { sid: session.sid, expiresAt: secondsAfter(now, 3600) }
  await store.commit([
    { kind: 'insert-session', record: session },
    { kind: 'join-session', record: { ...participant, clientId: 'told' } },
    { kind: 'join-session', record: { ...participant, clientId: 'shop' } },
    {
      kind: 'insert-authenticator',
      record: {
        ...{ kind: 'passkey', id: 'passkey-1' as HandleHash, issuer, subject: session.subject },
        ...{ credentialId: 'Y3JlZA', publicKey: 'a2V5', transports: [], name: 'Phone', createdAt: now },
      },
      counter: 0,
      ofUserMax: 11,
    },
  ])
}

const isLive = async ({ store }: ControlPorts): Promise<boolean> =>
  (await store.findSession(session.hash))?.revokedAt === undefined
const notices = async ({ store }: ControlPorts): Promise<readonly string[]> =>
  (await store.listDueLogoutNotices(issuer, now, 9)).map(({ clientId }) => clientId)

describe('second factors, for support', () => {
  test('lists what a user has, resets it with every session, and tells who took part', async t => {
    const ports = await opened(t)
    await signIn(ports)
    const listed = await listSecondFactors({ username: 'alice' }, ports)
    assert.ok(listed.ok)
    assert.deepEqual(listed.value.secondFactors, [{ kind: 'passkey', name: 'Phone', createdAt: now }])
    assert.ok(!JSON.stringify(listed).includes('a2V5'))
    const reset = await resetSecondFactors({ username: 'alice', issuer: binding.name }, ports)
    assert.ok(reset.ok)
    assert.deepEqual([reset.value.removed.length, reset.value.sessions], [1, 1])
    assert.equal(await isLive(ports), false)
    assert.deepEqual(await notices(ports), ['told'])
    const [record] = await ports.store.findAudit(reset.value.reference, 9)
    assert.deepEqual([record?.event, record?.subject], ['authenticator.reset', session.subject])
    assert.deepEqual(record?.facts.ended_sids, ['sid-1'])
    const again = await resetSecondFactors({ username: 'alice' }, ports)
    assert.ok(!again.ok)
    assert.deepEqual(await listSecondFactors({ username: 'alice' }, ports), {
      ok: true,
      value: { username: 'alice', issuer, secondFactors: [] },
    })
  })

  test('an unknown user or issuer is said to be unknown', async t => {
    const ports = await opened(t)
    for (const query of [{ username: 'nobody' }, { username: 'alice', issuer: 'other' }])
      assert.match(JSON.stringify(await listSecondFactors(query, ports)), /there is no such user/)
  })

  for (const [name, spec, ends] of [
    ['a new password', '{password: another horse battery}', true],
    ['a user who is disabled', '{status: disabled}', true],
    ['the same password', '{password: correct horse battery, claims: {name: Al}}', false],
    ['other claims', '{claims: {name: Al}}', false],
  ] as const)
    test(`${name} ${ends ? 'ends' : 'leaves'} the sessions of the user, and leaves the passkeys`, async t => {
      const ports = await opened(t)
      await signIn(ports)
      const applied = await apply({ files: [fileOf(user(spec))], dryRun: false, prune: false }, ports)
      assert.ok(applied.ok, JSON.stringify(applied))
      assert.equal(await isLive(ports), !ends)
      assert.deepEqual(await notices(ports), ends ? ['told'] : [])
      const ended = (await ports.store.findAudit(applied.value.reference ?? '', 9)).filter(
        ({ event }) => event === 'sessions.ended',
      )
      assert.deepEqual(
        ended.map(({ subject, facts }) => [subject, facts.ended_sids]),
        ends ? [[session.subject, ['sid-1']]] : [],
      )
      assert.equal((await ports.store.listAuthenticators(issuer, session.subject)).length, 1)
    })

  test('a deleted user takes passkeys and sessions along', async t => {
    const ports = await opened(t)
    await signIn(ports)
    const other = documentOf('User', 'bob', '{password: correct horse battery}')
    const applied = await apply({ files: [fileOf(other)], dryRun: false, prune: true }, ports)
    assert.ok(applied.ok)
    assert.equal(await isLive(ports), false)
    assert.deepEqual(await ports.store.listAuthenticators(issuer, session.subject), [])
  })

  test('a level nobody defined, twice defined or without a first factor does not compile', async t => {
    const ports = await opened(t)
    for (const [document, message] of [
      [documentOf('Scope', 'x', '{title: X, description: X., acr: urn:no}'), /urn:no/],
      [documentOf('ResourceServer', 'y', '{audience: https://y.example, acr: urn:no}'), /urn:no/],
      [
        documentOf(
          'Issuer',
          'main',
          '{authenticationLevels: [{acr: a, anyOf: [[pwd]]}, {acr: a, anyOf: [[passkey]]}]}',
        ),
        /stands twice/,
      ],
      [
        documentOf('Issuer', 'main', '{authenticationLevels: [{acr: a, anyOf: [[otp]]}]}'),
        /needs `pwd` or `passkey`/,
      ],
      [documentOf('Scope', 'x', '{title: X, description: X., maxAuthenticationAgeSeconds: 299}'), /300/],
      [documentOf('Scope', 'x', "{title: X, description: X., acr: 'a b'}"), /printable/],
    ] as const)
      assert.match(
        JSON.stringify(await apply({ files: [fileOf(document)], dryRun: true, prune: false }, ports)),
        message,
      )
    const good = [
      documentOf(
        'Issuer',
        'main',
        '{authenticationLevels: [{acr: a, anyOf: [[pwd]]}, {acr: b, anyOf: [[passkey]]}]}',
      ),
      documentOf('Scope', 'x', '{title: X, description: X., acr: b, maxAuthenticationAgeSeconds: 300}'),
    ]
    assert.ok((await apply({ files: [fileOf(...good)], dryRun: false, prune: false }, ports)).ok)
  })
})
