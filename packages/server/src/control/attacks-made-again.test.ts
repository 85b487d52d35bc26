import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { consentKey } from '../data/consents/remembered.ts'
import { bothStores } from '../data/testing/both-stores.ts'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import {
  accessToken,
  approval,
  grant,
  newHash,
  rememberedConsent,
  session,
  sighting,
  standingClock,
  start,
} from '../store/contract/samples.ts'
import type { Store } from '../store/store.ts'
import { type ApplyInput, apply, type ControlPorts } from './apply.ts'
import { revokeAccess } from './revoke-access.ts'
import { accounts, alice, bank, binding, documentOf, fileOf, shop } from './testing/documents.ts'

/**
 * Somebody is deleted, and somebody else is made under the same name: a user with the subject of the one before, a client
 * with its id. Nothing that was given to the first is good for the second.
 */

const issuer = binding.url
const subject = 'u_alice-0001'
const withSubject = alice.replace('{password', `{subject: ${subject}, password`)
const bob = alice.replace('{name: alice}', '{name: bob}')
const till = documentOf(
  'Client',
  'till',
  '{resources: [bank], metadata: {redirect_uris: [https://till.example/cb], dpop_bound_access_tokens: true, scope: openid, jwks_uri: "https://till.example/jwks"}}',
)
const everything = [shop, bank, accounts, withSubject]

async function open(store: Store) {
  const entropy = openEntropy()
  const ports: ControlPorts = {
    ...{ store, clock: standingClock, entropy, passwords: openPasswords({ entropy }) },
    ...{ issuers: [binding], newReference: () => 'reference-1' },
  }
  const run = async (documents: readonly string[], more: Partial<ApplyInput> = {}): Promise<void> => {
    const result = await apply({ files: [fileOf(...documents)], dryRun: false, prune: false, ...more }, ports)
    assert.ok(result.ok, JSON.stringify(result))
  }
  await run(everything)
  const own = { issuer, clientId: 'shop', subject }
  const approved = approval()
  const records = {
    // Of a session that ended long ago, as one for use while the user is away.
    grant: { ...grant(), ...own, sid: newHash() },
    exchanged: { ...accessToken(), ...own, grantId: undefined },
    session: { ...session(), ...own },
    approval: { ...approved, issuer, content: { ...approved.content, clientId: 'shop', subject } },
    consent: { ...rememberedConsent(), ...own, key: consentKey(issuer, 'shop', subject) },
  }
  await store.commit([
    { kind: 'insert-grant', record: records.grant },
    { kind: 'insert-access-token', record: records.exchanged },
    { kind: 'insert-session', record: records.session },
    { kind: 'remember-consent', record: records.consent },
    ...[subject, 'shop'].map(
      owner =>
        ({ kind: 'remember-sighting', record: { ...sighting(owner, '1', 'device'), issuer } }) as const,
    ),
    { kind: 'ask-approval', record: records.approval, at: start, ofAskerMax: 20 },
    { kind: 'give-approval', record: records.approval, version: 0, approvedAt: start, at: start },
  ])
  const left = async (): Promise<readonly string[]> => {
    const [granted, token, signedIn, remembered, waiting, browsers, keys] = await Promise.all([
      store.findGrant(records.grant.id),
      store.findAccessToken(records.exchanged.hash),
      store.findSession(records.session.hash),
      store.findConsent(records.consent.key),
      store.findApproval(records.approval.key),
      store.listSightings(issuer, subject, start, 9),
      store.listSightings(issuer, 'shop', start, 9),
    ])
    return [
      ...(granted !== undefined && granted.revokedAt === undefined ? ['grant'] : []),
      ...(token !== undefined && token.revokedAt === undefined ? ['token'] : []),
      ...(signedIn !== undefined && signedIn.revokedAt === undefined ? ['session'] : []),
      ...(remembered === undefined ? [] : ['consent']),
      ...(waiting === undefined ? [] : ['approval']),
      ...(browsers.length === 0 ? [] : ['browser']),
      ...(keys.length === 0 ? [] : ['key']),
    ]
  }
  return { ports, run, left, records }
}

type Opened = Awaited<ReturnType<typeof open>>
const all = ['grant', 'token', 'session', 'consent', 'approval', 'browser', 'key']

/** What happens, and what may be left of it. */
const rows: readonly (readonly [
  what: string,
  act: (opened: Opened) => Promise<unknown>,
  left: readonly string[],
])[] = [
  [
    'a user is pruned, and made again with the subject',
    async ({ run }) => {
      await run([bob], { prune: true })
      await run([withSubject])
    },
    ['key'],
  ],
  // A session is the user's and no client's.
  [
    'a client is pruned, and made again with the id',
    async ({ run }) => {
      await run([till], { prune: true })
      await run([shop])
    },
    ['session', 'browser'],
  ],
  [
    'a client is deleted by name, and made again with the id',
    async ({ run }) => {
      await run([accounts], { deleted: [{ documentKind: 'Client', name: 'shop', issuer }] })
      await run([shop])
    },
    ['session', 'browser'],
  ],
  ['the same documents are applied again', ({ run }) => run(everything, { prune: true }), all],
  ['a dry run says what it would delete', ({ run }) => run([bob, till], { prune: true, dryRun: true }), all],
  [
    'the password of the user is another one',
    ({ run }) => run([withSubject.replace('battery', 'staple')]),
    ['grant', 'token', 'approval', 'browser', 'key'],
  ],
  [
    'the operator ends the one grant',
    async ({ ports, records }) => {
      assert.ok((await revokeAccess({ of: 'grant', name: records.grant.id }, ports)).ok)
    },
    ['token', 'session', 'approval', 'browser', 'key'],
  ],
]

for (const { name, skip, open: openStore } of bothStores)
  describe(`what is left of somebody who was deleted, on ${name}`, { skip }, () => {
    for (const [what, act, left] of rows)
      test(`${what}: ${left.join(', ') || 'nothing'}`, async () => {
        await using opened = await openStore()
        const world = await open(opened.store)
        assert.deepEqual(await world.left(), all)
        await act(world)
        assert.deepEqual(await world.left(), left)
      })
  })
