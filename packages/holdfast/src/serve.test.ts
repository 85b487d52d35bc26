import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { callDemoApi, listedClients } from './testing/demo-chain.ts'
import { openWorkshop, type Started, type Workshop } from './testing/product.ts'

describe('holdfast serve in an empty folder', () => {
  let workshop: Workshop
  let started: Started

  before(async () => {
    workshop = await openWorkshop()
    started = await workshop.start()
  })
  after(async () => {
    await started?.stop('SIGKILL')
    workshop?.remove()
  })

  test('shows a start card and says how long it took', () => {
    const card = started.out()
    for (const port of Object.values(workshop.ports)) assert.match(card, new RegExp(`:${port}\\b`))
    for (const word of [
      'alice',
      'demo-jwt-dpop',
      'demo-jwt-mtls',
      'demo-pki-mtls',
      'demo-own-mtls',
      'demo-oidc',
    ])
      assert.ok(card.includes(word), word)
    assert.match(card, /ready in \d+ ms/)
  })

  test('keeps its data, its keys and its demo keys from other users', () => {
    const folder = join(workshop.folder, '.holdfast')
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const { keyFile, certificateKeyFile } of listedClients(workshop))
      for (const file of [keyFile, certificateKeyFile])
        if (file !== undefined) assert.equal(statSync(file).mode & 0o777, 0o600, file)
  })

  for (const [clientId, tokenType, status] of [
    ['demo-jwt-dpop', 'DPoP', 200],
    ['demo-jwt-mtls', 'Bearer', 200],
    ['demo-pki-mtls', 'Bearer', 200],
    ['demo-own-mtls', 'Bearer', 200],
    // The plain client gets its token; the demo API takes bound tokens only.
    ['demo-oidc', 'Bearer', 401],
  ] as const)
    test(`${clientId} gets a ${tokenType} token and the demo API answers ${status}`, async () => {
      const client = listedClients(workshop).find(listed => listed.clientId === clientId)
      assert.ok(client)
      const [token, accounts] = await callDemoApi(workshop, client)
      assert.equal(token.status, 200, JSON.stringify(token.body))
      assert.equal(token.body.token_type, tokenType)
      assert.equal(accounts.status, status, JSON.stringify(accounts.body))
    })

  test('the operator asks it over its socket', async () => {
    const listed = await workshop.run(['clients', 'list', '-o', 'json'])
    assert.equal(listed.exitCode, 0)
    assert.equal((JSON.parse(listed.out) as readonly unknown[]).length, 7)
    const audit = await workshop.run(['audit', 'verify'])
    assert.equal(audit.exitCode, 0, audit.err)
    assert.match(audit.out, /intact[\s\S]*through the server/)
    const doctor = await workshop.run(['doctor'])
    assert.equal(doctor.exitCode, 0, doctor.out)
    assert.match(doctor.out, /DNSSEC/)
  })

  test('a signing key is rotated, and taken back while clients go on', async () => {
    type Listed = { readonly kid: string; readonly alg: string; readonly state: string }
    const listed = async (): Promise<readonly Listed[]> => {
      const answer = await workshop.run(['keys', 'list', '-o', 'json'])
      assert.equal(answer.exitCode, 0, answer.err)
      return (JSON.parse(answer.out) as { keys: readonly Listed[] }).keys.filter(({ alg }) => alg === 'ES256')
    }
    const rotated = await workshop.run(['keys', 'rotate', '--alg', 'ES256'])
    assert.equal(rotated.exitCode, 0, rotated.err)
    assert.match(rotated.out, /ES256: [\w-]{43} signs from \d{4}-/)
    assert.deepEqual(
      (await listed()).map(({ state }) => state),
      ['active', 'announced'],
    )
    const again = await workshop.run(['keys', 'rotate', '--alg', 'ES256'])
    assert.equal(again.exitCode, 1)
    assert.match(again.out, /a rotation is under way/)

    const bad = (await listed())[0]?.kid ?? ''
    const revoked = await workshop.run(['keys', 'revoke', bad])
    assert.equal(revoked.exitCode, 0, revoked.err)
    assert.ok(!(await listed()).some(({ kid, state }) => kid === bad && state !== 'revoked'))
    const twice = await workshop.run(['keys', 'revoke', bad])
    assert.equal(twice.exitCode, 1)
    assert.match(twice.err, /no such key/)
    const reference = /reference (\S+)/.exec(revoked.out)?.[1] ?? ''
    const explained = await workshop.run(['explain', reference])
    assert.match(explained.out, /key\.revoked/)

    const client = listedClients(workshop).find(one => one.clientId === 'demo-jwt-dpop')
    assert.ok(client)
    const [, accounts] = await callDemoApi(workshop, client)
    assert.equal(accounts.status, 200)
  })

  test('a second server in the same folder says why it does not start', async () => {
    const second = await workshop.run(['serve'])
    assert.equal(second.exitCode, 3)
    assert.match(second.err, /another (process|server)/)
  })
})

describe('a server that stops', () => {
  test('drains on SIGTERM, and the next start finds everything as it was', async t => {
    const workshop = await openWorkshop()
    t.after(() => workshop.remove())
    const first = await workshop.start()
    const keys = listedClients(workshop).map(({ keyFile }) => keyFile && readFileSync(keyFile, 'utf8'))
    const ended = await first.stop()
    assert.equal(ended.exitCode, 0, ended.err)

    const offline = await workshop.run(['audit', 'verify'])
    assert.match(offline.out, /intact[\s\S]*through the store/)

    const second = await workshop.start()
    t.after(() => second.stop('SIGKILL'))
    const keysAgain = listedClients(workshop).map(({ keyFile }) => keyFile && readFileSync(keyFile, 'utf8'))
    assert.deepEqual(keysAgain, keys)
    const [client] = listedClients(workshop)
    assert.ok(client)
    const [token] = await callDemoApi(workshop, client)
    assert.equal(token.status, 200)
    const status = await workshop.run(['export', '-k', 'Client', '-o', 'json'])
    assert.equal((JSON.parse(status.out) as readonly unknown[]).length, 7)
  })

  test('tests answer for users where holdfast.yaml says so, and there is no such address elsewhere', async t => {
    for (const [setting, status] of [
      ['', 404],
      ['testOnlyBackchannelAnswers: true\n', 400],
    ] as const) {
      const workshop = await openWorkshop()
      t.after(() => workshop.remove())
      appendFileSync(join(workshop.folder, 'holdfast.yaml'), setting)
      const running = await workshop.start()
      t.after(() => running.stop('SIGKILL'))
      const port = workshop.ports.public
      const ca = readFileSync(join(workshop.folder, '.holdfast/tls/ca.pem'))
      const path = '/ciba/test-answer?auth_req_id=ar_x&action=allow'
      const [answer] = await once(get({ host: 'localhost', port, path, ca, agent: false }), 'response')
      answer.resume()
      assert.equal(answer.statusCode, status)
      const { err } = await running.stop()
      assert.equal(err.includes('ciba.tests-answer-for-users'), status === 400)
    }
  })

  test('a port in use is named with its setting', async t => {
    const [holder, other] = [await openWorkshop(), await openWorkshop()]
    t.after(() => [holder, other].map(workshop => workshop.remove()))
    const running = await holder.start()
    t.after(() => running.stop('SIGKILL'))
    const config = join(holder.folder, 'holdfast.yaml')
    assert.ok(existsSync(config))
    const { HOLDFAST_DATA_DIR: before } = process.env
    process.env.HOLDFAST_DATA_DIR = join(other.folder, 'data')
    const refused = await other.run(['serve', '--config', config])
    if (before === undefined) delete process.env.HOLDFAST_DATA_DIR
    else process.env.HOLDFAST_DATA_DIR = before
    assert.equal(refused.exitCode, 3)
    const { public: own, ...others } = holder.ports
    assert.match(
      refused.err,
      new RegExp(`^holdfast did not start: port ${own} is in use.*listeners\\.public\\.port`),
    )
    for (const [name, port] of Object.entries(others))
      assert.match(
        refused.err,
        new RegExp(`nor can these be opened: .*${port} \\(listeners\\.${name}\\.port`),
      )
    assert.doesNotMatch(refused.err, /keys\.incomplete/)
  })
})
