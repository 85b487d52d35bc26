import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@holdfast/server/clock.ts'
import { apply } from '@holdfast/server/control/apply.ts'
import { createRegistrationToken } from '@holdfast/server/control/registration-tokens.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { exportJWK, generateKeyPair } from 'jose'
import {
  type Bound,
  type Listening,
  listen,
  measureRevocations,
  openClient,
  silenceBoundMs,
  untilRefused,
  whenTrusted,
} from './harness/revocation.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { bindingOf, type RunningNode, startNode } from './product/node.ts'
import {
  anotherNode,
  forkNode,
  type PreparedProduct,
  postgresAnswers,
  prepareProduct,
  stopNode,
} from './product/start.ts'

/** Beyond the stated bound, what a busy machine may take to run a test. */
const busyMs = 1500

describe('the revocation feed over one node on SQLite', () => {
  let prepared: PreparedProduct
  let bound: Bound
  let api: Listening
  let node: RunningNode
  let close: () => Promise<void>
  before(async () => {
    prepared = await prepareProduct('sqlite')
    node = await startNode(prepared.config)
    bound = await openClient(prepared.product)
    api = listen(prepared.product, prepared.config.publicPort, bound.key)
    await whenTrusted(api)
    close = async () => {
      await api.close()
      await bound.close()
      await node.close()
      await prepared.remove()
    }
  })
  after(() => close())

  test('a revoked token is refused although the API remembers that it was active', async () => {
    const figures = await measureRevocations(bound, [api], 5, 2)
    assert.equal(figures.count, 5)
    assert.ok(figures.maxMs < 1000 + busyMs, `${figures.maxMs} ms`)
    assert.ok((api.api.feedStatus()?.propagation.count ?? 0) >= 5)
  })

  test('with the feed cut, a revoked token is refused within the stated bound', async () => {
    const token = await bound.newToken()
    assert.equal(await api.accepts(token), true)
    api.cutFeed()
    await bound.revoke(token)
    const took = await untilRefused(api, token, 10_000)
    assert.ok(took <= silenceBoundMs + busyMs, `${took} ms`)
    assert.equal(api.api.feedStatus()?.isTrusted, false)
    api.mendFeed()
    await whenTrusted(api)
    assert.equal(await api.accepts(token), false)
    assert.equal(await api.accepts(await bound.newToken()), true)
  })

  test('what was taken from a client is good no more at an API that remembers its tokens, and what it asks for anew is', async () => {
    const token = await bound.newToken()
    assert.equal(await api.accepts(token), true)
    const { clientId } = prepared.product.clients['private_key_jwt with DPoP']
    const written = (await node.store.listDocuments()).find(
      ({ documentKind, name }) => documentKind === 'Client' && name === clientId,
    )
    assert.ok(written)
    const without = written.body.replace(/"scope":"([^"]*)"/, (_, scope: string) => {
      const left = scope.split(' ').filter(one => one !== 'accounts')
      return `"scope":"${left.join(' ')}"`
    })
    assert.notEqual(without, written.body)
    const ports = portsOf(prepared, node)
    const applied = async (text: string): Promise<void> => {
      const files = [{ path: 'client.json', text }]
      const result = await apply({ files, dryRun: false, prune: false }, ports)
      assert.ok(result.ok, JSON.stringify(result))
    }
    await applied(without)
    assert.ok((await untilRefused(api, token, 10_000)) < 1000 + busyMs)
    await assert.rejects(bound.newToken(), { error: 'invalid_scope' })
    await applied(written.body)
    ports.passwords.close()
    assert.equal(await api.accepts(await tokenSoon(bound)), true)
  })

  test('so is what a registered client gave up itself', async () => {
    const { product, config } = prepared
    const ports = portsOf(prepared, node)
    const policy = {
      ...{ profile: 'fapi2-security', grantTypes: ['client_credentials'], scopes: ['profile', 'accounts'] },
      ...{ resources: ['accounts'], redirectHosts: [], softwareStatement: 'optional' as const },
    }
    const made = await createRegistrationToken({ uses: 1, lifetimeSeconds: 60, policy, note: '' }, ports)
    ports.passwords.close()
    assert.ok(made.ok, JSON.stringify(made))
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const metadata = {
      ...{ grant_types: ['client_credentials'], response_types: [], scope: 'profile accounts' },
      ...{ token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true },
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] },
    }
    const agent = dispatcherFor(product)
    const sent = async (method: string, url: string, token: string, body: object) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const answer = await fetchOver(agent)(url, { method, headers, body: JSON.stringify(body) })
      const text = await answer.text()
      assert.ok(answer.ok, text)
      return JSON.parse(text) as Readonly<Record<string, string>>
    }
    const registered = await sent('POST', `${config.issuer}/register`, made.value.token, metadata)
    const { client_id: clientId = '', registration_client_uri: uri = '' } = registered
    const { redirectUri } = product.introspector
    const own = await openClient(product, {
      ...{ clientId, redirectUri, privateKey: { key: privateKey, kid: 'k' }, isDpop: true },
    })
    const listening = listen(product, config.publicPort, own.key)
    await whenTrusted(listening)
    const token = await own.newToken()
    assert.equal(await listening.accepts(token), true)
    const less = { ...metadata, client_id: clientId, scope: 'profile' }
    await sent('PUT', uri, registered.registration_access_token ?? '', less)
    assert.ok((await untilRefused(listening, token, 10_000)) < 1000 + busyMs)
    await listening.close()
    await own.close()
    await agent.destroy()
  })

  test('what was revoked before the API started is refused by an API that only hears the feed', async () => {
    const token = await bound.newToken()
    await bound.revoke(token)
    const late = listen(prepared.product, prepared.config.publicPort, bound.key, { jwtRevocation: 'feed' })
    await whenTrusted(late)
    assert.equal(await late.accepts(token), false)
    await late.close()
  })

  test('nobody listens without authentication', async () => {
    const url = `${prepared.config.issuer}/revocations`
    const agent = dispatcherFor(prepared.product)
    const anonymous = await fetchOver(agent)(url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
    assert.equal(anonymous.status, 401)
    await agent.destroy()
  })
})

describe('the revocation feed over two nodes', {
  skip: (await postgresAnswers()) ? false : 'no PostgreSQL answers',
}, () => {
  test('what one node takes back, the APIs of both refuse, and a killed node loses nothing', async () => {
    const prepared = await prepareProduct('postgres')
    const second = await anotherNode(prepared.config)
    const first = await forkNode(prepared.config)
    const other = await startNode(second)
    const bound = await openClient(prepared.product)
    const apis = [prepared.config.publicPort, second.publicPort].map(port =>
      listen(prepared.product, port, bound.key),
    )
    let again: Awaited<ReturnType<typeof forkNode>> | undefined
    try {
      for (const api of apis) await whenTrusted(api)
      const figures = await measureRevocations(bound, apis, 4, 2)
      assert.equal(figures.count, 8)
      assert.ok(figures.maxMs < 1000 + busyMs, `${figures.maxMs} ms`)

      const token = await bound.newToken()
      for (const api of apis) assert.equal(await api.accepts(token), true)
      await bound.revoke(token)
      const died = once(first, 'exit')
      first.kill('SIGKILL')
      await died
      again = await forkNode(prepared.config)
      for (const api of apis) await whenTrusted(api)
      for (const api of apis) await untilRefused(api, token, silenceBoundMs + busyMs)
    } finally {
      for (const api of apis) await api.close()
      await bound.close()
      if (again !== undefined) await stopNode(again)
      first.kill('SIGKILL')
      await other.close()
      await prepared.remove()
    }
  })
})

/** What an operator works with beside a node that runs. */
function portsOf({ config }: PreparedProduct, { store }: RunningNode) {
  const entropy = openEntropy()
  const passwords = openPasswords({ entropy })
  const issuers = [bindingOf(config)]
  return { store, clock: systemClock, entropy, passwords, issuers, newReference: () => 'r' }
}

/** A revision is served within a second of its commit. */
async function tokenSoon(bound: Bound): Promise<string> {
  for (let tries = 0; ; tries++)
    try {
      return await bound.newToken()
    } catch (cause) {
      if (tries === 100) throw cause
      await pause(100)
    }
}
