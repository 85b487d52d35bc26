import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../clock.ts'
import { openEntropy } from '../../entropy.ts'
import { identities } from '../../http/testing/edge-world.ts'
import { allowLoopbackForTests, openOutbound } from '../../outbound/client.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import { openRing } from '../ring.ts'
import { externalCustodyContract } from '../testing/custody-contract.ts'
import { type FakeKms, openFakeKms, region } from '../testing/fake-kms.ts'
import { type AwsKmsOptions, awsKmsKeys } from './aws-kms.ts'
import { softwareCustody } from './software.ts'

describe('AWS KMS custody', () => {
  let kms: FakeKms
  let outbound: ReturnType<typeof openOutbound>
  let options: AwsKmsOptions
  before(async () => {
    kms = await openFakeKms()
    const { ca } = await identities()
    outbound = openOutbound({ loosened: allowLoopbackForTests(), caPem: ca.certPem })
    const { endpoint, credentials } = kms
    options = { region, endpoint, readCredentials: async () => credentials, outbound, clock: systemClock }
  })
  after(async () => {
    await outbound?.close()
    await kms?.close()
  })

  for (const { title, run } of externalCustodyContract) it(title, () => run(awsKmsKeys(options)))

  it('asks for nothing but what it needs to make and use a key', async () => {
    kms.asked.length = 0
    const custody = awsKmsKeys(options)
    const { key, kept } = await custody.make('PS256')
    await key.sign('JWT', {})
    await custody.destroy('PS256', kept)
    assert.deepEqual(kms.asked, ['CreateKey', 'GetPublicKey', 'Sign', 'ScheduleKeyDeletion'])
  })

  it('fails closed on every bad answer, and recovers', async () => {
    const { key } = await awsKmsKeys(options).make('ES256')
    for (const fault of ['500', 'no-json', 'cut'] as const) {
      kms.faults.push(fault)
      await assert.rejects(async () => await key.sign('JWT', {}), { code: 'keys.custody' }, fault)
    }
    kms.faults.push('wrong-signature')
    await assert.rejects(async () => await key.sign('JWT', {}), { code: 'keys.wrong-signature' })
    assert.ok(await key.sign('JWT', {}))
  })

  it('is refused with other credentials, and does not start out without them', async () => {
    const { key, kept } = await awsKmsKeys(options).make('ES256')
    const secretAccessKey = 'another'
    const stranger = { ...options, readCredentials: async () => ({ ...kms.credentials, secretAccessKey }) }
    const none = {
      ...options,
      readCredentials: async () => {
        throw new Error('no file')
      },
    }
    for (const spoiled of [stranger, none]) {
      const opened = awsKmsKeys(spoiled).open('ES256', kept)
      await assert.rejects(async () => await opened.sign('JWT', {}), { code: 'keys.custody' })
    }
    assert.ok(await key.sign('JWT', {}))
  })

  it('goes out by the guarded way only: a private address is not asked', async () => {
    const guarded = openOutbound()
    const custody = awsKmsKeys({ ...options, outbound: guarded, endpoint: 'https://127.0.0.1' })
    await assert.rejects(custody.make('ES256'), (thrown: Error) => {
      assert.equal((thrown.cause as { code?: string }).code, 'outbound.refused')
      return true
    })
    await guarded.close()
  })

  it('that is gone makes the node unready and no software key in its place, until it is back', async () => {
    let nowMs = 0
    const clock = { now: systemClock.now, monotonicMs: () => nowMs }
    const store = await openSqliteStore({ path: ':memory:', clock })
    const entropy = openEntropy()
    const counted: string[] = []
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const url = 'https://as.example'
    const ring = await openRing({
      ...{ store, clock, entropy, log, keyCustody: awsKmsKeys(options) },
      custody: softwareCustody(Buffer.alloc(32, 1), entropy),
      issuers: [{ url, algs: ['ES256'] }],
      metrics: { count: name => void counted.push(name) },
    })
    assert.equal(ring.signs(url), true)
    kms.faults.push('500')
    await assert.rejects(ring.sign(url, 'ES256', 'JWT', {}), { code: 'keys.custody' })
    assert.deepEqual([ring.signs(url), counted], [false, ['key_custody_failures_total']])
    assert.ok(await ring.sign(url, 'ES256', 'JWT', {}))
    assert.equal(ring.signs(url), true)
    // A node that nobody asks for a token finds out by itself.
    kms.faults.push('500')
    nowMs += 10_000
    await ring.keepUp()
    assert.equal(ring.signs(url), false)
    nowMs += 10_000
    await ring.keepUp()
    assert.equal(ring.signs(url), true)
    assert.equal((await store.listKeys(url)).filter(({ use }) => use === 'sig').length, 1)
    await store.close()
  })
})
