import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openOutbound } from '../../outbound/client.ts'
import { keys } from '../testing/clients.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { compactJws } from '../testing/jws.ts'
import { goodMetadata, openRegistrationWorld, registeredIn } from '../testing/registration-world.ts'

describe('a client that wants to be more than it may', () => {
  test('no update reaches farther than the registration: scope, grant, host, method, binding, profile', async () => {
    await using world = await openRegistrationWorld()
    const { clientId, token } = await registeredIn(world, goodMetadata, {
      policy: { grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'] },
    })
    const body = { ...goodMetadata, client_id: clientId }
    const attempts: readonly (readonly [object, string])[] = [
      [{ scope: 'openid accounts payments' }, 'registration.scopes'],
      [{ scope: 'openid accounts address' }, 'registration.scopes'],
      [
        { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'] },
        'registration.grant-types',
      ],
      [
        { grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange', 'client_credentials'] },
        'registration.grant-types',
      ],
      [{ redirect_uris: ['https://evil.example/cb'] }, 'registration.redirect-hosts'],
      [{ token_endpoint_auth_method: 'none', jwks: undefined }, 'management.auth-method'],
      [{ token_endpoint_auth_method: 'client_secret_basic', jwks: undefined }, 'management.auth-method'],
      [{ token_endpoint_auth_method: 'attest_jwt_client_auth', jwks: undefined }, 'management.auth-method'],
      [{ dpop_bound_access_tokens: false }, 'management.constraint-kept'],
    ]
    for (const [spoil, ruleId] of attempts) {
      const reply = await world.manage('PUT', clientId, token, { ...body, ...spoil })
      assert.equal(reply.status, 400, JSON.stringify(spoil))
      assert.equal((await world.lastAudit('management.refused'))?.ruleId, ruleId)
    }
    // Members of our documents are no metadata: they say nothing here, whoever sends them.
    const smuggled = {
      ...{ profile: 'oidc-baseline', resources: ['other'], introspects: ['accounts'], mayAct: 'x' },
      ...{ status: 'active', policy: { scopes: ['payments'] }, exchanges: { tokensOf: ['c_rs'] } },
      ...{ metadata: { scope: 'payments' }, spec: { profile: 'oidc-baseline' } },
    }
    const before = world.current().clients.get(clientId)
    const reply = await world.manage('PUT', clientId, token, { ...body, ...smuggled })
    assert.equal(reply.status, 200)
    assert.deepEqual(world.current().clients.get(clientId), before)
    assert.deepEqual(before?.introspects, [])
  })

  test('the profile of the token judges the registration, whatever the client asks for', async () => {
    await using world = await openRegistrationWorld()
    const { dpop_bound_access_tokens: _bound, ...unbound } = goodMetadata
    const reply = await world.register(await world.token(), unbound)
    assert.equal(reply.status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.sender-constraint')
    const weak = { ...goodMetadata, id_token_signed_response_alg: 'RS256' }
    assert.equal((await world.register(await world.token(), weak)).status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.signing-algs')
  })

  test('the token of one client does nothing at another, nor does a token of another kind', async () => {
    await using world = await openRegistrationWorld()
    const one = await registeredIn(world)
    const two = await registeredIn(world)
    const initial = await world.token()
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      for (const token of [one.token, initial, 'at_x', two.clientId])
        assert.equal((await world.manage(method, two.clientId, token, goodMetadata)).status, 401)
    assert.equal((await world.register(one.token)).status, 401)
    assert.equal((await world.manage('GET', two.clientId, two.token)).status, 200)
  })

  test('what a refusal quotes is cut: an audit record is not as long as a body', async () => {
    await using world = await openRegistrationWorld()
    const reply = await world.register(await world.token(), { ...goodMetadata, scope: 'x'.repeat(60_000) })
    assert.equal(reply.status, 400)
    assert.ok(String(reply.body).length < 1000)
    assert.ok(JSON.stringify(await world.lastAudit('registration.refused')).length < 1500)
  })

  test('a client id made of a path leads nowhere', async () => {
    await using world = await openRegistrationWorld()
    const { token } = await registeredIn(world)
    for (const id of ['', '..', '%2e%2e', 'c_\n', "c'; drop table registrations", '__proto__', 'constructor'])
      assert.equal((await world.manage('GET', id, token)).status, 401, id)
  })
})

describe('addresses that are not what they look like', () => {
  const tricks: readonly (readonly [string, string])[] = [
    ['https://client.example.evil.example/cb', 'another host that begins the same'],
    ['https://evil.example/client.example', 'the host in the path'],
    ['https://client.example@evil.example/cb', 'the host as userinfo'],
    ['https://client.example%2eevil.example/cb', 'an escape in the host'],
    ['https://clіent.example/cb', 'a Cyrillic letter'],
    ['https://xn--clent-9va.example/cb', 'the same letter in ASCII'],
    ['https://client.example\\@evil.example/cb', 'a backslash'],
    ['https://client.example:8443/cb', 'another port'],
    ['https://CLIENT.example/cb#x', 'a fragment'],
    ['https://*.client.example/cb', 'a wildcard'],
    ['https://client.example./cb', 'a trailing dot'],
    ['http://client.example/cb', 'no TLS'],
    ['https://localhost/cb', 'this machine'],
    ['https://127.0.0.1/cb', 'this machine by number'],
    ['javascript:alert(1)', 'a script'],
    ['data:text/html,x', 'a document'],
    ['//client.example/cb', 'half a URL'],
    ['https://client.example/cb\r\nlocation: https://evil.example', 'a header'],
  ]
  test('none of them is a redirect URI', async () => {
    await using world = await openRegistrationWorld()
    const token = await world.token()
    for (const [uri, why] of tricks) {
      const reply = await world.register(token, { ...goodMetadata, redirect_uris: [uri] })
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, 'invalid_redirect_uri'], why)
    }
    const many = Array.from({ length: 21 }, (_, index) => `https://client.example/${index}`)
    assert.equal((await world.register(token, { ...goodMetadata, redirect_uris: many })).status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.redirect-uri-count')
    const most = { ...goodMetadata, redirect_uris: many.slice(1) }
    assert.equal((await world.register(token, most)).status, 201)
  })

  test('no address of a client makes us ask an internal one', async () => {
    await using world = await openRegistrationWorld()
    const outbound = openOutbound()
    const guarded = { ...world.ports, outbound }
    const { registerRoom } = await import('./room.ts')
    for (const sector of [
      'https://127.0.0.1/sector',
      'https://[::1]/sector',
      'https://169.254.169.254/latest',
      'https://10.0.0.1/sector',
      'https://0x7f000001/sector',
      'https://localhost/sector',
    ]) {
      const metadata = { ...goodMetadata, subject_type: 'pairwise', sector_identifier_uri: sector }
      const exchange = world.exchange('/register', {
        headers: [['authorization', `Bearer ${await world.token()}`]],
        body: JSON.stringify(metadata),
      })
      const reply = await registerRoom(exchange, guarded)
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, 'invalid_client_metadata'], sector)
      const record = await world.lastAudit('registration.refused')
      assert.equal(record?.ruleId, 'registration.sector-fetch')
      assert.equal(record?.facts.fault, 'outbound.refused')
    }
    await outbound.close()
    // Keys behind `jwks_uri` go the same way, when they are first needed; a registration fetches none.
    const { jwks: _keys, ...rest } = goodMetadata
    for (const jwks_uri of [
      'http://client.example/jwks',
      'file:///etc/passwd',
      'https://a@client.example/jwks',
    ])
      assert.equal((await world.register(await world.token(), { ...rest, jwks_uri })).status, 400, jwks_uri)
    assert.deepEqual(world.fetched, [])
  })
})

describe('software statements taken apart', () => {
  const trusted = [
    'SoftwareStatementIssuer',
    'directory',
    { issuer: 'https://directory.example', jwks: { keys: [keys.oidc.publicJwk] } },
  ] as const
  test('a statement required is not left out, nor is its signature', async () => {
    await using world = await openRegistrationWorld({ more: [trusted] })
    const token = await world.token({ policy: { softwareStatement: 'required' } })
    const iat = world.clock.now()
    const claims = { iss: 'https://directory.example', iat, client_name: 'Certified' }
    const good = compactJws({ alg: 'ES256', kid: keys.oidc.kid }, claims, keys.oidc)
    const [header = '', payload = ''] = good.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const embedded = compactJws(
      { alg: 'ES256', jwk: keys.attacker.publicJwk, kid: keys.oidc.kid },
      claims,
      keys.attacker,
    )
    for (const software_statement of [
      undefined,
      null,
      '',
      `${header}.${payload}.`,
      `${none}.${payload}.`,
      `${header}.${payload}`,
      embedded,
    ]) {
      const reply = await world.register(token, { ...goodMetadata, software_statement })
      assert.deepEqual(
        [reply.status, jsonOf(reply).error],
        [400, 'invalid_software_statement'],
        String(software_statement),
      )
    }
    const reply = await world.register(token, { ...goodMetadata, software_statement: good })
    assert.equal(textOf(reply, 'client_name'), 'Certified')
  })
})
