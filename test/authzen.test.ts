import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPdp, type DecisionRecord, pdpHandler } from '@holdfast/policy'
import { type AuthzenClient, authzenClient } from './authzen/client.ts'
import { about, decidingWorld } from './authzen/world.ts'

const url = 'https://pdp.example'

interface World {
  readonly client: AuthzenClient
  readonly log: DecisionRecord[]
  readonly handler: (request: Request) => Promise<Response>
}

function openPdp(more: readonly object[] = [], meets: readonly 'max_lifetime'[] = []): World {
  const log: DecisionRecord[] = []
  const deciding = decidingWorld(more)
  const pdp = createPdp({ deciding: () => deciding, onDecision: record => log.push(record), meets })
  const handler = pdpHandler({
    pdp,
    url,
    authenticate: request => request.headers.get('authorization') === 'Bearer pep',
    challenge: 'Bearer realm="pdp"',
  })
  const client = authzenClient((path, init) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', 'Bearer pep')
    return handler(new Request(`${url}${path}`, { ...init, headers }))
  })
  return { client, log, handler }
}

const members = (json: unknown): Readonly<Record<string, unknown>> =>
  json as Readonly<Record<string, unknown>>
const contextOf = (json: unknown): Readonly<Record<string, unknown>> => members(members(json).context)

describe('AuthZEN: one evaluation', () => {
  it('a deny is an answer, not an error', async () => {
    const { client } = openPdp()
    assert.equal(await client.evaluation(about('ada', 'read')), true)
    assert.equal(await client.evaluation(about('cy', 'read')), false)
    assert.equal(await client.evaluation(about('ada', 'close')), false)
    assert.equal(await client.evaluation(about('bob', 'close')), true)
    // The same question again has the same answer (AZN-19).
    assert.equal(await client.evaluation(about('bob', 'close')), true)
  })

  it('the answer names the version of the policies and those that decided', async () => {
    const { client, log } = openPdp()
    const { json } = await client.post('/access/v1/evaluation', about('ada', 'read'))
    assert.deepEqual(contextOf(json).determining_policies, ['case.department-reads'])
    assert.match(String(contextOf(json).policy_version), /^sha256:/)
    assert.deepEqual(log, [
      {
        subject: { type: 'user', id: 'ada' },
        action: 'read',
        resource: { type: 'case', id: '7' },
        decision: true,
        policyVersion: contextOf(json).policy_version,
        determining: ['case.department-reads'],
        errors: [],
      },
    ])
  })

  it('a deny that better authentication would turn says which', async () => {
    const { client } = openPdp()
    const large = about('bob', 'close', { amount: 1001 })
    const { json } = await client.post('/access/v1/evaluation', large)
    assert.equal(members(json).decision, false)
    assert.deepEqual(contextOf(json).acr_values, ['urn:bank:two-factors'])
    assert.equal(await client.evaluation({ ...large, context: { acr: 'urn:bank:two-factors' } }), true)
    // For who may not close it anyway, there is no way out.
    const hopeless = await client.post('/access/v1/evaluation', about('ada', 'close', { amount: 1001 }))
    assert.equal(contextOf(hopeless.json).acr_values, undefined)
  })

  it('what is not known, not in the schema or against it is a deny with an error', async () => {
    const { client } = openPdp()
    const questions: readonly (readonly [string, object])[] = [
      ['an unknown user', about('nobody', 'read')],
      ['an unknown action', about('ada', 'burn')],
      ['an unknown type', { ...about('ada', 'read'), subject: { type: 'robot', id: 'r' } }],
      ['a type that is no name', { ...about('ada', 'read'), subject: { type: 'a b', id: 'r' } }],
      ['a property of another type', about('ada', 'read', { amount: 'ten' })],
      ['a property that is missing', about('ada', 'read', { owner: null })],
      [
        'an unknown ledger',
        { ...about('ada', 'export'), resource: { type: 'ledger', id: 'x', properties: { name: 'x' } } },
      ],
    ]
    for (const [name, question] of questions) {
      const { status, json } = await client.post('/access/v1/evaluation', question)
      assert.equal(status, 200, name)
      assert.equal(members(json).decision, false, name)
      assert.equal(members(contextOf(json).error).status, 400, name)
    }
  })

  it('a policy that fails denies, and does not say why', async () => {
    const broken = {
      uid: { type: 'user', id: 'max' },
      attrs: { level: 1 },
      parents: [{ type: 'Department', id: 'claims' }],
    }
    const { client, log } = openPdp([broken])
    const { json } = await client.post('/access/v1/evaluation', about('max', 'read'))
    assert.equal(members(json).decision, false)
    assert.deepEqual(contextOf(json).error, { status: 500, message: 'a policy failed' })
    assert.equal(log[0]?.errors[0]?.place, 'case.level-breaks')
  })

  it('the store is the authority on whom it knows: properties sent with them change nothing', async () => {
    const { client } = openPdp()
    const { resource, action } = about('cy', 'read')
    const subject = { type: 'user', id: 'cy', properties: { level: 0, name: 'ada', parents: ['claims'] } }
    assert.equal(await client.evaluation({ subject, action, resource }), false)
  })

  it('a permit under a condition that whoever asks does not meet is a deny', async () => {
    const question = { ...about('ada', 'export'), resource: { type: 'ledger', id: 'main' } }
    assert.equal(await openPdp().client.evaluation(question), false)
    const { json } = await openPdp([], ['max_lifetime']).client.post('/access/v1/evaluation', question)
    assert.equal(members(json).decision, true)
    assert.deepEqual(contextOf(json).obligations, { max_lifetime: 60 })
  })

  it('members nobody knows are ignored, nulls say nothing', async () => {
    const { client } = openPdp()
    const question = {
      ...about('ada', 'read', { colour: 'red', closed: null }),
      context: { weather: 'fine' },
      x: 1,
    }
    assert.equal(await client.evaluation(question), true)
  })
})

describe('AuthZEN: what is no evaluation', () => {
  it('is 400 with a message, and asks no policy', async () => {
    const { client, log } = openPdp()
    const { subject, action, resource } = about('ada', 'read')
    const bodies = [
      { action, resource },
      { subject, resource },
      { subject, action },
      [],
      'no JSON',
      '{"a":1,"a":1}',
    ]
    for (const body of bodies) {
      const { status, json } = await client.post('/access/v1/evaluation', body)
      assert.equal(status, 400, JSON.stringify(body))
      assert.equal(typeof json, 'string')
    }
    assert.deepEqual(log, [])
  })

  it('nobody asks without authentication', async () => {
    const { handler, log } = openPdp()
    for (const path of ['evaluation', 'evaluations', 'search/subject', 'search/resource', 'search/action']) {
      const response = await handler(new Request(`${url}/access/v1/${path}`, { method: 'POST', body: '{}' }))
      assert.equal(response.status, 401)
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="pdp"')
    }
    assert.deepEqual(log, [])
  })

  it('another method is 405, another content type 400, another path 404, too much 413', async () => {
    const { client, handler } = openPdp()
    const headers = { authorization: 'Bearer pep' }
    const get = await handler(new Request(`${url}/access/v1/evaluation`, { headers }))
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST'])
    const form = { method: 'POST', headers: { ...headers, 'content-type': 'text/plain' }, body: '{}' }
    assert.equal((await handler(new Request(`${url}/access/v1/evaluation`, form))).status, 400)
    assert.equal((await client.post('/access/v1/elsewhere', {})).status, 404)
    // One byte for `ä` is no UTF-8: it must not become a question about somebody else.
    const latin = Buffer.from(JSON.stringify(about('ad\u00e4', 'read')), 'latin1')
    const json = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: latin }
    assert.equal((await handler(new Request(`${url}/access/v1/evaluation`, json))).status, 400)
    const filled = (bytes: number): string => {
      const { length } = JSON.stringify({ ...about('ada', 'read'), x: '' })
      return JSON.stringify({ ...about('ada', 'read'), x: 'x'.repeat(bytes - length) })
    }
    assert.equal((await client.post('/access/v1/evaluation', filled(262_144))).status, 200)
    assert.equal((await client.post('/access/v1/evaluation', filled(262_145))).status, 413)
  })

  it('the request id comes back, and what is no id does not', async () => {
    const { client } = openPdp()
    const ask = async (id: string) =>
      (await client.post('/access/v1/evaluation', about('ada', 'read'), { 'x-request-id': id })).header(
        'x-request-id',
      )
    assert.equal(await ask('bfe9eb29-ab87'), 'bfe9eb29-ab87')
    assert.equal(await ask('x'.repeat(129)), null)
    assert.equal(await ask('a b'), null)
  })

  it('the metadata name every endpoint, at its usual path', async () => {
    const metadata = await openPdp().client.metadata()
    assert.deepEqual(metadata, {
      policy_decision_point: url,
      access_evaluation_endpoint: `${url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${url}/access/v1/evaluations`,
      search_subject_endpoint: `${url}/access/v1/search/subject`,
      search_resource_endpoint: `${url}/access/v1/search/resource`,
      search_action_endpoint: `${url}/access/v1/search/action`,
    })
  })
})

describe('AuthZEN: several evaluations', () => {
  const { resource } = about('ada', 'read')
  const asked = (...subjects: readonly string[]) => ({
    action: { name: 'read' },
    resource,
    evaluations: subjects.map(id => ({ subject: { type: 'user', id } })),
  })

  it('answers stand in the order of the questions, under all three semantics', async () => {
    const { client } = openPdp()
    const semantic = (name: string) => ({ options: { evaluations_semantic: name } })
    const mixed = asked('ada', 'cy', 'bob', 'cy')
    assert.deepEqual(await client.evaluations(mixed), [true, false, true, false])
    assert.deepEqual(await client.evaluations({ ...mixed, ...semantic('execute_all') }), [
      true,
      false,
      true,
      false,
    ])
    assert.deepEqual(await client.evaluations({ ...mixed, ...semantic('deny_on_first_deny') }), [true, false])
    const later = { ...asked('cy', 'ada', 'bob'), ...semantic('permit_on_first_permit') }
    assert.deepEqual(await client.evaluations(later), [false, true])
    assert.equal((await client.post('/access/v1/evaluations', { ...mixed, ...semantic('any') })).status, 400)
  })

  it('without evaluations it is one, answered as one', async () => {
    const { client } = openPdp()
    for (const evaluations of [undefined, []]) {
      const { json } = await client.post('/access/v1/evaluations', { ...about('ada', 'read'), evaluations })
      assert.equal(members(json).decision, true)
      assert.equal(members(json).evaluations, undefined)
    }
  })

  it('one question that cannot be asked is a deny with an error, and the others are answered', async () => {
    const { client } = openPdp()
    const { json } = await client.post('/access/v1/evaluations', {
      ...asked('ada'),
      evaluations: [{ subject: { type: 'user', id: 'ada' } }, {}, { subject: { type: 'robot', id: 'r' } }],
    })
    const answers = members(json).evaluations as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      answers.map(({ decision }) => decision),
      [true, false, false],
    )
    for (const answer of answers.slice(1)) assert.equal(members(contextOf(answer).error).status, 400)
  })

  it('a hundred are answered, a hundred and one are 400', async () => {
    const { client } = openPdp()
    const many = (count: number) => asked(...Array.from({ length: count }, () => 'ada'))
    assert.equal((await client.evaluations(many(100))).length, 100)
    assert.equal((await client.post('/access/v1/evaluations', many(101))).status, 400)
  })
})

describe('AuthZEN: searches', () => {
  const people = Array.from({ length: 250 }, (_, index) => ({
    uid: { type: 'user', id: `clerk-${String(index).padStart(3, '0')}` },
    attrs: { level: 0 },
    parents: [{ type: 'Department', id: index % 2 === 0 ? 'claims' : 'legal' }],
  }))

  it('every result would be permitted, and nobody who would be is missing', async () => {
    const { client } = openPdp(people)
    const { action, resource } = about('ada', 'read')
    const found = await client.search('subject', {
      subject: { type: 'user' },
      action,
      resource,
      page: { limit: 7 },
    })
    const all = ['ada', 'bob', 'cy', ...people.map(({ uid }) => uid.id)]
    const permitted: string[] = []
    for (const id of all) if (await client.evaluation(about(id, 'read'))) permitted.push(id)
    assert.deepEqual(found.toSorted(), permitted.toSorted())
    assert.equal(found.length, 127)
  })

  it('finds the resources of a subject, and the actions', async () => {
    const deciding = [{ uid: { type: 'case', id: 'stored' }, attrs: stored(), parents: [] }]
    const { client } = openPdp(deciding)
    const subject = { type: 'user', id: 'bob' }
    const asked = { subject, action: { name: 'close' }, resource: { type: 'case' } }
    assert.deepEqual(await client.search('resource', asked), ['stored'])
    assert.deepEqual(await client.search('action', about('bob', '')), ['close', 'read'])
    assert.deepEqual(await client.search('action', about('ada', '')), ['read'])
    assert.deepEqual(await client.search('resource', { ...asked, resource: { type: 'nothing' } }), [])
  })

  it('a token is good for the same search only', async () => {
    const { client } = openPdp(people)
    const { action, resource } = about('ada', 'read')
    const asked = { subject: { type: 'user' }, action, resource }
    const first = await client.post('/access/v1/search/subject', { ...asked, page: { limit: 2 } })
    assert.equal(Object.keys(members(first.json))[0], 'page')
    const { next_token: token } = members(members(first.json).page)
    const again = await client.post('/access/v1/search/subject', { ...asked, page: { limit: 3, token } })
    assert.equal(again.status, 200)
    const other = await client.post('/access/v1/search/subject', {
      ...asked,
      action: { name: 'close' },
      page: { token },
    })
    assert.equal(other.status, 400)
    const spoiled = await client.post('/access/v1/search/subject', { ...asked, page: { token: 'WyJ4Il0' } })
    assert.equal(spoiled.status, 400)
  })
})

function stored() {
  return {
    owner: { __entity: { type: 'user', id: 'bob' } },
    department: { __entity: { type: 'Department', id: 'claims' } },
    amount: 10,
  }
}
