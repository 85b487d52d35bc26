import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { firstRefusal } from '../../rule.ts'
import { type JsonObject, parseJsonObject } from '../../wire/json.ts'
import {
  bodyBytesMax,
  bodyJsonLimits,
  decisionCallerRules,
  evaluationRules,
  evaluationsRules,
  readEvaluation,
  readEvaluations,
  readSearch,
  type SearchFor,
  searchRules,
} from './rules.ts'

const good = {
  subject: { type: 'user', id: 'ada', properties: { department: 'claims' } },
  action: { name: 'read' },
  resource: { type: 'case', id: '7' },
  context: { time: '2026-11-21T08:00:00Z' },
}

const long = (length: number): string => 'x'.repeat(length)
const without = (name: keyof typeof good): JsonObject => ({ ...good, [name]: undefined as never })

describe('an evaluation', () => {
  const cases: readonly (readonly [string, object | undefined, string | undefined])[] = [
    ['complete', good, undefined],
    ['without a context', without('context'), undefined],
    ['with a null context', { ...good, context: null }, undefined],
    ['with members nobody knows', { ...good, extra: 1, subject: { ...good.subject, extra: [] } }, undefined],
    ['an id of 1024 characters', { ...good, resource: { type: 'case', id: long(1024) } }, undefined],
    ['no object', undefined, 'authzen.body'],
    ['no subject', without('subject'), 'authzen.subject'],
    ['a subject that is text', { ...good, subject: 'ada' }, 'authzen.subject'],
    ['a subject without id', { ...good, subject: { type: 'user' } }, 'authzen.subject'],
    ['a subject without type', { ...good, subject: { id: 'ada' } }, 'authzen.subject'],
    ['a subject whose id is a number', { ...good, subject: { type: 'user', id: 7 } }, 'authzen.subject'],
    ['an empty id', { ...good, subject: { type: 'user', id: '' } }, 'authzen.subject'],
    [
      'properties that are a list',
      { ...good, subject: { ...good.subject, properties: [] } },
      'authzen.subject',
    ],
    ['no action', without('action'), 'authzen.action'],
    ['an action without name', { ...good, action: {} }, 'authzen.action'],
    ['an action that is text', { ...good, action: 'read' }, 'authzen.action'],
    ['no resource', without('resource'), 'authzen.resource'],
    ['a resource without id', { ...good, resource: { type: 'case' } }, 'authzen.resource'],
    ['a resource without type', { ...good, resource: { id: '7' } }, 'authzen.resource'],
    ['an id of 1025 characters', { ...good, resource: { type: 'case', id: long(1025) } }, 'authzen.resource'],
    ['a context that is text', { ...good, context: 'now' }, 'authzen.context'],
    ['a context that is a list', { ...good, context: [] }, 'authzen.context'],
  ]
  for (const [name, body, ruleId] of cases)
    it(ruleId === undefined ? `is read: ${name}` : `is refused by ${ruleId}: ${name}`, () => {
      const asked = body as JsonObject | undefined
      assert.equal(firstRefusal(evaluationRules, { body: asked })?.ruleId, ruleId)
      const read = readEvaluation(asked)
      assert.equal(read.ok ? undefined : read.ruleId, ruleId)
      if (ruleId !== undefined) assert.equal(read.ok || read.error, 'invalid_request')
    })

  it('is refused by authzen.body when a member stands twice or it is too deep', () => {
    const parse = (text: string) => readEvaluation(parseJsonObject(text, bodyJsonLimits))
    const text = JSON.stringify(good)
    assert.equal(parse(text).ok, true)
    const nested = (depth: number): string =>
      text.replace('"2026-11-21T08:00:00Z"', '['.repeat(depth) + ']'.repeat(depth))
    assert.equal(parse(nested(14)).ok, true)
    for (const bad of [text.replace('{', '{"action":{"name":"delete"},'), nested(15), '[]', '{', '']) {
      const read = parse(bad)
      assert.equal(read.ok ? '' : read.ruleId, 'authzen.body', bad.slice(0, 60))
    }
  })
})

describe('several evaluations', () => {
  const item = { resource: { type: 'case', id: '8' } }
  const many = (count: number): JsonObject =>
    ({ ...good, evaluations: Array.from({ length: count }, () => item) }) as never
  const semantic = (value: unknown): JsonObject =>
    ({ ...many(2), options: { evaluations_semantic: value } }) as never
  /** 64 evaluations, so that the defaults of each may have 4096 characters. */
  const filling = (more: number): JsonObject => {
    const { evaluations, ...rest } = many(64)
    const defaults = { ...rest, context: { text: '' } }
    const room = bodyBytesMax / 64 - JSON.stringify(defaults).length
    return { ...defaults, evaluations, context: { text: 'x'.repeat(room + more) } } as never
  }
  const cases: readonly (readonly [string, JsonObject | undefined, string | undefined])[] = [
    ['two', many(2), undefined],
    ['a hundred', many(100), undefined],
    ['none', many(0), undefined],
    ['options that say nothing', { ...many(2), options: {} }, undefined],
    ['execute_all', semantic('execute_all'), undefined],
    ['deny_on_first_deny', semantic('deny_on_first_deny'), undefined],
    ['permit_on_first_permit', semantic('permit_on_first_permit'), undefined],
    ['no object', undefined, 'authzen.body'],
    ['a hundred and one', many(101), 'authzen.evaluations'],
    ['no list', { ...good, evaluations: {} } as never, 'authzen.evaluations'],
    ['a list of texts', { ...good, evaluations: ['read'] } as never, 'authzen.evaluations'],
    ['defaults that fill a request when written out', filling(0), undefined],
    ['defaults that fill more than a request', filling(1), 'authzen.defaults'],
    ['long defaults of no evaluation', { ...filling(1), evaluations: [] } as never, undefined],
    ['another semantic', semantic('permit_overrides'), 'authzen.semantic'],
    ['a semantic that is a number', semantic(1), 'authzen.semantic'],
    ['options that are text', { ...many(2), options: 'all' } as never, 'authzen.semantic'],
  ]
  for (const [name, body, ruleId] of cases)
    it(ruleId === undefined ? `are read: ${name}` : `are refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(evaluationsRules, { body })?.ruleId, ruleId)
      const read = readEvaluations(body)
      assert.equal(read.ok ? undefined : read.ruleId, ruleId)
    })

  it('lie over the defaults, member by member', () => {
    const read = readEvaluations({
      ...good,
      evaluations: [item, { ...item, action: { name: 'close' }, context: {} }, { subject: null }],
    } as never)
    assert.ok(read.ok)
    const [first, second, third] = read.value.items ?? []
    assert.ok(first?.ok && second?.ok)
    assert.deepEqual(
      [first.value.action.name, first.value.resource.id, first.value.context.time],
      ['read', '8', good.context.time],
    )
    assert.deepEqual(
      [second.value.action.name, second.value.subject.id, { ...second.value.context }],
      ['close', 'ada', {}],
    )
    assert.equal(third?.ok === false && third.ruleId, 'authzen.subject')
  })

  it('are a single one when there are none', () => {
    for (const body of [good, { ...good, evaluations: [] }, { ...good, evaluations: null }]) {
      const read = readEvaluations(body as never)
      assert.ok(read.ok)
      assert.equal(read.value.items, undefined)
    }
  })
})

it('who asks has a token of its own for this server', () => {
  const caller = { tokenAudience: ['https://as.example'], issuer: 'https://as.example', isOwn: true }
  assert.equal(firstRefusal(decisionCallerRules, caller), undefined)
  const elsewhere = firstRefusal(decisionCallerRules, { ...caller, tokenAudience: ['https://api.example'] })
  assert.equal(elsewhere?.ruleId, 'authzen.audience')
  const forUser = firstRefusal(decisionCallerRules, { ...caller, isOwn: false })
  assert.equal(forUser?.ruleId, 'authzen.caller')
})

describe('a search', () => {
  const searches: readonly (readonly [SearchFor, string, object, string | undefined])[] = [
    ['subject', 'a type', { ...good, subject: { type: 'user' } }, undefined],
    ['subject', 'an id, which is ignored', good, undefined],
    ['subject', 'no type', { ...good, subject: {} }, 'authzen.search-subject'],
    ['subject', 'no subject', without('subject'), 'authzen.search-subject'],
    ['subject', 'no action', without('action'), 'authzen.action'],
    ['subject', 'a resource without id', { ...good, resource: { type: 'case' } }, 'authzen.resource'],
    ['resource', 'a type', { ...good, resource: { type: 'case' } }, undefined],
    ['resource', 'no type', { ...good, resource: { id: '7' } }, 'authzen.search-resource'],
    ['resource', 'a subject without id', { ...good, subject: { type: 'user' } }, 'authzen.subject'],
    ['action', 'no action', without('action'), undefined],
    ['action', 'no subject', without('subject'), 'authzen.subject'],
    ['action', 'a context that is text', { ...good, context: 'x' }, 'authzen.context'],
    ['action', 'a page', { ...good, page: { limit: 1, token: 'x' } }, undefined],
    ['action', 'a page without anything', { ...good, page: {} }, undefined],
    ['action', 'a token of 8400 characters', { ...good, page: { token: long(8400) } }, undefined],
    ['action', 'a token of 8401 characters', { ...good, page: { token: long(8401) } }, 'authzen.page'],
    ['action', 'a token that is a number', { ...good, page: { token: 1 } }, 'authzen.page'],
    ['action', 'a limit of none', { ...good, page: { limit: 0 } }, 'authzen.page'],
    ['action', 'a limit of one and a half', { ...good, page: { limit: 1.5 } }, 'authzen.page'],
    ['action', 'a page that is a list', { ...good, page: [] }, 'authzen.page'],
  ]
  for (const [searchFor, name, body, ruleId] of searches)
    it(`${ruleId === undefined ? 'is read' : `is refused by ${ruleId}`}: for ${searchFor}, ${name}`, () => {
      const asked = body as JsonObject
      assert.equal(firstRefusal(searchRules[searchFor], { body: asked })?.ruleId, ruleId)
      const read = readSearch(searchFor, asked)
      assert.equal(read.ok ? undefined : read.ruleId, ruleId)
    })

  it('ignores the id of what it searches for, and bounds the page', () => {
    const read = readSearch('subject', { ...good, page: { limit: 5000 } } as never)
    assert.ok(read.ok)
    assert.deepEqual([read.value.question.subject.id, read.value.page.limit], ['', 1000])
    const usual = readSearch('resource', good as never)
    assert.ok(usual.ok)
    assert.equal(usual.value.page.limit, 100)
  })
})

it('reading never throws', () => {
  const member = fc.constantFrom(
    'subject',
    'action',
    'resource',
    'context',
    'evaluations',
    'options',
    'page',
    'x',
  )
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue()), body => {
      const asked = body as JsonObject
      readEvaluation(asked)
      readEvaluations(asked)
      for (const searchFor of ['subject', 'resource', 'action'] as const) readSearch(searchFor, asked)
    }),
  )
})
