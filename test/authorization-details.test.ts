import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import type { Product } from './product/product.ts'
import { postgresAnswers, type StoreKind, startProduct } from './product/start.ts'
import { walkWithOauth4webapi } from './product/walk-oauth4webapi.ts'
import { closing, introspectAs, signIn, walkWithOpenidClient } from './product/walk-openid-client.ts'

/** Rich authorization requests (RFC 9396) against the running product over TLS, with two libraries that are not ours. */

const libraries = { 'openid-client': walkWithOpenidClient, oauth4webapi: walkWithOauth4webapi }
const hasPostgres = await postgresAnswers()

const account = 'DE89370400440532013000'
const reading = { type: 'account_reading', account, actions: ['balance', 'history'] }
const asking = (...details: readonly object[]) => ({ authorization_details: JSON.stringify(details) })

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
      for (const kind of ['private_key_jwt with DPoP', 'signed messages with DPoP'] as const)
        it(`${library} gets the details a user allowed, ${kind === 'signed messages with DPoP' ? 'signed' : 'pushed'}`, async () => {
          const seen = await walk(product, product.clients[kind], true, asking(reading))
          assert.deepEqual(seen.authorizationDetails, [reading])
          assert.deepEqual(seen.introspected.authorization_details, [reading])
          assert.equal(seen.introspected.aud, product.audience)
        })

    it('openid-client narrows at a refresh and cannot grow', async () => {
      const who = product.clients['private_key_jwt with DPoP']
      await using agent = closing(dispatcherFor(product, who))
      const { config, tokens, options } = await signIn(
        product,
        who,
        fetchOver(agent.dispatcher),
        true,
        asking(reading),
      )
      const refresh = (...details: readonly object[]) =>
        client.refreshTokenGrant(config, tokens.refresh_token ?? '', asking(...details), options)
      const less = { ...reading, actions: ['balance'] }
      const narrowed = await refresh(less)
      assert.deepEqual(narrowed.authorization_details, [less])
      const told = await introspectAs(product, narrowed.access_token)
      assert.deepEqual(told.authorization_details, [less])
      for (const details of [
        [{ ...reading, account: 'GB82WEST12345698765432' }],
        [less, { ...reading, actions: ['history'] }],
        [{ ...less, urgent: true }],
        [{ type: 'payment' }],
      ])
        await assert.rejects(refresh(...details), { error: 'invalid_authorization_details' })
      const again = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, options)
      assert.deepEqual(again.authorization_details, [reading])
    })

    it('the metadata names the type, and an unknown one is refused when it is pushed', async () => {
      const who = product.clients['private_key_jwt with DPoP']
      await using agent = closing(dispatcherFor(product, who))
      const fetch = fetchOver(agent.dispatcher)
      await assert.rejects(signIn(product, who, fetch, true, asking({ type: 'payment' })), {
        error: 'invalid_authorization_details',
      })
      const { config } = await signIn(product, who, fetch)
      const { authorization_details_types_supported: names } = config.serverMetadata()
      assert.deepEqual(names, ['account_reading'])
    })
  })
