import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { clientOf } from '../data/testing/clients.ts'
import type { Client } from '../snapshot/snapshot.ts'
import {
  type EdgeWorld,
  formHeader,
  headerOf,
  openEdgeWorld,
  request,
  statusOf,
} from './testing/edge-world.ts'

const origin = 'https://app.example'
const browserClient: Client = clientOf({
  clientId: 'spa',
  ownProfile: oauth21,
  isPublic: true,
  redirectUris: [`${origin}/cb`],
  grantTypes: ['authorization_code'],
  tokenEndpointAuthMethod: 'none',
  allowedOrigins: [origin],
})
const otherClient: Client = { ...browserClient, clientId: 'other', allowedOrigins: ['https://other.example'] }
const allowed = 'access-control-allow-origin'

describe('cross-origin requests', () => {
  let world: EdgeWorld
  before(async () => {
    world = await openEdgeWorld(undefined, { clients: [browserClient, otherClient] })
  })
  after(() => world.stop())

  const preflight = (path: string, from: string): Promise<string> =>
    world.raw(
      request(`OPTIONS ${path}`, [
        `Origin: ${from}`,
        'Access-Control-Request-Method: POST',
        'Access-Control-Request-Headers: authorization,dpop',
      ]),
    )

  it('a registered origin may send DPoP and read the nonce', async () => {
    for (const path of ['/token', '/par', '/revoke', '/userinfo']) {
      const answer = await preflight(path, origin)
      assert.equal(statusOf(answer), 204, path)
      assert.equal(headerOf(answer, allowed), origin)
      assert.match(headerOf(answer, 'access-control-allow-headers') ?? '', /Authorization.*DPoP/)
      assert.equal(headerOf(answer, 'access-control-allow-credentials'), undefined)
    }
    const answer = await world.raw(request('POST /token', [formHeader, `Origin: ${origin}`], 'client_id=spa'))
    assert.equal(headerOf(answer, allowed), origin)
    assert.equal(headerOf(answer, 'access-control-expose-headers'), 'DPoP-Nonce, WWW-Authenticate')
    assert.equal(headerOf(answer, 'vary'), 'Origin')
  })

  it('an origin of one client is closed to another', async () => {
    const answer = await world.raw(
      request('POST /token', [formHeader, `Origin: ${origin}`], 'client_id=other'),
    )
    assert.equal(headerOf(answer, allowed), undefined)
  })

  it('an unregistered origin, null and a registered one as prefix get no header at all', async () => {
    for (const from of [
      'https://evil.example',
      'null',
      `${origin}.evil.example`,
      'http://app.example',
      '*',
    ]) {
      for (const answer of [
        await preflight('/token', from),
        await world.raw(request('POST /token', [formHeader, `Origin: ${from}`], 'client_id=spa')),
      ]) {
        assert.notEqual(statusOf(answer), 204)
        assert.doesNotMatch(answer, /access-control-allow/i)
      }
    }
  })

  it('authorize, the pages and introspection answer no script, registered or not', async () => {
    for (const path of ['/authorize', '/interaction/x/login', '/interaction/x/consent', '/introspect']) {
      assert.doesNotMatch(await preflight(path, origin), /access-control-/i)
      assert.equal(statusOf(await preflight(path, origin)), 405)
      for (const method of ['GET', 'POST'])
        assert.doesNotMatch(
          await world.raw(request(`${method} ${path}`, [formHeader, `Origin: ${origin}`], 'client_id=spa')),
          /access-control-/i,
        )
    }
  })

  it('a status list, like the key set, is for scripts of any origin', async () => {
    for (const path of ['/jwks', `/status-lists/${'a'.repeat(28)}`]) {
      const answer = await world.raw(request(`GET ${path}`, ['Origin: https://anybody.example']))
      assert.equal(headerOf(answer, allowed), '*', path)
    }
  })

  it('the authorization endpoint and its pages are for TLS alone, for a year and every host below', async () => {
    for (const path of ['/authorize', '/interaction/x/login', '/device', '/ciba', '/logout', '/account'])
      assert.equal(
        headerOf(await world.raw(request(`GET ${path}`)), 'strict-transport-security'),
        'max-age=31536000; includeSubDomains; preload',
        path,
      )
  })

  it('public documents are open to everybody', async () => {
    for (const path of [
      '/jwks',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
    ]) {
      const answer = await preflight(path, 'https://anybody.example')
      assert.equal(statusOf(answer), 204)
      assert.equal(headerOf(answer, allowed), '*')
    }
  })
})
