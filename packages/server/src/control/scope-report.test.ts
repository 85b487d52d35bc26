import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import type { Clock } from '../ports.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import { apply, type ControlPorts } from './apply.ts'
import { changeScopeGrant, requestScopeGrant } from './scope-grants.ts'
import { reportScopes } from './scope-report.ts'
import type { ScopeReport, ScopeReportRequest } from './scope-report-api.ts'
import { binding, documentOf, fileOf, jwk } from './testing/documents.ts'
import { batch, catalogue, governedApi, governedDocuments, mandate, words } from './testing/governed.ts'

const start = 1_700_000_000
const day = 86_400

/** An API that nobody governs, with a client of it and one that was suspended. */
const openApi = documentOf('ResourceServer', 'news', '{audience: https://news.example, scopes: [news]}')
const newsWords = documentOf('Scope', 'news', '{title: Read news, description: All.}')
function newsOperations(more: readonly object[] = []): string {
  const read = { id: 'read', method: 'GET', tier: 0, path: '/news/{id}', dataTypes: ['Article'] }
  const operations = [read, ...more].map(one => ({
    ...{ description: 'News', coveredBy: [{ scopes: ['news'] }] },
    ...one,
  }))
  return documentOf('ApiOperations', 'news', JSON.stringify({ owner: 'press', operations }))
}
function reader(name: string, status = 'active'): string {
  const metadata = `{grant_types: [client_credentials], scope: news, dpop_bound_access_tokens: true, jwks: {keys: [${jwk}]}}`
  return documentOf('Client', name, `{status: ${status}, resources: [news], metadata: ${metadata}}`)
}

interface World {
  readonly ports: ControlPorts
  readonly pass: (days: number) => void
  readonly put: (...documents: readonly string[]) => Promise<void>
  readonly issued: (
    clientId: string,
    audience: string,
    facts: Readonly<Record<string, unknown>>,
  ) => Promise<void>
  readonly report: (request?: Partial<ScopeReportRequest>) => Promise<ScopeReport>
}

async function worldOf(t: TestContext, issuers = [binding]): Promise<World> {
  let now = start
  const clock: Clock = { now: () => now as EpochSeconds, monotonicMs: () => 0 }
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  const entropy = openEntropy()
  let count = 0
  const ports: ControlPorts = {
    ...{ store, clock, entropy, issuers, passwords: openPasswords({ entropy }) },
    newReference: () => `reference-${++count}`,
  }
  return {
    ports,
    pass: days => {
      now += days * day
    },
    put: async (...documents) => {
      const applied = await apply({ files: [fileOf(...documents)], dryRun: false, prune: false }, ports)
      assert.ok(applied.ok, JSON.stringify(applied))
    },
    issued: async (clientId, audience, facts) => {
      const record = {
        ...{ at: clock.now(), issuer: binding.url, event: 'token.issued', outcome: 'accepted' as const },
        ...{ requestId: `r-${++count}`, clientId, facts: { audience, ...facts } },
      }
      assert.ok((await store.commit([{ kind: 'append-audit', record }])).committed)
    },
    report: async (request = {}) => {
      const answer = await reportScopes({ unusedDays: 30, operationsMax: 20, ...request }, ports)
      assert.ok(answer.ok, JSON.stringify(answer))
      return answer.value
    },
  }
}

async function grantBatch({ ports }: World, scopes: readonly string[], days = 365): Promise<string> {
  const asked = await requestScopeGrant(
    {
      ...{ as: 'bob', client: 'batch', resourceServer: 'bank', scopes, authorizationDetailsTypes: [] },
      ...{ purpose: 'nightly closing', days, reviewDays: 90 },
    },
    ports,
  )
  assert.ok(asked.ok, JSON.stringify(asked))
  const { name } = asked.value
  for (const [step, as] of [
    ['approve', 'alice'],
    ['approve', 'carol'],
    ['activate', 'bob'],
  ] as const) {
    const changed = await changeScopeGrant({ step, as, name }, ports)
    if (step === 'activate') assert.ok(changed.ok, JSON.stringify(changed))
  }
  return name
}

describe('who can do what', () => {
  test('is told by client, operation, data and way, by grant where the API is governed', async t => {
    const world = await worldOf(t)
    const suspended = reader('gone', 'suspended')
    await world.put(...governedDocuments, openApi, newsWords, newsOperations(), reader('press'), suspended)
    const before = await world.report()
    assert.deepEqual(
      before.access.map(({ client, operation }) => [client, operation]),
      [['press', 'read']],
    )
    const grant = await grantBatch(world, ['accounts', 'payments'])
    const { access, environment, uncatalogued } = await world.report()
    assert.deepEqual(access, [
      ...(['list', 'pay'] as const).map(operation => ({
        ...{ client: 'batch', api: 'bank', operation, path: `/${operation}`, dataTypes: [] },
        ...(operation === 'list'
          ? { method: 'GET', tier: 2, by: [['accounts']] }
          : { method: 'POST', tier: 4, by: [['payments', 'accounts']] }),
        ...{ grant, until: start + 365 * day },
      })),
      {
        ...{ client: 'press', api: 'news', operation: 'read', method: 'GET', path: '/news/{id}', tier: 0 },
        ...{ dataTypes: ['Article'], by: [['news']] },
      },
    ])
    assert.deepEqual([environment, uncatalogued], ['development', []])
    assert.equal((await world.report({ client: 'press' })).access.length, 1)
    assert.equal((await world.report({ resourceServer: 'bank' })).access.length, 2)
    world.pass(365)
    assert.deepEqual((await world.report({ client: 'batch' })).access, [])
  })

  test('an API that nobody described is named with its clients', async t => {
    const world = await worldOf(t)
    await world.put(openApi, newsWords, reader('press'), reader('radio'))
    const { access, uncatalogued } = await world.report()
    assert.deepEqual([access, uncatalogued], [[], [{ api: 'news', clients: ['press', 'radio'] }]])
  })

  test('a client or API that is not there is said', async t => {
    const { ports } = await worldOf(t)
    for (const request of [{ client: 'nobody' }, { resourceServer: 'nothing' }, { issuer: 'elsewhere' }])
      assert.equal((await reportScopes({ unusedDays: 1, operationsMax: 1, ...request }, ports)).ok, false)
  })
})

describe('environments', () => {
  const production = { ...binding, name: 'production', url: 'https://production.example' }
  const at = (issuer: string, ...texts: readonly string[]): readonly string[] =>
    texts.map(text => text.replace(/metadata: \{name: (\w+)\}/, `metadata: {name: $1, issuer: ${issuer}}`))
  const news = [openApi, newsWords, newsOperations(), reader('press')]

  test('two issuers of one server are compared', async t => {
    const world = await worldOf(t, [binding, production])
    const later = [openApi, newsWords, newsOperations(), reader('press', 'suspended')]
    await world.put(...at('main', ...news), ...at('production', ...later))
    const { environments } = await world.report({ issuer: 'main', against: 'production' })
    const message = '`status` is "active" in main and "suspended" in production'
    assert.deepEqual(environments, [{ kind: 'client', name: 'press', message }])
    assert.equal((await world.report({ issuer: 'main' })).environments, undefined)
    const unknown = { issuer: 'main', against: 'elsewhere', unusedDays: 1, operationsMax: 1 }
    assert.equal((await reportScopes(unknown, world.ports)).ok, false)
  })

  test('an issuer is compared with what was exported elsewhere, and with one of several in it', async t => {
    const world = await worldOf(t)
    await world.put(...news)
    const file = (texts: readonly string[]) => ({ path: 'elsewhere.yaml', text: texts.join('\n---\n') })
    const same = await world.report({ documents: file(news) })
    assert.deepEqual(same.environments, [])
    const both = file([...at('one', ...news), ...at('two', openApi)])
    assert.deepEqual((await world.report({ documents: both, against: 'one' })).environments, [])
    const two = await world.report({ documents: both, against: 'two' })
    assert.deepEqual(
      two.environments?.map(({ kind, name }) => `${kind} ${name}`),
      ['operation news read', 'client press'],
    )
    const asked = { unusedDays: 1, operationsMax: 1 }
    for (const wrong of [
      { documents: both },
      { documents: both, against: 'three' },
      { documents: { path: 'x.yaml', text: 'kind: [' } },
      { gateway: 'a: 1' },
    ])
      assert.equal((await reportScopes({ ...asked, ...wrong }, world.ports)).ok, false)
    const gateway = 'apis: [{name: news, audience: https://news.example}]\nroutes: []'
    assert.deepEqual((await world.report({ gateway })).gateway, [
      {
        ...{ kind: 'operation-without-route', name: 'news read GET /news/{id}' },
        message: 'no route reaches all of it',
      },
    ])
  })
})

describe('what nobody uses', () => {
  test('is a right without a token for so many days, and no right whose grant is younger', async t => {
    const world = await worldOf(t)
    await world.put(
      ...governedDocuments,
      openApi,
      newsWords,
      newsOperations(),
      reader('press'),
      reader('radio'),
    )
    await world.issued('press', 'https://news.example', { scopes: ['news'] })
    await world.issued('radio', 'https://other.example', { scopes: ['news'] })
    world.pass(31)
    const grant = await grantBatch(world, ['accounts', 'payments'])
    await world.issued('batch', 'https://api.example', { scopes: ['accounts'] })
    const radio = { client: 'radio', api: 'news', right: 'news' }
    const press = { client: 'press', api: 'news', right: 'news', lastUsedAt: start }
    assert.deepEqual((await world.report()).unused, [press, radio])
    world.pass(30)
    await world.issued('press', 'https://news.example', { scopes: ['news'] })
    const payments = { client: 'batch', api: 'bank', right: 'payments', grant }
    assert.deepEqual((await world.report()).unused, [payments, radio])
    assert.equal((await world.report({ unusedDays: 1 })).unused?.length, 3)
  })

  test('is not looked for unless it is asked for', async t => {
    const world = await worldOf(t)
    await world.put(openApi, newsWords, newsOperations(), reader('press'))
    const { unused, auditFrom } = await world.report({ unusedDays: undefined })
    assert.deepEqual([unused, auditFrom], [undefined, undefined])
  })

  test('is told apart from what the audit is too short to tell', async t => {
    const world = await worldOf(t)
    await world.put(openApi, newsWords, newsOperations(), reader('press'))
    world.pass(29)
    const early = await world.report()
    assert.deepEqual([early.auditFrom, early.isAuditLongEnough], [start, false])
    world.pass(1)
    assert.equal((await world.report()).isAuditLongEnough, true)
  })

  test('types of authorization details are rights too', async t => {
    const world = await worldOf(t)
    const open = governedApi.replace('governed: true', 'governed: false')
    await world.put(open, ...words, mandate, catalogue(), batch)
    await world.issued('batch', 'https://api.example', {
      authorization_details_types: ['mandate'],
      scopes: [],
    })
    assert.deepEqual(
      (await world.report()).unused?.map(({ right }) => right),
      ['accounts', 'payments'],
    )
  })
})

describe('what lets into too much', () => {
  test('is a scope over many operations, over tiers, over reading and writing, or over many kinds of data', async t => {
    const world = await worldOf(t)
    const broadOf = async (more: readonly object[], operationsMax = 20) => {
      await world.put(openApi, newsWords, newsOperations(more), reader('press'))
      return (await world.report({ operationsMax })).broad
    }
    assert.deepEqual(await broadOf([]), [])
    const other = { id: 'list', method: 'GET', tier: 0, path: '/news' }
    assert.deepEqual(await broadOf([other], 2), [])
    assert.deepEqual((await broadOf([other], 1))[0]?.reasons, ['operations'])
    assert.deepEqual(await broadOf([{ ...other, tier: 3 }]), [
      {
        ...{ api: 'news', scope: 'news', operations: 2, tiers: [0, 3], dataTypes: ['Article'], clients: 1 },
        reasons: ['tiers'],
      },
    ])
    assert.deepEqual((await broadOf([{ ...other, method: 'POST' }]))[0]?.reasons, ['reads-and-writes'])
    const kinds = (count: number) => Array.from({ length: count }, (_, index) => `Kind${index}`)
    assert.deepEqual(await broadOf([{ ...other, dataTypes: kinds(4) }]), [])
    assert.deepEqual((await broadOf([{ ...other, dataTypes: kinds(5) }]))[0]?.reasons, ['data-types'])
  })
})
