import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { Fault } from '@holdfast/server/ports.ts'
import { explainStart } from './explain-start.ts'
import { freePorts } from './testing/product.ts'

const anywhere = { host: '127.0.0.1', port: 0 }
const off = { admin: undefined, demo: false }
const on = {
  admin: { url: 'https://localhost', issuerUrl: 'https://localhost', highRiskAcr: 'a' },
  demo: true,
}
type Listeners = Bootstrap['listeners']

/** Listeners on ports that are free but for these, and the error of who tried the first of them. */
async function collided(t: TestContext, first: keyof Listeners, ...more: readonly (keyof Listeners)[]) {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await freePorts(6)
  const at = (port: number) => ({ ...anywhere, port })
  const listeners: Listeners = {
    ...{ public: at(a), mtls: at(b), gateway: at(c), demoApi: at(d), management: at(e), admin: at(f) },
  }
  for (const name of [first, ...more]) {
    const server = createServer().listen(listeners[name].port, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
  }
  const { port } = listeners[first]
  return { listeners, thrown: Object.assign(new Error('listen'), { code: 'EADDRINUSE', port }) }
}

const listeners: Listeners = {
  ...{ public: anywhere, mtls: anywhere, gateway: anywhere },
  ...{ demoApi: anywhere, management: anywhere, admin: anywhere },
}
const explained = (thrown: unknown): Promise<string> => explainStart(thrown, { listeners, ...off })

describe('a start that failed', () => {
  it('names the port and the setting', async t => {
    const { listeners, thrown } = await collided(t, 'mtls')
    assert.equal(
      await explainStart(thrown, { listeners, ...on }),
      `port ${listeners.mtls.port} is in use by another process; free it, or set listeners.mtls.port in holdfast.yaml`,
    )
  })

  it('names every other port that is taken, too, with what else is set with it', async t => {
    const { listeners, thrown } = await collided(t, 'public', 'admin', 'demoApi')
    const { admin, demoApi } = listeners
    const said = (await explainStart(thrown, { listeners, ...on })).split('\n')
    assert.match(
      said[0] ?? '',
      /set listeners\.public\.port, with the port of issuers\[\]\.url in holdfast\.yaml$/,
    )
    assert.deepEqual(
      (said[1] ?? '').replace('  nor can these be opened: ', '').split('), ').toSorted(),
      [
        `${admin.port} (listeners.admin.port, or admin.enabled to false`,
        `${demoApi.port} (listeners.demoApi.port)`,
      ].toSorted(),
    )
    assert.doesNotMatch(await explainStart(thrown, { listeners, ...off }), /admin|demoApi/, 'what is off')
  })

  it('says when two listeners of its own have one port', async t => {
    const { listeners, thrown } = await collided(t, 'public')
    const twice = { ...listeners, mtls: listeners.public }
    assert.match(
      await explainStart(thrown, { listeners: twice, ...off }),
      /^listeners\.public and listeners\.mtls have one port/,
    )
  })

  it('says what broke, what the system said about it, and what to do', async () => {
    const cause = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')])
    const text = await explained(new Fault('store.unavailable', { cause }))
    assert.equal(
      text,
      'store.unavailable\n  connect ECONNREFUSED 127.0.0.1:1\n  ' +
        'check that the database runs and that `store` in holdfast.yaml names it',
    )
  })

  it('does not say one thing twice, and leaves what it does not know as it is', async () => {
    const cause = new Error('row 3')
    assert.match(
      await explained(new Fault('store.corrupt', { cause, detail: 'row 3' })),
      /^store\.corrupt: row 3\n {2}keep/,
    )
    assert.equal(
      await explained(new Fault('demo.documents', { detail: 'a problem' })),
      'demo.documents: a problem',
    )
    assert.match(await explained(new TypeError('a bug')), /TypeError: a bug/)
    assert.equal(await explained('text'), 'text')
  })
})
