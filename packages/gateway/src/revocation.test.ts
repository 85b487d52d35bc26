import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { openFeed } from './feed.ts'
import { type Bed, type BedOptions, open, openBed, send } from './testing/bed.ts'

/** What the gateway remembers ends when the issuer says so, and when the issuer says nothing. */

interface Time {
  ms: number
}

async function withBed(use: (bed: Bed, time: Time) => Promise<void>, more: BedOptions = {}): Promise<void> {
  const time: Time = { ms: 1000 }
  const clock = { ...systemClock, monotonicMs: () => time.ms }
  const bed = await openBed({ ...more, options: { clock, ...more.options } })
  try {
    await use(bed, time)
  } finally {
    await bed.close()
  }
}

const introspections = (bed: Bed): number =>
  bed.issuer.seen.filter(({ url }) => url.endsWith('/introspect')).length

describe('the revocation feed at the gateway', () => {
  test('a token that ended is refused with the announcement, while its answer is still remembered', () =>
    withBed(async bed => {
      const [token, other] = [bed.token({ jti: 'one' }), bed.token({ jti: 'two' })]
      for (const one of [token, other]) assert.equal((await send(bed, { token: one })).status, 200)
      bed.issuer.introspection.delete(token)
      bed.issuer.introspection.delete(other)
      assert.equal((await send(bed, { token })).status, 200, 'the answer is remembered')
      await bed.feed.end('token', 'one')
      assert.equal((await send(bed, { token })).json.error, 'invalid_token')
      assert.equal((await send(bed, { token: other })).status, 200, 'no other token ended')
    }))

  test('a token of a grant, a user or a client that ended is asked about again', () =>
    withBed(async bed => {
      const ended = { grant: 'txn-1', subject: 'user-9', client: 'client-9' } as const
      for (const topic of ['grant', 'subject', 'client'] as const) {
        const claim = { grant: 'txn', subject: 'sub', client: 'client_id' }[topic]
        const token = bed.token({ [claim]: ended[topic] })
        assert.equal((await send(bed, { token })).status, 200)
        bed.issuer.introspection.delete(token)
        await bed.feed.end(topic, ended[topic])
        assert.equal((await send(bed, { token })).status, 401, topic)
      }
    }))

  test('all that its issuer gave is refused when a tenant ended, and what came after is not', () =>
    withBed(async bed => {
      const now = systemClock.now()
      const before = Array.from({ length: 20 }, (_, index) =>
        bed.token({ jti: `old-${index}`, iat: now - 30 }),
      )
      for (const token of before) assert.equal((await send(bed, { token })).status, 200)
      await bed.feed.end('issuer', bed.issuer.issuer, now - 20)
      for (const token of before) {
        const answer = await send(bed, { token })
        assert.deepEqual([answer.status, answer.json.error], [401, 'invalid_token'])
      }
      const after = bed.token({ jti: 'new', iat: now })
      assert.equal((await send(bed, { token: after })).status, 200)
      bed.issuer.introspection.delete(after)
      assert.equal((await send(bed, { token: after })).status, 200, 'its answer is remembered')
    }))

  test('a token of about the second a tenant ended in is asked about each time', () =>
    withBed(async bed => {
      const now = systemClock.now()
      const token = bed.token({ jti: 'edge', iat: now })
      assert.equal((await send(bed, { token })).status, 200)
      await bed.feed.end('issuer', bed.issuer.issuer, now)
      assert.equal((await send(bed, { token })).status, 200)
      bed.issuer.introspection.delete(token)
      assert.equal((await send(bed, { token })).status, 401)
    }))

  test('announcements that come twice, late or out of order change nothing', () =>
    withBed(async bed => {
      const [token, other] = [bed.token({ jti: 'one' }), bed.token()]
      assert.equal((await send(bed, { token: other })).status, 200)
      const now = systemClock.now()
      for (const at of [now, now - 60, now, now - 1]) await bed.feed.end('token', 'one', at)
      bed.issuer.introspection.delete(token)
      assert.equal((await send(bed, { token })).status, 401)
      const asked = introspections(bed)
      assert.equal((await send(bed, { token: other })).status, 200)
      assert.equal(introspections(bed), asked, 'what did not end is still remembered')
    }))

  test('silent for longer than the bound, nothing that is remembered is believed', () =>
    withBed(async (bed, time) => {
      bed.feed.silence = true
      await bed.feed.beat()
      const token = bed.token()
      assert.equal((await send(bed, { token })).status, 200)
      const asked = introspections(bed)
      time.ms += 3000
      assert.equal((await send(bed, { token })).status, 200)
      assert.equal(introspections(bed), asked, 'within the bound the answer is used again')
      bed.issuer.introspection.delete(token)
      time.ms += 1
      assert.equal((await send(bed, { token })).status, 401)
    }))

  test('silent, and introspection down: nobody is let in', () =>
    withBed(async (bed, time) => {
      bed.feed.silence = true
      await bed.feed.beat()
      const token = bed.token()
      assert.equal((await send(bed, { token })).status, 200)
      time.ms += 3001
      bed.issuer.faults.push(new Error('refused'))
      const answer = await send(bed, { token })
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['retry-after'], '1')
      assert.equal(bed.received.length, 1)
    }))

  test('comes back where it was after a cut, and remembers again', () =>
    withBed(async bed => {
      bed.feed.silence = true
      const token = bed.token({ jti: 'one' })
      await bed.feed.say('heartbeat', { elapsed_ms: 0 }, '4.7')
      await bed.feed.hangUp()
      await bed.feed.end('token', 'one')
      assert.equal(bed.feed.asked.at(-1), '4.7')
      bed.issuer.introspection.delete(token)
      assert.equal((await send(bed, { token })).status, 401)
    }))

  test('a restored issuer makes the gateway forget everything', () =>
    withBed(async bed => {
      bed.feed.silence = true
      const token = bed.token()
      assert.equal((await send(bed, { token })).status, 200)
      bed.issuer.introspection.delete(token)
      await bed.feed.say('resync', {})
      await bed.feed.beat()
      assert.equal((await send(bed, { token })).status, 401)
    }))

  test('how long an announcement took is a metric', () =>
    withBed(
      async bed => {
        const url = `http://127.0.0.1:${bed.gateway.managementPort}/metrics`
        const value = async (name: string): Promise<number> => {
          const line = (await (await fetch(url)).text())
            .split('\n')
            .find(text => text.startsWith(`holdfast_gateway_${name} `))
          return Number(line?.split(' ')[1])
        }
        assert.equal(await value('revocation_feed_trusted'), 1)
        assert.equal(await value('revocation_seconds_count'), 0)
        await bed.feed.end('token', 'one')
        await bed.feed.end('token', 'one')
        assert.equal(await value('revocation_seconds_count'), 1)
        assert.equal(await value('revocations_total'), 1)
        assert.equal(await value('revocation_seconds_bucket{le="+Inf"}'), 1)
        assert.ok((await value('revocation_max_seconds')) >= 0)
        assert.equal(await value('revocation_feed_connections_total'), 1)
      },
      { options: { management: { host: '127.0.0.1', port: 0 } } },
    ))

  test('without a feed the life of a remembered answer bounds it', () =>
    withBed(
      async bed => {
        const token = bed.token()
        assert.equal((await send(bed, { token })).status, 200)
        assert.deepEqual(bed.feed.asked, [])
        bed.issuer.introspection.delete(token)
        assert.equal((await send(bed, { token })).status, 200)
      },
      { options: { revocationFeed: 'off' } },
    ))

  test('the bound leaves room for a look at the streams', () => {
    const options = {
      issuer: 'https://as.example',
      introspection: { method: 'tls_client_auth', clientId: 'g' },
    }
    for (const silenceBoundMs of [1499, 4501, Number.NaN])
      assert.throws(
        () => openFeed({ ...options, revocationFeed: { silenceBoundMs } } as never),
        /silenceBoundMs/,
      )
  })
})

describe('an event stream', () => {
  const stream = async (bed: Bed, token: string): Promise<IncomingMessage> => {
    bed.api.listener = (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    }
    const answer = await open(bed, { token, path: '/events' })
    await once(answer, 'data')
    answer.on('error', () => undefined)
    answer.resume()
    return answer
  }
  const closed = (answer: IncomingMessage): Promise<unknown> =>
    answer.destroyed ? Promise.resolve() : new Promise(resolve => answer.once('close', resolve))

  test('ends with the token that opened it, and no other does', () =>
    withBed(async bed => {
      const [gone, kept] = [
        await stream(bed, bed.token({ jti: 'one' })),
        await stream(bed, bed.token({ jti: 'two' })),
      ]
      await bed.feed.end('token', 'one')
      await closed(gone)
      assert.ok(!kept.destroyed)
    }))

  test('ends when its user lost access, and when the feed is silent for too long', () =>
    withBed(async (bed, time) => {
      const ofUser = await stream(bed, bed.token({ sub: 'user-9' }))
      const kept = await stream(bed, bed.token())
      await bed.feed.end('subject', 'user-9')
      await closed(ofUser)
      assert.ok(!kept.destroyed)
      bed.feed.silence = true
      time.ms += 3001
      await closed(kept)
    }))
})
