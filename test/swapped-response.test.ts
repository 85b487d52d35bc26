import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { detachedResponse, type Fapi1Product, startFapi1Product } from './product/fapi1.ts'

/**
 * The response of `code id_token` passes a browser, and with it whoever controls that. A client that checks what FAPI
 * 1.0 Advanced has it check, here `oauth4webapi`, takes nothing that was changed on the way.
 */

describe('an attacker who changes the response of code id_token', () => {
  let product: Fapi1Product
  before(async () => {
    product = await startFapi1Product('sqlite')
  })
  after(async () => product.close())

  const kind = 'private_key_jwt and PS256'
  const changed = (callback: URL, changes: Readonly<Record<string, string | undefined>>): URL => {
    const parameters = new URLSearchParams(callback.hash.slice(1))
    for (const [name, value] of Object.entries(changes))
      if (value === undefined) parameters.delete(name)
      else parameters.set(name, value)
    const url = new URL(callback)
    url.hash = parameters.toString()
    return url
  }
  const partOf = (callback: URL, name: string): string =>
    new URLSearchParams(callback.hash.slice(1)).get(name) ?? ''

  it('by a code of another response is found out by c_hash', async () => {
    const honest = await detachedResponse(product, product.fapi1[kind])
    const stolen = await detachedResponse(product, product.fapi1[kind])
    const injected = changed(honest.callback, { code: partOf(stolen.callback, 'code') })
    await assert.rejects(honest.judge(injected), /c_hash/)
    // Nor does the server take it with the verifier of the honest request.
    const agent = dispatcherFor(product, product.fapi1[kind])
    const { privateKey, redirectUri } = product.fapi1[kind]
    assert.ok(privateKey)
    const options = { [oauth.customFetch]: fetchOver(agent) as never }
    const good = await stolen.judge(stolen.callback)
    const answer = await oauth.authorizationCodeGrantRequest(
      honest.server,
      honest.client,
      oauth.PrivateKeyJwt(privateKey),
      good,
      redirectUri,
      honest.verifier,
      options,
    )
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_grant')
    await agent.destroy()
  })

  it('by another state, or by none, is found out by s_hash', async () => {
    const honest = await detachedResponse(product, product.fapi1[kind])
    const state = oauth.generateRandomState()
    // The client of the attacker's session expects the attacker's state: only s_hash still tells.
    await assert.rejects(honest.judge(changed(honest.callback, { state }), { state }), /s_hash/)
    await assert.rejects(honest.judge(changed(honest.callback, { state: undefined })), /state/)
  })

  it('by the ID token of another response, or by one of nobody, is found out', async () => {
    const honest = await detachedResponse(product, product.fapi1[kind])
    const other = await detachedResponse(product, product.fapi1[kind])
    const id_token = partOf(other.callback, 'id_token')
    await assert.rejects(honest.judge(changed(honest.callback, { id_token })), /nonce/)
    await assert.rejects(honest.judge(changed(honest.callback, { id_token: undefined })))
    const [header, claims] = partOf(honest.callback, 'id_token').split('.')
    const forged = Buffer.from(
      JSON.stringify({ ...decodeJwt(partOf(honest.callback, 'id_token')), sub: 'mallory' }),
    ).toString('base64url')
    assert.notEqual(forged, claims)
    const signature = id_token.split('.')[2]
    const unsigned = `${header}.${forged}.${signature}`
    await assert.rejects(honest.judge(changed(honest.callback, { id_token: unsigned })), /signature/)
  })

  it('by sending the client to another server is found out by iss', async () => {
    const honest = await detachedResponse(product, product.fapi1[kind])
    const other = { ...honest.server, issuer: 'https://other.example' }
    await assert.rejects(
      oauth.validateDetachedSignatureResponse(
        other,
        honest.client,
        honest.callback,
        honest.nonce,
        honest.state,
      ),
      /iss/,
    )
    assert.equal(partOf(honest.callback, 'iss'), honest.server.issuer)
  })
})
