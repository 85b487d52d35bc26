import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { assertedWithOauth4webapi, assertedWithOpenidClient } from './product/assert-with-libraries.ts'
import { deviceWithOpenidClient } from './product/device-with-openid-client.ts'
import { exchangeWithOpenidClient } from './product/exchange-with-openid-client.ts'
import { grantsWithOpenidClient } from './product/grants-with-openid-client.ts'
import type { ChainWalk, ClientKind, Product } from './product/product.ts'
import { postgresAnswers, type StoreKind, startProduct } from './product/start.ts'
import { walkWithOauth4webapi } from './product/walk-oauth4webapi.ts'
import { walkWithOpenidClient } from './product/walk-openid-client.ts'

/** Two client libraries that know nothing of us walk the whole chain against the running product over TLS. */

const kinds: readonly ClientKind[] = [
  'private_key_jwt with DPoP',
  'private_key_jwt with mTLS',
  'tls_client_auth with mTLS',
  'self_signed_tls_client_auth with mTLS',
]
const libraries = { 'openid-client': walkWithOpenidClient, oauth4webapi: walkWithOauth4webapi }
const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    before(async () => {
      product = await startProduct(store)
    })
    after(async () => product.close())

    for (const [library, walk] of Object.entries(libraries))
      for (const kind of kinds)
        it(`${library} completes the FAPI 2.0 flow with ${kind}`, async () => {
          const who = product.clients[kind]
          const seen = await walk(product, who)
          assertIssuer(product, seen)
          assertChain(seen, who.clientId)
          assert.equal(seen.tokenType, who.isDpop ? 'dpop' : 'bearer')
          const { cnf } = seen.introspected as { cnf?: Record<string, string> }
          assert.deepEqual(Object.keys(cnf ?? {}), [who.isDpop ? 'jkt' : 'x5t#S256'])
        })

    it('openid-client exchanges the token of a user for one of the API it was sent to', async () => {
      const seen = await exchangeWithOpenidClient(product)
      assert.equal(seen.issuedTokenType, 'urn:ietf:params:oauth:token-type:access_token')
      assert.equal(seen.tokenType, 'dpop')
      const { introspected: made, subjectIntrospected: subject } = seen
      assert.equal(made.client_id, product.introspector.clientId)
      assert.equal(made.scope, 'accounts')
      assert.deepEqual(made.act, { sub: product.introspector.clientId })
      for (const name of ['sub', 'aud', 'acr', 'auth_time', 'txn'])
        assert.deepEqual(made[name], subject[name], name)
      assert.notDeepEqual(made.cnf, subject.cnf)
      assert.ok(Number(made.exp) <= Number(subject.exp))
      assert.deepEqual(seen.introspectedAfterRevocation, { active: false })
    })

    for (const [library, ask] of Object.entries({
      'openid-client': assertedWithOpenidClient,
      oauth4webapi: assertedWithOauth4webapi,
    }))
      it(`${library} gets a bound token on the word of a trusted issuer, once per assertion`, async () => {
        const seen = await ask(product)
        assert.equal(seen.tokenType, 'dpop')
        assert.equal(seen.refreshToken, undefined)
        assert.equal(seen.introspected.client_id, product.partner.clientId)
        assert.equal(seen.introspected.scope, 'accounts')
        assert.equal(seen.introspected.username, undefined)
        assert.match(String(seen.introspected.sub), /^u_/)
        assert.ok(!('auth_time' in seen.introspected))
        assert.deepEqual(Object.keys((seen.introspected.cnf ?? {}) as object), ['jkt'])
        assert.ok(Number(seen.introspected.exp) <= seen.assertionExpiresAt)
        assert.equal(seen.secondUse, 'invalid_grant')
        assert.equal(seen.forAnotherAudience, 'invalid_grant')
      })

    for (const kind of ['private_key_jwt with DPoP', 'private_key_jwt with mTLS'] as const)
      it(`openid-client creates, adds to, reads and ends a grant: ${kind}`, async () => {
        const seen = await grantsWithOpenidClient(product, product.clients[kind])
        assert.match(String(seen.created), /^[\w-]{32}$/)
        assert.equal(seen.merged, seen.created)
        assert.deepEqual(seen.firstIntrospected, { active: false })
        assert.equal(seen.mergedIntrospected.active, true)
        assert.deepEqual(String(seen.mergedIntrospected.scope).split(' ').toSorted(), [
          ...['accounts', 'offline_access', 'openid', 'profile'],
        ])
        assert.deepEqual(seen.read.scopes, [
          { scope: 'openid offline_access profile' },
          { scope: 'accounts', resource: [product.audience] },
        ])
        assert.equal(seen.deleted, 204)
        assert.equal(seen.readAfterwards, 404)
        assert.deepEqual(seen.introspectedAfterwards, { active: false })
      })

    it('openid-client on a device gets bound tokens that a person allows in a browser, once', async () => {
      const seen = await deviceWithOpenidClient(product)
      assert.equal(seen.tokenType, 'dpop')
      assert.equal(seen.idTokenClaims?.aud, product.device.clientId)
      assert.equal(seen.introspected.active, true)
      assert.equal(seen.introspected.sub, seen.idTokenClaims?.sub)
      assert.deepEqual(Object.keys((seen.introspected.cnf ?? {}) as object), ['jkt'])
      assert.notEqual(seen.refreshed, '')
      assert.equal((seen.secondUse as { error?: string }).error, 'invalid_grant')
    })

    for (const [library, walk] of Object.entries(libraries))
      for (const kind of ['signed messages with DPoP', 'signed messages with mTLS'] as const)
        it(`${library} completes the FAPI 2.0 Message Signing flow: ${kind}`, async () => {
          const who = product.clients[kind]
          const seen = await walk(product, who)
          assertChain(seen, who.clientId)
          // FMS-09: everything, `iss` included, stands inside.
          assert.deepEqual([...seen.callback.searchParams.keys()], ['response'])
          const { cnf } = seen.introspected as { cnf?: Record<string, string> }
          assert.deepEqual(Object.keys(cnf ?? {}), [who.isDpop ? 'jkt' : 'x5t#S256'])
        })

    for (const [library, walk] of Object.entries(libraries))
      for (const kind of ['client_secret_basic', 'client_secret_post'] as const)
        it(`${library} completes a plain OpenID Connect flow with ${kind}`, async () => {
          const who = product.clients[kind]
          const seen = await walk(product, who)
          assertChain(seen, who.clientId)
          assert.equal(seen.tokenType, 'bearer')
          assert.equal(seen.introspected.cnf, undefined)
        })

    it('openid-client completes a plain OpenID Connect flow on the same issuer, unpushed and with RS256', async () => {
      const who = product.clients['plain OpenID Connect']
      const seen = await walkWithOpenidClient(product, who, false)
      assertIssuer(product, seen)
      assertChain(seen, who.clientId)
      assert.equal(seen.tokenType, 'bearer')
      assert.equal(seen.introspected.cnf, undefined)
    })
  })

function assertIssuer({ issuer }: Product, { callback }: ChainWalk): void {
  assert.equal(callback.searchParams.get('iss'), issuer.href.replace(/\/$/, ''))
}

function assertChain(seen: ChainWalk, clientId: string): void {
  assert.ok(!seen.statuses.includes(307))
  assert.equal(seen.idTokenClaims?.aud, clientId)
  assert.equal(seen.userinfoSub, seen.idTokenClaims?.sub)
  assert.equal(seen.introspected.active, true)
  assert.equal(seen.introspected.client_id, clientId)
  assert.notEqual(seen.refreshed.accessToken, '')
  // FAPI2-SP-FINAL-5.3.2.1-9: confidential clients keep their refresh token.
  assert.equal(seen.refreshed.newRefreshToken, undefined)
  assert.deepEqual(seen.introspectedAfterRevocation, { active: false })
}
