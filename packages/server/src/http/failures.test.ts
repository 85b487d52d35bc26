import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { claimedClient, isCredentialFailure, openFailures } from './failures.ts'
import { defaultLimits } from './limits.ts'
import {
  bodyOf,
  formHeader,
  headerOf,
  openEdgeWorld,
  request,
  routeTo,
  statusOf,
} from './testing/edge-world.ts'
import { Throttle } from './throttle.ts'

const form = (text: string): Buffer => Buffer.from(text)

describe('failed credentials', () => {
  it('a client is stopped after 60 in a minute from one source, and only that one', () => {
    let nowMs = 0
    const failures = openFailures(defaultLimits, () => nowMs)
    const body = form('client_id=a')
    for (let count = 0; count < 59; count++) failures.count('10.0.0.0/24', body)
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 0)
    failures.count('10.0.0.0/24', body)
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 1)
    assert.equal(failures.waitSeconds('10.0.0.0/24', form('client_id=b')), 0)
    assert.equal(failures.waitSeconds('10.0.1.0/24', body), 0)
    nowMs = 999
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 1)
    nowMs = 1000
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 0)
  })

  it('a source is stopped after 100 in a minute, whatever client it claims', () => {
    const failures = openFailures(defaultLimits, () => 0)
    for (let count = 0; count < 99; count++) failures.count('2001:db8::/56', form(`client_id=c${count}`))
    assert.equal(failures.waitSeconds('2001:db8::/56', form('client_id=x')), 0)
    failures.count('2001:db8::/56', form('client_id=c99'))
    assert.equal(failures.waitSeconds('2001:db8::/56', form('client_id=x')), 1)
  })

  it('a client that fails steadily is stopped, though its source fails slower than it is forgiven', () => {
    let nowMs = 0
    const failures = openFailures(defaultLimits, () => nowMs)
    const body = form('client_id=a')
    // 80 in a minute: 60 are forgiven to a client, 100 to a source.
    for (; nowMs < 240_000; nowMs += 750) failures.count('10.0.0.0/24', body)
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 1)
    assert.equal(failures.waitSeconds('10.0.0.0/24', form('client_id=b')), 0)
  })

  it('for a minute after a failure a source is asked who it claims to be, and no other is', () => {
    let nowMs = 0
    const failures = openFailures(defaultLimits, () => nowMs)
    failures.count('10.0.0.0/24', form('client_id=a'))
    let reads = 0
    const body = form('client_id=a')
    body.toString = () => {
      reads++
      return 'client_id=a'
    }
    assert.equal(failures.waitSeconds('10.0.1.0/24', body), 0)
    assert.equal(reads, 0)
    nowMs = 59_999
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 0)
    assert.equal(reads, 1)
    nowMs = 60_000
    assert.equal(failures.waitSeconds('10.0.0.0/24', body), 0)
    assert.equal(reads, 1)
  })

  it('by Basic a client is counted as by its form', () => {
    const failures = openFailures(defaultLimits, () => 0)
    const authorization = `Basic ${Buffer.from('a:guess').toString('base64')}`
    for (let count = 0; count < 60; count++) failures.count('10.0.0.0/24', form('token=x'), authorization)
    assert.equal(failures.waitSeconds('10.0.0.0/24', form('token=y'), authorization), 1)
    assert.equal(failures.waitSeconds('10.0.0.0/24', form('client_id=a')), 1)
    assert.equal(failures.waitSeconds('10.0.0.0/24', form('token=y')), 0)
  })

  it('the claimed client is read from the form or the assertion, and nonsense is nobody', () => {
    const payload = Buffer.from(JSON.stringify({ sub: 'c_1' })).toString('base64url')
    assert.equal(claimedClient(form('client_id=c_2&a=b')), 'c_2')
    assert.equal(claimedClient(form(`client_assertion=e30.${payload}.x`)), 'c_1')
    for (const text of [
      '',
      'client_assertion=a',
      'client_assertion=a.%%%.c',
      'client_assertion=a.bnVsbA.c',
      '%ff=%',
    ])
      assert.equal(claimedClient(form(text)), undefined)
  })

  it('wrong credentials and proofs count, ordinary refusals do not', () => {
    assert.ok(isCredentialFailure(401, ''))
    assert.ok(isCredentialFailure(400, '{"error":"invalid_dpop_proof","error_description":"x"}'))
    assert.ok(!isCredentialFailure(400, '{"error":"use_dpop_nonce"}'))
    assert.ok(!isCredentialFailure(400, '{"error":"invalid_grant"}'))
    assert.ok(!isCredentialFailure(200, '{}'))
  })

  it('over the limit the answer is 429 with Retry-After, and no room is asked', async () => {
    let asked = 0
    const refuses = routeTo(async () => {
      asked++
      return { status: 401, headers: [], body: '{"error":"invalid_client"}' }
    })
    const world = await openEdgeWorld([refuses, { ...refuses, path: '/open', countsFailures: false }], {
      limits: { clientFailuresPerMinute: 3 },
    })
    const post = (path: string, client: string): Promise<string> =>
      world.raw(request(`POST ${path}`, [formHeader], `client_id=${client}`))
    for (let count = 0; count < 3; count++) assert.equal(statusOf(await post('/token', 'a')), 401)
    const stopped = await post('/token', 'a')
    assert.equal(statusOf(stopped), 429)
    assert.ok(Number(headerOf(stopped, 'retry-after')) >= 1)
    assert.equal(JSON.parse(bodyOf(stopped)).error, 'temporarily_unavailable')
    assert.equal(asked, 3)
    assert.equal(statusOf(await post('/token', 'b')), 401)
    assert.equal(statusOf(await post('/open', 'a')), 401)
    await world.stop()
  })

  it('behind a trusted proxy the client is stopped, and not everybody behind that proxy', async t => {
    const refuses = routeTo(async () => ({ status: 401, headers: [], body: '{"error":"invalid_client"}' }))
    const world = await openEdgeWorld([refuses], {
      limits: { prefixFailuresPerMinute: 2 },
      trustedProxies: ['127.0.0.1'],
    })
    t.after(() => world.stop())
    const post = async (from: string): Promise<number> => {
      const headers = [formHeader, `x-forwarded-for: ${from}`]
      return statusOf(await world.raw(request('POST /token', headers, 'client_id=a')))
    }
    assert.deepEqual([await post('203.0.113.7'), await post('203.0.113.8')], [401, 401])
    assert.equal(await post('203.0.113.9'), 429)
    assert.equal(await post('198.51.100.7'), 401)
  })

  it('guessing a secret by Basic is stopped with 429 like any other failure', async () => {
    const refuses = routeTo(async () => ({ status: 401, headers: [], body: '{"error":"invalid_client"}' }))
    const world = await openEdgeWorld([refuses], { limits: { clientFailuresPerMinute: 3 } })
    const guess = (client: string, count: number): Promise<string> => {
      const pair = Buffer.from(`${client}:guess-${count}`).toString('base64')
      return world.raw(request('POST /token', [formHeader, `Authorization: Basic ${pair}`], 'a=b'))
    }
    for (let count = 0; count < 3; count++) assert.equal(statusOf(await guess('a', count)), 401)
    assert.equal(statusOf(await guess('a', 3)), 429)
    assert.equal(statusOf(await guess('b', 0)), 401)
    await world.stop()
  })

  it('a source that opens or fails too many pages waits; pages backed by a client do not count', async t => {
    let asked = 0
    const page = routeTo(
      async ({ query }) => {
        asked++
        const status = query === 'refused' ? 400 : 303
        return { status, headers: [], body: '', ...(query === 'unbacked' && { isUnbacked: true as const }) }
      },
      {
        method: 'GET',
        path: '/authorize',
        form: 'none',
        cors: 'none',
        dialect: 'page',
        countsFailures: false,
      },
    )
    const world = await openEdgeWorld([page], { limits: { unbackedPagesPerMinute: 2 } })
    t.after(() => world.stop())
    const get = async (query: string): Promise<string> =>
      await world.raw(request(`GET /authorize?${query}`, [], ''))
    for (let count = 0; count < 5; count++) assert.equal(statusOf(await get('pushed')), 303)
    assert.equal(statusOf(await get('unbacked')), 303)
    assert.equal(statusOf(await get('refused')), 400)
    const stopped = await get('pushed')
    assert.equal(statusOf(stopped), 429)
    assert.ok(Number(headerOf(stopped, 'retry-after')) >= 1)
    assert.match(headerOf(stopped, 'content-type') ?? '', /text\/html/)
    assert.equal(asked, 7)
  })

  it('a source that presents too many tokens that are none waits; live ones do not count', async t => {
    let asked = 0
    const desk = routeTo(
      async ({ query }) => {
        asked++
        return {
          status: 401,
          headers: [],
          body: '{}',
          ...(query === 'nobody' && { isUnbacked: true as const }),
        }
      },
      { method: 'GET', path: '/userinfo', form: 'none', countsFailures: false, takesToken: true },
    )
    const world = await openEdgeWorld([desk], { limits: { unbackedTokensPerMinute: 2 } })
    t.after(() => world.stop())
    const get = async (query: string): Promise<string> =>
      await world.raw(request(`GET /userinfo?${query}`, [], ''))
    for (let count = 0; count < 5; count++) assert.equal(statusOf(await get('stale-nonce')), 401)
    for (let count = 0; count < 2; count++) assert.equal(statusOf(await get('nobody')), 401)
    const stopped = await get('stale-nonce')
    assert.equal(statusOf(stopped), 429)
    assert.ok(Number(headerOf(stopped, 'retry-after')) >= 1)
    assert.match(stopped, /temporarily_unavailable/)
    assert.equal(asked, 7)
  })

  it('the memory of failures is bounded and forgets the oldest', () => {
    const throttle = new Throttle(1, () => 0)
    for (let count = 0; count <= 50_000; count++) throttle.fail(`key ${count}`)
    assert.equal(throttle.waitSeconds('key 0'), 0)
    assert.ok(throttle.waitSeconds('key 1') > 0)
    assert.ok(throttle.waitSeconds('key 50000') > 0)
  })
})
