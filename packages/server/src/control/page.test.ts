import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  misfitOfPage,
  nearestOf,
  pageBody,
  pageBytesMax,
  pageOf,
  pageQuery,
  placeAt,
  placeInTime,
} from './page.ts'
import { binding } from './testing/documents.ts'

const list = { placeOf: (name: string) => name, show: (name: string) => name }

describe('a page', () => {
  test('holds no more bytes than it may, but one item whatever its size', () => {
    // With its quotes as JSON.
    const half = 'a'.repeat(pageBytesMax / 2 - 2)
    const items = [`a${half.slice(1)}`, `b${half.slice(1)}`, 'c']
    const exact = pageOf(items, { limit: 500 }, list)
    assert.deepEqual([exact.page.length, exact.next], [2, items[1]])
    const longer = pageOf([items[0] ?? '', `${items[1]}b`, 'c'], { limit: 500 }, list)
    assert.deepEqual([longer.page.length, longer.next], [1, items[0]])
    // Bytes and not characters.
    const wide = pageOf([items[0] ?? '', `b${'ä'.repeat(pageBytesMax / 4)}`], { limit: 500 }, list)
    assert.equal(wide.page.length, 1)
    const huge = 'h'.repeat(2 * pageBytesMax)
    assert.deepEqual(pageOf([huge, 'i'], {}, list), { page: [huge], next: huge })
    assert.deepEqual(pageOf([huge], {}, list), { page: [huge] })
  })

  test('is made of those that are nearest behind its place: they make the same page as all', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 20 })
    fc.assert(
      fc.property(names, fc.string({ maxLength: 3 }), fc.integer({ min: 1, max: 5 }), (all, after, limit) => {
        const asked = { limit, after }
        const nearest = nearestOf(all, asked, list.placeOf)
        assert.ok(nearest.length <= limit + 1)
        assert.deepEqual(pageOf(nearest, asked, list), pageOf(all, asked, list))
      }),
    )
    assert.equal(
      nearestOf(
        Array.from({ length: 200 }, (_, index) => `n${index}`),
        {},
        list.placeOf,
      ).length,
      101,
    )
  })

  test('by time holds what came first, and by name what came at once', () => {
    const placeOf = ({ name, at }: { readonly name: string; readonly at: number }) =>
      placeInTime('Approval', { issuer: binding.url, name, at })
    const items = [
      { name: 'b', at: 1_700_000_000 },
      { name: 'a', at: 1_700_000_000 },
      { name: 'c', at: 999_999_999 },
      { name: 'd', at: 0 },
    ]
    const { page } = pageOf(items, {}, { placeOf, show: ({ name }) => name })
    assert.deepEqual(page, ['d', 'c', 'a', 'b'])
    for (const item of items)
      assert.equal(misfitOfPage({ after: placeOf(item) }, [binding], ['Approval']), undefined)
  })

  test('after page shows what was there all the time once, whatever comes and goes in between', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 30 })
    const moves = fc.array(fc.tuple(fc.boolean(), fc.string({ minLength: 1, maxLength: 4 })), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(names, moves, fc.integer({ min: 1, max: 5 }), (before, all, limit) => {
        const [standing, left] = [new Set(before), new Set(before)]
        const seen: string[] = []
        const queue = [...all]
        let after: string | undefined
        for (let page = 0; page < 100; page++) {
          const shown = pageOf([...standing], { limit, ...(after !== undefined && { after }) }, list)
          seen.push(...shown.page)
          after = shown.next
          if (after === undefined) break
          assert.equal(shown.page.length, limit)
          for (const [isAdded, name] of queue.splice(0, 2)) {
            if (isAdded) standing.add(name)
            else standing.delete(name)
            if (!isAdded) left.delete(name)
          }
        }
        assert.equal(new Set(seen).size, seen.length, 'nothing twice')
        for (const name of left) assert.ok(seen.includes(name), name)
        assert.deepEqual(
          seen,
          seen.toSorted((one, other) => (one < other ? -1 : 1)),
        )
      }),
    )
  })
})

describe('a question for a page', () => {
  const gone = 'https://gone.example'
  const fieldOf = (asked: object, left: readonly string[] = []) =>
    misfitOfPage(asked, [binding], ['Scope', 'Client'], left)?.field

  test('names an issuer that is there, and a place of this list', () => {
    const place = placeAt('Scope', { issuer: binding.url, name: 'books' })
    for (const asked of [
      {},
      { after: place },
      { issuer: binding.name, after: place },
      { issuer: binding.url },
    ])
      assert.equal(fieldOf(asked), undefined)
    assert.equal(fieldOf({ issuer: 'nowhere', after: place }), 'issuer')
    for (const after of ['', 'books', `ScopeGrant ${binding.url} books`, `Scope ${gone} books`, `${place} `])
      assert.equal(fieldOf({ after }), 'after', after)
  })

  test('may begin at an issuer that is configured no more while something of it is listed', () => {
    const after = placeAt('Scope', { issuer: gone, name: 'books' })
    assert.equal(fieldOf({ after }, [gone]), undefined)
    assert.equal(fieldOf({ after, issuer: binding.name }, [gone]), 'after')
  })

  test('has bounds, and says a hundred when it says nothing', () => {
    assert.deepEqual(pageBody.parse({}), { limit: 100 })
    for (const limit of [1, 500]) assert.deepEqual(pageBody.parse({ limit }), { limit })
    for (const limit of [0, 501, 1.5, '5', null])
      assert.ok(!pageBody.safeParse({ limit }).success, `${limit}`)
    assert.deepEqual(pageQuery.parse({}), { limit: 100 })
    assert.ok(pageQuery.safeParse({ issuer: 'i'.repeat(2048), after: 'a'.repeat(4096) }).success)
    assert.ok(!pageQuery.safeParse({ issuer: 'i'.repeat(2049) }).success)
    assert.ok(!pageQuery.safeParse({ after: 'a'.repeat(4097) }).success)
  })
})
