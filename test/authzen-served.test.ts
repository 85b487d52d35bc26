import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { importJWK } from 'jose'
import * as client from 'openid-client'
import { type AuthzenClient, authzenClient } from './authzen/client.ts'
import { about, decisionPointSpec } from './authzen/world.ts'
import { documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { startNode } from './product/node.ts'
import { type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'

/** The running product over TLS: a client that knows AuthZEN and nothing of us, with a token of openid-client. */

const hasPostgres = await postgresAnswers()
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = (await importJWK(privateKey.export({ format: 'jwk' }) as never, 'ES256')) as client.CryptoKey

const documents = [
  documentOf('DecisionPoint', 'cases', decisionPointSpec),
  documentOf('Client', 'case-api', {
    metadata: {
      client_name: 'API of the cases',
      grant_types: ['client_credentials'],
      scope: 'access_evaluation',
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
    },
  }),
]

for (const store of ['sqlite', 'postgres'] as const)
  describe(`the decision point on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let pep: AuthzenClient
    let close: () => Promise<void>
    before(async () => {
      prepared = await prepareProduct(store, { documents })
      const node = await startNode(prepared.config)
      const dispatcher = dispatcherFor(prepared.product)
      const configuration = await client.discovery(
        new URL(prepared.config.issuer),
        'case-api',
        undefined,
        client.PrivateKeyJwt({ key, kid: 'k' }),
        { algorithm: 'oauth2', [client.customFetch]: fetchOver(dispatcher) as never },
      )
      const DPoP = client.getDPoPHandle(configuration, await client.randomDPoPKeyPair('ES256'))
      const { access_token: token } = await client.clientCredentialsGrant(
        configuration,
        { scope: 'access_evaluation' },
        { DPoP },
      )
      pep = authzenClient(async (path, { method = 'GET', body, headers }) => {
        const url = new URL(prepared.config.issuer + path)
        const send = method === 'GET' ? fetchOver(dispatcher)(url.href, {}) : undefined
        return ((await send) ??
          (await client.fetchProtectedResource(
            configuration,
            token,
            url,
            method,
            body as string,
            new Headers(headers),
            { DPoP },
          ))) as Response
      })
      close = async () => {
        await dispatcher.destroy()
        await node.close()
        await prepared.remove()
      }
    })
    after(() => close())

    it('says where it is', async () => {
      const { issuer } = prepared.config
      const { policy_decision_point: point, access_evaluations_endpoint: endpoint } = await pep.metadata()
      assert.deepEqual([point, endpoint], [issuer, `${issuer}/access/v1/evaluations`])
    })

    it('permits and denies, one question and several', async () => {
      assert.equal(await pep.evaluation(about('ada', 'read')), true)
      assert.equal(await pep.evaluation(about('cy', 'read')), false)
      const { action, resource } = about('ada', 'read')
      const evaluations = ['cy', 'ada', 'bob'].map(id => ({ subject: { type: 'user', id } }))
      assert.deepEqual(await pep.evaluations({ action, resource, evaluations }), [false, true, true])
      const options = { evaluations_semantic: 'permit_on_first_permit' }
      assert.deepEqual(await pep.evaluations({ action, resource, evaluations, options }), [false, true])
    })

    it('finds who may, page after page', async () => {
      const { action, resource } = about('ada', 'read')
      const asked = { subject: { type: 'user' }, action, resource, page: { limit: 1 } }
      assert.deepEqual(await pep.search('subject', asked), ['ada', 'bob'])
      assert.deepEqual(await pep.search('action', about('bob', '')), ['close', 'read'])
    })

    it('says 400 to what is no question', async () => {
      assert.equal((await pep.post('/access/v1/evaluation', {})).status, 400)
      assert.equal((await pep.post('/access/v1/evaluation', [])).status, 400)
    })
  })

it('without a bound token nobody is answered, nor with one for an API', async () => {
  const prepared = await prepareProduct('sqlite', { documents })
  const node = await startNode(prepared.config)
  const dispatcher = dispatcherFor(prepared.product)
  try {
    const send = fetchOver(dispatcher)
    const body = JSON.stringify(about('ada', 'read'))
    for (const authorization of [undefined, 'Bearer at_nothing', 'DPoP at_nothing']) {
      const response = await send(`${prepared.config.issuer}/access/v1/evaluation`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
        body,
      })
      assert.equal(response.status, 401)
      assert.match(response.headers.get('www-authenticate') ?? '', /DPoP/)
    }
  } finally {
    await dispatcher.destroy()
    await node.close()
    await prepared.remove()
  }
})
