import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '@holdfast/server/ports.ts'
import { explainStart } from './explain-start.ts'

const address = (port: number) => ({ host: '127.0.0.1', port })
const listeners = {
  public: address(1),
  mtls: address(2),
  gateway: address(5),
  demoApi: address(3),
  management: address(4),
  admin: address(6),
}
const explained = (thrown: unknown): string => explainStart(thrown, { listeners })

describe('a start that failed', () => {
  it('names the port and the setting', () => {
    const taken = Object.assign(new Error('listen'), { code: 'EADDRINUSE', port: 2 })
    assert.match(explained(taken), /port 2 is in use by another process; .*listeners\.mtls\.port/)
  })

  it('says what broke, what the system said about it, and what to do', () => {
    const cause = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')])
    const text = explained(new Fault('store.unavailable', { cause }))
    assert.equal(
      text,
      'store.unavailable\n  connect ECONNREFUSED 127.0.0.1:1\n  ' +
        'check that the database runs and that `store` in holdfast.yaml names it',
    )
  })

  it('does not say one thing twice, and leaves what it does not know as it is', () => {
    const cause = new Error('row 3')
    assert.match(
      explained(new Fault('store.corrupt', { cause, detail: 'row 3' })),
      /^store\.corrupt: row 3\n {2}keep/,
    )
    assert.equal(explained(new Fault('demo.documents', { detail: 'a problem' })), 'demo.documents: a problem')
    assert.match(explained(new TypeError('a bug')), /TypeError: a bug/)
    assert.equal(explained('text'), 'text')
  })
})
