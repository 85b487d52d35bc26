import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meetUnchecked } from '@holdfast/protocol'
import { fapi1Advanced } from '@holdfast/protocol/profiles/fapi1-advanced.ts'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { goodRequest, header, locationOf, openBrowser, push } from '../testing/browser.ts'
import { payments, redirectUri } from '../testing/clients.ts'
import {
  answered,
  byReference,
  byValue,
  fapi1Client,
  fragmentOf,
  hybridObject,
  pushObject,
} from '../testing/fapi1.ts'
import { jsonOf } from '../testing/flow.ts'
import { issuerUrl, openWorld, type World } from '../testing/world.ts'

/**
 * Someone between client and server wants an answer that nobody can check: a bare code instead of a signed one, or a
 * token where none belongs.
 */

const open = (): Promise<World> => openWorld({ clients: [fapi1Client()] })

describe('a downgrade of the response type', () => {
  it('outside of the signed request has no effect', async () => {
    await using world = await open()
    const changes: readonly Record<string, string>[] = [
      { response_type: 'code' },
      { response_type: 'code', response_mode: 'query' },
      { response_type: 'none' },
      { response_mode: 'query' },
      { redirect_uri: 'https://evil.example/cb' },
    ]
    for (const outside of changes) {
      const reply = await answered(openBrowser(world), byValue(hybridObject(world), outside), 'allow')
      assert.equal(locationOf(reply).origin, new URL(redirectUri).origin)
      assert.deepEqual([...fragmentOf(reply).keys()], ['code', 'id_token', 'state', 'iss'])
    }
  })

  it('beside a pushed request has no effect', async () => {
    await using world = await open()
    const pushed = await pushObject(world, hybridObject(world), {
      response_type: 'code',
      response_mode: 'query',
    })
    const url = `${byReference(pushed)}&response_type=code&response_mode=query`
    const reply = await answered(openBrowser(world), url, 'allow')
    assert.deepEqual([...fragmentOf(reply).keys()], ['code', 'id_token', 'state', 'iss'])
  })

  it('by leaving the signed request out is refused', async () => {
    await using world = await open()
    for (const response_type of ['code', 'code id_token']) {
      const fields = { ...goodRequest('c_fapi1'), response_type }
      const reply = await openBrowser(world).get(`${issuerUrl}/authorize?${new URLSearchParams(fields)}`)
      assert.equal(header(reply, 'location')?.includes('/interaction/'), false)
      assert.match(header(reply, 'location') ?? '', /error=invalid_request/)
    }
  })

  it('to a response type that the client never registered is refused, with a signed request too', async () => {
    await using world = await openWorld({
      clients: [
        fapi1Client({ responseTypes: ['code id_token'] }),
        fapi1Client({ clientId: 'c_jarm', responseTypes: ['code'] }),
      ],
    })
    const code = hybridObject(world, { claims: { response_type: 'code', response_mode: 'jwt' } })
    assert.equal(jsonOf(await pushObject(world, code)).error, 'unauthorized_client')
    const both = hybridObject(world, { clientId: 'c_jarm' })
    assert.equal(jsonOf(await pushObject(world, both, { client_id: 'c_jarm' })).error, 'unauthorized_client')
  })
})

describe('an ID token where none belongs', () => {
  it('is refused to every client of another profile', async () => {
    await using world = await open()
    for (const response_type of ['code id_token', 'id_token code', 'id_token', 'code id_token token'])
      for (const clientId of ['c_bank', 'c_oidc']) {
        const reply = await push(world, { clientId, spoil: { response_type } })
        assert.equal(reply.status, 400)
        assert.equal(jsonOf(reply).error, 'unsupported_response_type', `${clientId} ${response_type}`)
      }
  })

  it('is refused when a resource in the request is one of FAPI 2.0, and at an issuer whose floor is', async () => {
    await using world = await open()
    const asked = { scope: 'openid payments', resource: payments }
    for (const response_mode of [undefined, 'jwt']) {
      const reply = await pushObject(world, hybridObject(world, { claims: { ...asked, response_mode } }))
      assert.equal(jsonOf(reply).error, 'unsupported_response_type')
    }
    const asCode = { ...asked, response_type: 'code', response_mode: 'jwt' }
    assert.equal((await pushObject(world, hybridObject(world, { claims: asCode }))).status, 201)

    const floored = meetUnchecked(fapi2Security, fapi1Advanced)
    await using strict = await openWorld({ clients: [fapi1Client({ ownProfile: floored })] })
    const reply = await pushObject(strict, hybridObject(strict))
    assert.equal(jsonOf(reply).error, 'unsupported_response_type')
  })
})
