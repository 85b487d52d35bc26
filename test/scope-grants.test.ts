import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@holdfast/server/clock.ts'
import type { ControlPorts } from '@holdfast/server/control/apply.ts'
import { changeScopeGrant, requestScopeGrant } from '@holdfast/server/control/scope-grants.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { importJWK } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { bindingOf, startNode } from './product/node.ts'
import { type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'

/** The running product over TLS: openid-client gets what people granted, no sooner, no longer, and without a restart. */

const hasPostgres = await postgresAnswers()
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey
const audience = 'https://ledger.example'
const day = 86_400

const documents: readonly string[] = [
  ...['ledger:read', 'ledger:write'].map(name =>
    documentOf('Scope', name, { title: `Use ${name}`, description: 'The ledger' }),
  ),
  documentOf('ResourceServer', 'ledger', {
    ...{ audience, governed: true, scopes: ['ledger:read', 'ledger:write'] },
  }),
  documentOf('ApiOperations', 'ledger', {
    owner: 'ledger team',
    operations: [
      {
        ...{ id: 'read', method: 'GET', path: '/entries', description: 'Read entries', tier: 2 },
        coveredBy: [{ scopes: ['ledger:read'] }],
      },
      {
        ...{ id: 'write', method: 'POST', path: '/entries', description: 'Write entries', tier: 3 },
        coveredBy: [{ scopes: ['ledger:write'] }],
      },
    ],
  }),
  documentOf('Client', 'bookkeeper', {
    resources: ['ledger'],
    metadata: {
      client_name: 'Keeps the books',
      grant_types: ['client_credentials'],
      scope: 'ledger:read ledger:write',
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
    },
  }),
]

for (const store of ['sqlite', 'postgres'] as const)
  describe(`grants of scopes, served from ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let node: Awaited<ReturnType<typeof startNode>>
    let ports: ControlPorts
    let dispatcher: ReturnType<typeof dispatcherFor>
    const entropy = openEntropy()
    const passwords = openPasswords({ entropy })
    /** Seconds that the clock of the server is ahead. */
    let ahead = 0
    const clock = { ...systemClock, now: () => (systemClock.now() + ahead) as never }

    before(async () => {
      prepared = await prepareProduct(store, { documents })
      node = await startNode(prepared.config, undefined, clock)
      dispatcher = dispatcherFor(prepared.product)
      let count = 0
      ports = {
        ...{ store: node.store, clock, entropy, passwords },
        ...{ issuers: [bindingOf(prepared.config)], newReference: () => `reference-${++count}` },
      }
    })
    after(async () => {
      passwords.close()
      await dispatcher?.destroy()
      await node?.close()
      await prepared?.remove()
    })

    /** What the server answers to a request for these scopes: what it gave, or its error. */
    const ask = async (scope: string): Promise<string> => {
      const config = await client.discovery(
        prepared.product.issuer,
        'bookkeeper',
        { [client.clockSkew]: ahead },
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { [client.customFetch]: fetchOver(dispatcher) as never },
      )
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      try {
        const asked = { scope, resource: audience }
        return (await client.clientCredentialsGrant(config, asked, { DPoP })).scope ?? scope
      } catch (thrown) {
        if (thrown instanceof client.ResponseBodyError) return thrown.error
        throw thrown
      }
    }

    /** A revision is served within a second of its commit. */
    const soon = async (scope: string, expected: string): Promise<void> => {
      for (let tries = 0; tries < 100; tries++) {
        if ((await ask(scope)) === expected) return
        await sleep(100)
      }
      assert.equal(await ask(scope), expected)
    }

    const step = async (name: string, as: string, of: 'approve' | 'activate' | 'revoke'): Promise<void> => {
      const changed = await changeScopeGrant({ step: of, as, name }, ports)
      assert.ok(changed.ok, JSON.stringify(changed))
    }

    it('a client gets a governed scope from the activation of a grant to its last second', async () => {
      assert.equal(await ask('ledger:read'), 'invalid_scope')
      const requested = await requestScopeGrant(
        {
          ...{
            as: 'bob',
            client: 'bookkeeper',
            resourceServer: 'ledger',
            scopes: ['ledger:read', 'ledger:write'],
          },
          ...{ authorizationDetailsTypes: [], purpose: 'closing of the year', days: 1, reviewDays: 1 },
        },
        ports,
      )
      assert.ok(requested.ok, JSON.stringify(requested))
      const { name, content } = requested.value
      await step(name, 'alice', 'approve')
      await step(name, 'carol', 'approve')
      assert.equal(await ask('ledger:read'), 'invalid_scope')
      await step(name, 'bob', 'activate')
      await soon('ledger:read ledger:write', 'ledger:read ledger:write')

      // A minute before the end, so that a slow machine is not past it.
      ahead = content.expiresAt - 60 - systemClock.now()
      assert.equal(await ask('ledger:read'), 'ledger:read')
      ahead = content.expiresAt - systemClock.now()
      assert.ok(ahead <= day)
      assert.equal(await ask('ledger:read'), 'invalid_scope')
    })

    it('and no longer once it is revoked', async () => {
      const requested = await requestScopeGrant(
        {
          ...{ as: 'bob', client: 'bookkeeper', resourceServer: 'ledger', scopes: ['ledger:read'] },
          ...{ authorizationDetailsTypes: [], purpose: 'audit', days: 1, reviewDays: 1 },
        },
        ports,
      )
      assert.ok(requested.ok, JSON.stringify(requested))
      const { name } = requested.value
      await step(name, 'alice', 'approve')
      await step(name, 'alice', 'activate')
      await soon('ledger:read', 'ledger:read')
      assert.equal(await ask('ledger:write'), 'invalid_scope')
      await step(name, 'carol', 'revoke')
      await soon('ledger:read', 'invalid_scope')
    })
  })
