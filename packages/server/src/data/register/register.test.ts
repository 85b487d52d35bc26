import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { metadataDocument } from '../metadata/document.ts'
import { accounts, keys, redirectUri } from '../testing/clients.ts'
import { headersOf, jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { compactJws, newTestKey } from '../testing/jws.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
} from '../testing/registration-world.ts'
import { secretAssertion } from '../testing/secret-assertion.ts'
import { type FormFields, issuerUrl } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'
import { registerRoom } from './room.ts'

const directory = newTestKey('ES256', 'directory-1')
const directoryIssuer = 'https://directory.example'
const trusted = [
  'SoftwareStatementIssuer',
  'directory',
  { issuer: directoryIssuer, jwks: { keys: [directory.publicJwk] }, requiredClaims: ['software_id'] },
] as const

function statement(world: RegistrationWorld, claims: object = {}, key = directory): string {
  const iat = world.clock.now()
  const all = { iss: directoryIssuer, iat, exp: iat + 300, software_id: 'app-1', ...claims }
  return compactJws({ alg: key.alg, kid: key.kid }, all, key)
}

describe('registration', () => {
  test('a registration is answered with everything that was registered, defaults included', async () => {
    await using world = await openRegistrationWorld()
    const { grant_types: _left, ...metadata } = goodMetadata
    const more = {
      ...{
        'client_name#de': 'Programm',
        contacts: ['ops@client.example'],
        software_id: 'app',
        software_version: '1',
      },
      ...{ default_max_age: 600, require_auth_time: true, use_mtls_endpoint_aliases: true },
      ...{ post_logout_redirect_uris: ['https://client.example/bye'], response_modes: ['query'] },
      ...{
        backchannel_logout_uri: 'https://client.example/logout',
        backchannel_logout_session_required: true,
      },
      ...{ authorization_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
      ...{ request_object_signing_alg: 'ES256', require_pushed_authorization_requests: true },
    }
    const reply = await world.register(await world.token(), { ...metadata, ...more })
    assert.equal(reply.status, 201, String(reply.body))
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    assert.deepEqual(headersOf(reply, 'content-type'), ['application/json'])
    const { client_id, registration_access_token, registration_client_uri, ...rest } = jsonOf(reply)
    assert.match(String(client_id), /^c_[\w-]{22}$/)
    assert.match(String(registration_access_token), /^rat_[\w-]{49}$/)
    assert.equal(registration_client_uri, `${issuerUrl}/register/${client_id}`)
    assert.deepEqual(rest, {
      ...metadata,
      ...more,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      application_type: 'web',
      subject_type: 'public',
      id_token_signed_response_alg: 'ES256',
      client_id_issued_at: world.clock.now(),
    })
    const audit = await world.lastAudit('client.registered')
    assert.equal(audit?.clientId, client_id)
    assert.equal(audit?.facts.profile, 'fapi2-security')
  })

  test('a client that registered itself gets a token at once, with the scopes it registered and no more', async () => {
    await using world = await openRegistrationWorld()
    const { clientId } = await registeredIn(world)
    const form = { grant_type: 'client_credentials', resource: accounts }
    const reply = await requestToken(world, clientId, form)
    assert.equal(reply.status, 200, String(reply.body))
    assert.equal(textOf(reply, 'scope'), 'accounts')
    const more = await requestToken(world, clientId, { ...form, scope: 'accounts profile' })
    assert.equal(jsonOf(more).error, 'invalid_scope')
  })

  test('every refusal of a registration has its status, its code and its record', async () => {
    await using world = await openRegistrationWorld()
    const spent = await world.token()
    await world.register(spent)
    const short = await world.token({ lifetimeSeconds: 60 })
    const refusals: readonly (readonly [string | undefined, object, number, string, string])[] = [
      [undefined, goodMetadata, 401, 'invalid_token', 'bearer.credentials-missing'],
      ['iat_unknown', goodMetadata, 401, 'invalid_token', 'registration.token'],
      [spent, goodMetadata, 401, 'invalid_token', 'registration.token-used'],
      [await world.token(), [], 400, 'invalid_client_metadata', 'registration.json'],
      [await world.token(), { scope: 1 }, 400, 'invalid_client_metadata', 'registration.member-form'],
      [
        await world.token(),
        { ...goodMetadata, redirect_uris: ['https://client.example/cb#x'] },
        400,
        'invalid_redirect_uri',
        'client.redirect-uri-form',
      ],
      [
        await world.token(),
        { ...goodMetadata, token_endpoint_auth_method: 'none', jwks: undefined },
        400,
        'invalid_client_metadata',
        'client.public-client',
      ],
      [
        await world.token(),
        {
          ...goodMetadata,
          token_endpoint_auth_method: 'spiffe_jwt',
          spiffe_id: 'spiffe://prod.example/somebody/else',
        },
        400,
        'invalid_client_metadata',
        'registration.metadata',
      ],
      [
        await world.token(),
        { ...goodMetadata, contacts: ['x'.repeat(300)] },
        400,
        'invalid_client_metadata',
        'registration.metadata',
      ],
      [
        await world.token({ policy: { softwareStatement: 'required' } }),
        goodMetadata,
        400,
        'invalid_software_statement',
        'registration.statement-required',
      ],
      [
        await world.token(),
        { ...goodMetadata, software_statement: 'no.jws' },
        400,
        'invalid_software_statement',
        'jws.text',
      ],
    ]
    const clients = world.current().clients.size
    for (const [token, body, status, error, ruleId] of refusals) {
      const reply = await world.register(token, body)
      assert.deepEqual([reply.status, jsonOf(reply).error], [status, error], ruleId)
      const record = await world.lastAudit('registration.refused')
      if (!ruleId.startsWith('jws.')) assert.equal(record?.ruleId, ruleId)
      const [challenge] = headersOf(reply, 'www-authenticate')
      if (status === 401) assert.match(challenge ?? '', /^Bearer/)
      else assert.equal(challenge, undefined)
      assert.doesNotMatch(JSON.stringify(record), /iat_/)
    }
    world.clock.advance(60)
    const late = await world.register(short)
    assert.deepEqual([late.status, jsonOf(late).error], [401, 'invalid_token'])
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.token-expired')
    assert.equal(world.current().clients.size, clients)
  })

  test('the metadata names the registration endpoint when it is open, and both subject types', async () => {
    for (const [registration, endpoint] of [
      ['initial-access-token', `${issuerUrl}/register`],
      ['off', undefined],
    ] as const) {
      await using world = await openRegistrationWorld({ issuer: { registration } })
      const document = metadataDocument(world.current(), ['ES256'])
      assert.equal(document.registration_endpoint, endpoint)
      assert.deepEqual(document.subject_types_supported, ['public', 'pairwise'])
    }
  })

  test('who is overtaken again and again is told to come back, and so is a crowd', async () => {
    await using world = await openRegistrationWorld()
    const token = await world.token({ uses: 200 })
    const { ports } = world
    const exchange = () =>
      world.exchange('/register', {
        headers: [['authorization', `Bearer ${token}`]],
        body: JSON.stringify(goodMetadata),
      })
    const served = ports.snapshot()
    const stale = { ...ports, snapshot: () => served, refreshSnapshot: async () => {} }
    await world.applied([['Scope', 'later', { title: 'Later', description: 'Than the snapshot.' }]])
    const overtaken = await registerRoom(exchange(), stale)
    assert.deepEqual([overtaken.status, jsonOf(overtaken).error], [503, 'temporarily_unavailable'])
    assert.deepEqual(headersOf(overtaken, 'retry-after'), ['1'])
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.busy')
    await ports.refreshSnapshot()
    const crowd = await Promise.all(Array.from({ length: 120 }, () => registerRoom(exchange(), ports)))
    assert.equal(crowd.filter(({ status }) => status === 201).length, 100)
    assert.equal(crowd.filter(({ status }) => status === 503).length, 20)
  })

  test('without a policy of the issuer nobody registers, token or not', async () => {
    await using world = await openRegistrationWorld({ issuer: { registration: 'off' } })
    const reply = await world.register(await world.token())
    assert.deepEqual([reply.status, jsonOf(reply).error], [403, 'access_denied'])
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'registration.off')
  })

  test('a token stands in the header alone', async () => {
    await using world = await openRegistrationWorld()
    const token = await world.token()
    const query = `access_token=${token}`
    const reply = await world.send(registerRoom, '/register', { query, body: JSON.stringify(goodMetadata) })
    assert.equal(reply.status, 401)
    const other = await world.send(registerRoom, '/register', {
      headers: [['authorization', `DPoP ${token}`]],
      body: JSON.stringify(goodMetadata),
    })
    assert.equal(other.status, 401)
    assert.equal((await world.register(token)).status, 201)
  })

  test('a refused registration takes no use of its token', async () => {
    await using world = await openRegistrationWorld()
    const token = await world.token()
    assert.equal((await world.register(token, { ...goodMetadata, scope: 'payments' })).status, 400)
    assert.equal((await world.register(token)).status, 201)
    assert.equal((await world.register(token)).status, 401)
  })

  test('what we do not have is refused by name, and what nobody knows is passed over', async () => {
    await using world = await openRegistrationWorld()
    for (const member of ['request_object_encryption_enc', 'request_object_encryption_alg']) {
      const reply = await world.register(await world.token(), { ...goodMetadata, [member]: 'A256GCM' })
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, 'invalid_client_metadata'])
      const record = await world.lastAudit('registration.refused')
      assert.deepEqual([record?.ruleId, record?.facts.field], ['registration.unsupported', member])
    }
    const strange = { ...goodMetadata, favourite_colour: 'blue', profile: 'oidc-baseline', resources: ['x'] }
    const reply = await world.register(await world.token(), strange)
    assert.equal(reply.status, 201)
    assert.equal(jsonOf(reply).favourite_colour, undefined)
    assert.equal(
      world.current().clients.get(textOf(reply, 'client_id'))?.profile.senderConstraint,
      'required',
    )
  })

  test('a secret is given once, where the profile has secrets, and authenticates', async () => {
    await using world = await openRegistrationWorld()
    const { jwks: _keys, dpop_bound_access_tokens: _bound, ...rest } = goodMetadata
    const metadata = { ...rest, token_endpoint_auth_method: 'client_secret_post' }
    const strict = await world.register(await world.token(), { ...metadata, dpop_bound_access_tokens: true })
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.auth-method')
    assert.equal(strict.status, 400)
    const { clientId, token, information } = await registeredIn(world, metadata, {
      policy: { profile: 'oidc-baseline' },
    })
    const { client_secret, client_secret_expires_at } = information as Record<string, unknown>
    assert.match(String(client_secret), /^cs_[\w-]{43}$/)
    assert.equal(client_secret_expires_at, 0)
    const ask = (secret: string) =>
      world.send(tokenRoom, '/token', {
        form: {
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: secret,
          resource: accounts,
        },
      })
    assert.equal((await ask(String(client_secret))).status, 200)
    assert.equal((await ask('cs_wrong')).status, 401)
    const read = await world.manage('GET', clientId, token)
    assert.equal(read.status, 200)
    assert.equal(jsonOf(read).client_secret, undefined)
    const stored = JSON.stringify(await world.store.listDocuments()) + JSON.stringify(await world.audit())
    assert.ok(!stored.includes(String(client_secret)))
    assert.ok(!stored.includes(token))
  })

  test('a secret that signs is given once, sealed, and an update makes nothing else of it', async () => {
    await using world = await openRegistrationWorld()
    const { jwks: _keys, dpop_bound_access_tokens: _bound, ...rest } = goodMetadata
    const metadata = {
      ...rest,
      token_endpoint_auth_method: 'client_secret_jwt',
      token_endpoint_auth_signing_alg: 'HS512',
    }
    const strict = await world.register(await world.token(), { ...metadata, dpop_bound_access_tokens: true })
    assert.equal(strict.status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.auth-method')
    const policy = { profile: 'oidc-baseline' }
    const unfit = { ...metadata, token_endpoint_auth_signing_alg: 'ES256' }
    assert.equal((await world.register(await world.token({ policy }), unfit)).status, 400)
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.signing-algs')

    const { clientId, token, information } = await registeredIn(world, metadata, { policy })
    const { client_secret, client_secret_expires_at } = information as Record<string, unknown>
    const secret = String(client_secret)
    assert.match(secret, /^cs_[\w-]{86}$/)
    assert.equal(client_secret_expires_at, 0)
    const ask = (form: FormFields) =>
      world.send(tokenRoom, '/token', {
        form: { grant_type: 'client_credentials', resource: accounts, ...form },
      })
    assert.equal((await ask(secretAssertion(world, clientId, { secret, alg: 'HS512' }))).status, 200)
    assert.equal((await ask(secretAssertion(world, clientId, { secret, alg: 'HS256' }))).status, 401)
    assert.equal((await ask(secretAssertion(world, clientId, { alg: 'HS512' }))).status, 401)
    const stored = JSON.stringify(await world.store.listDocuments()) + JSON.stringify(await world.audit())
    assert.ok(!stored.includes(secret.slice(3)))

    const put = (method: string) =>
      world.manage('PUT', clientId, token, {
        ...{ ...metadata, client_id: clientId, token_endpoint_auth_method: method },
        token_endpoint_auth_signing_alg: undefined,
      })
    for (const method of ['client_secret_basic', 'private_key_jwt', 'none']) {
      assert.equal((await put(method)).status, 400, method)
      assert.equal((await world.lastAudit('management.refused'))?.ruleId, 'management.auth-method')
    }
    const read = jsonOf(await world.manage('GET', clientId, token))
    assert.equal(read.client_secret, undefined)
  })

  test('what a software statement says wins, at the registration and at every update', async () => {
    await using world = await openRegistrationWorld({ more: [trusted] })
    const certified = { client_name: 'Certified', redirect_uris: [redirectUri], software_id: 'app-1' }
    const software_statement = statement(world, certified)
    const asked = { ...goodMetadata, client_name: 'Mine', redirect_uris: ['https://client.example/other'] }
    const { clientId, token, information } = await registeredIn(
      world,
      { ...asked, software_statement },
      { policy: { softwareStatement: 'required' } },
    )
    const first = information as Record<string, unknown>
    assert.equal(first.client_name, 'Certified')
    assert.deepEqual(first.redirect_uris, [redirectUri])
    assert.equal(first.software_statement, software_statement)
    // Stripped from the update, and long expired: it still says what it said.
    world.clock.advance(10_000)
    const update = await world.manage('PUT', clientId, token, { ...asked, client_id: clientId })
    assert.equal(update.status, 200, String(update.body))
    assert.deepEqual(jsonOf(update).redirect_uris, [redirectUri])
    assert.equal(jsonOf(update).software_statement, software_statement)
    const next = textOf(update, 'registration_access_token')
    const other = statement(world, { ...certified, software_id: 'app-2', client_name: 'Other' })
    const swapped = await world.manage('PUT', clientId, next, {
      ...asked,
      client_id: clientId,
      software_statement: other,
    })
    assert.deepEqual([swapped.status, jsonOf(swapped).error], [400, 'unapproved_software_statement'])
    assert.equal((await world.lastAudit('management.refused'))?.ruleId, 'statement.other-software')
    const newer = statement(world, { ...certified, client_name: 'Certified again' })
    const renewed = await world.manage('PUT', clientId, next, {
      ...asked,
      client_id: clientId,
      software_statement: newer,
    })
    assert.equal(jsonOf(renewed).client_name, 'Certified again')
  })

  test('a statement of nobody we trust, forged or expired, registers nothing', async () => {
    await using world = await openRegistrationWorld({ more: [trusted] })
    const now = world.clock.now()
    const cases: readonly (readonly [string, string, string])[] = [
      [
        statement(world, { iss: 'https://other.example' }),
        'unapproved_software_statement',
        'statement.issuer',
      ],
      [statement(world, {}, keys.attacker), 'invalid_software_statement', 'statement.signature'],
      [statement(world, { iat: now - 601 }), 'invalid_software_statement', 'statement.time'],
      [statement(world, { exp: now }), 'invalid_software_statement', 'statement.time'],
      [statement(world, { software_id: undefined }), 'unapproved_software_statement', 'statement.claims'],
      [statement(world, { scope: ['accounts'] }), 'invalid_software_statement', 'registration.member-form'],
      [statement(world, { scope: 'payments' }), 'invalid_client_metadata', 'registration.scopes'],
    ]
    for (const [software_statement, error, ruleId] of cases) {
      const reply = await world.register(await world.token(), { ...goodMetadata, software_statement })
      assert.deepEqual([reply.status, jsonOf(reply).error], [400, error], ruleId)
      assert.equal((await world.lastAudit('registration.refused'))?.ruleId, ruleId)
    }
  })

  test('links and pictures of a client are stored and neither fetched nor shown', async () => {
    await using world = await openRegistrationWorld()
    const links = {
      logo_uri: 'https://169.254.169.254/logo.png',
      client_uri: 'https://client.example/',
      policy_uri: 'https://client.example/policy',
      tos_uri: 'https://client.example/terms',
    }
    const { information } = await registeredIn(world, { ...goodMetadata, ...links })
    for (const [name, value] of Object.entries(links))
      assert.equal((information as Record<string, unknown>)[name], value)
    assert.deepEqual(world.fetched, [])
    const reply = await world.register(await world.token(), {
      ...goodMetadata,
      logo_uri: 'http://x.example/l',
    })
    assert.equal((await world.lastAudit('registration.refused'))?.ruleId, 'client.information-uris')
    assert.equal(reply.status, 400)
  })

  test('keys behind `jwks_uri` are replaced without an interruption', async () => {
    const documents = new Map<string, unknown>()
    await using world = await openRegistrationWorld({ documents })
    const uri = 'https://client.example/jwks'
    documents.set(uri, { keys: [keys.bank.publicJwk] })
    const { jwks: _keys, ...rest } = goodMetadata
    const { clientId } = await registeredIn(world, { ...rest, jwks_uri: uri })
    const ask = async (key: typeof keys.bank): Promise<number> => {
      const form = { grant_type: 'client_credentials', resource: accounts }
      return (await requestToken(world, clientId, { ...form, ...world.assertion(clientId, { key }) })).status
    }
    assert.equal(await ask(keys.bank), 200)
    world.clock.advance(61)
    documents.set(uri, { keys: [keys.bank.publicJwk, keys.oidc.publicJwk] })
    assert.equal(await ask(keys.oidc), 200)
    assert.equal(await ask(keys.bank), 200)
    documents.set(uri, { keys: [keys.oidc.publicJwk] })
    world.clock.advance(601)
    assert.equal(await ask(keys.bank), 401)
    assert.equal(await ask(keys.oidc), 200)
  })
})
