import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Carrier,
  type Fapi1Flow,
  type Fapi1Kind,
  type Fapi1Product,
  startFapi1Product,
  walkFapi1,
} from './product/fapi1.ts'
import { postgresAnswers, type StoreKind } from './product/start.ts'
import { walkWithOpenidClient } from './product/walk-openid-client.ts'

/** FAPI 1.0 Advanced against the running product over TLS, judged by two libraries that know nothing of us. */

const kinds: readonly Fapi1Kind[] = ['private_key_jwt and PS256', 'tls_client_auth and ES256']
const flows: readonly Fapi1Flow[] = ['code id_token', 'code as a JWT']
const carriers: readonly Carrier[] = ['by value', 'pushed']
const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`FAPI 1.0 Advanced on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Fapi1Product
    before(async () => {
      product = await startFapi1Product(store)
    })
    after(async () => product.close())

    for (const kind of kinds)
      for (const flow of flows)
        for (const carrier of carriers)
          it(`openid-client completes ${flow}, ${carrier}, with ${kind}`, async () => {
            const who = product.fapi1[kind]
            const seen = await walkFapi1(product, who, flow, carrier)
            const response = new URLSearchParams(seen.callback.hash.slice(1))
            const names = flow === 'code id_token' ? ['code', 'id_token', 'state', 'iss'] : []
            assert.deepEqual([...response.keys()], names)
            assert.deepEqual([...seen.callback.searchParams.keys()], names.length > 0 ? [] : ['response'])
            assert.equal(seen.tokenType, 'bearer')
            assert.equal(seen.idTokenClaims?.aud, who.clientId)
            assert.equal(seen.userinfoSub, seen.idTokenClaims?.sub)
            assert.equal(seen.introspected.active, true)
            assert.deepEqual(Object.keys((seen.introspected.cnf ?? {}) as object), ['x5t#S256'])
            assert.notEqual(seen.refreshed.accessToken, '')
            assert.equal(seen.refreshed.newRefreshToken, undefined)
            assert.deepEqual(seen.introspectedAfterRevocation, { active: false })
            assert.ok(!seen.statuses.includes(307))
          })

    it('the same issuer serves a FAPI 2.0, a Message Signing and a plain client beside them', async () => {
      for (const kind of ['private_key_jwt with DPoP', 'signed messages with DPoP'] as const) {
        const seen = await walkWithOpenidClient(product, product.clients[kind])
        assert.equal(seen.tokenType, 'dpop')
      }
      const plain = await walkWithOpenidClient(product, product.clients['plain OpenID Connect'], false)
      assert.equal(plain.tokenType, 'bearer')
      assert.deepEqual([...plain.callback.searchParams.keys()].toSorted(), ['code', 'iss', 'state'])
    })
  })
