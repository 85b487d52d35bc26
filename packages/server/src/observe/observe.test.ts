import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openLog, redact } from './log.ts'
import { openMetrics } from './metrics.ts'

describe('the log', () => {
  it('writes one JSON line with level, time, event and fields', () => {
    const lines: string[] = []
    const log = openLog({ level: 'info', destination: { write: line => lines.push(line) } })
    log.warn('store.slow', { ms: 12 })
    const { time, ...rest } = JSON.parse(lines[0] ?? '')
    assert.deepEqual(rest, { level: 'warn', event: 'store.slow', ms: 12 })
    assert.match(time, /^\d{4}-\d\d-\d\dT/)
  })

  it('blanks what must never be written, wherever it stands', () => {
    const jwt = `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(86)}`
    const dirty = {
      password: 'hunter2',
      nested: { Authorization: 'DPoP x', set_cookie: ['a'], deep: [{ refresh_token: 'r' }] },
      code: 'ac_0f-Fqgxxxxxxxxxxxxxxxxxxxxxxxx',
      text: `token ${jwt} and at_0f-Fqg${'x'.repeat(43)} seen`,
      cause: new Error(`bad proof ${jwt}`),
      key: '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----',
    }
    const text = JSON.stringify(redact(dirty))
    for (const leak of ['hunter2', 'DPoP x', '"r"', 'ac_0f', 'bbbb', 'xxxx', 'MIIE'])
      assert.ok(!text.includes(leak), leak)
    assert.match(text, /bad proof \[redacted\]/)
  })

  it('keeps what helps: fault codes, identifiers, numbers, bounded text', () => {
    assert.deepEqual(redact({ code: 'store.unavailable', kid: 'abc', count: 3, ok: true }), {
      code: 'store.unavailable',
      kid: 'abc',
      count: 3,
      ok: true,
    })
    assert.equal((redact('x'.repeat(10_000)) as string).length, 4000)
    assert.equal(redact(Buffer.from('secret')), '[6 bytes]')
  })

  it('a circle ends', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    assert.match(JSON.stringify(redact(circle)), /\[deep\]/)
  })
})

describe('metrics', () => {
  it('counts by label set and durations by route', async () => {
    const metrics = openMetrics({ withProcess: false })
    metrics.count('requests_total', { route: '/token', status: '200' })
    metrics.count('requests_total', { route: '/token', status: '200' })
    metrics.count('client_jwks_fetch_failures_total')
    metrics.observeDuration('/token', 0.001)
    metrics.observeDuration('/token', 0.0011)
    metrics.observeDuration('/token', 11)
    const { body, contentType } = await metrics.render()
    assert.match(contentType, /^text\/plain/)
    assert.match(body, /^holdfast_requests_total\{route="\/token",status="200"\} 2$/m)
    assert.match(body, /^holdfast_client_jwks_fetch_failures_total 1$/m)
    assert.match(body, /^holdfast_request_duration_seconds_bucket\{route="\/token",le="0.001"\} 1$/m)
    assert.match(body, /^holdfast_request_duration_seconds_bucket\{route="\/token",le="0.0025"\} 2$/m)
    assert.match(body, /^holdfast_request_duration_seconds_bucket\{route="\/token",le="\+Inf"\} 3$/m)
    assert.match(body, /^holdfast_request_duration_seconds_count\{route="\/token"\} 3$/m)
  })

  it('label sets are capped: what comes after is counted under `other`', async () => {
    const metrics = openMetrics({ withProcess: false })
    for (let count = 0; count < 700; count++)
      metrics.count('refusals_total', { event: 'e', rule: `r${count}` })
    const { body } = await metrics.render()
    assert.equal(body.match(/^holdfast_refusals_total\{/gm)?.length, 501)
    assert.match(body, /^holdfast_refusals_total\{event="other",rule="other"\} 200$/m)
  })
})
