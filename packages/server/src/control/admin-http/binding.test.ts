import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { newCertificate } from '../../http/testing/edge-world.ts'
import {
  type AdminWorld,
  answerOf,
  audience,
  type Certificate,
  issuer,
  openAdminWorld,
} from '../testing/admin-world.ts'

/** A token of the admin API × what it is bound to × what the request proves: all of it, and nothing less. */

const certificateFor = async (subject: string): Promise<Certificate> =>
  await newCertificate({ subject, key: 'ecdsa', purpose: 'client', days: 1 })
const scopes = ['admin.status:read'] as const
const mtls = { dpop_bound_access_tokens: false, tls_client_certificate_bound_access_tokens: true }

describe('a token for the admin API', () => {
  let world: AdminWorld
  let own: Certificate
  let other: Certificate
  before(async () => {
    own = await certificateFor('CN=own')
    other = await certificateFor('CN=other')
    const administrator = { scopes, responsible: ['anna'] }
    world = await openAdminWorld({
      administrators: [
        { ...administrator, name: 'by-certificate', metadata: mtls },
        { ...administrator, name: 'by-both', metadata: { ...mtls, dpop_bound_access_tokens: true } },
      ],
    })
  })
  after(() => world.close())

  const tokenFor = async (name: string) => {
    const custom = { [oauth.customFetch]: world.fetchWith(own) as never }
    const found = await oauth.discoveryRequest(new URL(issuer), { ...custom, algorithm: 'oauth2' })
    const server = await oauth.processDiscoveryResponse(new URL(issuer), found)
    const client: oauth.Client = { client_id: name, use_mtls_endpoint_aliases: true }
    const pkcs8 = world.keyOf(name).privateKey.export({ format: 'der', type: 'pkcs8' })
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
    const DPoP = name === 'by-both' ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined
    const parameters = { scope: scopes.join(' '), resource: audience }
    const options = { ...custom, ...(DPoP && { DPoP }) }
    const request = async () =>
      oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(
          server,
          client,
          oauth.PrivateKeyJwt({ key, kid: 'k' }),
          parameters,
          options,
        ),
      )
    const { access_token: token } = await request().catch((thrown: unknown) => {
      if (oauth.isDPoPNonceError(thrown)) return request()
      throw thrown
    })
    return { token, DPoP }
  }
  const url = new URL('/admin/v1/status', audience)

  test('that is bound to a certificate is taken with it, and with no other and none', async () => {
    const { token } = await tokenFor('by-certificate')
    const headers = { authorization: `Bearer ${token}` }
    const withOwn = await answerOf(await world.fetchWith(own)(url.href, { headers }))
    assert.equal(withOwn.status, 200, JSON.stringify(withOwn.body))
    for (const fetch of [world.fetchWith(other), world.fetch]) {
      const answer = await answerOf(await fetch(url.href, { headers }))
      assert.equal(answer.status, 401)
      assert.match(String(answer.body.ruleId), /^(binding|cnf|mtls|sender)\./)
    }
  })

  test('that is bound to both is taken with both, and with neither alone', async () => {
    const { token, DPoP } = await tokenFor('by-both')
    assert.ok(DPoP)
    const ask = async (fetch: AdminWorld['fetch']): Promise<number> => {
      const options = { DPoP, [oauth.customFetch]: fetch as never }
      const send = () => oauth.protectedResourceRequest(token, 'GET', url, new Headers(), undefined, options)
      const response = await send()
        .catch((thrown: unknown) => {
          if (oauth.isDPoPNonceError(thrown)) return send()
          throw thrown
        })
        .catch((thrown: unknown) => {
          if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
          throw thrown
        })
      return response.status
    }
    assert.equal(await ask(world.fetchWith(own)), 200)
    assert.equal(await ask(world.fetchWith(other)), 401)
    assert.equal(await ask(world.fetch), 401)
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = { authorization: `${scheme} ${token}` }
      assert.equal((await world.fetchWith(own)(url.href, { headers })).status, 401)
    }
  })
})
