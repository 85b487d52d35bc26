import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type EpochSeconds, profiles } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { softwareCustody } from '../keys/custody/software.ts'
import { openPasswords } from '../passwords.ts'
import { compileSnapshot } from '../snapshot/compile.ts'
import type { Client } from '../snapshot/snapshot.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import { apply, type ControlPorts } from './apply.ts'
import { revokeSecret, rotateSecret } from './client-secrets.ts'
import { storedDocuments } from './documents.ts'
import { binding, documentOf, fileOf, shop } from './testing/documents.ts'

const start = 1_700_000_000
const day = 86_400
const issuer = documentOf('Issuer', 'main', '{floor: oidc-baseline}')
const metadata = `{redirect_uris: ['https://plain.example/cb'], token_endpoint_auth_method: client_secret_basic}`
const plain = documentOf('Client', 'plain', `{profile: oidc-baseline, metadata: ${metadata}}`)

async function portsOf(t: TestContext) {
  const time = { now: start }
  const clock = { now: () => time.now as EpochSeconds, monotonicMs: () => 0 }
  const entropy = openEntropy()
  const store = await openSqliteStore({ path: ':memory:', clock })
  const passwords = openPasswords({ entropy })
  t.after(() => store.close())
  let count = 0
  const ports: ControlPorts = {
    ...{ store, clock, entropy, passwords },
    issuers: [binding],
    newReference: () => `reference-${++count}`,
  }
  const bank = documentOf('ResourceServer', 'bank', '{audience: https://api.example, scopes: [accounts]}')
  const accounts = documentOf('Scope', 'accounts', '{title: See accounts, description: Read all.}')
  const files = [fileOf(issuer, plain, shop, bank, accounts)]
  const applied = await apply({ files, dryRun: false, prune: false }, ports)
  assert.ok(applied.ok, JSON.stringify(applied))
  return { ports, store, time }
}

async function rotated(ports: ControlPorts, overlapSeconds = day, lifetimeSeconds?: number) {
  const answer = await rotateSecret({ clientId: 'plain', overlapSeconds, lifetimeSeconds }, ports, undefined)
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.value
}

const custody = softwareCustody(Buffer.alloc(32, 9), openEntropy())
const placed = (place: string) =>
  ({ issuer: binding.url, id: `client-secret ${place}`, use: 'secret', alg: 'none' }) as const

/** The part of a running server that seals. */
const custodian = {
  seal: (_issuer: string, _purpose: string, place: string, clear: Buffer) =>
    custody.seal(placed(place), clear),
}

function opened(sealed: Buffer, place: string): string {
  return custody.open(placed(place), sealed).toString('utf8')
}

async function applyPlain(ports: ControlPorts, method: string): Promise<void> {
  const own = metadata.replace('client_secret_basic', method)
  const document = documentOf('Client', 'plain', `{profile: oidc-baseline, metadata: ${own}}`)
  assert.ok((await apply({ files: [fileOf(document)], dryRun: false, prune: false }, ports)).ok)
}

/** The client as a node would serve it now. */
async function served({ store }: ControlPorts): Promise<Client> {
  const documents = storedDocuments(await store.listDocuments())
  assert.ok(documents.ok)
  const compiled = compileSnapshot({ revision: 1, issuers: [binding], documents: documents.value })
  assert.ok(compiled.ok, JSON.stringify(compiled))
  const client = compiled.value.issuers.get(binding.url)?.clients.get('plain')
  assert.ok(client !== undefined)
  return client
}

describe('secrets of clients', () => {
  test('a rotation makes a secret of 256 random bits and keeps only its MAC', async t => {
    const { ports, store } = await portsOf(t)
    const { secret, secretId, expiresAt, previousUntil, reference } = await rotated(ports)
    assert.match(secret, /^cs_[A-Za-z0-9_-]{43}$/)
    assert.equal(expiresAt, 0)
    assert.equal(previousUntil, undefined)
    const [kept] = (await served(ports)).secrets
    assert.equal(kept?.id, secretId)
    assert.equal(kept?.mac.length, 32)
    const everything = JSON.stringify([await store.listDocuments(), await store.findAudit(reference, 10)])
    assert.ok(!everything.includes(secret.slice(3)))
    assert.equal((await store.findAudit(reference, 10))[0]?.event, 'client.secret.rotated')
  })

  test('after a rotation both secrets work until the overlap ends, then only the new one', async t => {
    const { ports, time } = await portsOf(t)
    const first = await rotated(ports)
    time.now += 100
    const second = await rotated(ports, 3600)
    assert.equal(second.previousUntil, start + 100 + 3600)
    const { secrets } = await served(ports)
    assert.deepEqual(
      secrets.map(({ id, expiresAt }) => [id, expiresAt]),
      [
        [second.secretId, undefined],
        [first.secretId, start + 100 + 3600],
      ],
    )
  })

  test('never more than two work: a third rotation drops the oldest, and an overlap only shortens', async t => {
    const { ports, time } = await portsOf(t)
    await rotated(ports)
    const second = await rotated(ports, day, 600)
    assert.equal(second.expiresAt, start + 600)
    time.now += 1
    const third = await rotated(ports, day)
    assert.equal(third.previousUntil, start + 600)
    assert.deepEqual(
      (await served(ports)).secrets.map(({ id }) => id),
      [third.secretId, second.secretId],
    )
  })

  test('without overlap, or with an expired predecessor, only the new secret is left', async t => {
    const { ports, time } = await portsOf(t)
    await rotated(ports)
    const second = await rotated(ports, 0, 60)
    assert.deepEqual(
      (await served(ports)).secrets.map(({ id }) => id),
      [second.secretId],
    )
    time.now += 60
    assert.equal((await rotated(ports)).previousUntil, undefined)
  })

  test('a revoked secret is gone from the next revision', async t => {
    const { ports, store } = await portsOf(t)
    const first = await rotated(ports)
    const second = await rotated(ports)
    const one = await revokeSecret({ clientId: 'plain', secretId: first.secretId }, ports)
    assert.ok(one.ok)
    assert.equal(one.value.revision, second.revision + 1)
    assert.deepEqual(
      (await served(ports)).secrets.map(({ id }) => id),
      [second.secretId],
    )
    assert.ok((await revokeSecret({ clientId: 'plain' }, ports)).ok)
    assert.deepEqual((await served(ports)).secrets, [])
    const record = (await store.findAudit(one.value.reference, 10))[0]
    assert.equal(record?.event, 'client.secret.revoked')
    assert.deepEqual(record?.facts.secret_ids, [first.secretId])
  })

  test('applying the client again leaves its secrets alone; deleting it is refused until they are revoked', async t => {
    const { ports } = await portsOf(t)
    const { secretId } = await rotated(ports)
    const change = documentOf(
      'Client',
      'plain',
      `{profile: oidc-baseline, status: suspended, metadata: ${metadata}}`,
    )
    assert.ok((await apply({ files: [fileOf(change)], dryRun: false, prune: false }, ports)).ok)
    assert.equal((await served(ports)).secrets[0]?.id, secretId)
    const pruned = await apply({ files: [fileOf(shop)], dryRun: false, prune: true }, ports)
    assert.ok(!pruned.ok)
    assert.match(pruned.problems[0]?.message ?? '', /clients secret revoke plain/)
  })

  test('a secret that signs has 512 random bits and is sealed for its client and id', async t => {
    const { ports, store } = await portsOf(t)
    await applyPlain(ports, 'client_secret_jwt')
    const answer = await rotateSecret({ clientId: 'plain', overlapSeconds: day }, ports, custodian)
    assert.ok(answer.ok, JSON.stringify(answer))
    const { secret, secretId } = answer.value
    assert.match(secret, /^cs_[A-Za-z0-9_-]{86}$/)
    const [kept] = (await served(ports)).secrets
    assert.ok(kept?.sealed)
    assert.equal(opened(kept.sealed, `plain ${secretId}`), secret)
    for (const place of [`shop ${secretId}`, 'plain other', 'plain'])
      assert.throws(() => opened(kept.sealed as Buffer, place), { code: 'keys.sealed' })
    const everything = JSON.stringify([
      await store.listDocuments(),
      await store.findAudit(answer.value.reference, 10),
    ])
    assert.ok(!everything.includes(secret.slice(3)))
  })

  test('both secrets that sign work until the overlap ends', async t => {
    const { ports, time } = await portsOf(t)
    await applyPlain(ports, 'client_secret_jwt')
    const rotate = () => rotateSecret({ clientId: 'plain', overlapSeconds: 3600 }, ports, custodian)
    const first = await rotate()
    time.now += 100
    const second = await rotate()
    assert.ok(first.ok && second.ok)
    const { secrets } = await served(ports)
    assert.deepEqual(
      secrets.map(({ id, sealed, expiresAt }) => [sealed && opened(sealed, `plain ${id}`), expiresAt]),
      [
        [second.value.secret, undefined],
        [first.value.secret, start + 3700],
      ],
    )
  })

  test('without a server nobody seals, and a secret that need not be read is sealed by nobody', async t => {
    const { ports } = await portsOf(t)
    await rotateSecret({ clientId: 'plain', overlapSeconds: day }, ports, custodian)
    assert.equal((await served(ports)).secrets[0]?.sealed, undefined)
    await applyPlain(ports, 'client_secret_jwt')
    const answer = await rotateSecret({ clientId: 'plain', overlapSeconds: day }, ports, undefined)
    assert.match(answer.ok ? '' : (answer.problems[0]?.message ?? ''), /no server runs here/)
  })

  test('a client that signs no longer keeps nothing that could be read, from its next rotation on', async t => {
    const { ports } = await portsOf(t)
    await applyPlain(ports, 'client_secret_jwt')
    assert.ok((await rotateSecret({ clientId: 'plain', overlapSeconds: day }, ports, custodian)).ok)
    await applyPlain(ports, 'client_secret_basic')
    assert.ok((await rotateSecret({ clientId: 'plain', overlapSeconds: day }, ports, custodian)).ok)
    const { secrets } = await served(ports)
    assert.deepEqual(
      secrets.map(({ sealed }) => sealed),
      [undefined, undefined],
    )
  })

  test('the plan of an applied secret shows no MAC', async t => {
    const { ports } = await portsOf(t)
    const mac = `hmac-sha256:${'s'.repeat(22)}:${'m'.repeat(43)}`
    const document = documentOf(
      'ClientSecret',
      'plain',
      `{secrets: [{id: a, mac: '${mac}', sealed: '${'z'.repeat(80)}', createdAt: 1}]}`,
    )
    const plan = await apply({ files: [fileOf(document)], dryRun: true, prune: false }, ports)
    assert.ok(plan.ok)
    assert.doesNotMatch(JSON.stringify(plan), /mmmm|zzzz/)
  })

  test('unknown clients, clients with keys and unknown secrets are told apart to the operator', async t => {
    const { ports } = await portsOf(t)
    const wrong = [
      [await rotateSecret({ clientId: 'nobody', overlapSeconds: 0 }, ports, undefined), /no such client/],
      [
        await rotateSecret({ clientId: 'shop', overlapSeconds: 0 }, ports, undefined),
        /`private_key_jwt` has no secret/,
      ],
      [
        await rotateSecret({ clientId: 'plain', issuer: 'other', overlapSeconds: 0 }, ports, undefined),
        /no such client/,
      ],
      [await revokeSecret({ clientId: 'plain' }, ports), /has no secret/],
    ] as const
    for (const [answer, message] of wrong)
      assert.match(answer.ok ? '' : (answer.problems[0]?.message ?? ''), message)
  })

  test('a client with a secret is refused under every profile but the plain ones', async t => {
    const { ports } = await portsOf(t)
    for (const profile of profiles.keys())
      for (const method of ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']) {
        const own = metadata.replace('client_secret_basic', method)
        const document = documentOf('Client', 'tried', `{profile: ${profile}, metadata: ${own}}`)
        const answer = await apply({ files: [fileOf(document)], dryRun: true, prune: false }, ports)
        const isPlain = /^(oidc-baseline(-post-quantum)?|tier-0-public)$/.test(profile)
        assert.equal(answer.ok, isPlain, `${profile} ${method}`)
        if (!answer.ok) assert.ok(answer.problems.some(({ ruleId }) => ruleId === 'client.auth-method'))
      }
  })

  test('a method that nobody knows is no method with a secret', async t => {
    const { ports } = await portsOf(t)
    const own = metadata.replace('client_secret_basic', 'client_secret_magic')
    const document = documentOf('Client', 'tried', `{profile: oidc-baseline, metadata: ${own}}`)
    const answer = await apply({ files: [fileOf(document)], dryRun: true, prune: false }, ports)
    assert.equal(answer.ok ? undefined : answer.problems[0]?.ruleId, 'client.auth-method')
  })
})
