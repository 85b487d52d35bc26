import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freshSeconds, lastGoodSeconds } from './issuer.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'
import { testKey } from './testing.ts'

const keyFetches = (bed: TestBed): number => bed.issuer.seen.filter(({ url }) => url.endsWith('/jwks')).length
const good = async (bed: TestBed) =>
  call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { now: bed.clock.now() }) })

describe('the keys of the issuer', () => {
  test('are found through its metadata, once for many requests', async () => {
    const bed = testBed()
    for (const answer of await Promise.all(Array.from({ length: 50 }, () => good(bed)))) accepted(answer)
    assert.equal(keyFetches(bed), 1)
    bed.clock.advance(freshSeconds - 1)
    accepted(await good(bed))
    assert.equal(keyFetches(bed), 1)
    bed.clock.advance(1)
    accepted(await good(bed))
    assert.equal(keyFetches(bed), 2)
  })

  test('an unknown kid is worth one fetch in 30 seconds, however many come', async () => {
    const bed = testBed()
    accepted(await good(bed))
    bed.clock.advance(30)
    const stranger = testKey()
    const token = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, stranger)
    const flood = () => call(bed, { headers: dpopHeaders(bed, token) })
    for (const answer of await Promise.all(Array.from({ length: 1000 }, flood)))
      refused(answer, 401, 'access-token.key')
    assert.equal(keyFetches(bed), 2)
    bed.clock.advance(29)
    refused(await flood(), 401, 'access-token.key')
    assert.equal(keyFetches(bed), 2)
    bed.clock.advance(1)
    refused(await flood(), 401, 'access-token.key')
    assert.equal(keyFetches(bed), 3)
  })

  test('a token of a new key is accepted as soon as the key is published', async () => {
    const bed = testBed()
    accepted(await good(bed))
    bed.clock.advance(30)
    const fresh = testKey()
    bed.issuer.keys.push(fresh)
    const token = bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, fresh)
    accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
  })

  test('a token signed by a key the issuer does not publish is refused', async () => {
    const bed = testBed()
    const stranger = testKey()
    const [published] = bed.issuer.keys
    const known = { cnf: { jkt: bed.key.thumbprint } }
    const unknownKid = bed.issuer.mint(known, {}, stranger)
    refused(await call(bed, { headers: dpopHeaders(bed, unknownKid) }), 401, 'access-token.key')
    const stolenKid = bed.issuer.mint(known, { kid: published?.thumbprint }, stranger)
    refused(await call(bed, { headers: dpopHeaders(bed, stolenKid) }), 401, 'access-token.signature')
    const noKid = bed.issuer.mint(known, { kid: undefined }, stranger)
    refused(await call(bed, { headers: dpopHeaders(bed, noKid) }), 401, 'access-token.signature')
    const own = bed.issuer.mint(
      known,
      { kid: undefined, jwk: stranger.jwk, jku: 'https://evil.example' },
      stranger,
    )
    assert.equal((await call(bed, { headers: dpopHeaders(bed, own) })).ok, false)
  })

  test('two keys with one kid are told apart by their kind', async () => {
    const bed = testBed()
    const rsa = testKey('PS256')
    bed.issuer.keys.unshift({ ...rsa, thumbprint: bed.issuer.keys[0]?.thumbprint ?? '' })
    const signing = bed.issuer.keys[1]
    accepted(
      await call(bed, {
        headers: dpopHeaders(bed, bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }, {}, signing)),
      }),
    )
  })

  test('are used for at most a day when the issuer is gone, with an alarm', async () => {
    const bed = testBed()
    accepted(await good(bed))
    const gone = () => bed.issuer.faults.push(new Error('gone'), new Error('gone'))
    bed.clock.advance(freshSeconds)
    gone()
    accepted(await good(bed))
    assert.deepEqual(bed.alarms, ['issuer.fetch-failed'])
    accepted(await good(bed))
    assert.equal(bed.alarms.length, 1, 'no second fetch within the cool-down')
    bed.clock.advance(lastGoodSeconds - freshSeconds)
    gone()
    refused(await good(bed), 503, 'issuer.unavailable')
    bed.clock.advance(30)
    accepted(await good(bed))
  })

  test('an issuer that was never reached is 503, not 401', async () => {
    const bed = testBed()
    bed.issuer.faults.push(500, 404)
    refused(await good(bed), 503, 'issuer.unavailable')
  })

  test('metadata of another issuer is not believed', async () => {
    const bed = testBed()
    const api = testBed({
      fetch: async (url, init) => {
        if (url.endsWith('/jwks')) return bed.issuer.fetch(url, init)
        return Response.json({ issuer: 'https://evil.example', jwks_uri: 'https://as.example/jwks' })
      },
    })
    refused(await good(api), 503, 'issuer.unavailable')
  })

  const broken: readonly [string, () => Response][] = [
    ['too long', () => new Response(`{"keys":[],"a":"${'x'.repeat(140_000)}"}`)],
    ['no JSON', () => new Response('<html>')],
    ['a repeated member', () => new Response('{"keys":[],"keys":[]}')],
    ['no keys', () => Response.json({ keys: [] })],
    ['too many keys', () => Response.json({ keys: Array.from({ length: 21 }, () => testKey().jwk) })],
    ['only keys we cannot use', () => Response.json({ keys: [{ kty: 'oct', k: 'AA' }] })],
  ]
  for (const [name, response] of broken)
    test(`a key set that is ${name} is not used`, async () => {
      const { issuer } = testBed()
      const bed = testBed({
        fetch: async (url, init) => (url.endsWith('/jwks') ? response() : issuer.fetch(url, init)),
      })
      refused(await good(bed), 503, 'issuer.unavailable')
    })

  test('a key set over plain HTTP is not fetched', async () => {
    const urls: string[] = []
    const bed = testBed({
      fetch: async url => {
        urls.push(url)
        return Response.json({ issuer: 'https://as.example', jwks_uri: 'http://as.example/jwks' })
      },
    })
    refused(await good(bed), 503, 'issuer.unavailable')
    assert.equal(
      urls.some(url => url.startsWith('http:')),
      false,
    )
  })
})
