import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jsonOf } from '../data/testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  registeredIn,
  usualPolicy,
} from '../data/testing/registration-world.ts'
import { issuerUrl } from '../data/testing/world.ts'
import { adminOver } from './admin.ts'
import { apply } from './apply.ts'
import { storedDocuments } from './documents.ts'
import { explainClient } from './explain-client.ts'
import { createRegistrationToken } from './registration-tokens.ts'
import { openRevision } from './revision.ts'
import { recordsMax } from './room-for-records.ts'

const text = (kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec })
const fileOf = (...documents: readonly string[]) => ({ path: 'test.yaml', text: documents.join('\n---\n') })
const scope = text('Scope', 'extra', { title: 'More', description: 'More of it.' })
const request = { uses: 2, lifetimeSeconds: 3600, policy: usualPolicy, note: 'for the partner' }

describe('registered clients beside those of documents', () => {
  test('prune deletes what an operator wrote and nothing that registered itself', async () => {
    await using world = await openRegistrationWorld()
    const { jwks: _keys, dpop_bound_access_tokens: _bound, ...rest } = goodMetadata
    const secretive = { ...rest, token_endpoint_auth_method: 'client_secret_basic' }
    const one = await registeredIn(world)
    const two = await registeredIn(world, secretive, { policy: { profile: 'oidc-baseline' } })
    const shop = text('Client', 'shop', { metadata: goodMetadata })
    const gone = text('Client', 'gone', { metadata: goodMetadata })
    await apply({ files: [fileOf(shop, gone)], dryRun: false, prune: false }, world.control)
    // Also where files name the kinds: an export of yesterday knows nothing of who registered today.
    const exported = (await world.store.listDocuments())
      .filter(
        ({ name, documentKind }) => name === one.clientId || (documentKind === 'Client' && name === 'shop'),
      )
      .map(({ body }) => body)
    const pruned = await apply({ files: [fileOf(...exported)], dryRun: false, prune: true }, world.control)
    assert.ok(pruned.ok)
    assert.deepEqual(
      pruned.value.changes
        .filter(({ action }) => action !== 'unchanged')
        .map(({ action, name }) => [action, name]),
      [['delete', 'gone']],
    )
    await world.ports.refreshSnapshot()
    for (const { clientId } of [one, two]) assert.ok(world.current().clients.has(clientId))
    assert.equal(world.current().clients.get(two.clientId)?.secrets.length, 1)
  })

  test('an operator who takes a scope away is told which registered clients have it', async () => {
    await using world = await openRegistrationWorld()
    const { clientId } = await registeredIn(world)
    const result = await apply({ files: [fileOf(scope)], dryRun: false, prune: true }, world.control)
    assert.equal(result.ok, false)
    assert.ok(
      !result.ok && result.problems.some(({ document }) => document === `RegisteredClient/${clientId}`),
    )
  })

  test('a registered client is explained like any other', async () => {
    await using world = await openRegistrationWorld()
    const { clientId } = await registeredIn(world)
    const documents = storedDocuments(await world.store.listDocuments())
    assert.ok(documents.ok)
    const [binding] = world.control.issuers
    assert.ok(binding)
    const explained = explainClient(documents.value, binding, clientId)
    assert.ok(explained?.ok)
    assert.equal(explained.value.fields.find(({ field }) => field === 'senderConstraint')?.value, 'required')
  })

  test('a node follows one registration without compiling the clients that were there', async () => {
    await using world = await openRegistrationWorld()
    const { clientId: first } = await registeredIn(world)
    const { store, issuers } = world.control
    const node = await openRevision({ store, issuers, log: world.ports.log, pollMs: 3_600_000 })
    assert.ok(node.ok)
    const served = () => node.value.snapshot().issuers.get(issuerUrl)
    const before = served()?.clients.get(first)
    const { clientId: second, token } = await registeredIn(world)
    await node.value.refresh()
    assert.equal(served()?.clients.get(first), before)
    assert.ok(served()?.clients.has(second))
    // A deletion, and then a change of an operator, which takes the long way.
    await world.manage('DELETE', second, token)
    await node.value.refresh()
    assert.equal(served()?.clients.has(second), false)
    assert.equal(served()?.registered.get(second)?.status, 'deleted')
    await apply({ files: [fileOf(scope)], dryRun: false, prune: false }, world.control)
    await node.value.refresh()
    assert.ok(served()?.scopes.has('extra'))
    assert.notEqual(served()?.clients.get(first), before)
    node.value.close()
  })

  test('a node that missed a deletion by an operator does not go on without seeing it', async () => {
    await using world = await openRegistrationWorld({
      more: [['Scope', 'extra', { title: 'More', description: 'M' }]],
    })
    const { store, issuers } = world.control
    const node = await openRevision({ store, issuers, log: world.ports.log, pollMs: 3_600_000 })
    assert.ok(node.ok)
    const revision = await store.revision()
    await store.commit([
      { kind: 'raise-revision', from: revision },
      { kind: 'delete-document', documentKind: 'Scope', name: 'extra', issuer: issuerUrl },
    ])
    await world.ports.refreshSnapshot()
    await registeredIn(world)
    await node.value.refresh()
    const served = node.value.snapshot().issuers.get(issuerUrl)
    assert.equal(served?.scopes.has('extra'), false)
    assert.equal(served?.registered.size, 1)
    node.value.close()
  })

  test('one registration among 5 000 clients takes little of the loop, here and on another node', async () => {
    await using world = await openRegistrationWorld()
    const many = 5000
    const { jwks } = goodMetadata
    const spec = { metadata: { ...goodMetadata, jwks }, policy: usualPolicy, token: 't', registeredAt: 1 }
    await world.store.commit([
      { kind: 'raise-revision', from: await world.store.revision() },
      ...Array.from({ length: many }, (_, index) => ({
        kind: 'put-document' as const,
        document: {
          ...{ documentKind: 'RegisteredClient', issuer: issuerUrl, name: `c_${index}` },
          body: text('RegisteredClient', `c_${index}`, spec),
        },
      })),
    ])
    await world.ports.refreshSnapshot()
    assert.equal(world.current().clients.size, many)
    const { store, issuers } = world.control
    const node = await openRevision({ store, issuers, log: world.ports.log, pollMs: 3_600_000 })
    assert.ok(node.ok)
    const token = await world.token({ uses: 50 })
    const spent: number[] = []
    for (let count = 0; count < 20; count++) {
      const before = process.cpuUsage()
      assert.equal((await world.register(token)).status, 201)
      await node.value.refresh()
      const { user, system } = process.cpuUsage(before)
      spent.push((user + system) / 1000)
    }
    const [, , , , , , , , , , median = Number.NaN] = spent.toSorted((left, right) => left - right)
    assert.ok(median < 50, `a registration and its arrival on another node took ${median} ms of CPU`)
    node.value.close()
  })
})

describe('tokens that let clients register', () => {
  test('are shown once, listed without their value, and taken back', async () => {
    await using world = await openRegistrationWorld()
    const api = adminOver({
      ...{ ports: world.control, snapshot: world.ports.snapshot, onApplied: world.ports.refreshSnapshot },
      outbound: world.ports.outbound,
      keys: undefined,
      startedAt: world.clock.now(),
    })
    const made = await api.createRegistrationToken(request)
    assert.ok(made.ok)
    const { token, id } = made.value
    assert.match(token, /^iat_[\w-]{49}$/)
    assert.equal((await world.register(token)).status, 201)
    const listed = await api.registrationTokens()
    assert.ok(listed.ok)
    const [only] = listed.value.tokens
    assert.deepEqual([only?.id, only?.usesLeft, only?.uses, only?.note], [id, 1, 2, 'for the partner'])
    assert.ok(!JSON.stringify(listed).includes(token))
    assert.ok((await api.revokeRegistrationToken({ id })).ok)
    assert.equal((await world.register(token)).status, 401)
    assert.equal((await api.revokeRegistrationToken({ id: 'none' })).ok, false)
    const events = (await world.audit()).map(({ event }) => event)
    for (const event of ['registration-token.created', 'registration-token.revoked'])
      assert.ok(events.includes(event))
    assert.ok(!JSON.stringify(await world.audit()).includes(token))
  })

  test('are so many at most, until the time of some is over', async () => {
    await using world = await openRegistrationWorld()
    const made = await createRegistrationToken(request, world.control)
    assert.ok(made.ok, JSON.stringify(made))
    const before = await world.store.listInitialAccessTokens(issuerUrl)
    const [one] = before
    assert.ok(one !== undefined)
    const { usesLeft: _left, revokedAt: _revoked, ...record } = one
    await world.store.commit(
      Array.from({ length: recordsMax - 1 - before.length }, (_, index) => ({
        kind: 'insert-initial-access-token',
        record: { ...record, id: `copy-${index}`, hash: `${record.hash}-${index}` as typeof record.hash },
      })),
    )
    assert.ok((await createRegistrationToken(request, world.control)).ok)
    const refused = await createRegistrationToken(request, world.control)
    assert.match(JSON.stringify(refused), /there are 5000 of them: each goes when its time is over/)
  })

  test('name only what exists', async () => {
    await using world = await openRegistrationWorld()
    const api = adminOver({
      ...{ ports: world.control, snapshot: world.ports.snapshot, onApplied: world.ports.refreshSnapshot },
      outbound: world.ports.outbound,
      keys: undefined,
      startedAt: world.clock.now(),
    })
    const policy = { ...usualPolicy, profile: 'fapi2', scopes: ['acounts'], resources: ['bank'] }
    const made = await api.createRegistrationToken({ ...request, policy })
    assert.equal(made.ok, false)
    const fields = (!made.ok && made.problem.problems?.map(({ field }) => field)) || []
    assert.deepEqual(fields, ['policy.profile', 'policy.scopes', 'policy.resources'])
    const elsewhere = await api.createRegistrationToken({ ...request, issuer: 'other' })
    assert.equal(elsewhere.ok, false)
  })

  test('a client that lost its token gets a new one from the operator, and the old one is dead', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world)
    const api = adminOver({
      ...{ ports: world.control, snapshot: world.ports.snapshot, onApplied: world.ports.refreshSnapshot },
      outbound: world.ports.outbound,
      keys: undefined,
      startedAt: world.clock.now(),
    })
    const renewed = await api.renewRegistration({ clientId })
    assert.ok(renewed.ok)
    assert.equal((await world.manage('GET', clientId, token)).status, 401)
    const read = await world.manage('GET', clientId, renewed.value.registrationAccessToken)
    assert.equal(read.status, 200)
    assert.equal(jsonOf(read).registration_client_uri, renewed.value.registrationClientUri)
    assert.equal((await api.renewRegistration({ clientId: 'c_none' })).ok, false)
    assert.ok(!JSON.stringify(await world.audit()).includes(renewed.value.registrationAccessToken))
  })
})
