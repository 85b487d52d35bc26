import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@holdfast/server/clock.ts'
import type { ControlPorts } from '@holdfast/server/control/apply.ts'
import type { OnboardingChange } from '@holdfast/server/control/onboarding/api.ts'
import { changeOnboarding, draftOnboarding } from '@holdfast/server/control/onboarding/onboardings.ts'
import { checkOnboarding } from '@holdfast/server/control/onboarding/run-check.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import { importJWK } from 'jose'
import * as client from 'openid-client'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { bindingOf, startNode } from './product/node.ts'
import { type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'

/** The running product over TLS: a client that registered is served by openid-client's word from activation to suspension. */

const hasPostgres = await postgresAnswers()
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey
const audience = 'https://ledger.example'

const documents: readonly string[] = [
  documentOf('Scope', 'ledger:read', { title: 'Read the ledger', description: 'All of it' }),
  documentOf('ResourceServer', 'ledger', { audience, scopes: ['ledger:read'] }),
  documentOf('Client', 'bookkeeper', {
    resources: ['ledger'],
    metadata: {
      client_name: 'Keeps the books',
      grant_types: ['client_credentials', 'authorization_code'],
      redirect_uris: ['https://books.example/cb'],
      scope: 'openid ledger:read',
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
    },
  }),
]

const form = {
  client: 'bookkeeper',
  legalEntity: { name: 'Books AG', registrationNumber: 'CHE-1', jurisdiction: 'CH' },
  purpose: 'keeps the books',
  evidence: [{ title: 'Extract of the register', reference: 'file 7' }],
  certificates: [],
  riskTier: 3,
  securityOwner: { name: 'Security', email: 'security@books.example' },
  incidentContact: { name: 'Desk', email: 'desk@books.example' },
  rotation: { keyDays: 365, overlapDays: 7 },
  reviewDays: 180,
}

for (const store of ['sqlite', 'postgres'] as const)
  describe(`onboarding, served from ${store}`, {
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
      prepared = await prepareProduct(store, { documents, issuer: { onboarding: 'required' } })
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

    const configured = (): Promise<client.Configuration> =>
      client.discovery(
        prepared.product.issuer,
        'bookkeeper',
        { [client.clockSkew]: ahead },
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { [client.customFetch]: fetchOver(dispatcher) as never },
      )

    /** `ok`, or the error of the answer. */
    const outcome = async (work: () => Promise<unknown>): Promise<string> => {
      try {
        await work()
        return 'ok'
      } catch (thrown) {
        if (thrown instanceof client.ResponseBodyError) return thrown.error
        throw thrown
      }
    }

    const atToken = async (): Promise<string> => {
      const config = await configured()
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const asked = { scope: 'ledger:read', resource: audience }
      return await outcome(() => client.clientCredentialsGrant(config, asked, { DPoP }))
    }

    const atPar = async (): Promise<string> => {
      const config = await configured()
      const verifier = client.randomPKCECodeVerifier()
      return await outcome(async () =>
        client.buildAuthorizationUrlWithPAR(config, {
          ...{ redirect_uri: 'https://books.example/cb', scope: 'ledger:read', resource: audience },
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }),
      )
    }

    const atRevocation = async (): Promise<string> => {
      const config = await configured()
      return await outcome(() => client.tokenRevocation(config, 'x'.repeat(43)))
    }

    /** A revision is served within a second of its commit. @returns milliseconds until it was */
    const soon = async (expected: string): Promise<number> => {
      const startedMs = performance.now()
      for (let tries = 0; tries < 200; tries++) {
        if ((await atToken()) === expected) return performance.now() - startedMs
        await sleep(20)
      }
      assert.equal(await atToken(), expected)
      return performance.now() - startedMs
    }

    const step = async (
      record: string,
      as: string,
      of: OnboardingChange['step'],
      more: Partial<OnboardingChange> = {},
    ): Promise<void> => {
      const changed = await changeOnboarding({ step: of, as, record, ...more }, ports)
      assert.ok(changed.ok, JSON.stringify(changed))
    }

    it('a client gets tokens from its activation on, and nothing within a second of its suspension', async () => {
      assert.equal(await atToken(), 'invalid_client')
      const drafted = await draftOnboarding({ as: 'bob', form, days: 30 }, ports)
      assert.ok(drafted.ok, JSON.stringify(drafted))
      const { name } = drafted.value
      await step(name, 'bob', 'submit')
      const outbound = { getJson: () => assert.fail('fetches') }
      const checked = await checkOnboarding({ as: 'bob', record: name }, ports, outbound)
      assert.ok(checked.ok, JSON.stringify(checked))
      assert.deepEqual(checked.value.findings, [])
      await step(name, 'alice', 'approve')
      await step(name, 'carol', 'approve')
      const certification = { against: 'FAPI 2.0 Security Profile', evidence: 'report 77', days: 20 }
      await step(name, 'carol', 'certify', { certification })
      assert.equal(await atToken(), 'invalid_client')
      await step(name, 'bob', 'activate')
      await soon('ok')
      assert.deepEqual([await atPar(), await atRevocation()], ['ok', 'ok'])

      await step('bookkeeper', 'alice', 'suspend', { reason: 'its key was seen elsewhere' })
      // The time of one request over TLS with its discovery is within it.
      const tookMs = await soon('invalid_client')
      assert.ok(tookMs < 2000, `${tookMs} ms`)
      assert.deepEqual([await atPar(), await atRevocation()], ['invalid_client', 'invalid_client'])
      await step('bookkeeper', 'carol', 'resume')
      await soon('ok')
    })

    it('and nothing from the second its certification ends', async () => {
      const days20 = 20 * 86_400
      // A minute before the end, so that a slow machine is not past it.
      ahead = days20 - 120
      assert.equal(await atToken(), 'ok')
      ahead = days20 + 1
      assert.equal(await atToken(), 'invalid_client')
    })
  })
