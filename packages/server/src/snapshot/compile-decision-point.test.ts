import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { snapshotOfFiles } from '../control/documents.ts'
import { textOfProblem } from '../control/problem.ts'
import { binding, documentOf, fileOf } from '../control/testing/documents.ts'

const schema =
  'entity User; entity Group; entity Thing in [Group]; entity Box; action use appliesTo { principal: User, resource: [Thing, Box] };'
const policy = '@id("all") permit (principal, action, resource);'
const user = { uid: { type: 'User', id: 'u' }, attrs: {}, parents: [] }

function compiled(...specs: readonly object[]) {
  const documents = specs.map((spec, index) =>
    documentOf('DecisionPoint', `point-${index}`, JSON.stringify(spec)),
  )
  return snapshotOfFiles([fileOf(...documents)], [binding])
}

const good = { schema, policies: { 'all.cedar': policy }, entities: [user], givenTypes: ['Box'] }

describe('a DecisionPoint document', () => {
  test('is compiled once for as long as it stays the same', () => {
    const [first, again, other] = [good, good, { ...good, entities: [] }].map(spec => {
      const snapshot = compiled(spec)
      assert.ok(snapshot.ok, snapshot.ok ? '' : snapshot.problems.map(textOfProblem).join('\n'))
      return snapshot.value.issuers.get(binding.url)?.decisionPoint
    })
    assert.ok(first?.entities.store.has('User::"u'))
    assert.equal(again, first)
    assert.notEqual(other, first)
  })

  test('that cannot work is not taken, and says why', () => {
    const wrong: readonly (readonly [readonly object[], RegExp])[] = [
      [[{ ...good, schema: 'entity' }], /spec\.policies/],
      [[{ ...good, policies: { a: 'permit (principal, action, resource);' } }], /carries an id/],
      [[{ ...good, policies: { a: policy, b: policy } }], /already stands/],
      [
        [{ ...good, policies: { a: `@ask("fraud") ${policy}` } }],
        /fraud: `@ask` is for the questions of this server/,
      ],
      [
        [{ ...good, entities: [{ uid: { type: 'Robot', id: 'r' }, attrs: {}, parents: [] }] }],
        /spec\.entities/,
      ],
      [[{ ...good, givenTypes: ['Thing'] }], /can have something above it/],
      [[{ ...good, givenTypes: ['Robot'] }], /not in the schema/],
      [[good, good], /has one decision point/],
      [[{ ...good, extra: 1 }], /unknown key/],
      [[{ schema }], /policies/],
    ]
    for (const [specs, message] of wrong) {
      const snapshot = compiled(...specs)
      assert.equal(snapshot.ok, false, String(message))
      assert.match(snapshot.ok ? '' : snapshot.problems.map(textOfProblem).join('\n'), message)
    }
  })
})
