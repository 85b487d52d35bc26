import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { jwtVerify } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import { actionOf, fieldOf, goodRequest, header, locationOf, openBrowser, push } from '../testing/browser.ts'
import { clientOf, redirectUri } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { signing } from '../testing/request-objects.ts'
import { issuerKeys, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'

const relying = clientOf({
  clientId: 'c_relying',
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
  resources: [],
  redirectUris: [redirectUri, `${redirectUri}?tenant=1`],
})

async function answered(
  world: World,
  spoil: Record<string, string>,
  decision: 'allow' | 'deny',
): Promise<Reply> {
  const browser = openBrowser(world)
  const fields = { ...goodRequest('c_relying'), scope: 'openid profile', ...spoil }
  const opened = await browser.get(`/authorize?${new URLSearchParams(fields)}`)
  const consent = await browser.login(opened)
  return await browser.decide(header(consent, 'location') ?? '', decision)
}

/** Checks the JWT with a library that is not ours. */
async function claimsOf(response: string): Promise<Readonly<Record<string, unknown>>> {
  const key = issuerKeys.find(({ alg }) => alg === 'ES256')
  assert.ok(key)
  const { payload } = await jwtVerify(response, key.publicKey, {
    issuer: issuerUrl,
    audience: 'c_relying',
    algorithms: ['ES256'],
    currentDate: new Date(startOfWorld * 1000),
  })
  return payload
}

describe('response modes', () => {
  it('a signed response holds every parameter, iss, aud and exp, and nothing stands beside it', async () => {
    await using world = await openWorld({ clients: [relying] })
    for (const response_mode of ['jwt', 'query.jwt']) {
      const reply = await answered(world, { response_mode, redirect_uri: `${redirectUri}?tenant=1` }, 'allow')
      const { searchParams } = locationOf(reply)
      assert.deepEqual([...searchParams.keys()], ['tenant', 'response'])
      const { code, ...claims } = await claimsOf(searchParams.get('response') ?? '')
      assert.match(String(code), /^ac_/)
      assert.deepEqual(claims, { state: 'st-1', iss: issuerUrl, aud: 'c_relying', exp: startOfWorld + 60 })
    }
  })

  it('a signed error has the same form', async () => {
    await using world = await openWorld({ clients: [relying] })
    const denied = await answered(world, { response_mode: 'jwt' }, 'deny')
    const claims = await claimsOf(locationOf(denied).searchParams.get('response') ?? '')
    const { error_description: description, ...exact } = claims
    assert.equal(typeof description, 'string')
    assert.deepEqual(exact, {
      error: 'access_denied',
      state: 'st-1',
      iss: issuerUrl,
      aud: 'c_relying',
      exp: startOfWorld + 60,
    })

    const browser = openBrowser(world)
    const fields = { ...goodRequest('c_relying'), scope: 'nothing', response_mode: 'fragment.jwt' }
    const refused = await browser.get(`/authorize?${new URLSearchParams(fields)}`)
    const { hash, search } = locationOf(refused)
    assert.equal(search, '')
    const response = new URLSearchParams(hash.slice(1))
    assert.deepEqual([...response.keys()], ['response'])
    assert.equal((await claimsOf(response.get('response') ?? '')).error, 'invalid_scope')
  })

  it('a fragment carries what a query would, and a fragment.jwt one parameter', async () => {
    await using world = await openWorld({ clients: [relying] })
    const plain = locationOf(await answered(world, { response_mode: 'fragment' }, 'allow'))
    assert.equal(plain.search, '')
    assert.deepEqual([...new URLSearchParams(plain.hash.slice(1)).keys()], ['code', 'state', 'iss'])
    const signed = locationOf(await answered(world, { response_mode: 'fragment.jwt' }, 'allow'))
    assert.deepEqual([...new URLSearchParams(signed.hash.slice(1)).keys()], ['response'])
  })

  it('a form posts itself to the redirect URI, with escaped fields, uncacheable, under a strict policy', async () => {
    await using world = await openWorld({ clients: [relying] })
    const state = '"><script>alert(1)</script>'
    const reply = await answered(world, { response_mode: 'form_post', state }, 'allow')
    assert.equal(reply.status, 200)
    assert.equal(header(reply, 'content-type'), 'text/html; charset=utf-8')
    assert.equal(header(reply, 'cache-control'), 'no-cache, no-store')
    assert.equal(header(reply, 'pragma'), 'no-cache')
    const policy = header(reply, 'content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; /)
    assert.match(policy, /form-action 'self' https:\/\/client\.example;/)
    assert.equal(actionOf(reply), redirectUri)
    assert.match(fieldOf(reply, 'code'), /^ac_/)
    assert.equal(fieldOf(reply, 'iss'), issuerUrl)
    assert.equal(fieldOf(reply, 'state'), '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;')
    assert.equal(String(reply.body).match(/<script/g)?.length, 1)
  })

  it('a signed form has the one field response, also for an error', async () => {
    await using world = await openWorld({ clients: [relying] })
    for (const decision of ['allow', 'deny'] as const) {
      const reply = await answered(world, { response_mode: 'form_post.jwt' }, decision)
      const names = [...String(reply.body).matchAll(/type="hidden" name="([^"]*)"/g)].map(([, name]) => name)
      assert.deepEqual(names, ['response'])
      const claims = await claimsOf(fieldOf(reply, 'response'))
      assert.equal(claims.error, decision === 'allow' ? undefined : 'access_denied')
    }
  })

  it('a mode that is unknown, not registered, or unsigned where signing is required is refused', async () => {
    const limited = clientOf({ clientId: 'c_limited', responseModes: ['jwt'] })
    const { signedAuthorizationResponses } = signing.profile
    const profile = { ...limited.profile, signedAuthorizationResponses }
    await using world = await openWorld({
      clients: [limited, { ...limited, clientId: 'c_jarm', responseModes: undefined, profile }],
    })
    const push400 = async (clientId: string, response_mode: string | undefined): Promise<void> => {
      const reply = await push(world, { clientId, spoil: { response_mode } })
      assert.equal(reply.status, 400, `${clientId} ${response_mode}`)
      assert.equal(jsonOf(reply).error, 'invalid_request')
    }
    for (const clientId of ['c_limited', 'c_jarm']) {
      for (const mode of ['web_message', 'query', 'form_post', undefined]) await push400(clientId, mode)
      assert.equal((await push(world, { clientId, spoil: { response_mode: 'jwt' } })).status, 201)
    }
    await push400('c_limited', 'form_post.jwt')
  })
})
