import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { AttributeSources, FoundAttributes } from '../ports.ts'
import type { AttributeSource, SourcedAttribute } from '../snapshot/snapshot.ts'
import type { UserRecord } from '../store/records.ts'
import type { Connections } from './connections.ts'
import { openAttributeSources } from './open.ts'
import { UnusableAnswer } from './unusable.ts'

const issuer = 'https://as.example'
const types: Readonly<Record<string, SourcedAttribute['type']>> = {
  ...{ department: 'string', level: 'integer', vip: 'boolean', groups: 'strings' },
}
const sourceOf = (change: Partial<AttributeSource> = {}): AttributeSource => ({
  ...{ name: 'crm', digest: 'one', keyedBy: 'subject', isForPolicies: false, onFailure: 'deny' },
  ...{ deadlineMs: 5000, cacheSeconds: 60, unknownCacheSeconds: 5 },
  attributes: new Map(Object.entries(types).map(([name, type]) => [name, { type, isRequired: false }])),
  of: {
    ...{ source: 'http', connection: 'crm', path: '/users/{key}' },
    pointers: new Map(Object.keys(types).map(name => [name, `/${name}`])),
  },
  ...change,
})

type Answer = string | undefined | Error | 'late'

/** Sources over a service that answers so, in this order; the last answer stays. */
function opened(...answers: readonly Answer[]) {
  let atMs = 0
  const asked: string[] = []
  const counted: string[] = []
  const logged: string[] = []
  const users = new Map<string, UserRecord>()
  const connections: Connections = {
    http: name =>
      name === 'crm'
        ? {
            ask: async (path, body) => {
              const answer = answers[Math.min(asked.length, answers.length - 1)]
              asked.push(body === undefined ? path : `${path} ${JSON.stringify(body)}`)
              await new Promise(resolve => setImmediate(resolve))
              if (answer === 'late') return await new Promise(() => undefined)
              if (answer instanceof Error) throw answer
              return answer === undefined ? undefined : (parseJsonObject(answer) ?? assert.fail(answer))
            },
          }
        : undefined,
    sql: () => undefined,
    ldap: () => undefined,
  }
  const log = {
    ...{ info: (event: string) => void logged.push(event), warn: (event: string) => void logged.push(event) },
    error: () => assert.fail(),
  }
  const sources: AttributeSources = openAttributeSources({
    ...{ connections, log },
    clock: { now: () => epochSeconds(1_800_000_000), monotonicMs: () => atMs },
    store: {
      findUserBySubject: async (_issuer, subject) => users.get(subject),
      findUserByUsername: async (_issuer, username) => users.get(username),
    },
    metrics: { count: (_name, labels = {}) => void counted.push(`${labels.source} ${labels.outcome}`) },
  })
  return {
    ...{ asked, counted, logged, users },
    find: (key = 'u_ada', source = sourceOf()): Promise<FoundAttributes> => sources.find(issuer, source, key),
    advance: (seconds: number) => {
      atMs += seconds * 1000
    },
  }
}
const finance = '{"department":"finance","level":7,"vip":true,"groups":["a","b"],"secret":"x"}'
const found = (answer: FoundAttributes) => (answer.ok ? answer.attributes : assert.fail(answer.message))

describe('what a source said is remembered', () => {
  it('for its time, by key, and not a moment longer', async () => {
    const { find, asked, advance } = opened(finance)
    assert.deepEqual(found(await find()), {
      ...{ department: 'finance', level: 7, vip: true, groups: ['a', 'b'] },
    })
    advance(59.999)
    await find()
    assert.deepEqual(asked, ['/users/u_ada'])
    await find('u_bob')
    advance(0.001)
    await find()
    assert.deepEqual(asked, ['/users/u_ada', '/users/u_bob', '/users/u_ada'])
  })

  it('not for a source of another content, of another issuer, or one that wants nothing remembered', async () => {
    const { find, asked } = opened(finance)
    await find()
    await find('u_ada', sourceOf({ digest: 'two' }))
    await find('u_ada', sourceOf({ cacheSeconds: 0, digest: 'three' }))
    await find('u_ada', sourceOf({ cacheSeconds: 0, digest: 'three' }))
    assert.equal(asked.length, 4)
  })

  it('that it knows nobody of that name, for a shorter time', async () => {
    const { find, asked, advance, counted } = opened(undefined, finance)
    assert.equal(found(await find()), undefined)
    advance(4.999)
    assert.equal(found(await find()), undefined)
    advance(0.001)
    assert.equal(found(await find())?.department, 'finance')
    assert.equal(asked.length, 2)
    assert.deepEqual(counted, ['crm unknown', 'crm remembered', 'crm found'])
  })

  it('and never that it failed', async () => {
    const { find, asked } = opened(new Error('down'), finance)
    assert.equal((await find()).ok, false)
    assert.equal((await find()).ok, true)
    assert.equal(asked.length, 2)
  })

  it('of ten thousand keys, and the one asked longest ago makes room', async () => {
    const { find, asked } = opened(finance)
    for (let index = 0; index <= 10_000; index++) await find(`u_${index}`)
    assert.equal(asked.length, 10_001)
    await find('u_1')
    assert.equal(asked.length, 10_001)
    await find('u_0')
    assert.equal(asked.length, 10_002)
  })
})

describe('a source is asked', () => {
  it('once for all who wait for the same', async () => {
    const { find, asked } = opened(finance)
    const all = await Promise.all(Array.from({ length: 32 }, () => find()))
    assert.ok(all.every(one => one.ok && one.attributes?.level === 7))
    assert.equal(asked.length, 1)
  })

  const hasty = sourceOf({ deadlineMs: 100 })
  it('for no longer than its deadline, and what fails fails for all who wait', async () => {
    const { find } = opened('late')
    const begun = performance.now()
    const all = await Promise.all([find('u_ada', hasty), find('u_ada', hasty)])
    assert.ok(performance.now() - begun < 3000)
    for (const one of all) assert.deepEqual(one, { ok: false, message: 'no answer in 100 ms' })
  })

  it('about no more keys at one time than are bounded', async () => {
    const { find, counted } = opened('late')
    await Promise.all(Array.from({ length: 70 }, (_, index) => find(`u_${index}`, hasty)))
    assert.equal(counted.filter(line => line === 'crm full').length, 6)
  })

  it('no more after failures in a row, until a pause is over; then once', async () => {
    const { find, asked, advance, counted, logged } = opened(...Array(5).fill(new Error('down')), finance)
    for (let count = 0; count < 7; count++) assert.equal((await find()).ok, false)
    assert.deepEqual([asked.length, counted.at(-1)], [5, 'crm skipped'])
    advance(2)
    assert.equal((await find()).ok, true)
    assert.equal((await find('u_bob')).ok, true)
    assert.deepEqual(logged, ['attribute-source.left-alone', 'attribute-source.answers-again'])
  })
})

describe('whoever is asked about', () => {
  /** What somebody can do to their own name and their own entry. */
  const rows: Readonly<Record<string, readonly [answer: Answer, key: string]>> = {
    'a value beyond its bounds': [`{"department":"${'x'.repeat(1025)}"}`, 'u_eve'],
    'a value of another type': ['{"groups":"all"}', 'u_eve'],
    'more than a token carries': [
      JSON.stringify({ department: 'x'.repeat(1024), groups: Array(64).fill('y'.repeat(60)) }),
      'u_eve',
    ],
    'a name that is no part of a path': [finance, '..'],
    'an answer that is for this key alone': [new UnusableAnswer('status 400'), 'u_eve'],
  }
  for (const [what, [answer, key]] of Object.entries(rows))
    it(`closes the way to the source for nobody else: ${what}`, async () => {
      const { find, logged } = opened(...Array(key === '..' ? 0 : 20).fill(answer), finance)
      for (let count = 0; count < 20; count++) assert.equal((await find(key)).ok, false)
      assert.equal(found(await find('u_ada'))?.department, 'finance')
      assert.deepEqual(logged, [])
    })

  it('is never told what was said of another: keys are compared letter by letter', async () => {
    const { find, asked } = opened(finance)
    for (const key of ['u_ada', 'U_ADA', 'u_ada ', 'u_ada\u0301', '__proto__', 'constructor'])
      assert.equal((await find(key)).ok, true)
    assert.equal(asked.length, 6)
  })
})

describe('what it says is read strictly', () => {
  const wrong: readonly string[] = [
    '{"department":7}',
    `{"department":"${'x'.repeat(1025)}"}`,
    '{"department":["finance"]}',
    '{"level":1.5}',
    '{"level":"high"}',
    '{"level":9007199254740993}',
    '{"vip":"true"}',
    '{"vip":1}',
    '{"groups":"a"}',
    '{"groups":["a",7]}',
    `{"groups":["${'x'.repeat(257)}"]}`,
    JSON.stringify({ groups: Array.from({ length: 65 }, () => 'a') }),
  ]
  for (const answer of wrong)
    it(`${answer.slice(0, 40)} is a failure that does not tell the value`, async () => {
      const read = await opened(answer).find()
      assert.ok(!read.ok && /is no \w+ within its bounds/.test(read.message), JSON.stringify(read))
    })

  it('what is not there, or null, is not there; both sides of each bound', async () => {
    assert.deepEqual(found(await opened('{}').find()), {})
    assert.deepEqual(found(await opened('{"department":null,"level":null}').find()), {})
    for (const most of [
      { department: 'x'.repeat(1024), level: 9_007_199_254_740_991 },
      { groups: Array.from({ length: 64 }, () => 'x'.repeat(50)) },
      { groups: ['x'.repeat(256)] },
    ])
      assert.deepEqual(found(await opened(JSON.stringify(most)).find()), most)
  })

  it('all together no more than a token could carry', async () => {
    const around = JSON.stringify({ department: 'x'.repeat(1000), groups: [] }).length
    const filled = (bytes: number): string => {
      const groups: string[] = []
      let left = bytes - around
      while (left > 0) {
        const length = Math.min(256, left - (groups.length === 0 ? 2 : 3))
        groups.push('y'.repeat(length))
        left -= length + (groups.length === 1 ? 2 : 3)
      }
      return JSON.stringify({ department: 'x'.repeat(1000), groups })
    }
    assert.equal(filled(4096).length, 4096)
    assert.equal((await opened(filled(4096)).find()).ok, true)
    assert.deepEqual(await opened(filled(4097)).find(), {
      ok: false,
      message: 'it tells more than 4096 bytes',
    })
  })

  it('by JSON pointer, through objects and lists, and never into what an object inherits', async () => {
    const answer = '{"a/b":{"~c":[{"d":"deep"}]},"list":["x"],"text":"abc"}'
    const at = async (pointer: string) => {
      const source = sourceOf({
        attributes: new Map([['department', { type: 'string', isRequired: false }]]),
        of: { source: 'http', connection: 'crm', path: '/', pointers: new Map([['department', pointer]]) },
      })
      const read = await opened(answer).find('u_ada', source)
      return read.ok ? read.attributes?.department : read.message
    }
    assert.equal(await at('/a~1b/~0c/0/d'), 'deep')
    assert.equal(await at('/list/0'), 'x')
    for (const pointer of [
      '/list/1',
      '/list/00',
      '/list/length',
      '/text/length',
      '/toString',
      '/__proto__/a',
    ])
      assert.equal(await at(pointer), undefined, pointer)
  })
})

describe('where a source finds somebody', () => {
  it('a key is one part of the path, or stands in a body', async () => {
    const { find, asked } = opened(finance)
    await find('a/b?c#d é')
    assert.deepEqual(asked, ['/users/a%2Fb%3Fc%23d%20%C3%A9'])
    const byBody = sourceOf({
      digest: 'two',
      of: { source: 'http', connection: 'crm', path: '/lookup', pointers: new Map() },
    })
    await find('a"b', byBody)
    assert.equal(asked.at(-1), '/lookup {"key":"a\\"b"}')
    const byQuery = sourceOf({
      digest: 'three',
      of: { source: 'http', connection: 'crm', path: '/find?name={key}&all=0', pointers: new Map() },
    })
    await find("o'hara&all=1#x", byQuery)
    assert.equal(asked.pop(), '/find?name=o%27hara%26all%3D1%23x&all=0')
    // A URL would read these as another place.
    for (const key of ['.', '..']) assert.equal((await find(key)).ok, false)
    assert.equal(asked.length, 2)
  })

  it('a connection that no configuration has is a failure', async () => {
    const of = { source: 'http', connection: 'other', path: '/', pointers: new Map() } as const
    assert.equal((await opened(finance).find('u_ada', sourceOf({ of }))).ok, false)
    const sql = { source: 'sql', connection: 'crm', query: 'select $1', columns: new Map() } as const
    assert.equal((await opened(finance).find('u_ada', sourceOf({ of: sql }))).ok, false)
  })

  it('a table, and the users of the issuer', async () => {
    const { find, users } = opened()
    const entries = new Map([['u_ada', new Map([['department', 'law']])]])
    const table = sourceOf({ deadlineMs: 0, cacheSeconds: 0, of: { source: 'static', entries } })
    assert.deepEqual(found(await find('u_ada', table)), { department: 'law' })
    assert.equal(found(await find('u_bob', table)), undefined)
    users.set('ada', { claims: { dept: 'law', toString: 'x' } } as never)
    const directory = sourceOf({
      digest: 'users',
      of: { source: 'directory', keyedBy: 'username', claims: new Map([['department', 'dept']]) },
    })
    assert.deepEqual(found(await find('ada', directory)), { department: 'law' })
    assert.equal(found(await find('bob', directory)), undefined)
  })
})
