import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { hashOfContent } from '../control/content-approvals.ts'
import { readDocuments, snapshotOfFiles } from '../control/documents.ts'
import { registrationOf } from '../control/onboarding/registration.ts'
import { onboardingName } from '../control/onboarding/state.ts'
import { textOfProblem } from '../control/problem.ts'
import { clientSpec } from '../control/resources/client.ts'
import type { ClientOnboardingSpec, OnboardingContent } from '../control/resources/client-onboarding.ts'
import { binding, documentOf, fileOf } from '../control/testing/documents.ts'
import {
  firstJwk,
  newJwk,
  onboardingDocuments,
  shopDocument,
  shopForm,
  shopMetadata,
} from '../control/testing/onboarded.ts'
import { snapshotAfter } from './compile.ts'
import type { Snapshot } from './snapshot.ts'
import { keptCurrent, snapshotAt } from './snapshot-at.ts'

const written = clientSpec.parse({ resources: ['bank'], metadata: shopMetadata })
const content: OnboardingContent = {
  ...{ ...shopForm, riskTier: 2, environment: 'development' },
  registration: registrationOf(written, () => 'https://api.example'),
  ...{ requestedBy: 'bob', requestedAt: 100, expiresAt: 1000 },
}

function recordOf(change: Partial<OnboardingContent> = {}, more: Partial<ClientOnboardingSpec> = {}): string {
  const changed = { ...content, ...change }
  const approval = (by: string) => ({ by, at: 200, content: hashOfContent(changed) })
  const spec: ClientOnboardingSpec = {
    ...{ content: changed, state: 'active', submitted: { by: 'bob', at: 150 } },
    check: { ...approval('bob'), passed: true, findings: [], keysSeen: [], certificatesEnd: [] },
    ...{ approvals: [approval('alice')], activated: { by: 'bob', at: 300 }, rotations: [], ...more },
  }
  return documentOf('ClientOnboarding', onboardingName(changed), JSON.stringify(spec))
}

const compiled = (...documents: readonly string[]) =>
  snapshotOfFiles(
    [fileOf(...onboardingDocuments('required', 'tier-2-sensitive-read'), ...documents)],
    [binding],
  )

function served(...documents: readonly string[]): Snapshot {
  const answer = compiled(...documents)
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.value
}

function problemsOf(...documents: readonly string[]): string {
  const answer = compiled(...documents)
  return answer.ok ? '' : answer.problems.map(textOfProblem).join('\n')
}

const shopOf = (snapshot: Snapshot) => snapshot.issuers.get(binding.url)?.clients.get('shop')
const seconds = (at: number): EpochSeconds => at as EpochSeconds

describe('a revision with records of onboarding', () => {
  test('serves the client of an active one', () => assert.equal(shopOf(served(recordOf()))?.status, 'active'))

  test('is refused with a record that stands on nothing, stands twice, or has no client', () => {
    assert.match(problemsOf(recordOf({}, { approvals: [] })), /needs 1 approvals \[onboarding\.steps\]/)
    assert.match(
      problemsOf(recordOf(), recordOf({ purpose: 'another' })),
      /stands beside another one of `shop`/,
    )
    assert.match(problemsOf(recordOf({ client: 'gone' })), /the client `gone` is not there: retire/)
    const renamed = recordOf().replace(/name: o-[\w-]+/, 'name: o-other')
    assert.match(problemsOf(renamed), /is not named after its content/)
  })

  test('one that was retired does not hold back what a later one lets in', () => {
    const retired = recordOf(
      { purpose: 'before' },
      { state: 'retired', retired: { by: 'bob', at: 400, reason: 'x' } },
    )
    assert.equal(shopOf(served(retired, recordOf()))?.status, 'active')
    assert.equal(shopOf(served(recordOf(), retired))?.status, 'active')
    assert.equal(shopOf(served(retired))?.withheld?.kind, 'retired')
  })
})

describe('who answers for a client, as its users are told', () => {
  /** Where a client without a record is served, too. @param shop as it is registered */
  const without = (records: readonly string[], shop = shopDocument()) => {
    const others = onboardingDocuments('off', 'tier-2-sensitive-read').slice(0, -1)
    const answer = snapshotOfFiles([fileOf(...others, shop, ...records)], [binding])
    assert.ok(answer.ok, JSON.stringify(answer))
    return shopOf(answer.value)
  }
  const suspended = { by: 'bob', at: 400, reason: 'x' }

  test('is the legal entity of the record while it is active, until its second', () => {
    const snapshot = served(recordOf())
    assert.equal(shopOf(snapshot)?.legalName, 'Shop GmbH')
    assert.equal(shopOf(snapshotAt(snapshot, seconds(999)))?.legalName, 'Shop GmbH')
    assert.equal(shopOf(snapshotAt(snapshot, seconds(1000)))?.legalName, undefined)
    const certified = recordOf(
      { certification: { against: 'a test plan' } },
      {
        certification: {
          ...{ by: 'alice', at: 250, against: 'a test plan', evidence: 'a report', until: 900 },
          content: hashOfContent({ ...content, certification: { against: 'a test plan' } }),
        },
      },
    )
    assert.equal(shopOf(snapshotAt(served(certified), seconds(899)))?.legalName, 'Shop GmbH')
    assert.equal(shopOf(snapshotAt(served(certified), seconds(900)))?.legalName, undefined)
  })

  test('is nobody without a record, before one is active, after it, and for a client that is something else', () => {
    for (const records of [
      [],
      [recordOf({}, { state: 'approved', activated: undefined })],
      [recordOf({}, { state: 'suspended', suspended })],
      [recordOf({}, { state: 'retired', retired: suspended })],
    ])
      assert.equal(without(records)?.legalName, undefined, records.join('\n'))
    assert.equal(without([recordOf()], shopDocument({ client_name: 'Another name' }))?.legalName, undefined)
    assert.equal(without([recordOf()])?.legalName, 'Shop GmbH')
  })
})

describe('time and a revision with onboarding', () => {
  test('the end is at its second, also for who looks at a snapshot that was kept', () => {
    const snapshot = served(recordOf())
    let now = 999
    const current = keptCurrent(() => snapshot, { now: () => seconds(now) })
    assert.equal(shopOf(current())?.status, 'active')
    now = 1000
    assert.equal(shopOf(current())?.withheld?.kind, 'ended')
    now = 999
    assert.equal(shopOf(current())?.status, 'active')
    assert.equal(snapshotAt(snapshot, seconds(999)), snapshot)
  })

  test('a client that registers when a record ended does not bring the record back', () => {
    const ended = snapshotAt(served(recordOf()), seconds(1000))
    const { issuers } = ended
    const registration = documentOf(
      'RegisteredClient',
      'c_new',
      JSON.stringify({
        metadata: {
          redirect_uris: ['https://new.example/cb'],
          dpop_bound_access_tokens: true,
          jwks: { keys: [newJwk('n')] },
        },
        policy: {
          ...{ profile: 'fapi2-security', scopes: [], grantTypes: [], resources: [], redirectHosts: [] },
          softwareStatement: 'optional',
        },
        ...{ token: 't', registeredAt: 1 },
      }),
    )
    const read = readDocuments([fileOf(registration)])
    assert.ok(read.ok, JSON.stringify(read))
    const placed = read.value.map(document => ({ issuerUrl: binding.url, document }))
    const after = snapshotAfter({ revision: 1, issuers }, 2, placed)
    assert.ok(after?.ok, JSON.stringify(after))
    assert.equal(shopOf(after.value)?.withheld?.kind, 'ended')
    assert.equal(after.value.issuers.get(binding.url)?.clients.get('c_new')?.withheld?.kind, 'none')
  })

  test('the metadata of a client is still judged whole, whatever of it was approved', () => {
    const bad = shopDocument({ jwks: { keys: [{ ...firstJwk, d: 'AA' }] } })
    const documents = onboardingDocuments().slice(0, -1)
    const answer = snapshotOfFiles([fileOf(...documents, bad, recordOf())], [binding])
    assert.ok(!answer.ok && answer.problems.some(({ ruleId }) => ruleId === 'client.jwks-public'))
  })
})
