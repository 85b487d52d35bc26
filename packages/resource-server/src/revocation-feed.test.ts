import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'
import { type TestFeed, testFeed } from './test-feed.ts'
import { type TestKey, testClock, testIssuer, testKey } from './testing.ts'

const issuerUrl = 'https://as.example'
const authentication = {
  method: 'private_key_jwt',
  clientId: 'rs-1',
  privateKey: testKey('ES256').privateKey,
  alg: 'ES256',
} as const

interface FeedBed extends TestBed, TestFeed {
  readonly time: { ms: number }
  /** What the issuer publishes. */
  readonly published: TestKey[]
  readonly mint: (key: TestKey) => string
}

/** An API that takes JWTs on the word of the feed alone. */
async function feedBed(): Promise<FeedBed> {
  const time = { ms: 1000 }
  const clock = Object.assign(testClock(), { monotonicMs: () => time.ms })
  const feed = testFeed(issuerUrl, clock, clock.monotonicMs)
  const behind = testIssuer({ clock, feed })
  const bed = testBed({
    clock,
    fetch: behind.fetch,
    tokens: { jwt: true, jwtRevocation: 'feed', revocationFeed: { authentication, silenceBoundMs: 3000 } },
  })
  // The tokens must be of the issuer whose keys the API fetches.
  const boundToken: TestBed['boundToken'] = (changes, header) =>
    behind.mint({ cnf: { jkt: bed.key.thumbprint }, ...changes }, header)
  const mint = (key: TestKey): string => behind.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, key)
  return { ...bed, ...feed, boundToken, time, published: behind.keys, mint }
}

const use = (bed: TestBed, token: string) => call(bed, { headers: dpopHeaders(bed, token) })

describe('an API that takes JWTs on the word of the feed', () => {
  test('refuses all of them until it has heard the feed, and when it is silent for longer than the bound', async () => {
    const bed = await feedBed()
    const token = bed.boundToken()
    refused(await use(bed, token), 503, 'revocation-feed.silent')
    await bed.say('heartbeat', { elapsed_ms: 0 })
    accepted(await use(bed, token))
    bed.time.ms += 3000
    accepted(await use(bed, token))
    bed.time.ms += 1
    refused(await use(bed, token), 503, 'revocation-feed.silent')
    bed.api.close()
  })

  test('is not fooled by a heartbeat that was on its way for long', async () => {
    const bed = await feedBed()
    const token = bed.boundToken()
    await bed.say('heartbeat', { elapsed_ms: 0 })
    bed.time.ms += 10_000
    await bed.say('heartbeat', { elapsed_ms: 6999 })
    refused(await use(bed, token), 503, 'revocation-feed.silent')
    await bed.say('heartbeat', { elapsed_ms: 7000 })
    accepted(await use(bed, token))
    bed.api.close()
  })

  for (const [topic, claim] of [
    ['token', 'jti'],
    ['grant', 'txn'],
  ] as const)
    test(`refuses a token whose ${topic} ended, and no other`, async () => {
      const bed = await feedBed()
      const [token, other] = [bed.boundToken({ [claim]: 'one' }), bed.boundToken({ [claim]: 'two' })]
      await bed.say('heartbeat', { elapsed_ms: 0 })
      accepted(await use(bed, token))
      await bed.end(topic, 'one')
      assert.equal(refused(await use(bed, token), 401, 'revocation-feed.revoked').error, 'invalid_token')
      accepted(await use(bed, other))
      bed.api.close()
    })

  test('refuses everything its issuer gave before all access of the tenant ended, and takes what came after', async () => {
    const bed = await feedBed()
    const [token, seen] = [
      bed.boundToken({ txn: 'one' }),
      bed.boundToken({ sub: 'user-2', act: { sub: 'c' } }),
    ]
    await bed.say('heartbeat', { elapsed_ms: 0 })
    accepted(await use(bed, seen))
    bed.clock.advance(1)
    const at = bed.clock.now()
    for (const one of [at, at - 60, at]) await bed.end('issuer', issuerUrl, one)
    for (const one of [token, seen])
      assert.equal(refused(await use(bed, one), 401, 'revocation-feed.revoked').error, 'invalid_token')
    // The feed counts seconds and clocks differ: about then only the issuer knows.
    refused(await use(bed, bed.boundToken()), 503, 'revocation-feed.silent')
    bed.clock.advance(11)
    accepted(await use(bed, bed.boundToken()))
    bed.api.close()
  })

  test('with the feed cut before the tenant ended, takes nothing once the bound has passed', async () => {
    const bed = await feedBed()
    const token = bed.boundToken()
    await bed.say('heartbeat', { elapsed_ms: 0 })
    bed.time.ms += 3000
    accepted(await use(bed, token))
    bed.time.ms += 1
    refused(await use(bed, token), 503, 'revocation-feed.silent')
    bed.api.close()
  })

  test('refuses when a user lost access, because nobody can be asked', async () => {
    const bed = await feedBed()
    await bed.say('heartbeat', { elapsed_ms: 0 })
    await bed.end('subject', 'user-1')
    refused(await use(bed, bed.boundToken()), 503, 'revocation-feed.silent')
    accepted(await use(bed, bed.boundToken({ sub: 'user-2' })))
    bed.api.close()
  })

  test('comes back where it was, and believes nothing after a resync until it has heard all', async () => {
    const bed = await feedBed()
    const token = bed.boundToken()
    await bed.say('heartbeat', { elapsed_ms: 0 }, '7.5')
    await bed.hangUp()
    await bed.say('resync', {}, '')
    assert.deepEqual(bed.asked, [undefined, '7.5'])
    refused(await use(bed, token), 503, 'revocation-feed.silent')
    await bed.say('heartbeat', { elapsed_ms: 0 }, '8.1')
    accepted(await use(bed, token))
    bed.api.close()
  })

  test('drops a key that was taken back at once, though it is still published, and for tokens it never saw', async () => {
    const bed = await feedBed()
    const [key] = bed.published as [TestKey]
    const known = bed.boundToken()
    await bed.say('heartbeat', { elapsed_ms: 0 })
    accepted(await use(bed, known))
    await bed.end('key', key.thumbprint)
    for (const token of [known, bed.boundToken()])
      assert.equal(refused(await use(bed, token), 401, 'access-token.key').error, 'invalid_token')
    bed.api.close()
  })

  test('finds the key in its place although the issuer publishes it a moment after the word of it', async () => {
    const bed = await feedBed()
    const [key] = bed.published as [TestKey]
    await bed.say('heartbeat', { elapsed_ms: 0 })
    accepted(await use(bed, bed.boundToken()))
    await bed.end('key', key.thumbprint)
    const next = testKey()
    const token = bed.mint(next)
    refused(await use(bed, token), 401, 'access-token.key')
    bed.published.splice(0, 1, next)
    refused(await use(bed, token), 401, 'access-token.key')
    bed.clock.advance(1)
    accepted(await use(bed, token))
    bed.api.close()
  })

  test('does not start with a feed it cannot have', () => {
    assert.throws(() => testBed({ tokens: { jwt: true, jwtRevocation: 'feed' } }), /jwtRevocation/)
    for (const silenceBoundMs of [1499, 5001, Number.NaN])
      assert.throws(
        () => testBed({ tokens: { jwt: true, revocationFeed: { authentication, silenceBoundMs } } }),
        /silenceBoundMs/,
      )
  })
})
