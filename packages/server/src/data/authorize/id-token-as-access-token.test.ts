import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tokenExchangeGrantType } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import { introspectRoom } from '../introspect/room.ts'
import { revokeRoom } from '../revoke/room.ts'
import { openBrowser } from '../testing/browser.ts'
import {
  answered,
  byValue,
  fapi1Certificate,
  fapi1Client,
  fragmentOf,
  hybridObject,
  pushObject,
} from '../testing/fapi1.ts'
import { headersOf, jsonOf, redeem, requestToken } from '../testing/flow.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'

/** The ID token of `code id_token` has passed a browser: whoever found it there tries what it opens (I16). */

const certificate = fapi1Certificate

async function leaked(world: World): Promise<string> {
  const response = fragmentOf(await answered(openBrowser(world), byValue(hybridObject(world)), 'allow'))
  return response.get('id_token') ?? ''
}

const open = (): Promise<World> =>
  openWorld({
    clients: [fapi1Client({ grantTypes: ['authorization_code', 'refresh_token', tokenExchangeGrantType] })],
  })

const refused = (reply: Reply, status: number, error: string, why: string): void => {
  assert.equal(reply.status, status, `${why}: ${reply.body}`)
  assert.equal(jsonOf(reply).error, error, why)
}

describe('an ID token from the browser', () => {
  it('is no access token, also over the connection its client would use', async () => {
    await using world = await open()
    const token = await leaked(world)
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = [['authorization', `${scheme} ${token}`] as const]
      const reply = await world.send(userinfoRoom, '/userinfo', { method: 'GET', headers, certificate })
      assert.ok(reply.status === 401 || reply.status === 400, scheme)
      assert.doesNotMatch(String(reply.body), /u_alice/)
      assert.match(headersOf(reply, 'www-authenticate').join(), /error=/)
    }
    const form = { ...world.assertion('c_rs'), token }
    assert.deepEqual(jsonOf(await world.send(introspectRoom, '/introspect', { form })), { active: false })
  })

  it('buys nothing at the token endpoint, whatever it is called there', async () => {
    await using world = await open()
    const token = await leaked(world)
    const options = { proofKey: 'none', certificate } as const
    const asCode = await redeem(world, 'c_fapi1', token, options)
    refused(asCode, 400, 'invalid_grant', 'code')
    const refresh = { grant_type: 'refresh_token', refresh_token: token }
    refused(await requestToken(world, 'c_fapi1', refresh, options), 400, 'invalid_grant', 'refresh token')
    for (const type of ['access_token', 'id_token', 'jwt']) {
      const subject_token_type = `urn:ietf:params:oauth:token-type:${type}`
      const exchange = { grant_type: tokenExchangeGrantType, subject_token: token, subject_token_type }
      const reply = await requestToken(world, 'c_fapi1', exchange, options)
      refused(reply, 400, 'invalid_request', type)
    }
  })

  it('authenticates no client, is no request and revokes nothing', async () => {
    await using world = await open()
    const token = await leaked(world)
    const assertion = { ...world.assertion('c_fapi1'), client_assertion: token }
    const asClient = await world.send(revokeRoom, '/revoke', { form: { ...assertion, token: 'at_x' } })
    refused(asClient, 401, 'invalid_client', 'assertion')
    refused(await pushObject(world, token), 400, 'invalid_request_object', 'request object')
    const browser = openBrowser(world)
    assert.equal((await browser.get(byValue(token))).status, 400)
    const form = { ...world.assertion('c_fapi1'), token }
    assert.equal((await world.send(revokeRoom, '/revoke', { form })).status, 200)
    assert.equal(
      (await world.audit()).some(({ event }) => event === 'token.revoked'),
      false,
    )
  })

  it('signs nobody out: it names no session', async () => {
    await using world = await open()
    const browser = openBrowser(world)
    const response = fragmentOf(await answered(browser, byValue(hybridObject(world)), 'allow'))
    const query = new URLSearchParams({ id_token_hint: response.get('id_token') ?? '' })
    const reply = await browser.get(`${issuerUrl}/logout?${query}`)
    assert.equal(reply.status, 400)
    assert.equal(
      (await world.audit()).some(({ event }) => event === 'session.ended'),
      false,
    )
  })
})
