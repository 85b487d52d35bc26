import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AdminApi, PageRequest } from '@holdfast/server/control/admin-api.ts'
import { everyDocument, everyPage } from './every-page.ts'
import { runWith } from './testing/run.ts'

const no = { ok: false, problem: { type: 'about:blank', title: 'no', status: 403 } } as const

/** A list of so many numbers, two on a page. */
const listOf = (count: number, asked: PageRequest[]) => async (request: PageRequest) => {
  asked.push(request)
  const from = Number(request.after ?? '0')
  const items = [from, from + 1].filter(item => item < count)
  return { ok: true, value: { items, ...(from + 2 < count && { next: String(from + 2) }) } } as const
}

describe('every page of a list', () => {
  test('is read, of the issuer that is asked for, until there is no next', async () => {
    for (const count of [0, 1, 2, 3, 4, 5]) {
      const asked: PageRequest[] = []
      const all = await everyPage(listOf(count, asked), ({ items }) => items, 'main')
      assert.deepEqual(all, { ok: true, value: Array.from({ length: count }, (_, index) => index) })
      assert.equal(asked.length, Math.max(1, Math.ceil(count / 2)))
      assert.deepEqual(asked[0], { limit: 500, issuer: 'main' })
      if (asked.length > 1) assert.deepEqual(asked[1], { limit: 500, issuer: 'main', after: '2' })
    }
  })

  test('is not a part of it: a page that fails is the answer', async () => {
    const list = listOf(6, [])
    const read = async (asked: PageRequest) => (asked.after === '4' ? no : await list(asked))
    assert.deepEqual(await everyPage(read, ({ items }) => items), no)
  })

  test('is bounded, though a server always names another one', async () => {
    let count = 0
    const all = await everyPage(
      async () => {
        count++
        return { ok: true, value: { next: 'more' } }
      },
      () => [],
    )
    assert.ok(!all.ok && all.problem.title === 'the list does not end')
    assert.equal(count, 10_000)
  })
})

/** Four documents, two on a page; the revision moves before these calls. */
function changing(moves: readonly number[]) {
  let [calls, revision] = [0, 7]
  const documents: AdminApi['documents'] = async ({ limit, after } = {}) => {
    if (moves.includes(calls++)) revision++
    const from = Number(after ?? '0')
    const names = [from, from + 1].map(index => `s${index} of ${revision}`)
    const page = names.map(name => ({
      kind: 'Scope',
      name,
      issuer: 'https://as.example',
      document: { name },
    }))
    const next = from === 0 || limit === 1 ? { next: '2' } : {}
    return { ok: true, value: { revision, documents: page, ...next } }
  }
  return { documents, calls: () => calls }
}

describe('every document', () => {
  test('is of one revision: what changes between two pages is read anew', async () => {
    for (const [moves, revision, calls] of [
      [[], 7, 3],
      [[1], 8, 6],
      // After the last page is read, and seen when it is asked for once more.
      [[2], 8, 6],
      [[1, 4], 9, 9],
      [[1, 4, 7, 10], 11, 15],
    ] as const) {
      const api = changing(moves)
      const all = await everyDocument(api)
      assert.ok(all.ok)
      assert.equal(all.value.revision, revision)
      const names = [0, 1, 2, 3].map(index => `s${index} of ${revision}`)
      assert.deepEqual(
        all.value.documents.map(({ name }) => name),
        names,
      )
      assert.equal(api.calls(), calls)
    }
    const all = await everyDocument(changing([1, 4, 7, 10, 13]))
    assert.ok(!all.ok && all.problem.status === 409)
  })

  test('of one page are asked for once', async () => {
    const { calls, documents } = changing([])
    const first: AdminApi['documents'] = async asked => {
      const answer = await documents(asked)
      return answer.ok ? { ok: true, value: { ...answer.value, next: undefined as never } } : answer
    }
    assert.ok((await everyDocument({ documents: first })).ok)
    assert.equal(calls(), 1)
  })

  test('is exported, though it comes in pages', async () => {
    const { out } = await runWith(['export'], { documents: changing([1]).documents })
    for (const index of [0, 1, 2, 3]) assert.match(out, new RegExp(`s${index} of 8`))
    assert.doesNotMatch(out, / of 7/)
  })
})
