import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { auditBody, type ChainHead, chainStart, commonFactsOf, linkHash, verifyChain } from './chain.ts'
import { auditRecord } from './contract/samples.ts'
import type { ChainedAuditRecord } from './records.ts'

function chainOf(length: number, from: ChainHead = chainStart): readonly ChainedAuditRecord[] {
  let head = from
  return Array.from({ length }, (_, index) => {
    const record = auditRecord(`r-${index}`)
    const sequence = head.sequence + 1
    const previousHash = head.hash
    const hash = linkHash('c', sequence, previousHash, auditBody(record))
    head = { sequence, hash }
    return { ...record, chain: 'c', sequence, previousHash, hash }
  })
}

const good = chainOf(6)
const replaced = (index: number, change: Partial<ChainedAuditRecord>): readonly ChainedAuditRecord[] =>
  good.map((record, place) => (place === index ? { ...record, ...change } : record))
const without = (index: number): readonly ChainedAuditRecord[] => good.filter((_, place) => place !== index)

function expectFault(records: readonly ChainedAuditRecord[], fault: string, sequence: number): void {
  const verdict = verifyChain(records)
  assert.equal(verdict.intact, false)
  assert.deepEqual(!verdict.intact && [verdict.fault, verdict.sequence], [fault, sequence])
}

test('a chain as written is intact, and so is an empty one', () => {
  const last = good.at(-1)
  assert(last !== undefined)
  const { sequence, hash } = last
  assert.deepEqual(verifyChain(good), { intact: true, head: { sequence, hash } })
  assert.deepEqual(verifyChain([]), { intact: true, head: chainStart })
})

test('the order of members does not matter, their content does', () => {
  const turned = good.map(record => Object.fromEntries(Object.entries(record).reverse()))
  assert.equal(verifyChain(turned as unknown as readonly ChainedAuditRecord[]).intact, true)
})

test('a changed member of any kind is named with its record', () => {
  expectFault(replaced(2, { outcome: 'refused' }), 'change', 3)
  expectFault(replaced(2, { reason: 'added' }), 'change', 3)
  expectFault(replaced(2, { facts: { scopes: ['openid', 'admin'] } }), 'change', 3)
  expectFault(replaced(2, { hash: good[3]?.hash ?? '' }), 'change', 3)
  expectFault(replaced(2, { previousHash: '' }), 'change', 3)
  expectFault(replaced(2, { chain: 'other' }), 'change', 3)
  expectFault(replaced(2, { unhashed: 1 } as Partial<ChainedAuditRecord>), 'change', 3)
})

test('a record changed and hashed again breaks the next one', () => {
  const record = { ...auditRecord('forged'), chain: 'c', sequence: 3, previousHash: good[1]?.hash ?? '' }
  expectFault(
    replaced(2, { ...record, hash: linkHash('c', 3, record.previousHash, auditBody(record)) }),
    'change',
    4,
  )
})

test('a removed record is a gap, named by its own number', () => {
  expectFault(without(0), 'gap', 1)
  expectFault(without(3), 'gap', 4)
})

test('two records that changed places are a reorder', () => {
  const [a, b, c, d] = good as [
    ChainedAuditRecord,
    ChainedAuditRecord,
    ChainedAuditRecord,
    ChainedAuditRecord,
  ]
  expectFault([a, c, b, d], 'reorder', 2)
  expectFault([a, b, b, c], 'reorder', 3)
})

test('a chain cut at its end is seen against a head known from elsewhere', () => {
  const last = good[5]
  assert(last !== undefined)
  const cut = verifyChain(good.slice(0, 4), chainStart, last)
  assert.deepEqual(!cut.intact && [cut.fault, cut.sequence], ['truncation', 5])
  assert.equal(verifyChain(good, chainStart, last).intact, true)
  assert.equal(verifyChain(good, chainStart, good[3]).intact, true)
  const forked = verifyChain(good, chainStart, { sequence: 4, hash: 'another' })
  assert.deepEqual(!forked.intact && [forked.fault, forked.sequence], ['change', 4])
})

test('a chain is verified on from a record already verified', () => {
  const [, second] = good
  assert(second !== undefined)
  assert.equal(verifyChain(good.slice(2), second).intact, true)
  assert.equal(verifyChain(good.slice(3), second).intact, false)
})

test('no list of spoiled records passes for the chain', () => {
  const spoiled = fc
    .array(fc.integer({ min: 0, max: 5 }), { maxLength: 8 })
    .map(places => places.flatMap(place => good[place] ?? []))
  fc.assert(
    fc.property(spoiled, records => {
      const isPrefix = records.every((record, index) => record === good[index])
      assert.equal(verifyChain(records).intact, isPrefix)
    }),
  )
})

test('no two places in chains share what is hashed', () => {
  assert.notEqual(linkHash('a', 1, '', '{}'), linkHash('a', 11, '', '{}'))
  assert.notEqual(linkHash('a', 1, 'b', '{}'), linkHash('a', 1, '', 'b{}'))
  assert.notEqual(linkHash('a","b', 1, '', '{}'), linkHash('a', 1, 'b', '{}'))
})

test('facts stand in one order, however they came and however many names were seen before', () => {
  const factsOf = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, `of ${name}`]))
  const written = (names: readonly string[]): string =>
    auditBody({ ...auditRecord('r'), facts: factsOf(names) }).replace(/^.*"facts":/, '')
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 12 })
  fc.assert(
    fc.property(
      names.filter(all => !all.includes('__proto__')),
      all => {
        const expected = `${JSON.stringify(factsOf(all.toSorted()))}}`
        assert.equal(written(all), expected)
        assert.equal(written(all.toReversed()), expected)
      },
    ),
  )
  for (let round = 0; round < 300; round++) {
    const many = Array.from({ length: 90 }, (_, index) => `n${(index * 7) % 90}_${round}`)
    assert.equal(written(many), `${JSON.stringify(factsOf(many.toSorted()))}}`)
  }
})

test('facts that were written out once make the same record as those that were not', () => {
  const fact = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }))
  const facts = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('a', 'b"c', 'ü', '__proto__')), fact)
  fc.assert(
    fc.property(facts, facts, facts, (common, own, other) => {
      const written = commonFactsOf({ ...common, ...own }, Object.keys(own))
      for (const mine of [own, other]) {
        const body = auditBody({ ...auditRecord('r'), facts: mine, commonFacts: written })
        const all = Object.fromEntries(
          Object.entries(common).filter(([name]) => !Object.keys(own).includes(name)),
        )
        assert.equal(body, auditBody({ ...auditRecord('r'), facts: { ...all, ...mine } }))
      }
    }),
  )
})

test('facts that were written out once stay as they were', () => {
  const facts = { zone: 'z', scopes: ['b', 'a'], sid: 's' }
  const common = commonFactsOf(facts, ['sid'])
  const body = () => auditBody({ ...auditRecord('r'), facts: { sid: 't' }, commonFacts: common })
  const before = body()
  facts.scopes.push('c')
  assert.equal(body(), before)
  assert.deepEqual(common.facts, { zone: 'z', scopes: ['b', 'a'] })
  assert.throws(() => Object.assign(common.facts, { zone: 'y' }), TypeError)
  assert.throws(() => Reflect.apply(Array.prototype.push, common.facts.scopes, ['c']), TypeError)
})

test('a stored record that carries facts beside its facts was never hashed so', () => {
  expectFault(replaced(2, { commonFacts: commonFactsOf({ a: 1 }, []) }), 'change', 3)
})
