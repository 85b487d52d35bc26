import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { currentNonce, headersOf, jsonOf, requestToken } from '../testing/flow.ts'
import { compactJws, newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  type AssertionOptions,
  issuerUrl,
  openWorld,
  type RequestOptions,
  type World,
} from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const credentials = { grant_type: 'client_credentials', scope: 'accounts' }

function proofHeader(world: World): readonly [string, string] {
  return ['dpop', world.proof('/token', { nonce: currentNonce(world) })]
}

function send(
  world: World,
  form: NonNullable<RequestOptions['form']>,
  rest: Omit<RequestOptions, 'form'> = {},
): ReturnType<World['send']> {
  return world.send(tokenRoom, '/token', {
    form: { ...credentials, ...form },
    ...rest,
    headers: [proofHeader(world), ...(rest.headers ?? [])],
  })
}

describe('one method, the registered one', () => {
  test('a good assertion authenticates, and the audit record names method and key, never the assertion', async () => {
    await using world = await openWorld()
    const assertion = world.assertion('c_bank')
    const reply = await send(world, assertion)
    assert.equal(reply.status, 200, reply.body.toString())
    const record = await world.lastAudit('token.issued')
    assert.equal(record?.facts.auth_method, 'private_key_jwt')
    assert.equal(record?.facts.key_id, 'bank-1')
    assert.ok(!JSON.stringify(await world.audit()).includes(assertion.client_assertion))
  })

  const twice: readonly [string, RequestOptions['form'], RequestOptions['headers']][] = [
    ['Basic and a secret', { client_id: 'c_bank', client_secret: 's' }, [['authorization', 'Basic YTpi']]],
    ['Basic and an assertion', { assertion: 'good' }, [['authorization', 'Basic YTpi']]],
    ['a secret and an assertion', { assertion: 'good', client_secret: 's' }, []],
  ]
  for (const [name, form, headers] of twice)
    test(`${name} in one request is invalid_request`, async () => {
      await using world = await openWorld()
      const { assertion, ...rest } = form ?? {}
      const sent = assertion === undefined ? rest : { ...rest, ...world.assertion('c_bank') }
      const reply = await send(world, sent, { headers: headers ?? [] })
      await assertRefused(world, reply, {
        status: 400,
        error: 'invalid_request',
        ruleId: 'client-auth.one-method',
      })
    })

  const wrong: readonly [string, Readonly<Record<string, string>>, string][] = [
    ['a secret', { client_id: 'c_bank', client_secret: 'guess' }, 'client-auth.method'],
    ['its name alone', { client_id: 'c_bank' }, 'client-auth.method'],
    ['nothing', {}, 'client-auth.missing'],
  ]
  for (const [name, form, ruleId] of wrong)
    test(`a private_key_jwt client that sends ${name} is invalid_client`, async () => {
      await using world = await openWorld()
      await assertRefused(world, await send(world, form), { status: 401, error: 'invalid_client', ruleId })
    })

  test('Basic credentials are refused with the challenge of their scheme', async () => {
    await using world = await openWorld()
    const reply = await send(world, { client_id: 'c_bank' }, { headers: [['authorization', 'Basic YTpi']] })
    await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
    assert.deepEqual(headersOf(reply, 'www-authenticate'), [`Basic realm="${issuerUrl}"`])
  })

  test('a public client is refused where the profile forbids public clients', async () => {
    const client = clientOf({
      clientId: 'c_public_fapi',
      ownProfile: fapi2Security,
      isPublic: true,
      tokenEndpointAuthMethod: 'none',
    })
    await using world = await openWorld({ clients: [client] })
    const reply = await send(world, { client_id: 'c_public_fapi' })
    await assertRefused(world, reply, { status: 401, error: 'invalid_client', ruleId: 'client-auth.method' })
  })

  test('a public client that sends an assertion is refused', async () => {
    await using world = await openWorld()
    const reply = await send(world, world.assertion('c_app'))
    await assertRefused(world, reply, { status: 401, error: 'invalid_client', ruleId: 'client-auth.method' })
  })

  for (const query of ['client_secret=abc', 'client_assertion=abc', 'client_id=c_bank'])
    test(`a request with ?${query.split('=')[0]} in the URL is invalid_request`, async () => {
      await using world = await openWorld()
      const reply = await send(world, world.assertion('c_bank'), { query })
      await assertRefused(world, reply, { status: 400, error: 'invalid_request', ruleId: 'form.query' })
      const record = await world.lastAudit('token.refused')
      assert.equal(record?.facts.exposed, !query.startsWith('client_id'))
    })

  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
    test(`a body of ${type} is invalid_request`, async () => {
      await using world = await openWorld()
      const reply = await send(world, world.assertion('c_bank'), { headers: [['content-type', type]] })
      await assertRefused(world, reply, { status: 400, error: 'invalid_request', ruleId: 'form.media-type' })
    })
})

describe('no oracle', () => {
  test('unknown client, wrong key, wrong method and suspended client answer byte for byte the same', async () => {
    await using world = await openWorld()
    const replies = [
      await send(world, world.assertion('c_nobody')),
      await send(world, world.assertion('c_bank', { key: keys.attacker })),
      await send(world, { client_id: 'c_bank', client_secret: 'x' }),
      await send(world, world.assertion('c_suspended')),
      await send(world, { client_id: 'c_nobody' }),
    ]
    const [first] = replies
    for (const reply of replies) {
      assert.equal(reply.status, 401)
      assert.deepEqual(reply.body, first?.body)
      assert.deepEqual(reply.headers, first?.headers)
    }
    const rules = (await world.audit()).map(record => record.ruleId)
    assert.deepEqual(rules, [
      'client-auth.unknown',
      'client-auth.signature',
      'client-auth.method',
      'client-auth.suspended',
      'client-auth.unknown',
    ])
  })

  test('a development issuer keeps the secret too, but tells who proved the key what was wrong', async () => {
    await using world = await openWorld({ environment: 'development' })
    const unknown = await send(world, world.assertion('c_nobody'))
    const forged = await send(world, world.assertion('c_bank', { key: keys.attacker }))
    assert.deepEqual(unknown.body, forged.body)
    const audience = await send(world, world.assertion('c_bank', { claims: { aud: `${issuerUrl}/token` } }))
    assert.match(audience.body.toString(), /assertion\.aud/)
  })
})

describe('client assertions', () => {
  const fine: readonly [string, AssertionOptions][] = [
    ['typ client-authentication+jwt', { header: { typ: 'client-authentication+jwt' } }],
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['no kid', { header: { kid: undefined } }],
    ['an iat 8 seconds ahead', { claims: { iat: 1_800_000_008 } }],
    ['an iat 30 seconds ahead', { claims: { iat: 1_800_000_030 } }],
  ]
  for (const [name, spoil] of fine)
    test(`an assertion with ${name} is accepted`, async () => {
      await using world = await openWorld()
      const reply = await send(world, world.assertion('c_bank', spoil))
      assert.equal(reply.status, 200, reply.body.toString())
    })

  test('where the profile says so, the issuer in a one-member array is accepted', async () => {
    await using world = await openWorld()
    const sent = world.assertion('c_oidc', { claims: { aud: [issuerUrl] } })
    const reply = await send(world, { ...sent, grant_type: 'refresh_token', refresh_token: 'unknown' })
    assert.equal(jsonOf(reply).error, 'invalid_grant')
  })

  test('an assertion is used once: the second use is invalid_client and an alert', async () => {
    await using world = await openWorld()
    const assertion = world.assertion('c_bank')
    assert.equal((await send(world, assertion)).status, 200)
    const again = await send(world, assertion)
    await assertRefused(world, again, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-assertion.replay',
    })
    assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
    assert.ok(world.counted.includes('replays_detected_total'))
  })

  test('two clients may use the same jti', async () => {
    await using world = await openWorld()
    const claims = { jti: 'the same identifier' }
    assert.equal((await send(world, world.assertion('c_bank', { claims }))).status, 200)
    assert.equal((await send(world, world.assertion('c_other', { claims }))).status, 200)
  })

  test('an assertion of a request that was refused cannot be used for another', async () => {
    await using world = await openWorld()
    const assertion = world.assertion('c_bank')
    const first = await send(world, { ...assertion, scope: 'unknown' })
    await assertRefused(world, first, { status: 400, error: 'invalid_scope' })
    const second = await send(world, assertion)
    await assertRefused(world, second, { status: 401, error: 'invalid_client' })
  })

  test('an assertion of a request that was told to use a nonce may be sent again with it', async () => {
    await using world = await openWorld()
    const form = { ...credentials, ...world.assertion('c_bank') }
    const first = await world.send(tokenRoom, '/token', { form, headers: [['dpop', world.proof('/token')]] })
    assert.equal(jsonOf(first).error, 'use_dpop_nonce')
    assert.equal((await send(world, form)).status, 200)
  })

  test('the registered algorithm is the only one, even when another key would fit', async () => {
    const client = clientOf({ clientId: 'c_ps', tokenEndpointAuthSigningAlg: 'PS256' })
    await using world = await openWorld({ clients: [client] })
    const reply = await send(world, world.assertion('c_ps'))
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'assertion.registered-alg',
    })
  })

  test('two keys with one kid: the algorithm chooses', async () => {
    const rsa = newTestKey('PS256', 'bank-1')
    const client = clientOf({ clientId: 'c_twins', jwks: { keys: [rsa.publicJwk, keys.bank.publicJwk] } })
    await using world = await openWorld({ clients: [client] })
    assert.equal((await send(world, world.assertion('c_twins'))).status, 200)
    assert.equal((await send(world, world.assertion('c_twins', { key: rsa }))).status, 200)
  })

  test('a key for encryption verifies nothing', async () => {
    const client = clientOf({ clientId: 'c_enc', jwks: { keys: [{ ...keys.bank.publicJwk, use: 'enc' }] } })
    await using world = await openWorld({ clients: [client] })
    const reply = await send(world, world.assertion('c_enc'))
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.signature',
    })
  })

  test('a key that the assertion brings along is not looked at', async () => {
    await using world = await openWorld()
    const { attacker: key } = keys
    const url = 'https://evil.example/keys'
    for (const header of [
      { jwk: key.publicJwk },
      { jku: url },
      { x5u: url },
      { jwk: key.publicJwk, kid: 'bank-1' },
    ]) {
      const reply = await send(world, world.assertion('c_bank', { key, header }))
      await assertRefused(world, reply, {
        status: 401,
        error: 'invalid_client',
        ruleId: 'client-auth.signature',
      })
    }
    assert.deepEqual(world.fetched, [])
  })

  test('a key of another curve than its algorithm verifies nothing', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid: 'p384' } as Record<string, string>
    const key = { ...newTestKey('ES256', 'p384'), privateKey, publicKey, publicJwk }
    const client = clientOf({ clientId: 'c_p384', jwks: { keys: [{ ...publicJwk, alg: 'ES256' }] } })
    await using world = await openWorld({ clients: [client] })
    const reply = await send(world, world.assertion('c_p384', { key }))
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.signature',
    })
  })

  const broken: readonly [string, (good: string) => string][] = [
    ['four segments', good => `${good}.x`],
    ['two segments', good => good.slice(0, good.lastIndexOf('.'))],
    ['no JSON in its header', good => `bm90IGpzb24${good.slice(good.indexOf('.'))}`],
    ['9 KiB', good => good + 'A'.repeat(9 * 1024)],
    ['a duplicate member', good => good.replace(/\.[^.]+\./, `.${duplicated()}.`)],
  ]
  for (const [name, spoil] of broken)
    test(`an assertion with ${name} is refused before any key is looked at`, async () => {
      await using world = await openWorld()
      const { client_assertion, ...rest } = world.assertion('c_bank')
      const reply = await send(world, { ...rest, client_assertion: spoil(client_assertion) })
      await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
    })

  test('a critical extension nobody knows is refused', async () => {
    await using world = await openWorld()
    const reply = await send(world, world.assertion('c_bank', { header: { crit: ['x'], x: 1 } }))
    await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
  })

  test('another assertion type is refused, SAML among them', async () => {
    await using world = await openWorld()
    const { client_assertion } = world.assertion('c_bank')
    for (const type of ['urn:ietf:params:oauth:client-assertion-type:saml2-bearer', undefined]) {
      const reply = await send(world, { client_assertion, client_assertion_type: type })
      await assertRefused(world, reply, {
        status: 401,
        error: 'invalid_client',
        ruleId: 'client-auth.assertion-type',
      })
    }
  })

  test('two assertions are invalid_request', async () => {
    await using world = await openWorld()
    const one = world.assertion('c_bank')
    const two = world.assertion('c_bank')
    const reply = await send(world, {
      ...one,
      client_assertion: [one.client_assertion, two.client_assertion],
    })
    await assertRefused(world, reply, { status: 400, error: 'invalid_request', ruleId: 'form.duplicate' })
  })

  test('client_id may be left out, and must be the sub when it is there', async () => {
    await using world = await openWorld()
    const good = await send(world, { ...world.assertion('c_bank'), client_id: 'c_bank' })
    assert.equal(good.status, 200)
    const reply = await send(world, { ...world.assertion('c_bank'), client_id: 'c_other' })
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.client-id',
    })
  })

  test('an assertion without its client key says nothing about the grant', async () => {
    await using world = await openWorld()
    const forged = compactJws({ alg: 'ES256' }, { sub: 'c_bank' }, keys.attacker)
    const reply = await requestToken(
      world,
      'c_bank',
      { client_assertion: forged, grant_type: 'password' },
      {},
    )
    await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
  })
})

function duplicated(): string {
  return Buffer.from('{"sub":"c_bank","sub":"c_other"}').toString('base64url')
}
