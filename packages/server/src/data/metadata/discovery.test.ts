import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { profiles, type SecurityProfile } from '@holdfast/protocol'
import {
  bodyOf,
  type EdgeWorld,
  type EdgeWorldOptions,
  edgeIssuer,
  formHeader,
  headerOf,
  openEdgeWorld,
  request,
  statusOf,
} from '../../http/testing/edge-world.ts'
import { ownSigningAlgs } from '../../keys/signing-key.ts'

const openid = '/.well-known/openid-configuration'
const oauth = '/.well-known/oauth-authorization-server'
const fapiAlgs = ['PS256', 'ES256', 'EdDSA', 'Ed25519']

type Document = Record<string, unknown>

const keysMsMax = 120_000

/** An edge with every key of its issuer: a server does not wait for RSA keys for ever, and names only what it has. */
async function openComplete(options: EdgeWorldOptions = {}): Promise<EdgeWorld> {
  const { issuerUrl = edgeIssuer, floor = named('fapi2-security') } = options
  const world = await openEdgeWorld(undefined, options)
  const wanted = ownSigningAlgs.filter(alg => floor.signingAlgs.includes(alg))
  const isComplete = (): boolean => {
    const has = world.server.ports.keys.algs(issuerUrl)
    return wanted.every(alg => has.includes(alg))
  }
  const started = performance.now()
  while (!isComplete() && performance.now() - started < keysMsMax) await sleep(20)
  return world
}

/** One that is closed when its test ends, however it ends. */
async function openFor(test: TestContext, options: EdgeWorldOptions): Promise<EdgeWorld> {
  const world = await openComplete(options)
  test.after(() => world.stop())
  return world
}

function named(name: string): SecurityProfile {
  const profile = profiles.get(name)
  assert.ok(profile, name)
  return profile
}

describe('discovery', () => {
  let world: EdgeWorld
  before(async () => {
    world = await openComplete()
  })
  after(() => world.stop())

  const get = (path: string, headers: readonly string[] = []): Promise<string> =>
    world.raw(request(`GET ${path}`, headers))
  const documentAt = async (path: string): Promise<Document> => JSON.parse(bodyOf(await get(path)))

  it('both discovery documents are 200, JSON, cacheable, open to every origin and agree', async () => {
    for (const path of [openid, oauth]) {
      const answer = await get(path)
      assert.equal(statusOf(answer), 200)
      assert.equal(headerOf(answer, 'content-type'), 'application/json')
      assert.equal(headerOf(answer, 'cache-control'), 'public, max-age=300')
      assert.equal(headerOf(answer, 'access-control-allow-origin'), '*')
    }
    assert.deepEqual(await documentAt(openid), await documentAt(oauth))
    assert.equal((await documentAt(openid)).issuer, edgeIssuer)
  })

  it('a document the caller still has is 304, and HEAD has no body', async () => {
    for (const path of [openid, oauth, '/jwks']) {
      const etag = headerOf(await get(path), 'etag') ?? ''
      const again = await get(path, [`If-None-Match: "other", W/${etag}`])
      assert.equal(statusOf(again), 304)
      assert.equal(bodyOf(again), '')
      assert.equal(statusOf(await get(path, ['If-None-Match: "other"'])), 200)
      const head = await world.raw(request(`HEAD ${path}`))
      assert.equal(statusOf(head), 200)
      assert.equal(bodyOf(head), '')
      assert.ok(Number(headerOf(head, 'content-length')) > 100)
    }
  })

  it('every endpoint the metadata names answers, and none is 404 or 5xx', async () => {
    const document = await documentAt(openid)
    const aliases = document.mtls_endpoint_aliases as Document
    const named = [
      ...Object.entries(document).map(([name, url]) => ({ name, url, listener: 'public' as const })),
      ...Object.entries(aliases).map(([name, url]) => ({ name, url, listener: 'mtls' as const })),
    ].filter(({ name }) => /(?:_endpoint|_uri)$/.test(name))
    assert.ok(named.length >= 12)
    for (const { name, url, listener } of named) {
      const { pathname: base, origin } = new URL(url as string)
      // What stands there is each grant, and nothing at the endpoint itself.
      const pathname = name === 'grant_management_endpoint' ? `${base}/g` : base
      assert.equal(origin, listener === 'mtls' ? 'https://mtls.as.example' : edgeIssuer)
      for (const text of [request(`GET ${pathname}`), request(`POST ${pathname}`, [formHeader], 'a=b')]) {
        const status = statusOf(await world.raw(text, { listener }))
        assert.ok(status >= 200 && status < 500 && status !== 404, `${name}: ${status}`)
      }
      const wrong = request(`${pathname === '/jwks' ? 'POST' : 'PUT'} ${pathname}`)
      assert.equal(statusOf(await world.raw(wrong, { listener })), 405)
    }
  })

  it('the metadata names the endpoint and every action there is', async () => {
    const document = await documentAt(oauth)
    assert.equal(document.grant_management_endpoint, `${edgeIssuer}/grants`)
    const actions = ['query', 'revoke', 'create', 'merge', 'replace']
    assert.deepEqual(document.grant_management_actions_supported, actions)
    assert.equal(document.grant_management_action_required, false)
  })

  it('the metadata names no way to end all access of a user where no client may', async () => {
    assert.ok(!('global_token_revocation_endpoint' in (await documentAt(oauth))))
  })

  it('what must not be left to a default is written out', async () => {
    const document = await documentAt(oauth)
    assert.deepEqual(document.grant_types_supported, [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:openid:params:grant-type:ciba',
    ])
    assert.deepEqual(document.response_types_supported, ['code'])
    assert.deepEqual(document.response_modes_supported, [
      'query',
      'fragment',
      'form_post',
      'query.jwt',
      'fragment.jwt',
      'form_post.jwt',
      'jwt',
    ])
    assert.equal(document.request_parameter_supported, true)
    assert.deepEqual(document.code_challenge_methods_supported, ['S256'])
    assert.deepEqual(document.subject_types_supported, ['public', 'pairwise'])
    assert.equal(document.require_pushed_authorization_requests, true)
    assert.equal(document.authorization_response_iss_parameter_supported, true)
    assert.equal(document.tls_client_certificate_bound_access_tokens, true)
    assert.equal(document.claims_parameter_supported, true)
    assert.deepEqual(document.ui_locales_supported, ['en', 'de'])
    for (const name of [
      'request_uri_parameter_supported',
      'require_request_uri_registration',
      'require_signed_request_object',
    ])
      assert.equal(document[name], false, name)
  })

  it('a FAPI 2.0 issuer says exactly what is built, and nothing else', async () => {
    assert.deepEqual(Object.keys(await documentAt(openid)).toSorted(), [
      'acr_values_supported',
      'authorization_encryption_alg_values_supported',
      'authorization_encryption_enc_values_supported',
      'authorization_endpoint',
      'authorization_response_iss_parameter_supported',
      'authorization_signing_alg_values_supported',
      'backchannel_authentication_endpoint',
      'backchannel_authentication_request_signing_alg_values_supported',
      'backchannel_logout_session_supported',
      'backchannel_logout_supported',
      'backchannel_token_delivery_modes_supported',
      'backchannel_user_code_parameter_supported',
      'claim_types_supported',
      'claims_parameter_supported',
      'claims_supported',
      'code_challenge_methods_supported',
      'dpop_signing_alg_values_supported',
      'end_session_endpoint',
      'frontchannel_logout_session_supported',
      'frontchannel_logout_supported',
      'grant_management_action_required',
      'grant_management_actions_supported',
      'grant_management_endpoint',
      'grant_types_supported',
      'id_token_encryption_alg_values_supported',
      'id_token_encryption_enc_values_supported',
      'id_token_signing_alg_values_supported',
      'introspection_encryption_alg_values_supported',
      'introspection_encryption_enc_values_supported',
      'introspection_endpoint',
      'introspection_endpoint_auth_methods_supported',
      'introspection_endpoint_auth_signing_alg_values_supported',
      'introspection_signing_alg_values_supported',
      'issuer',
      'jwks_uri',
      'key_reports_endpoint',
      'mtls_endpoint_aliases',
      'policy_evaluation_endpoint',
      'prompt_values_supported',
      'pushed_authorization_request_endpoint',
      'request_object_signing_alg_values_supported',
      'request_parameter_supported',
      'request_uri_parameter_supported',
      'require_pushed_authorization_requests',
      'require_request_uri_registration',
      'require_signed_request_object',
      'response_modes_supported',
      'response_types_supported',
      'revocation_endpoint',
      'revocation_endpoint_auth_methods_supported',
      'revocation_endpoint_auth_signing_alg_values_supported',
      'revocation_events_endpoint',
      'scopes_supported',
      'subject_types_supported',
      'tls_client_certificate_bound_access_tokens',
      'token_endpoint',
      'token_endpoint_auth_methods_supported',
      'token_endpoint_auth_signing_alg_values_supported',
      'ui_locales_supported',
      'userinfo_encryption_alg_values_supported',
      'userinfo_encryption_enc_values_supported',
      'userinfo_endpoint',
      'userinfo_signing_alg_values_supported',
    ])
  })

  it('algorithms in the metadata are those the floor allows and a key exists for', async () => {
    const document = await documentAt(openid)
    const jwks = JSON.parse(bodyOf(await get('/jwks'))) as { keys: { alg: string }[] }
    const published = jwks.keys.map(key => key.alg)
    const idTokenAlgs = document.id_token_signing_alg_values_supported as string[]
    assert.deepEqual(idTokenAlgs.toSorted(), published.toSorted())
    assert.deepEqual(idTokenAlgs.toSorted(), ['ES256', 'Ed25519', 'EdDSA', 'PS256'])
    for (const name of [
      'authorization_signing_alg_values_supported',
      'introspection_signing_alg_values_supported',
    ])
      assert.deepEqual(document[name], idTokenAlgs, name)
    for (const name of [
      'request_object_signing_alg_values_supported',
      'dpop_signing_alg_values_supported',
      'token_endpoint_auth_signing_alg_values_supported',
      'introspection_endpoint_auth_signing_alg_values_supported',
      'revocation_endpoint_auth_signing_alg_values_supported',
    ])
      assert.deepEqual(document[name], fapiAlgs, name)
    // No authority is trusted here, so a method that needs one is not offered.
    assert.deepEqual(document.token_endpoint_auth_methods_supported, [
      'private_key_jwt',
      'self_signed_tls_client_auth',
    ])
  })

  it('the key set is public, cacheable and carries a strong entity tag', async () => {
    const answer = await get('/jwks')
    assert.equal(headerOf(answer, 'cache-control'), 'public, max-age=300')
    assert.equal(headerOf(answer, 'access-control-allow-origin'), '*')
    assert.match(headerOf(answer, 'etag') ?? '', /^"[\w-]{43}"$/)
    const { keys } = JSON.parse(bodyOf(answer)) as { keys: Document[] }
    for (const key of keys) {
      assert.equal(key.use, 'sig')
      assert.match(key.kid as string, /^[\w-]{43}$/)
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key))
    }
  })
})

describe('discovery of other issuers', () => {
  it('an issuer with a path has its documents at both well-known forms', async test => {
    const issuerUrl = 'https://as.example/t1'
    const world = await openFor(test, { issuerUrl })
    for (const path of [`/t1${openid}`, `${openid}/t1`, `/t1${oauth}`, `${oauth}/t1`]) {
      const answer = await world.raw(request(`GET ${path}`))
      assert.equal(statusOf(answer), 200, path)
      const document = JSON.parse(bodyOf(answer)) as Document
      assert.equal(document.issuer, issuerUrl)
      assert.equal(document.token_endpoint, `${issuerUrl}/token`)
    }
    for (const path of [openid, oauth, '/jwks'])
      assert.equal(statusOf(await world.raw(request(`GET ${path}`))), 404)
    assert.equal(statusOf(await world.raw(request('GET /t1/jwks'))), 200)
  })

  it('an issuer whose floor is FAPI 2.0 Message Signing says that it takes signed messages only', async test => {
    const world = await openFor(test, { floor: named('fapi2-message-signing') })
    const document = JSON.parse(bodyOf(await world.raw(request(`GET ${openid}`)))) as Document
    assert.equal(document.require_signed_request_object, true)
    assert.deepEqual(document.response_modes_supported, ['query.jwt', 'fragment.jwt', 'form_post.jwt', 'jwt'])
  })

  it('a plain OpenID issuer offers RS256 and public clients; an authority switches tls_client_auth on', async test => {
    const world = await openFor(test, { floor: named('oidc-baseline'), clientTrustAnchors: ['-'] })
    const document = JSON.parse(bodyOf(await world.raw(request(`GET ${openid}`)))) as Document
    assert.ok((document.id_token_signing_alg_values_supported as string[]).includes('RS256'))
    const methods = document.token_endpoint_auth_methods_supported as string[]
    assert.ok(methods.includes('none') && methods.includes('tls_client_auth'))
    assert.ok(!(document.introspection_endpoint_auth_methods_supported as string[]).includes('none'))
    assert.equal(document.require_pushed_authorization_requests, false)
  })

  it('response types are those of every profile that the floor lets in, and modes those they can use', async test => {
    const documentOver = async (floor: SecurityProfile): Promise<Document> => {
      const world = await openFor(test, { floor })
      return JSON.parse(bodyOf(await world.raw(request(`GET ${openid}`)))) as Document
    }
    const mixed = await documentOver(named('oidc-baseline'))
    assert.deepEqual(mixed.response_types_supported, ['code', 'code id_token'])
    assert.equal(mixed.require_signed_request_object, false)
    assert.ok((mixed.response_modes_supported as string[]).includes('query'))

    const fapi1 = await documentOver(named('fapi1-advanced'))
    assert.deepEqual(fapi1.response_types_supported, ['code', 'code id_token'])
    assert.deepEqual(fapi1.response_modes_supported, [
      'fragment',
      'form_post',
      'query.jwt',
      'fragment.jwt',
      'form_post.jwt',
      'jwt',
    ])
    assert.equal(fapi1.require_signed_request_object, true)
    assert.equal(fapi1.require_pushed_authorization_requests, false)
    assert.equal(fapi1.dpop_signing_alg_values_supported, undefined)
    assert.equal(fapi1.tls_client_certificate_bound_access_tokens, true)
    for (const name of [
      'id_token_signing_alg_values_supported',
      'request_object_signing_alg_values_supported',
    ])
      assert.deepEqual((fapi1[name] as string[]).toSorted(), ['ES256', 'PS256'], name)

    for (const name of ['fapi2-security', 'fapi2-message-signing', 'oauth21'])
      assert.deepEqual((await documentOver(named(name))).response_types_supported, ['code'], name)
    const jarm = { ...named('fapi1-advanced'), signedAuthorizationResponses: 'required' } as const
    assert.deepEqual((await documentOver(jarm)).response_types_supported, ['code'])
  })
})
