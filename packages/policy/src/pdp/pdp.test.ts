import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nameLengthMax, readEvaluation, readSearch } from '@holdfast/protocol/specs/authzen/rules.ts'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import { prepareEntities } from '../decide.ts'
import type { Decision } from '../decision.ts'
import { noObligations, type Obligations } from '../obligations.ts'
import { compilePolicySet } from '../policy-set.ts'
import { answerOf } from './answer.ts'
import {
  candidatesPerLook,
  candidatesPerPageMax,
  charactersPerPageMax,
  createPdp,
  type Deciding,
  millisecondsPerPageMax,
} from './pdp.ts'

const schema = [
  'namespace A { entity user; entity thing in [thing]; entity box = { "size": Long };',
  '  action read appliesTo { principal: user, resource: [thing, box], context: {} }; }',
  'namespace B { entity user; entity thing;',
  '  action read appliesTo { principal: user, resource: thing, context: {} }; }',
].join('\n')
/** Nobody may read what is in `B`. */
const policies = '@id("a.all") permit (principal, action == A::Action::"read", resource);'

function deciding(count: number, givenTypes: readonly string[] = [], more: readonly string[] = []): Deciding {
  const set = compilePolicySet({ schema: { name: 's', text: schema }, policies: { p: policies } })
  assert.ok(set.ok, JSON.stringify(set))
  const ids = [...Array.from({ length: count }, (_, index) => `t${index}`), ...more]
  const things = ids.map(id => ({ uid: { type: 'A::thing', id }, attrs: {}, parents: [] }))
  const entities = prepareEntities(set.value, [
    { uid: { type: 'A::user', id: 'u' }, attrs: {}, parents: [] },
    ...things,
  ])
  assert.ok(entities.ok)
  return { set: set.value, entities: entities.value, givenTypes }
}

const subject = { type: 'A::user', id: 'u' }
const json = (value: object) => parseJsonObject(JSON.stringify(value))

function evaluation(name: string, resource: object) {
  const read = readEvaluation(json({ subject, action: { name }, resource }))
  assert.ok(read.ok)
  return read.value
}

function things(page: object, name = 'A::Action::read') {
  const read = readSearch(
    'resource',
    json({ subject, action: { name }, resource: { type: 'A::thing' }, page }),
  )
  assert.ok(read.ok)
  return read.value
}

describe('a decision point', () => {
  it('knows an action that stands in several namespaces by its whole name only', () => {
    const now = deciding(1)
    const pdp = createPdp({ deciding: () => now })
    const resource = { type: 'A::thing', id: 't0' }
    assert.equal(pdp.evaluate(evaluation('A::Action::read', resource)).decision, true)
    for (const name of ['read', 'B::Action::read', 'A::read', '::Action::read'])
      assert.equal(pdp.evaluate(evaluation(name, resource)).decision, false, name)
  })

  it('takes the properties of given types, and nobody else into the world', () => {
    const now = deciding(1, ['A::box'])
    const pdp = createPdp({ deciding: () => now })
    const box = (properties: object) => evaluation('A::Action::read', { type: 'A::box', id: 'b', properties })
    assert.equal(pdp.evaluate(box({ size: 1 })).decision, true)
    for (const properties of [{}, { size: 'large' }, { size: 1.5 }, { size: null }])
      assert.equal(pdp.evaluate(box(properties)).decision, false, JSON.stringify(properties))
    assert.equal(pdp.evaluate(evaluation('A::Action::read', { type: 'A::thing', id: 'new' })).decision, false)
  })

  it('refuses a given type that has something above it, or that is not there', () => {
    for (const type of ['A::thing', 'A::nothing']) {
      const now = deciding(0, [type])
      const pdp = createPdp({ deciding: () => now })
      assert.throws(() => pdp.evaluate(evaluation('read', { type: 'A::box', id: 'b' })), /given type/)
    }
  })

  it('answers nothing when the log takes nothing', () => {
    const now = deciding(1)
    const onDecision = (): never => {
      throw new Error('the log is full')
    }
    const pdp = createPdp({ deciding: () => now, onDecision })
    const asked = evaluation('A::Action::read', { type: 'A::thing', id: 't0' })
    assert.throws(() => pdp.evaluate(asked), /the log is full/)
  })

  it('looks at so many candidates for one page, and goes on with the token', () => {
    const now = deciding(candidatesPerPageMax + 1)
    const pdp = createPdp({ deciding: () => now, monotonicMs: () => 0 })
    const refusing = things({ limit: 1000 }, 'B::Action::read')
    const first = pdp.search(refusing)
    assert.ok(first.ok)
    assert.deepEqual(first.value.results, [])
    assert.notEqual(first.value.page.next_token, '')
    const second = pdp.search({ ...refusing, page: { limit: 1000, token: first.value.page.next_token } })
    assert.ok(second.ok)
    assert.equal(second.value.page.next_token, '')
  })

  it('looks at fewer candidates the longer the question is, and always at one', () => {
    const now = deciding(20)
    const pdp = createPdp({ deciding: () => now })
    const lookedAt = (characters: number): number => {
      const search = things({ limit: 1000 })
      const asked = (text: string) => ({ ...search.question, context: { text } })
      const rest = characters - JSON.stringify(asked('')).length
      const found = pdp.search({ ...search, question: asked('x'.repeat(rest)) })
      assert.ok(found.ok)
      return found.value.results.length
    }
    assert.equal(lookedAt(1000), 20)
    assert.equal(lookedAt(charactersPerPageMax / 16), 16)
    assert.equal(lookedAt(charactersPerPageMax / 16 + 1), 15)
    assert.equal(lookedAt(2 * charactersPerPageMax), 1)
  })

  it('ends a page when its time is over, and looks at the clock now and then', () => {
    const now = deciding(200)
    let at = 0
    const pdp = createPdp({ deciding: () => now, monotonicMs: () => (at += millisecondsPerPageMax / 2) })
    const first = pdp.search(things({ limit: 1000 }))
    assert.ok(first.ok)
    assert.equal(first.value.results.length, 2 * candidatesPerLook)
    const second = pdp.search(things({ limit: 1000, token: first.value.page.next_token }))
    assert.ok(second.ok)
    assert.equal(second.value.results.length, 200 - 2 * candidatesPerLook)
    assert.equal(second.value.page.next_token, '')
  })

  it('finds only what can be asked about, and its tokens can be sent', () => {
    const longest = '\u0001'.repeat(nameLengthMax)
    const now = deciding(1, [], ['\u0002', longest, `${longest}\u0001`])
    const pdp = createPdp({ deciding: () => now })
    const ids: unknown[] = []
    let token = ''
    do {
      const found = pdp.search(things({ limit: 1, token }))
      assert.ok(found.ok)
      token = found.value.page.next_token
      ids.push(...found.value.results.map(one => 'id' in one && one.id))
    } while (token !== '')
    assert.deepEqual(ids, [longest, '\u0002', 't0'])
  })

  it('a full page that is the last says so', () => {
    const now = deciding(4)
    const pdp = createPdp({ deciding: () => now })
    for (const [limit, isLast] of [
      [3, false],
      [4, true],
      [5, true],
    ] as const) {
      const found = pdp.search(things({ limit }))
      assert.ok(found.ok)
      assert.equal(found.value.results.length, Math.min(limit, 4))
      assert.equal(found.value.page.next_token === '', isLast, String(limit))
    }
  })

  it('a token of another search, of other policies or of nobody is refused', () => {
    const now = deciding(4)
    const pdp = createPdp({ deciding: () => now })
    const found = pdp.search(things({ limit: 1 }))
    assert.ok(found.ok)
    const { next_token: token } = found.value.page
    assert.equal(pdp.search(things({ token })).ok, true)
    const wrong = [
      things({ token }, 'B::Action::read'),
      things({ token: `${token.slice(0, -4)}AAAA` }),
      things({ token: 'x' }),
    ]
    for (const search of wrong) {
      const refused = pdp.search(search)
      assert.equal(refused.ok ? '' : refused.ruleId, 'authzen.page-token')
    }
  })
})

describe('obligations on a token', () => {
  it('each one that whoever asked does not meet makes a deny of the permit', () => {
    const permit = (change: Partial<Obligations>): Decision => ({
      ...({ decision: 'permit', determining: ['a'], errors: [], version: 'v' } as const),
      obligations: { ...noObligations, ...change },
    })
    const unmet = [
      permit({ maxLifetimeSeconds: 60 }),
      permit({ dropScopes: ['a'] }),
      permit({ dropDetails: ['payment'] }),
      permit({ addClaims: { risk: 'low' } }),
    ]
    for (const decision of unmet) {
      assert.equal(answerOf(decision, {}, []).decision, false)
      const met = answerOf(decision, {}, ['max_lifetime', 'drop_scope', 'drop_details', 'add_claim'])
      assert.equal(met.decision, true)
      assert.equal(Object.keys(met.context.obligations ?? {}).length, 1)
    }
  })

  it('a permit that asks another engine is a deny: nobody asks on from here', () => {
    const decision: Decision = {
      ...({ decision: 'permit', determining: ['a'], errors: [], version: 'v' } as const),
      obligations: { ...noObligations, ask: ['fraud'] },
    }
    assert.equal(answerOf(decision, {}, ['max_lifetime', 'add_claim']).decision, false)
  })
})
