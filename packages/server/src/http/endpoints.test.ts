import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endpointsOf, finderOf } from './endpoints.ts'
import type { Route } from './route.ts'

const route = (path: string): Route => ({
  method: 'GET',
  path,
  room: async () => ({ status: 204, headers: [], body: '' }),
  bodyBytesMax: 0,
  form: 'none',
  cors: 'none',
  dialect: 'json',
  countsFailures: false,
})
const table = ['/token', '/interaction/:id/login', '/interaction/:id/consent', '/grants/:id', '/grants/all']
const find = finderOf(endpointsOf('https://as.example/one', table.map(route)))

describe('paths that need no router', () => {
  it('are those with one spelling, and those whose one value has one', () => {
    const found = (path: string): readonly unknown[] => {
      const place = find(path)
      return [place?.endpoint.name, place?.params]
    }
    assert.deepEqual(found('/one/token'), ['/token', {}])
    assert.deepEqual(found('/one/interaction/a_B-9/consent'), ['/interaction/:id/consent', { id: 'a_B-9' }])
    assert.deepEqual(found('/one/grants/g1'), ['/grants/:id', { id: 'g1' }])
    assert.deepEqual(found('/one/grants/all'), ['/grants/all', {}])
    assert.deepEqual(found(`/one/grants/${'x'.repeat(100)}`), ['/grants/:id', { id: 'x'.repeat(100) }])
  })

  it('are no others: an escape, a dot, a slash, nothing, too much, another issuer, a part of a path', () => {
    const values = ['%61', 'a.b', 'a/b', '', 'x'.repeat(101), 'ä', 'a b']
    for (const value of values) assert.equal(find(`/one/grants/${value}`), undefined, value)
    const others = [
      '/grants/g1',
      '/two/grants/g1',
      '/one/interaction/login',
      '/one/interaction/a/b/login',
      '/one/interaction/a/Login',
      '/one/interaction/a/login/',
    ]
    for (const path of others) assert.equal(find(path), undefined, path)
  })
})
