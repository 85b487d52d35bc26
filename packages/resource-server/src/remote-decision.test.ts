import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Asked, type DecisionPoint, decideBy, tokenContext } from './decision-point.ts'
import type { Fetch, FetchInit } from './ports.ts'
import { type RemoteOptions, remoteDecisionPoint, remoteOpa } from './remote-decision.ts'
import { accepted, call, challengesOf, dpopHeaders, refused, type TestBed, testBed } from './test-bed.ts'

const url = 'https://pdp.example/access/v1/evaluation'
const asked: Asked = { action: { name: 'read' }, resource: { type: 'payment', id: '7' } }

interface Seen {
  readonly url: string
  readonly init: FetchInit
}

/** A decision point that answers in this order; an error is a network that fails. */
function answering(...answers: readonly (unknown | Error)[]) {
  const seen: Seen[] = []
  const fetch: Fetch = async (to, init) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)]
    seen.push({ url: to, init })
    if (answer instanceof Error) throw answer
    return typeof answer === 'number' ? new Response('{}', { status: answer }) : Response.json(answer)
  }
  return { seen, fetch }
}

async function decided(bed: TestBed, point: DecisionPoint, one: Asked | undefined = asked) {
  const headers = dpopHeaders(bed, bed.boundToken({ acr: 'urn:one', tenant_id: undefined }))
  return await call(bed, { headers, requirements: { decide: decideBy(point, () => one) } })
}

const remote = (fetch: Fetch, more: Partial<RemoteOptions> = {}): DecisionPoint =>
  remoteDecisionPoint({ url, fetch, ...more })

describe('a decision point decides', () => {
  it('is asked about the user, the action and the object, with what the token says', async () => {
    const { seen, fetch } = answering({ decision: true, context: { policy_version: 'sha256:x' } })
    const bed = testBed()
    const point = remote(fetch, { headers: () => ({ authorization: 'Bearer pep' }) })
    assert.equal(accepted(await decided(bed, point)).policyVersion, 'sha256:x')
    const [{ url: to, init } = assert.fail()] = seen
    assert.equal(to, url)
    assert.equal(init.headers.authorization, 'Bearer pep')
    assert.match(init.headers['x-request-id'] ?? '', /^[\w-]{22}$/)
    const { subject, action, resource, context } = JSON.parse(init.body ?? '')
    assert.deepEqual(
      { subject, action, resource },
      {
        subject: { type: 'user', id: 'user-1', properties: {} },
        action: { name: 'read', properties: {} },
        resource: { type: 'payment', id: '7', properties: {} },
      },
    )
    assert.deepEqual(
      [context.client_id, context.acr, context.binding, context.method],
      ['client-1', 'urn:one', 'key', 'GET'],
    )
    assert.equal(JSON.stringify(context).includes('eyJ'), false, 'a token left the API')
  })

  it('only a permit that obliges to nothing lets a request through', async () => {
    const answers: readonly (readonly [unknown, boolean])[] = [
      [{ decision: true }, true],
      [{ decision: true, context: { id: '1', reason_user: { en: 'fine' } } }, true],
      [{ decision: true, context: { obligations: { watermark: true } } }, false],
      [{ decision: true, context: { max_lifetime: 60 } }, false],
      [{ decision: false }, false],
      [{ decision: false, context: { policy_version: 'x' } }, false],
    ]
    for (const [answer, permits] of answers) {
      const result = await decided(testBed(), remote(answering(answer).fetch))
      if (permits) accepted(result)
      else refused(result, 403, 'decision.denied')
    }
  })

  it('a deny that better authentication would turn is a challenge', async () => {
    const { fetch } = answering({ decision: false, context: { acr_values: ['urn:two', 7], max_age: 60 } })
    const answer = refused(await decided(testBed(), remote(fetch)), 401, 'decision.step-up')
    const { params } = challengesOf(answer).get('dpop') ?? assert.fail()
    assert.equal(params.get('acr_values'), 'urn:two')
    assert.equal(params.get('max_age'), '60')
  })

  it('about no object nobody is asked', async () => {
    const { seen, fetch } = answering({ decision: true })
    const decide = decideBy(remote(fetch), () => undefined)
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken())
    refused(await call(bed, { headers, requirements: { decide } }), 403, 'decision.denied')
    assert.equal(seen.length, 0)
  })

  it('embedded, it is asked in the same way, and what the API says stands beside what the token says', async () => {
    const seen: unknown[] = []
    const point: DecisionPoint = {
      evaluate: ({ subject, context }) => {
        seen.push(subject, context.client_id, context.time)
        return { decision: true }
      },
    }
    const more = {
      subject: { type: 'service', id: 's', properties: { tier: 2 } },
      context: { time: 1 },
    }
    accepted(await decided(testBed(), point, { ...asked, ...more }))
    assert.deepEqual(seen, [more.subject, 'client-1', 1])
  })

  it('nobody is asked about a token that the API tells otherwise, not even where the token says nothing', async () => {
    const seen: unknown[] = []
    const point: DecisionPoint = { evaluate: ({ context }) => ({ decision: seen.push(context) > 0 }) }
    const full = tokenContext({
      token: {
        ...{ clientId: 'c', audience: ['a'], scopes: [], acr: 'one', amr: ['pwd'], authTime: 1, tenant: 't' },
        ...{ binding: {}, authorizationDetails: [], claims: { txn: 'x' } },
      } as never,
      ...{ method: 'GET', path: '/x', request: undefined },
    })
    assert.equal(Object.keys(full).length, 12)
    for (const [name, value] of Object.entries(full)) {
      const context = JSON.parse(JSON.stringify({ time: 1, [name]: value }))
      refused(await decided(testBed(), point, { ...asked, context }), 403, 'decision.denied')
    }
    accepted(await decided(testBed(), point, { ...asked, context: Object.create(full) }))
    assert.equal(seen.length, 1)
  })
})

describe('a decision point that fails', () => {
  it('without an answer the request is 503, and after a few nobody waits', async () => {
    let at = 0
    const clock = { ...testBed().clock, monotonicMs: () => at }
    const { seen, fetch } = answering(new Error('down'))
    const point = remote(fetch, { failuresMax: 3, pauseMs: 1000, clock })
    for (let count = 0; count < 5; count++)
      refused(await decided(testBed(), point), 503, 'decision.unreachable')
    assert.equal(seen.length, 3)
    at = 999
    refused(await decided(testBed(), point), 503, 'decision.unreachable')
    assert.equal(seen.length, 3)
    at = 1000
    refused(await decided(testBed(), point), 503, 'decision.unreachable')
    refused(await decided(testBed(), point), 503, 'decision.unreachable')
    assert.equal(seen.length, 4)
  })

  it('is asked again after the pause, and trusted when it answers', async () => {
    let at = 0
    const clock = { ...testBed().clock, monotonicMs: () => at }
    const { fetch } = answering(500, 500, { decision: true })
    const point = remote(fetch, { failuresMax: 2, pauseMs: 1000, clock })
    for (let count = 0; count < 3; count++)
      refused(await decided(testBed(), point), 503, 'decision.unreachable')
    at = 1000
    for (let count = 0; count < 3; count++) accepted(await decided(testBed(), point))
  })

  it('a question it will not take is denied, and no reason to leave the others waiting', async () => {
    for (const status of [400, 413, 422]) {
      const { seen, fetch } = answering(status, status, status, { decision: true })
      const point = remote(fetch, { failuresMax: 2 })
      for (let count = 0; count < 3; count++) refused(await decided(testBed(), point), 403, 'decision.denied')
      accepted(await decided(testBed(), point))
      assert.equal(seen.length, 4)
    }
    for (const status of [401, 403, 404, 408, 429, 500]) {
      const { seen, fetch } = answering(status, { decision: true })
      const point = remote(fetch, { failuresMax: 1 })
      for (let count = 0; count < 2; count++)
        refused(await decided(testBed(), point), 503, 'decision.unreachable')
      assert.equal(seen.length, 1, String(status))
    }
  })

  it('an answer that is none is no answer', async () => {
    for (const answer of [{}, { decision: 'true' }, { decision: 1 }, [], 'true', 401, 204]) {
      const { fetch } = answering(answer)
      refused(await decided(testBed(), remote(fetch)), 503, 'decision.unreachable')
    }
  })

  it('is not waited for longer than said', async () => {
    const fetch: Fetch = (_, { signal }) =>
      new Promise((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason)))
    const bed = testBed({ decisionTimeoutMs: 5000 })
    refused(await decided(bed, remote(fetch, { timeoutMs: 20 })), 503, 'decision.unreachable')
  })

  it('takes no wrong option', () => {
    const { fetch } = answering({})
    assert.throws(() => remoteDecisionPoint({ url: 'http://pdp.example/', fetch }), /not https/)
    assert.throws(() => remoteDecisionPoint({ url: 'nowhere', fetch }), /not https/)
    for (const wrong of [
      { timeoutMs: 0 },
      { timeoutMs: 10_001 },
      { failuresMax: 0 },
      { failuresMax: 101 },
      { pauseMs: 99 },
      { pauseMs: 60_001 },
    ])
      assert.throws(() => remote(fetch, wrong), /outside/)
    for (const right of [
      { timeoutMs: 1 },
      { timeoutMs: 10_000 },
      { failuresMax: 1 },
      { failuresMax: 100 },
      { pauseMs: 100 },
      { pauseMs: 60_000 },
    ])
      assert.ok(remote(fetch, right))
  })
})

describe('Open Policy Agent decides', () => {
  const opa = (fetch: Fetch): DecisionPoint =>
    remoteOpa({ url: 'https://opa.example/v1/data/bank/allow', fetch })

  it('by a document that is true, or an answer', async () => {
    const { seen, fetch } = answering({ result: true })
    accepted(await decided(testBed(), opa(fetch)))
    assert.deepEqual(Object.keys(JSON.parse(seen[0]?.init.body ?? '')), ['input'])
    const answer = { decision: true, context: { policy_version: 'bundle-7' } }
    const { policyVersion } = accepted(await decided(testBed(), opa(answering({ result: answer }).fetch)))
    assert.equal(policyVersion, 'bundle-7')
  })

  it('a document that is false or not there denies, and any other is no answer', async () => {
    for (const answer of [{ result: false }, {}])
      refused(await decided(testBed(), opa(answering(answer).fetch)), 403, 'decision.denied')
    for (const answer of [{ result: 'yes' }, { result: null }, { result: { allow: true } }])
      refused(await decided(testBed(), opa(answering(answer).fetch)), 503, 'decision.unreachable')
  })
})

it('the context holds nothing the token does not say', () => {
  const token = {
    subject: 'u',
    ...{ clientId: 'c', audience: ['https://a'], scopes: ['a'], amr: [], claims: {} },
    ...{ binding: {}, authorizationDetails: [] },
  }
  const context = tokenContext({ token: token as never, method: 'POST', path: '/x', request: undefined })
  assert.deepEqual(context, {
    client_id: 'c',
    audience: ['https://a'],
    scopes: ['a'],
    binding: 'none',
    authorization_details: [],
    method: 'POST',
    path: '/x',
  })
})
