import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { profiles } from '@holdfast/protocol'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { invalidBits } from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import fc from 'fast-check'
import type { ResourceServerOptions, TokenOptions } from '../options.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from '../test-bed.ts'
import { type TestKey, testClock, testKey } from '../testing.ts'

/** A thief of a revoked token needs the list to say nothing: every way to make it so must end in a refusal. */

const uri = 'https://as.example/status-lists/one'

interface Lists {
  readonly bed: TestBed
  /** Indexes that are invalid. */
  readonly invalid: Set<number>
  readonly asked: string[]
  /** What is answered instead of the list. */
  answer: (() => Response | Promise<Response>) | undefined
  readonly list: (claims?: object, header?: object, key?: TestKey) => string
  readonly status: (idx?: number, at?: string) => { readonly status: object }
  readonly ask: (claims?: object) => ReturnType<typeof call>
}

const compressed = (bytes: Uint8Array): string => deflateSync(bytes, { level: 9 }).toString('base64url')

function listsOf(options: Partial<ResourceServerOptions> = {}): Lists {
  const clock = testClock()
  const asked: string[] = []
  const invalid = new Set<number>()
  const fetch: ResourceServerOptions['fetch'] = async (url, init) => {
    if (!url.includes('/status-lists/')) return await bed.issuer.fetch(url, init)
    asked.push(url)
    await new Promise(resolve => setImmediate(resolve))
    return lists.answer === undefined ? new Response(lists.list({ sub: url })) : await lists.answer()
  }
  const bed: TestBed = testBed({ ...options, clock, fetch })
  const lists: Lists = {
    bed,
    invalid,
    asked,
    answer: undefined,
    list: (claims = {}, header = {}, key = bed.issuer.keys[0]) => {
      assert.ok(key)
      const now = clock.now()
      const all = {
        iss: bed.issuer.issuer,
        sub: uri,
        iat: now,
        exp: now + 60,
        ttl: 10,
        status_list: { bits: 1, lst: compressed(invalidBits(invalid)) },
        ...claims,
      }
      const kid = key.thumbprint
      return signJws({ typ: 'statuslist+jwt', kid, alg: key.alg, ...header }, all, key.privateKey, key.alg)
    },
    status: (idx = 5, at = uri) => ({ status: { status_list: { idx, uri: at } } }),
    ask: claims => call(bed, { headers: dpopHeaders(bed, bed.boundToken({ ...lists.status(), ...claims })) }),
  }
  return lists
}

const required: TokenOptions = { jwt: true, jwtRevocation: 'status-list' }

describe('a token that names a status list', () => {
  it('is good while its bit is not set, and none of its neighbours', async () => {
    const lists = listsOf()
    for (const other of [4, 6, 13, 131_071]) lists.invalid.add(other)
    accepted(await lists.ask())
    lists.invalid.add(5)
    lists.bed.clock.advance(10)
    const answer = refused(await lists.ask(), 401, 'status.valid')
    assert.equal(answer.error, 'invalid_token')
    assert.equal(lists.bed.events.at(-1)?.ruleId, 'status.valid')
  })

  it('is found out at most a ttl after the list was fetched, also when it was seen before', async () => {
    const lists = listsOf()
    const headers = () => dpopHeaders(lists.bed, token, { now: lists.bed.clock.now() })
    const token = lists.bed.boundToken(lists.status())
    accepted(await call(lists.bed, { headers: headers() }))
    lists.invalid.add(5)
    lists.bed.clock.advance(9)
    accepted(await call(lists.bed, { headers: headers() }))
    assert.equal(lists.asked.length, 1)
    lists.bed.clock.advance(1)
    refused(await call(lists.bed, { headers: headers() }), 401, 'status.valid')
    assert.equal(lists.asked.length, 2)
  })

  it('shares one fetch with all that come at once', async () => {
    const lists = listsOf()
    await lists.bed.api.warmUp()
    const answers = await Promise.all(Array.from({ length: 64 }, () => lists.ask()))
    for (const answer of answers) accepted(answer)
    assert.equal(lists.asked.length, 1)
  })

  it('is asked for nothing before it is good itself', async () => {
    const lists = listsOf()
    refused(await lists.ask({ exp: lists.bed.clock.now() - 11 }), 401, 'access-token.expired')
    refused(await lists.ask({ aud: 'https://other.example' }), 401, 'access-token.aud')
    const stranger = lists.bed.issuer.mint(lists.status(), { kid: undefined }, testKey('ES256'))
    refused(
      await call(lists.bed, { headers: dpopHeaders(lists.bed, stranger) }),
      401,
      'access-token.signature',
    )
    assert.deepEqual(lists.asked, [])
  })

  it('leads nowhere but below its issuer', async () => {
    const lists = listsOf()
    for (const at of [
      'https://evil.example/status-lists/1',
      'https://as.example.evil.example/status-lists/1',
    ])
      refused(await lists.ask(lists.status(5, at)), 401, 'status.uri')
    for (const status of [null, 'x', [], {}, { status_list: { idx: -1, uri } }])
      refused(await lists.ask({ status }), 401, 'status.claim')
    assert.deepEqual(lists.asked, [])
  })

  it('with an index beyond the list is refused, one inside is not', async () => {
    const lists = listsOf()
    accepted(await lists.ask(lists.status(131_071)))
    for (const idx of [131_072, 2 ** 40, Number.MAX_SAFE_INTEGER])
      refused(await lists.ask(lists.status(idx)), 401, 'status.index')
  })

  it('is required where the API says so, and trusted where it says that', async () => {
    const strict = listsOf({ tokens: required })
    accepted(await strict.ask())
    refused(await strict.ask({ status: undefined }), 401, 'status.present')
    accepted(await listsOf().ask({ status: undefined }))
    const trusting = listsOf({ tokens: { jwt: true, jwtRevocation: 'lifetime' } })
    trusting.invalid.add(5)
    accepted(await trusting.ask())
    assert.deepEqual(trusting.asked, [])
    for (const tokens of [
      { jwt: true, jwtRevocation: 'introspection' },
      { jwt: true, statusStaleSeconds: 51 },
      { jwt: true, statusStaleSeconds: -1 },
    ] as const)
      assert.throws(() => testBed({ tokens }), TypeError)
  })

  it('of wider entries is good only when it is VALID', async () => {
    const lists = listsOf()
    const status_list = { bits: 2, lst: 'eNpTZGkAAADuAKY' }
    lists.answer = () => new Response(lists.list({ status_list }))
    for (const [idx, isValid] of [
      [1, true],
      [0, false],
      [2, false],
      [11, false],
      [10, true],
    ] as const) {
      const answer = await lists.ask(lists.status(idx))
      if (isValid) accepted(answer)
      else refused(answer, 401, 'status.valid')
    }
  })
})

describe('a list that cannot be believed', () => {
  const other = testKey('ES256')
  const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 }).toString('base64url')
  const forged: readonly (readonly [string, string, (lists: Lists) => string])[] = [
    ['of another key', 'status-list.signature', ({ list }) => list({}, { kid: undefined }, other)],
    [
      'of another key under the name of ours',
      'status-list.signature',
      ({ list, bed }) => list({}, { kid: bed.issuer.keys[0]?.thumbprint }, other),
    ],
    ['with a bit turned', 'status-list.signature', ({ list }) => tampered(list())],
    ['unsigned', 'status-list.alg', ({ list }) => unsigned(list())],
    ['of another place', 'status-list.sub', ({ list }) => list({ sub: `${uri}2` })],
    ['of another issuer', 'status-list.iss', ({ list }) => list({ iss: 'https://other.example' })],
    ['that is an access token', 'status-list.typ', ({ list }) => list({}, { typ: 'at+jwt' })],
    ['that has expired', 'status-list.exp', ({ list, bed }) => list({ exp: bed.clock.now() })],
    ['that never expires', 'status-list.exp', ({ list }) => list({ exp: undefined })],
    ['of tomorrow', 'status-list.iat', ({ list, bed }) => list({ iat: bed.clock.now() + 86_400 })],
    ['without a list', 'status-list.form', ({ list }) => list({ status_list: {} })],
    ['that is no zlib', 'status-list.bytes', ({ list }) => list({ status_list: { bits: 1, lst: 'AAAA' } })],
    [
      'that is cut short',
      'status-list.bytes',
      ({ list }) => list({ status_list: { bits: 1, lst: compressed(invalidBits([])).slice(0, 12) } }),
    ],
    ['that is a bomb', 'status-list.bytes', ({ list }) => list({ status_list: { bits: 1, lst: bomb } })],
    [
      'with base64 padding',
      'status-list.bytes',
      ({ list }) => list({ status_list: { bits: 1, lst: `${compressed(Buffer.alloc(1))}==` } }),
    ],
    ['that is no JWT', 'jws.form', () => '{"status_list":{}}'],
  ]
  for (const [name, ruleId, make] of forged)
    it(`${name} is no list: 503, and no yes`, async () => {
      const lists = listsOf()
      lists.answer = () => new Response(make(lists))
      const answer = refused(await lists.ask(), 503, ruleId)
      assert.equal(answer.error, 'temporarily_unavailable')
      assert.deepEqual(lists.bed.alarms, ['status-list.refused'])
    })

  it('that is too long to be read is none', async () => {
    const lists = listsOf()
    lists.answer = () => new Response('a'.repeat(1_500_001))
    refused(await lists.ask(), 503, 'status-list.unavailable')
  })

  it('never throws, whatever is answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.jsonValue(), async (bytes, value) => {
        const lists = listsOf()
        lists.answer = () =>
          new Response(
            lists.list({ status_list: { bits: 1, lst: Buffer.from(bytes).toString('base64url') } }),
          )
        assert.equal((await lists.ask()).ok, false)
        const odd = listsOf()
        odd.answer = () => new Response(odd.list({ status_list: value }))
        assert.equal((await odd.ask()).ok, false)
      }),
      { numRuns: 30 },
    )
  })
})

describe('an issuer that does not answer', () => {
  const down = (): Response => {
    throw new Error('down')
  }

  it('is a 503 for tokens nothing is known of, asked again after a second', async () => {
    const lists = listsOf()
    for (const answer of [
      down,
      () => new Response('', { status: 404 }),
      () => new Response('', { status: 500 }),
    ]) {
      lists.answer = answer
      refused(await lists.ask(), 503, 'status-list.unavailable')
      lists.bed.clock.advance(1)
    }
    assert.equal(lists.asked.length, 3)
    refused(await lists.ask(), 503, 'status-list.unavailable')
    refused(await lists.ask(), 503, 'status-list.unavailable')
    assert.equal(lists.asked.length, 4)
    lists.answer = undefined
    lists.bed.clock.advance(1)
    accepted(await lists.ask())
  })

  it('is a 503 as soon as the list is older than it says, unless the API said for how long', async () => {
    const strict = listsOf()
    accepted(await strict.ask())
    strict.answer = down
    strict.bed.clock.advance(9)
    accepted(await strict.ask())
    strict.bed.clock.advance(1)
    refused(await strict.ask(), 503, 'status-list.unavailable')

    const patient = listsOf({ tokens: { jwt: true, statusStaleSeconds: 20 } })
    patient.invalid.add(6)
    accepted(await patient.ask())
    patient.answer = down
    patient.bed.clock.advance(29)
    accepted(await patient.ask())
    refused(await patient.ask(patient.status(6)), 401, 'status.valid')
    patient.bed.clock.advance(1)
    refused(await patient.ask(), 503, 'status-list.unavailable')
  })

  it('gains nothing by an old list: exp ends it, and a forged one does not take its place', async () => {
    const lists = listsOf({ tokens: { jwt: true, statusStaleSeconds: 50 } })
    const exp = lists.bed.clock.now() + 15
    lists.answer = () => new Response(lists.list({ exp }))
    accepted(await lists.ask())
    lists.invalid.add(5)
    lists.answer = () => new Response(lists.list({}, {}, testKey('ES256')))
    lists.bed.clock.advance(14)
    accepted(await lists.ask())
    lists.bed.clock.advance(1)
    refused(await lists.ask(), 503, 'status-list.signature')
  })

  it('and a clock that steps back do not lengthen the life of a list', async () => {
    const lists = listsOf()
    accepted(await lists.ask())
    lists.bed.clock.advance(-20)
    accepted(await lists.ask())
    assert.equal(lists.asked.length, 2)
  })

  it('a key that the issuer withdrew takes its lists along', async () => {
    const lists = listsOf()
    const [first] = lists.bed.issuer.keys
    const second = testKey('ES256')
    lists.bed.issuer.keys.push(second)
    accepted(await lists.ask())
    lists.bed.issuer.keys.shift()
    lists.invalid.add(5)
    assert.equal(await lists.bed.api.refreshKeys(), true)
    const token = lists.bed.issuer.mint(
      { cnf: { jkt: lists.bed.key.thumbprint }, ...lists.status() },
      {},
      second,
    )
    refused(await call(lists.bed, { headers: dpopHeaders(lists.bed, token) }), 401, 'status.valid')
    assert.equal(lists.asked.length, 2)
    assert.notEqual(first, second)
  })
})

it('status lists work beside a tier', async () => {
  const lists = listsOf({ tokens: required, profile: profiles.get('tier-2-sensitive-read') })
  accepted(await lists.ask({ auth_time: lists.bed.clock.now() }))
})

/** Another bit in the list, the signature left as it was. */
function tampered(jwt: string): string {
  const [header, claims = '', signature] = jwt.split('.')
  const changed = JSON.parse(Buffer.from(claims, 'base64url').toString())
  changed.status_list.lst = compressed(invalidBits([]).subarray(1))
  return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
}

/** The same, and said to need no signature. */
function unsigned(jwt: string): string {
  const header = { typ: 'statuslist+jwt', alg: 'none' }
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...jwt.split('.').slice(1)].join('.')
}
