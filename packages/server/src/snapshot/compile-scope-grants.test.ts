import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { hashOfContent } from '../control/content-approvals.ts'
import { readDocuments, snapshotOfFiles } from '../control/documents.ts'
import { textOfProblem } from '../control/problem.ts'
import type { ScopeGrantContent, ScopeGrantSpec } from '../control/resources/scope-grant.ts'
import { scopeGrantName } from '../control/scope-grant-state.ts'
import { binding, documentOf, fileOf, jwk } from '../control/testing/documents.ts'
import {
  batch,
  catalogue,
  governedApi,
  governedDocuments,
  mandate,
  words,
} from '../control/testing/governed.ts'
import { snapshotAfter } from './compile.ts'
import type { Snapshot } from './snapshot.ts'
import { keptCurrent, snapshotAt } from './snapshot-at.ts'

const content: ScopeGrantContent = {
  ...{
    client: 'batch',
    resourceServer: 'bank',
    scopes: ['accounts'],
    authorizationDetailsTypes: ['mandate'],
  },
  ...{
    purpose: 'nightly run',
    requestedBy: 'bob',
    requestedAt: 100,
    expiresAt: 1000,
    reviewDays: 1,
    tier: 4,
  },
  operations: [{ id: 'list', method: 'GET', path: '/', tier: 4 }],
}

function grantOf(change: Partial<ScopeGrantContent> = {}, more: Partial<ScopeGrantSpec> = {}): string {
  const changed = { ...content, ...change }
  const approvals = ['alice', 'carol'].map(by => ({ by, at: 200, content: hashOfContent(changed) }))
  const activated = { by: 'bob', at: 300 }
  const spec = { content: changed, state: 'active', approvals, activated, ...more }
  return documentOf('ScopeGrant', scopeGrantName(changed), JSON.stringify(spec))
}

function compiled(...documents: readonly string[]) {
  return snapshotOfFiles([fileOf(...documents)], [binding])
}

function problemsOf(...documents: readonly string[]): string {
  const answer = compiled(...documents)
  return answer.ok ? '' : answer.problems.map(textOfProblem).join('\n')
}

function served(...documents: readonly string[]): Snapshot {
  const answer = compiled(...documents)
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.value
}

function scopesAt(snapshot: Snapshot, now: number): readonly string[] | undefined {
  const issuer = snapshotAt(snapshot, now as EpochSeconds).issuers.get(binding.url)
  return issuer?.clients.get('batch')?.scopes
}

describe('an API that is governed', () => {
  test('gives its clients nothing without a grant, and others what they registered for', () => {
    const snapshot = served(...governedDocuments)
    assert.deepEqual(scopesAt(snapshot, 0), ['openid'])
    const free = governedApi.replace('governed: true', 'governed: false')
    assert.deepEqual(scopesAt(served(free, ...words, mandate, catalogue(), batch), 0), [
      'openid',
      'accounts',
      'payments',
    ])
  })

  test('needs a catalogue', () => {
    assert.match(problemsOf(governedApi, ...words, mandate, batch), /needs a document ApiOperations\/bank/)
  })

  test('whose operations use every scope and type', () => {
    const spare = documentOf('Scope', 'spare', '{title: Spare, description: Spare.}')
    const api = governedApi.replace('accounts,', 'spare,accounts,')
    const message = /no operation of ApiOperations\/bank uses `spare`/
    assert.match(problemsOf(api, spare, ...words, mandate, catalogue(), batch), message)
    const unused = mandate.replace('name: mandate', 'name: other')
    assert.match(problemsOf(...governedDocuments, unused), /no operation of ApiOperations\/bank uses `other`/)
  })

  test('and shares no scope', () => {
    const other = documentOf('ResourceServer', 'other', '{audience: https://o.example, scopes: [accounts]}')
    assert.match(problemsOf(...governedDocuments, other), /`accounts` is also a scope of `other`/)
  })
})

describe('a grant in the store', () => {
  test('gives exactly its scopes and types', () => {
    const snapshot = served(...governedDocuments, grantOf())
    const client = snapshot.issuers.get(binding.url)?.clients.get('batch')
    assert.deepEqual(client?.scopes, ['openid', 'accounts'])
    assert.deepEqual(client?.authorizationDetailsTypes, ['mandate'])
    assert.equal(client?.ownAuthorizationDetails.length, 1)
  })

  test('gives nothing to another client', () => {
    const other = batch.replace('name: batch', 'name: other')
    const snapshot = served(...governedDocuments, other, grantOf({ client: 'other' }))
    assert.deepEqual(scopesAt(snapshot, 0), ['openid'])
  })

  test('gives no scope that the client did not register for', () => {
    const narrow = batch.replace('openid accounts payments', 'openid payments')
    const documents = governedDocuments.with(-1, narrow)
    assert.deepEqual(scopesAt(served(...documents, grantOf()), 0), ['openid'])
  })

  for (const state of ['requested', 'approved', 'revoked'] as const)
    test(`gives nothing while it is ${state}`, () => {
      const past = {
        requested: { approvals: [], activated: undefined },
        approved: { activated: undefined },
        revoked: { revoked: { by: 'bob', at: 400, reason: 'done' } },
      }[state]
      assert.deepEqual(scopesAt(served(...governedDocuments, grantOf({}, { state, ...past })), 0), ['openid'])
    })

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['without approvals', [grantOf({}, { approvals: [] })], /needs 2 approvals \[scope-grant\.steps\]/],
    ['under another name', [grantOf().replace('name: g-', 'name: h-')], /not named after its content/],
    ['widened after its approval', [grantOf().replace('"accounts"', '"payments"')], /not named after/],
    ['beside another one', [grantOf(), grantOf({ purpose: 'again' })], /active beside another one/],
    ['of no client', [grantOf({ client: 'gone' })], /the client `gone` is not there/],
    ['of no API', [grantOf({ resourceServer: 'gone' })], /the resource server `gone` is not there/],
  ]
  for (const [name, grants, message] of refusals)
    test(`does not compile ${name}`, () => assert.match(problemsOf(...governedDocuments, ...grants), message))
})

describe('a snapshot and time', () => {
  const snapshot = served(...governedDocuments, grantOf())

  test('a grant ends at the second it says', () => {
    assert.equal(snapshotAt(snapshot, 999 as EpochSeconds), snapshot)
    assert.deepEqual(scopesAt(snapshot, 999), ['openid', 'accounts'])
    assert.deepEqual(scopesAt(snapshot, 1000), ['openid'])
    const issuer = snapshotAt(snapshot, 1000 as EpochSeconds).issuers.get(binding.url)
    assert.deepEqual(issuer?.clients.get('batch')?.ownAuthorizationDetails, [])
    assert.deepEqual(issuer?.clients.get('batch')?.authorizationDetailsTypes, [])
  })

  test('what is served ends it without a new revision, works once for it, and gives it back to an earlier clock', () => {
    let now = 999
    let latest = snapshot
    const current = keptCurrent(() => latest, { now: () => now as EpochSeconds })
    const has = () => current().issuers.get(binding.url)?.clients.get('batch')?.scopes.includes('accounts')
    assert.equal(has(), true)
    now = 1000
    assert.equal(has(), false)
    assert.equal(current(), current())
    now = 999
    assert.equal(has(), true)
    now = 1000
    latest = served(...governedDocuments, grantOf({ expiresAt: 1001 }))
    assert.equal(has(), true)
    now = 1001
    assert.equal(has(), false)
  })

  test('a client that registers after the end gets nothing either', () => {
    const metadata = {
      ...{ grant_types: ['client_credentials'], scope: 'accounts', dpop_bound_access_tokens: true },
      jwks: { keys: [JSON.parse(jwk) as unknown] },
    }
    const policy = {
      ...{ profile: 'fapi2-security', scopes: ['accounts'], grantTypes: ['client_credentials'] },
      ...{ resources: ['bank'], redirectHosts: [], softwareStatement: 'optional' },
    }
    const spec = { metadata, policy, status: 'active', token: 'x', registeredAt: 1 }
    const registered = documentOf('RegisteredClient', 'late', JSON.stringify(spec))
    const before = served(...governedDocuments, registered, grantOf({ client: 'late' }))
    const scopes = (at: Snapshot) => at.issuers.get(binding.url)?.clients.get('late')?.scopes
    assert.deepEqual(scopes(before), ['accounts'])
    const after = snapshotAt(before, 1000 as EpochSeconds)
    assert.deepEqual(scopes(after), [])
    const documents = readDocuments([fileOf(registered)])
    assert.ok(documents.ok)
    const placed = documents.value.map(document => ({ issuerUrl: binding.url, document }))
    const next = snapshotAfter(after, 2, placed)
    assert.ok(next?.ok)
    assert.deepEqual(scopes(next.value), [])
  })
})
