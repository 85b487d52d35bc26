import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { DecisionPoint } from '@holdfast/resource-server'
import type { RouteOptions } from '../options.ts'
import { type Bed, openBed, send } from '../testing/bed.ts'

/**
 * The gateway asks about one object, and the API opens another: by a spelling that the two read differently, or by an id
 * that two objects share.
 */

const route = (path: string, id: string): RouteOptions => ({
  ...{ api: 'bank', methods: ['GET'], path },
  decision: { point: 'bank', action: 'read', resource: { type: 'Account', id } },
})
const routes: readonly RouteOptions[] = [
  route('/accounts/{id}', '{id}'),
  route('/files/{rest...}', '{rest}'),
  route('/one/{a}/{b}', '{a}:{b}'),
  route('/two/{a}/{b}', '{a}::{b}'),
  route('/aba/{a}/{b}', '{a}aba{b}'),
  route('/three/{a}/{b}/{c}', '<{a}-{b}--{c}>'),
  { api: 'bank', methods: ['GET'], path: '/open' },
]

/** @returns the bed, and what it asked about, each permitted */
async function open(t: TestContext): Promise<{ readonly bed: Bed; readonly asked: string[] }> {
  const asked: string[] = []
  const point: DecisionPoint = {
    evaluate: ({ resource }) => {
      asked.push(resource.id)
      return { decision: true }
    },
  }
  const bed = await openBed({ routes, options: { decisionPoints: new Map([['bank', point]]) } })
  t.after(() => bed.close())
  return { bed, asked }
}

/** Spellings of `/accounts/1`, or of what lies beside it. None is asked about, and the API hears of none. */
const otherSpellings: readonly (readonly [what: string, path: string])[] = [
  ['a letter that needs no escape', '/accounts/%31'],
  ['an escaped slash', '/accounts/1%2F2'],
  ['an escaped slash in a rest', '/files/a%2Fb'],
  ['an escaped dot segment', '/accounts/%2E%2E'],
  ['half an escaped dot segment', '/files/a/.%2E/b'],
  ['dots', '/accounts/../open'],
  ['one dot', '/files/./a'],
  ['an empty segment', '/accounts//1'],
  ['a slash at the end', '/accounts/1/'],
  ['a slash before', '//accounts/1'],
  ['an escape of an escape', '/accounts/%2531'],
  ['an escaped slash of an escape', '/accounts/1%252F2'],
  ['a matrix parameter', '/accounts/1;id=2'],
  ['an escaped semicolon', '/accounts/1%3Bid=2'],
  ['a backslash', '/accounts/1\\2'],
  ['an escaped backslash', '/accounts/1%5C2'],
  ['an escaped question mark', '/accounts/1%3Fid=2'],
  ['an escaped number sign', '/accounts/1%23'],
  ['a byte of zero', '/accounts/1%00'],
  ['a line break', '/accounts/1%0A'],
  ['a tabulator', '/accounts/1%09'],
  ['hex digits in lower case', '/accounts/caf%c3%a9'],
  ['UTF-8 that is longer than needed', '/accounts/%C0%AF'],
  ['half a character', '/accounts/%C3'],
  ['an escape that is none', '/accounts/%zz'],
  ['an escape that ends', '/accounts/1%'],
  ['Unicode as another escapes it', '/accounts/%u0031'],
  ['a whole URL', 'https://api.example/accounts/1'],
]

describe('an object that has two spellings', () => {
  for (const [what, path] of otherSpellings)
    test(`is not reached by ${what}: ${path}`, async t => {
      const { bed, asked } = await open(t)
      const answer = await send(bed, { path, token: bed.token({ sub: 'ada' }) })
      assert.ok([400, 404].includes(answer.status), String(answer.status))
      assert.deepEqual([asked, bed.received], [[], []])
    })

  for (const [what, path, id] of [
    ['composed', '/accounts/caf%C3%A9', 'caf\u00e9'],
    ['decomposed', '/accounts/cafe%CC%81', undefined],
    ['in a rest, decomposed', '/files/a/cafe%CC%81', undefined],
    ['a sign that stands for another', '/accounts/%E2%84%AB', undefined],
    ['another letter that looks alike', '/accounts/%D0%B0', '\u0430'],
  ] as const)
    test(`is asked about as Unicode composes it, or not at all: ${what}`, async t => {
      const { bed, asked } = await open(t)
      const answer = await send(bed, { path, token: bed.token({ sub: 'ada' }) })
      assert.equal(answer.status, id === undefined ? 403 : 200)
      assert.deepEqual(asked, id === undefined ? [] : [id])
      assert.equal(bed.received.length, asked.length)
    })
})

/** Paths of different objects whose names, put together, could be one id. */
const neighbours: readonly (readonly string[])[] = [
  ['/one/x:y/z', '/one/x/y:z'],
  ['/two/x:/y', '/two/x/:y'],
  ['/two/x::y/z', '/two/x/y::z'],
  ['/two/:/:', '/two/::/-'],
  ['/aba/xab/y', '/aba/x/bay', '/aba/x/bbay'],
  ['/three/x/-y/z', '/three/x-/y/z', '/three/x/y/-z', '/three/x/y-/z'],
]

describe('two objects', () => {
  for (const paths of neighbours)
    test(`are never asked about by one id: ${paths.join(' ')}`, async t => {
      const { bed, asked } = await open(t)
      for (const path of paths) await send(bed, { path, token: bed.token({ sub: 'ada' }) })
      assert.equal(new Set(asked).size, asked.length, asked.join(' '))
      assert.equal(bed.received.length, asked.length)
    })
})
