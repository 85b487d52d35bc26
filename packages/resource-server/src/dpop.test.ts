import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { inMemoryReplayMemory, type ReplayMemory } from './replay.ts'
import {
  accepted,
  call,
  challengesOf,
  dpopHeaders,
  headerOf,
  refused,
  type TestBed,
  testBed,
} from './test-bed.ts'
import { testKey, testProof } from './testing.ts'

const url = 'https://rs.example/payments/7'

type ProofChanges = Parameters<typeof dpopHeaders>[2]

async function refusedProof(changes: ProofChanges, ruleId: string, bed: TestBed = testBed()): Promise<void> {
  const answer = await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), changes) })
  assert.equal(refused(answer, 401, ruleId).error, 'invalid_dpop_proof')
  assert.equal(
    challengesOf(answer as never)
      .get('dpop')
      ?.params.get('error'),
    'invalid_dpop_proof',
  )
}

describe('the proof', () => {
  test('is one header field', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    const { authorization = '', dpop = '' } = dpopHeaders(bed, token)
    const { dpop: second = '' } = dpopHeaders(bed, token)
    const wrong: (string | readonly string[])[] = [
      [dpop, second],
      `${dpop}, ${second}`,
      `${dpop},${second}`,
      [dpop, dpop],
    ]
    for (const proofs of wrong)
      refused(await call(bed, { headers: { authorization, dpop: proofs } }), 401, 'dpop.field')
  })

  test('is there', async () => {
    const bed = testBed()
    const answer = await call(bed, { headers: { authorization: `DPoP ${bed.boundToken()}` } })
    assert.equal(refused(answer, 401, 'dpop.field').error, 'invalid_dpop_proof')
  })

  test('is one well-formed JWT', async () => {
    const bed = testBed()
    const { authorization = '', dpop = '' } = dpopHeaders(bed, bed.boundToken())
    for (const wrong of [
      'abc',
      dpop.toUpperCase(),
      `${dpop}.x`,
      `${dpop}=`,
      'a.b.c',
      '..',
      `${dpop} ${dpop}`,
    ]) {
      const answer = await call(bed, { headers: { authorization, dpop: wrong } })
      assert.equal(answer.ok, false)
      assert.equal(answer.ok ? '' : answer.error, 'invalid_dpop_proof')
    }
  })

  const dropped: readonly [string, string][] = [
    ['jti', 'dpop.jti'],
    ['htm', 'dpop.htm'],
    ['htu', 'dpop.htu'],
    ['iat', 'dpop.iat'],
    ['ath', 'dpop.ath'],
  ]
  for (const [name, ruleId] of dropped)
    test(`has the claim ${name}`, () => refusedProof({ claims: { [name]: undefined } }, ruleId))

  const headers: readonly [string, Readonly<Record<string, unknown>>, string][] = [
    ['no typ', { typ: undefined }, 'dpop.typ'],
    ['typ JWT', { typ: 'JWT' }, 'dpop.typ'],
    ['no jwk', { jwk: undefined }, 'dpop.jwk'],
  ]
  for (const [name, header, ruleId] of headers)
    test(`is refused with ${name}`, () => refusedProof({ header }, ruleId))

  for (const typ of ['DPoP+JWT', 'application/dpop+jwt'])
    test(`may have typ ${typ}`, async () => {
      const bed = testBed()
      accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { header: { typ } }) }))
    })

  test('is signed with an algorithm of the list', async () => {
    const bed = testBed()
    const key = testKey('RS256')
    const token = bed.issuer.mint({ cnf: { jkt: key.thumbprint } })
    refused(await call(bed, { headers: dpopHeaders(bed, token, { key }) }), 401, 'dpop.alg')
    const { dpop = '' } = dpopHeaders(bed, token)
    const [, claims = ''] = dpop.split('.')
    for (const alg of ['none', 'HS256']) {
      const header = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg, jwk: bed.key.jwk })).toString(
        'base64url',
      )
      const forged = { authorization: `DPoP ${token}`, dpop: `${header}.${claims}.AAAA` }
      assert.equal((await call(bed, { headers: forged })).ok, false)
    }
  })

  test('is signed with the key in its header', async () => {
    const bed = testBed()
    const other = testKey()
    const answer = await call(bed, {
      headers: dpopHeaders(bed, bed.boundToken(), { key: other, header: { jwk: bed.key.jwk } }),
    })
    refused(answer, 401, 'dpop.signature')
  })

  test('has no private key in its header', async () => {
    const bed = testBed()
    const jwk = bed.key.privateKey.export({ format: 'jwk' })
    await refusedProof({ header: { jwk } }, 'dpop.key', bed)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
      await refusedProof({ header: { jwk: { ...bed.key.jwk, [member]: 'AA' } } }, 'dpop.key', bed)
  })

  test('names the method, in capitals', async () => {
    for (const htm of ['POST', 'get', 'Get', '']) await refusedProof({ claims: { htm } }, 'dpop.htm')
  })

  test('holds the hash of this very token', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    const proof = dpopHeaders(bed, bed.boundToken()).dpop ?? ''
    refused(await call(bed, { headers: { authorization: `DPoP ${token}`, dpop: proof } }), 401, 'dpop.ath')
  })

  test('has a jti of at most 256 characters', async () => {
    const bed = testBed()
    const jti = 'a'.repeat(256)
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { claims: { jti } }) }))
    await refusedProof({ claims: { jti: `${jti}a` } }, 'dpop.jti')
  })

  test('is at most 8 KiB', async () => {
    const bed = testBed()
    const answer = await call(bed, {
      headers: dpopHeaders(bed, bed.boundToken(), { claims: { filler: 'a'.repeat(8192) } }),
    })
    assert.equal(answer.ok, false)
    assert.equal(answer.ok ? '' : answer.error, 'invalid_dpop_proof')
  })

  test('may have members nobody knows', async () => {
    const bed = testBed()
    const changes = { claims: { extra: { a: 1 } }, header: { extra: 'b' } }
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), changes) }))
  })
})

describe('the time of the proof', () => {
  const edges: readonly [seconds: number, ruleId: string | undefined][] = [
    [-3600, 'dpop.age'],
    [-61, 'dpop.age'],
    [-60, undefined],
    [-10, undefined],
    [10, undefined],
    [30, undefined],
    [31, 'dpop.future'],
    [3600, 'dpop.future'],
  ]
  for (const [seconds, ruleId] of edges)
    test(`iat at ${seconds} s is ${ruleId === undefined ? 'accepted' : 'refused'}`, async () => {
      const bed = testBed()
      const now = epochSeconds(bed.clock.now() + seconds)
      const answer = await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { now }) })
      if (ruleId === undefined) accepted(answer)
      else refused(answer, 401, ruleId)
    })
})

describe('the URL of the proof', () => {
  const same = [
    'https://rs.example/payments/7',
    'HTTPS://RS.EXAMPLE/payments/7',
    'https://rs.example:443/payments/7',
    'https://rs.example/a/../payments/7',
    'https://rs.example/%70ayments/7',
    'https://rs.example/payments/7?other=2#f',
  ]
  for (const htu of same)
    test(`accepts ${htu}`, async () => {
      const bed = testBed()
      const headers = dpopHeaders(bed, bed.boundToken(), { url: htu })
      accepted(await call(bed, { headers, target: '/payments/7?x=1' }))
    })
  const other = [
    'http://rs.example/payments/7',
    'https://rs.example:8443/payments/7',
    'https://rs.example/payments/7/',
    'https://rs.example/Payments/7',
    'https://rs.example/payments%2F7',
    'https://user@rs.example/payments/7',
    'https://other.example/payments/7',
    '/payments/7',
    '',
  ]
  for (const htu of other) test(`refuses \`${htu}\``, () => refusedProof({ url: htu }, 'dpop.htu'))

  test('a base path of the external URL is part of it', async () => {
    const bed = testBed({ externalUrl: 'https://edge.example/bank' })
    const headers = (at: string) => dpopHeaders(bed, bed.boundToken(), { url: at })
    accepted(await call(bed, { headers: headers('https://edge.example/bank/payments/7') }))
    refused(await call(bed, { headers: headers(url) }), 401, 'dpop.htu')
  })

  test('a request target that is no path is refused', async () => {
    const bed = testBed()
    for (const target of ['https://rs.example/payments/7', '*', 'rs.example:443', ''])
      refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()), target }), 400, 'request.target')
  })
})

describe('nonces', () => {
  const nonceOf = (answer: Awaited<ReturnType<typeof call>>): string =>
    answer.ok
      ? (answer.value.responseHeaders.find(([name]) => name === 'dpop-nonce')?.[1] ?? '')
      : (headerOf(answer, 'dpop-nonce') ?? '')

  test('a proof without the required nonce is answered with 401, use_dpop_nonce and one fresh nonce', async () => {
    const bed = testBed({ dpopNonce: 'required' })
    const answer = refused(
      await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }),
      401,
      'dpop.nonce-required',
    )
    assert.equal(challengesOf(answer).get('dpop')?.params.get('error'), 'use_dpop_nonce')
    assert.equal(challengesOf(answer).get('bearer')?.params.has('error'), false)
    assert.equal(answer.headers.filter(([name]) => name === 'dpop-nonce').length, 1)
    assert.match(nonceOf(answer), /^[\x21\x23-\x5b\x5d-\x7e]{43}$/)
  })

  test('the nonce is good for its bucket and the next, and a due one comes with the answer', async () => {
    const bed = testBed({ dpopNonce: 'required' })
    const at = (nonce: string) =>
      call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { now: bed.clock.now(), claims: { nonce } }) })
    const nonce = nonceOf(await at('unknown'))
    const first = accepted(await at(nonce))
    assert.deepEqual(first.responseHeaders, [])
    bed.clock.advance(60)
    const second = await at(nonce)
    accepted(second)
    assert.notEqual(nonceOf(second), nonce)
    assert.ok(accepted(await at(nonceOf(second))).responseHeaders.length === 0)
    bed.clock.advance(60)
    const stale = refused(await at(nonce), 401, 'dpop.nonce')
    assert.equal(stale.error, 'use_dpop_nonce')
    assert.notEqual(nonceOf(stale), nonce)
  })

  test('once nonces are required a proof without one is never accepted', async () => {
    const bed = testBed({ dpopNonce: 'required' })
    for (let count = 0; count < 5; count++)
      refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }), 401, 'dpop.nonce-required')
  })

  test('a nonce of another API or another secret is not ours', async () => {
    const [one, other] = [testBed({ dpopNonce: 'required' }), testBed({ dpopNonce: 'required' })]
    const nonce = nonceOf(await call(one, { headers: dpopHeaders(one, one.boundToken()) }))
    const headers = dpopHeaders(other, other.boundToken(), { claims: { nonce } })
    refused(await call(other, { headers }), 401, 'dpop.nonce')
  })

  test('nodes that share a secret share their nonces', async () => {
    const secret = Buffer.alloc(32, 7)
    const [one, other] = [testBed({ dpopNonce: { secret } }), testBed({ dpopNonce: { secret } })]
    const nonce = nonceOf(await call(one, { headers: dpopHeaders(one, one.boundToken()) }))
    accepted(await call(other, { headers: dpopHeaders(other, other.boundToken(), { claims: { nonce } }) }))
  })

  test('a memory that has just begun asks for a nonce, because it cannot know older proofs', async () => {
    const bed = testBed({ replayMemory: undefined })
    const begun = bed.clock.now()
    const at = (now: number, claims = {}) =>
      call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { now: epochSeconds(now), claims }) })
    const asked = refused(await at(begun - 1), 401, 'replay.memory-young')
    assert.equal(asked.error, 'use_dpop_nonce')
    refused(await at(begun + 30), 401, 'replay.memory-young')
    accepted(await at(begun, { nonce: nonceOf(asked) }))
    bed.clock.advance(31)
    accepted(await at(begun + 31))
  })
})

describe('the replay memory', () => {
  test('64 callers with one proof: one gets in', async () => {
    const bed = testBed()
    await bed.api.warmUp()
    const headers = dpopHeaders(bed, bed.boundToken())
    const answers = await Promise.all(Array.from({ length: 64 }, () => call(bed, { headers })))
    assert.equal(answers.filter(answer => answer.ok).length, 1)
    assert.equal(answers.filter(answer => !answer.ok && answer.ruleId === 'replay.proof').length, 63)
  })

  test('remembers a proof for its whole window and no longer than it must', async () => {
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken(), { now: epochSeconds(bed.clock.now() + 30) })
    accepted(await call(bed, { headers }))
    for (const seconds of [0, 30, 59, 1]) {
      bed.clock.advance(seconds)
      refused(await call(bed, { headers }), 401, 'replay.proof')
    }
    bed.clock.advance(1)
    refused(await call(bed, { headers }), 401, 'dpop.age')
  })

  test('the same jti for another URL or from another key is another proof', async () => {
    const bed = testBed()
    const claims = { jti: 'one' }
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { claims }) }))
    const elsewhere = dpopHeaders(bed, bed.boundToken(), { claims, url: 'https://rs.example/x' })
    accepted(await call(bed, { headers: elsewhere, target: '/x' }))
    const key = testKey()
    const token = bed.issuer.mint({ cnf: { jkt: key.thumbprint } })
    accepted(await call(bed, { headers: dpopHeaders(bed, token, { claims, key }) }))
    const again = dpopHeaders(bed, bed.boundToken(), { claims, now: epochSeconds(bed.clock.now() + 5) })
    refused(await call(bed, { headers: again }), 401, 'replay.proof')
  })

  test('a proof that fails any check is not remembered', async () => {
    const bed = testBed()
    const claims = { jti: 'one' }
    await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { claims, key: testKey() }) })
    accepted(await call(bed, { headers: dpopHeaders(bed, bed.boundToken(), { claims }) }))
  })

  const broken: readonly (readonly [string, ReplayMemory['remember'], string])[] = [
    ['is full', () => 'full', 'replay.full'],
    [
      'throws',
      () => {
        throw new Error('down')
      },
      'replay.unavailable',
    ],
    ['is out of reach', async () => Promise.reject(new Error('down')), 'replay.unavailable'],
  ]
  for (const [name, remember, ruleId] of broken)
    test(`that ${name}: the request is refused with 503`, async () => {
      const bed = testBed({ replayMemory: { completeSince: epochSeconds(0), remember } })
      const answer = await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) })
      const challenge = refused(answer, 503, ruleId)
      assert.equal(headerOf(challenge, 'retry-after'), '1')
      assert.equal(bed.alarms.length, 1)
    })

  test('a replay memory that is down lets no proof in, and one that answers does', async () => {
    const shared = inMemoryReplayMemory({ completeSince: epochSeconds(0) })
    let isDown = true
    const remember: ReplayMemory['remember'] = (...entry) => {
      if (isDown) throw new Error('down')
      return shared.remember(...entry)
    }
    const bed = testBed({ replayMemory: { completeSince: epochSeconds(0), remember } })
    const headers = dpopHeaders(bed, bed.boundToken())
    refused(await call(bed, { headers }), 503, 'replay.unavailable')
    isDown = false
    accepted(await call(bed, { headers }))
  })
})

test('a proof made with the vector of the checklist is accepted in its form', () => {
  const key = testKey('EdDSA')
  const proof = testProof({
    key,
    method: 'GET',
    url,
    token: 'at-fixture-0001',
    now: epochSeconds(1_767_225_600),
  })
  const claims = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString())
  assert.equal(claims.ath, 'PbyV0y992Vay6MtRqMY9basRu6FvtfeNvnioT58-b30')
})
