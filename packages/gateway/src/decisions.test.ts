import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { compilePolicySet, createPdp, type Pdp, pdpHandler, prepareEntities } from '@holdfast/policy'
import { type DecisionPoint, type Fetch, remoteDecisionPoint } from '@holdfast/resource-server'
import { testKey } from '@holdfast/resource-server/testing.ts'
import { decisionPointsOf } from './configuration/decision-points.ts'
import type { RouteDecision } from './decisions.ts'
import type { RouteOptions } from './options.ts'
import { type Bed, type BedOptions, openBed, type SendOptions, send } from './testing/bed.ts'

/** The gateway's own client, which none of these asks with. */
const own = {
  issuer: 'https://as.example',
  authentication: {
    method: 'private_key_jwt',
    clientId: 'gw',
    alg: 'ES256',
    privateKey: testKey('ES256').privateKey,
  },
} as const

const schema = `entity User; entity Account;
action read, move appliesTo { principal: User, resource: Account, context: { acr?: String, auth_time?: Long, method: String } };`
const policies = `@id("own") permit (principal == User::"ada", action == Action::"read", resource)
  unless { resource == Account::"secret" };
@id("space") permit (principal, action == Action::"read", resource == Account::"a b");
@id("move") permit (principal, action == Action::"move", resource);
@id("two-factors") @step_up("urn:mfa") forbid (principal, action == Action::"move", resource)
  unless { context has acr && context.acr == "urn:mfa" };`

function openPdp(text = policies): Pdp {
  const set = compilePolicySet({
    schema: { name: 's.cedarschema', text: schema },
    policies: { 'p.cedar': text },
  })
  assert.ok(set.ok, JSON.stringify(set))
  const entities = prepareEntities(set.value, [{ uid: { type: 'User', id: 'ada' }, attrs: {}, parents: [] }])
  assert.ok(entities.ok)
  const deciding = { set: set.value, entities: entities.value, givenTypes: ['Account'] }
  return createPdp({ deciding: () => deciding })
}

const decision = (action: string, id = '{id}'): RouteDecision => ({
  ...{ point: 'bank', action, subjectType: 'User' },
  resource: { type: 'Account', id },
})
const routes: readonly RouteOptions[] = [
  { api: 'bank', methods: ['GET'], path: '/accounts/{id}', decision: decision('read') },
  { api: 'bank', methods: ['POST'], path: '/accounts/{id}', decision: decision('move') },
  { api: 'bank', methods: ['GET'], path: '/files/{rest...}', decision: decision('read', 'file:{rest}') },
  { api: 'bank', methods: ['GET'], path: '/of/{bank}/{id}', decision: decision('read', '{bank}:{id}') },
  { api: 'bank', methods: ['GET'], path: '/open' },
]

async function open(t: TestContext, point: DecisionPoint, more: BedOptions = {}): Promise<Bed> {
  const decisionPoints = new Map([['bank', point]])
  const bed = await openBed({ routes, ...more, options: { decisionPoints, ...more.options } })
  t.after(() => bed.close())
  return bed
}

const ask = (bed: Bed, path: string, options: SendOptions = {}, claims: object = {}) => {
  const token = bed.token({ sub: 'ada', ...claims })
  return send(bed, { path, token, ...options })
}

describe('a gateway that asks about the object of each request', () => {
  test('lets through what is permitted, with the version of the policies in its record', async t => {
    const bed = await open(t, openPdp())
    assert.equal((await ask(bed, '/accounts/1')).status, 200)
    assert.equal(bed.received.length, 1)
    assert.match(String(bed.events.at(-1)?.policyVersion), /^sha256:[\w-]{43}$/)
    assert.equal((await ask(bed, '/open')).status, 200)
    assert.equal(bed.events.at(-1)?.policyVersion, undefined)
  })

  for (const [name, path, claims] of [
    ['another object', '/accounts/secret', {}],
    ['another user', '/accounts/1', { sub: 'bob' }],
    ['somebody nobody knows', '/accounts/1', { sub: 'u_nobody' }],
  ] as const)
    test(`refuses ${name} with a good token, and the API hears nothing of it`, async t => {
      const bed = await open(t, openPdp())
      const answer = await ask(bed, path, {}, claims)
      assert.deepEqual([answer.status, bed.events.at(-1)?.ruleId], [403, 'decision.denied'])
      assert.equal(bed.received.length, 0)
      const record = bed.events.at(-1)
      assert.equal(record?.outcome, 'refused')
      assert.match(String(record?.policyVersion), /^sha256:[\w-]{43}$/)
    })

  test('asks about what the path says: decoded, the rest whole, and no two objects by one id', async t => {
    const asked: string[] = []
    const bed = await open(t, {
      evaluate: ({ resource, action }) => {
        asked.push(`${action.name} ${resource.id}`)
        return { decision: true }
      },
    })
    for (const path of ['/accounts/a%20b', '/accounts/1?id=2', '/files/a/b', '/of/x/1'])
      assert.equal((await ask(bed, path)).status, 200)
    assert.deepEqual(asked, ['read a b', 'read 1', 'read file:a/b', 'read x:1'])
    for (const path of ['/of/x:y/1', '/of/x/y:1', `/accounts/${'a'.repeat(513)}`]) {
      const answer = await ask(bed, path)
      assert.deepEqual([answer.status, bed.events.at(-1)?.ruleId], [403, 'decision.denied'])
    }
    // Two spellings of one id are two objects to somebody: the gateway knows one of them.
    assert.notEqual((await ask(bed, '/files/a%2Fb')).status, 200)
    assert.equal(asked.length, 4)
  })

  test('tells how to come back where a stronger sign-in would turn it', async t => {
    const bed = await open(t, openPdp())
    const answer = await ask(bed, '/accounts/1', { method: 'POST' })
    assert.equal(answer.status, 401)
    assert.match(
      String(answer.headers['www-authenticate']),
      /insufficient_user_authentication.*acr_values="urn:mfa"/,
    )
    assert.equal((await ask(bed, '/accounts/1', { method: 'POST' }, { acr: 'urn:mfa' })).status, 200)
  })

  test('asks for every request: what was permitted a moment ago is not remembered', async t => {
    let pdp = openPdp()
    const bed = await open(t, { evaluate: evaluation => pdp.evaluate(evaluation) })
    const token = bed.token({ sub: 'ada' })
    assert.equal((await send(bed, { path: '/accounts/1', token })).status, 200)
    pdp = openPdp('@id("none") forbid (principal, action, resource);')
    assert.equal((await send(bed, { path: '/accounts/1', token })).status, 403)
  })

  const broken: readonly (readonly [string, DecisionPoint, number, string])[] = [
    [
      'throws',
      {
        evaluate: () => {
          throw new Error('a bug')
        },
      },
      403,
      'decision.unavailable',
    ],
    ['answers with nothing', { evaluate: () => undefined }, 503, 'decision.unreachable'],
    ['answers with a word', { evaluate: () => ({ decision: 'yes' }) }, 503, 'decision.unreachable'],
    ['never answers', { evaluate: () => new Promise(() => undefined) }, 403, 'decision.unavailable'],
    [
      'obliges to something unknown',
      { evaluate: () => ({ decision: true, context: { call: 'me' } }) },
      403,
      'decision.denied',
    ],
    [
      'fails in a policy',
      openPdp(`@id("own") permit (principal, action, resource);
       @id("broken") forbid (principal, action, resource) when { context has auth_time && context.auth_time * 9007199254740991 > 1 };`),
      403,
      'decision.denied',
    ],
  ]
  for (const [name, point, status, rule] of broken)
    test(`lets nobody in when the decision point ${name}`, async t => {
      const bed = await open(t, point)
      const answer = await ask(bed, '/accounts/1', {}, { auth_time: 1_700_000_000 })
      assert.deepEqual([answer.status, bed.events.at(-1)?.ruleId], [status, rule])
      assert.equal(bed.received.length, 0)
    })
})

describe('a gateway that asks a decision point elsewhere', () => {
  const url = 'https://pdp.example/access/v1/evaluation'
  const served = (pdp: Pdp): Fetch => {
    const handler = pdpHandler({
      ...{ pdp, url: 'https://pdp.example', challenge: 'Bearer' },
      authenticate: request => request.headers.get('authorization') === 'Bearer pep-token',
    })
    return async (to, init) => {
      const answer = await handler(new Request(to, init as RequestInit))
      return answer as unknown as Awaited<ReturnType<Fetch>>
    }
  }
  const headers = () => ({ authorization: 'Bearer pep-token' })

  test('asks over AuthZEN, and is told by the same policies', async t => {
    const bed = await open(t, remoteDecisionPoint({ url, headers, fetch: served(openPdp()) }))
    assert.equal((await ask(bed, '/accounts/1')).status, 200)
    assert.match(String(bed.events.at(-1)?.policyVersion), /^sha256:[\w-]{43}$/)
    assert.equal((await ask(bed, '/accounts/secret')).status, 403)
    assert.equal((await ask(bed, '/accounts/1', { method: 'POST' })).status, 401)
  })

  test('shows the token of a file as it is now, and asks Open Policy Agent the same way', async t => {
    let token = 'old'
    const read = (): string => `${token}\n`
    const opa: Fetch = async () => new Response('{"result": true}') as unknown as Awaited<ReturnType<Fetch>>
    for (const [file, fetch] of [
      [{ name: 'bank', authzen: { url, tokenFile: 'token' } }, served(openPdp())],
      [{ name: 'bank', opa: { url: 'https://opa.example/v1/data/allow' } }, opa],
    ] as const) {
      token = 'old'
      const point = decisionPointsOf([file], own, read, fetch).get('bank')
      assert.ok(point)
      const bed = await open(t, point)
      assert.equal((await ask(bed, '/accounts/1')).status, 'opa' in file ? 200 : 503)
      token = 'pep-token'
      assert.equal((await ask(bed, '/accounts/1')).status, 200)
    }
  })

  test('lets nobody in when it is not known there, is down, or is slow; and stops waiting for it', async t => {
    let calls = 0
    let fetch: Fetch = served(openPdp())
    const counted: Fetch = (to, init) => {
      calls++
      return fetch(to, init)
    }
    const options = { url, timeoutMs: 50, failuresMax: 3, pauseMs: 300, fetch: counted }
    const bed = await open(t, remoteDecisionPoint(options))
    const refused = async (): Promise<void> => {
      const answer = await ask(bed, '/accounts/1')
      assert.deepEqual([answer.status, bed.events.at(-1)?.ruleId], [503, 'decision.unreachable'])
      assert.ok(answer.headers['retry-after'])
    }
    await refused()
    fetch = () => Promise.reject(new Error('refused'))
    await refused()
    fetch = (_to, init) =>
      new Promise((_, fail) => init?.signal?.addEventListener('abort', () => fail(new Error('aborted'))))
    await refused()
    const before = calls
    await refused()
    assert.equal(calls, before)
    assert.equal(bed.received.length, 0)
    fetch = async (to, init) =>
      await served(openPdp())(to, { ...init, headers: { ...init?.headers, ...headers() } } as never)
    await new Promise(done => setTimeout(done, 350))
    assert.equal((await ask(bed, '/accounts/1')).status, 200)
  })
})

describe('decisions in gateway.yaml', () => {
  for (const [name, route, expected] of [
    [
      'a point that is not there',
      { decision: { ...decision('read'), point: 'other' } },
      /no decision point `other`/,
    ],
    [
      'a name that the path does not have',
      { decision: decision('read', '{account}') },
      /has no `\{account\}`/,
    ],
    [
      'an id of two names with nothing between them',
      { path: '/of/{bank}/{id}', decision: decision('read', '{bank}{id}') },
      /nothing stands between two names/,
    ],
  ] as const)
    test(`${name} stops the start`, async () => {
      const one = { api: 'bank', methods: ['GET'], path: '/accounts/{id}', ...route }
      const decisionPoints = new Map([['bank', openPdp()]])
      await assert.rejects(openBed({ routes: [one], options: { decisionPoints } }), expected)
    })

  test('policies in files decide in the gateway; what is wrong with them stops the start', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'hf-points-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const files = {
      's.cedarschema': schema,
      'p.cedar': policies,
      'e.json': '[{"uid":{"type":"User","id":"ada"},"attrs":{},"parents":[]}]',
    }
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
    const texts: Record<string, string> = { ...files }
    const read = (path: string): string => texts[path] ?? assert.fail(path)
    const file = {
      name: 'bank',
      policies: {
        schemaFile: 's.cedarschema',
        policyFiles: ['p.cedar'],
        entitiesFile: 'e.json',
        givenTypes: ['Account'],
      },
    }
    const points = decisionPointsOf([file], own, read)
    const bed = await openBed({ routes, options: { decisionPoints: points } })
    t.after(() => bed.close())
    assert.equal((await ask(bed, '/accounts/1')).status, 200)
    assert.equal((await ask(bed, '/accounts/secret')).status, 403)
    assert.throws(() => decisionPointsOf([file, file], own, read), /stands twice/)
    texts['p.cedar'] = 'permit (principal, action, resource);'
    assert.throws(() => decisionPointsOf([file], own, read), /decision point `bank`: p\.cedar/)
  })
})
