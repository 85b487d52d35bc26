import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import * as fc from 'fast-check'
import { ancestorsMax, entitiesMax, hierarchyPairsMax } from './cedar/entities.ts'
import { dataDepthMax, dataStringLengthMax, dataValuesMax } from './cedar/json.ts'
import { questionProblem } from './cedar/schema.ts'
import { prepareEntities } from './decide.ts'
import { parseQuestion } from './question.ts'
import { ada, bankEntities, bankSchema, compileBank, must, uid, vault } from './testing/bank.ts'

const set = must(compileBank('@id("a") permit (principal, action, resource);'))
const question = {
  principal: uid('Customer', 'ada'),
  action: uid('Action', 'pay'),
  resource: uid('Vault', 'v'),
  context: {
    amount: 10,
    at: { __extn: { fn: 'datetime', arg: '2026-11-21T08:00:00Z' } },
    by: { __entity: uid('Bots::Robot', 'r') },
    from: { street: 'Main' },
  } as unknown,
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let step = 0; step < depth; step++) value = { a: value }
  return value
}

describe('a question is read strictly', () => {
  const refused: readonly (readonly [string, unknown])[] = [
    ['no object', []],
    ['nothing', null],
    ['a member nobody knows', { ...question, why: 1 }],
    ['no principal', { ...question, principal: undefined }],
    ['a principal as text', { ...question, principal: 'Customer::"ada"' }],
    ['an id that is a number', { ...question, principal: { type: 'Customer', id: 1 } }],
    ['a type that is no name', { ...question, principal: uid('Customer"', 'ada') }],
    ['a type with an empty part', { ...question, principal: uid('A::::B', 'ada') }],
    ['half a character', { ...question, principal: uid('Customer', '\ud800') }],
    ['a fraction', { ...question, context: { amount: 1.5 } }],
    ['a number JSON does not carry exactly', { ...question, context: { amount: 2 ** 53 } }],
    ['null', { ...question, context: { amount: null } }],
    [
      'an entity with something beside it',
      { ...question, context: { a: { __entity: uid('A', 'a'), b: 1 } } },
    ],
    ['an expression', { ...question, context: { a: { __expr: 'principal' } } }],
    ['an unknown extension', { ...question, context: { a: { __extn: { fn: 'offset', arg: '1' } } } }],
    ['an extension value that is none', { ...question, context: { a: { __extn: { fn: 'ip', arg: '1' } } } }],
    ['more depth than allowed', { ...question, context: nested(dataDepthMax + 2) }],
    ['more values than allowed', { ...question, context: { a: Array(dataValuesMax).fill(1) } }],
    ['a longer string', { ...question, context: { a: 'x'.repeat(dataStringLengthMax + 1) } }],
  ]
  for (const [name, json] of refused)
    it(`refused: ${name}`, () => {
      const parsed = parseQuestion(json)
      assert.ok(!parsed.ok)
      assert.equal(parsed.problems.length, 1)
    })

  const accepted: readonly (readonly [string, unknown])[] = [
    ['the largest number JSON carries', { ...question, context: { amount: 2 ** 53 - 1 } }],
    ['as much depth as allowed', { ...question, context: nested(dataDepthMax) }],
    ['as many values as allowed', { ...question, context: { a: Array(dataValuesMax - 1).fill(1) } }],
    ['the longest string', { ...question, context: { a: 'x'.repeat(dataStringLengthMax) } }],
    ['the wrapped form of an entity', { ...question, principal: { __entity: uid('Customer', 'ada') } }],
    ['a record with a member called `__proto__`', { ...question, context: JSON.parse('{"__proto__":1}') }],
  ]
  for (const [name, json] of accepted)
    it(`accepted: ${name}`, () => {
      assert.ok(parseQuestion(json).ok)
    })
})

describe('entities are held to the schema', () => {
  const chain = (length: number): unknown[] =>
    Array.from({ length }, (_, index) => ({
      uid: uid('Team', `t${index}`),
      parents: index === length - 1 ? [] : [uid('Team', `t${index + 1}`)],
    }))
  const refused: readonly (readonly [string, unknown])[] = [
    ['no list', {}],
    ['an entity given twice', [ada, ada]],
    ['a type the schema does not have', [{ uid: uid('Dog', 'rex') }]],
    ['an action', [{ uid: uid('Action', 'pay') }]],
    ['an id that is not in the enumeration', [{ uid: uid('Color', 'green') }]],
    ['a missing attribute', [{ ...ada, attrs: {} }]],
    ['an attribute of another type', [{ ...ada, attrs: { level: '3' } }]],
    ['an attribute the schema does not have', [{ ...ada, attrs: { level: 3, admin: true } }]],
    ['an attribute inside a record', [{ ...vault, attrs: { ...vault.attrs, where: { street: 1 } } }]],
    ['an element of a set', [{ ...vault, attrs: { ...vault.attrs, seen: ['a', 1] } }]],
    ['a reference to another type', [{ ...ada, attrs: { level: 3, boss: { __entity: uid('Team', 'x') } } }]],
    [
      'a reference that is not in its enumeration',
      [{ ...vault, attrs: { ...vault.attrs, color: { __entity: uid('Color', 'green') } } }],
    ],
    ['a tag of another type', [{ ...vault, tags: { floor: 'two' } }]],
    ['tags where the schema has none', [{ ...ada, tags: { floor: 2 } }]],
    ['a parent of a type that may not be one', [{ ...ada, parents: [uid('Vault', 'v')] }]],
    ['its own parent', [{ uid: uid('Team', 'a'), parents: [uid('Team', 'a')] }]],
    [
      'a circle of three',
      ['a', 'b', 'c'].map((id, index) => ({
        uid: uid('Team', id),
        parents: [uid('Team', ['b', 'c', 'a'][index] ?? '')],
      })),
    ],
    ['a group that is not given, though something may stand above it', [{ ...ada }]],
    ['more ancestors than allowed', chain(ancestorsMax + 2)],
    [
      'more parents than allowed',
      [{ uid: uid('Team', 'a'), parents: Array(ancestorsMax + 1).fill(uid('Team', 'b')) }],
    ],
    [
      'a hierarchy that is too large as a whole',
      [
        ...chain(ancestorsMax + 1),
        ...Array.from({ length: hierarchyPairsMax / ancestorsMax }, (_, index) => ({
          uid: uid('Team', `leaf${index}`),
          parents: [uid('Team', 't1')],
        })),
      ],
    ],
    ['more entities than allowed', Array(entitiesMax + 1).fill(ada)],
    ['a member nobody knows', [{ ...ada, name: 'Ada' }]],
  ]
  for (const [name, json] of refused)
    it(`refused: ${name}`, () => {
      assert.ok(!prepareEntities(set, json).ok)
    })

  it('accepted: a chain as long as allowed, and a diamond', () => {
    const diamond = [
      { uid: uid('Team', 'a'), parents: [uid('Team', 'b'), uid('Team', 'c')] },
      { uid: uid('Team', 'b'), parents: [uid('Team', 'd')] },
      { uid: uid('Team', 'c'), parents: [uid('Team', 'd')] },
      { uid: uid('Team', 'd') },
    ]
    for (const json of [chain(ancestorsMax + 1), diamond, bankEntities])
      assert.ok(prepareEntities(set, json).ok)
  })
})

/** What is spoiled: any part of a good document, replaced by something else. */
const spoiled = (good: unknown): fc.Arbitrary<unknown> => {
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      uid('Team', 'gold'),
      uid('Color', 'green'),
      { __entity: uid('Customer', 'eve') },
      { __entity: uid('Color', 'blue') },
      { __extn: { fn: 'ip', arg: '10.0.0.1' } },
      { __extn: { fn: 'decimal', arg: '1.0' } },
      { __extn: { fn: 'datetime', arg: '2026-11-21' } },
      { __entity: uid('Bots::Robot', 'r') },
      { street: 'Side' },
      { level: 1 },
      3,
      ['x'],
      'red',
      -0,
      undefined,
    ),
  )
  return fc
    .array(fc.tuple(fc.nat(), junk), { minLength: 0, maxLength: 3 })
    .map(changes => changes.reduce((json, [place, value]) => replacedAt(json, place, value), good))
}

function replacedAt(json: unknown, place: number, value: unknown): unknown {
  const copy = structuredClone(json)
  const slots: (() => void)[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      slots.push(() => {
        Object.assign(node, { [key]: structuredClone(value) })
      })
      walk((node as Record<string, unknown>)[key])
    }
  }
  walk(copy)
  slots[place % Math.max(slots.length, 1)]?.()
  return JSON.parse(JSON.stringify(copy)) as unknown
}

describe('what we accept, Cedar accepts', () => {
  it('entities, whatever was done to them', () => {
    let accepted = 0
    fc.assert(
      fc.property(spoiled(bankEntities), json => {
        if (!prepareEntities(set, json).ok) return
        accepted++
        // Cedar wants members that may be left out here.
        const entities = (json as cedar.EntityJson[]).map(entity => ({
          ...entity,
          attrs: entity.attrs ?? {},
          parents: entity.parents ?? [],
        }))
        assert.equal(cedar.checkParseEntities({ entities, schema: bankSchema }).type, 'success')
      }),
      { numRuns: 1500 },
    )
    assert.ok(accepted > 150, `${accepted} accepted`)
  })

  it('questions, whatever was done to them', () => {
    let accepted = 0
    fc.assert(
      fc.property(spoiled(question), json => {
        const parsed = parseQuestion(json)
        if (!parsed.ok || questionProblem(set.schema, parsed.value) !== undefined) return
        accepted++
        const answer = cedar.isAuthorized({
          ...(json as Pick<cedar.AuthorizationCall, 'principal' | 'action' | 'resource'>),
          context: (json as { context?: cedar.Context }).context ?? {},
          schema: bankSchema,
          validateRequest: true,
          policies: { staticPolicies: 'permit (principal, action, resource);' },
          entities: [],
        })
        assert.equal(answer.type, 'success', JSON.stringify(answer))
      }),
      { numRuns: 1500 },
    )
    assert.ok(accepted > 150, `${accepted} accepted`)
  })

  it('any JSON at all is read or refused, never thrown over', () => {
    fc.assert(
      fc.property(fc.jsonValue(), json => {
        parseQuestion(json)
        prepareEntities(set, json)
      }),
      { numRuns: 1000 },
    )
  })
})
