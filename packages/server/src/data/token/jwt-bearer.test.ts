import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import fc from 'fast-check'
import type { Reply } from '../../http/exchange.ts'
import type { Client, TrustedIssuer } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { metadataDocument } from '../metadata/document.ts'
import { accounts, type ClientSpec, clientOf, keys, payments } from '../testing/clients.ts'
import { jsonOf, requestToken, type TokenRequestOptions, textOf } from '../testing/flow.ts'
import { claimsOf, newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  type GrantAssertionOptions,
  grantAssertion,
  idpKey,
  idpUrl,
  importedKey,
  jwtBearerFields,
  trustedIssuer,
} from '../testing/trusted-issuer.ts'
import { alice, type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'

const partner = (more: Partial<ClientSpec> = {}): Client =>
  clientOf({ clientId: 'c_partner', ownProfile: oauth21, grantTypes: [jwtBearerGrantType], ...more })

function openPartners(trust: Partial<TrustedIssuer> = {}, client: Client = partner()): Promise<World> {
  const stranger = partner({ clientId: 'c_stranger' })
  return openWorld({ clients: [client, stranger], trustedIssuers: [trustedIssuer(trust)] })
}

function ask(
  world: World,
  assertion: GrantAssertionOptions | string = {},
  fields: FormFields = {},
  options: TokenRequestOptions = {},
): Promise<Reply> {
  const text = typeof assertion === 'string' ? assertion : grantAssertion(world, assertion)
  return requestToken(world, 'c_partner', { ...jwtBearerFields(text), ...fields }, options)
}

async function introspect(world: World, token: string): Promise<Readonly<Record<string, unknown>>> {
  const form = { token, ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form }))
}

describe('the JWT bearer grant', () => {
  test('the word of a trusted issuer buys a bound token for one of our users', async () => {
    await using world = await openPartners()
    const reply = await ask(world, {}, { resource: payments, scope: 'payments' })
    // Payments has the FAPI profile, which forbids the grant: the resource has its say too.
    await assertRefused(world, reply, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'order.grant-type',
    })
    const good = await ask(world)
    assert.equal(good.status, 200, good.body.toString())
    assert.equal(jsonOf(good).token_type, 'DPoP')
    assert.equal(jsonOf(good).scope, 'accounts')
    const described = await introspect(world, textOf(good, 'access_token'))
    assert.equal(described.active, true)
    assert.equal(described.sub, alice)
    assert.equal(described.client_id, 'c_partner')
    assert.deepEqual(described.cnf, { jkt: keys.proof.thumbprint })
    assert.ok(!('auth_time' in described) && !('acr' in described), 'nobody signed in here')
  })

  test('no refresh token and no ID token come with it, and the token does not outlive the assertion', async () => {
    await using world = await openPartners()
    const reply = await ask(world, { claims: { exp: world.clock.now() + 37 } })
    assert.deepEqual(Object.keys(jsonOf(reply)).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
    assert.equal(jsonOf(reply).expires_in, 37)
    const token = textOf(reply, 'access_token')
    world.clock.advance(36)
    assert.equal((await introspect(world, token)).active, true)
    world.clock.advance(1)
    assert.equal((await introspect(world, token)).active, false)
  })

  test('a JWT access token says the same', async () => {
    const loose = [{ audience: payments, displayName: 'P', scopes: ['payments'], profile: undefined }].map(
      server => ({
        ...server,
        accessTokenFormat: 'jwt' as const,
        accessTokenSigningAlg: 'ES256' as const,
        hasStatusList: false,
      }),
    )
    await using world = await openWorld({
      clients: [partner()],
      trustedIssuers: [trustedIssuer()],
      resourceServers: loose,
    })
    const reply = await ask(world, {}, { resource: payments, scope: 'payments' })
    const claims = claimsOf(textOf(reply, 'access_token'))
    assert.equal(claims.sub, alice)
    assert.equal(claims.scope, 'payments')
    assert.ok(!('auth_time' in claims) && !('sid' in claims))
  })

  test('disabling the user, or ending the grant behind the token, ends it', async () => {
    await using world = await openPartners()
    const token = textOf(await ask(world), 'access_token')
    const other = textOf(await ask(world), 'access_token')
    const issued = await world.lastAudit('token.issued')
    await world.store.commit([
      { kind: 'revoke-grant', id: String(issued?.facts.grant_id), at: world.clock.now() },
    ])
    assert.equal((await introspect(world, other)).active, false)
    assert.equal((await introspect(world, token)).active, true)
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    assert.equal((await introspect(world, token)).active, false)
    await assertRefused(world, await ask(world), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'jwt-bearer.user',
    })
  })

  test('scopes and resources of the assertion narrow what it buys', async () => {
    await using world = await openPartners()
    const limited = await ask(world, { claims: { scope: 'accounts', resource: accounts } })
    assert.equal(jsonOf(limited).scope, 'accounts')
    const wide = await ask(world, { claims: { scope: 'accounts' } }, { scope: 'accounts payments' })
    await assertRefused(world, wide, { status: 400, error: 'invalid_scope', ruleId: 'jwt-bearer.scope' })
    const elsewhere = await ask(world, { claims: { resource: payments } })
    await assertRefused(world, elsewhere, {
      status: 400,
      error: 'invalid_target',
      ruleId: 'resource.allowed',
    })
    const nowhere = await ask(world, { claims: { resource: 'https://nowhere.example' } })
    await assertRefused(world, nowhere, {
      status: 400,
      error: 'invalid_target',
      ruleId: 'jwt-bearer.target',
    })
  })

  test('subjects are subjects, usernames or a list, as the document says', async () => {
    await using bySubject = await openPartners({ subjects: 'subject' })
    assert.equal((await ask(bySubject, { claims: { sub: alice } })).status, 200)
    assert.equal(jsonOf(await ask(bySubject, { claims: { sub: 'alice' } })).error, 'invalid_grant')
    await using listed = await openPartners({ subjects: new Map([['00u1', 'alice']]) })
    assert.equal((await ask(listed, { claims: { sub: '00u1' } })).status, 200)
    for (const sub of ['alice', 'constructor', '__proto__'])
      assert.equal(jsonOf(await ask(listed, { claims: { sub } })).error, 'invalid_grant', sub)
  })

  test('keys may stand behind a URL, and a new one is found by its kid', async () => {
    const documents = new Map([['https://idp.example/jwks', { keys: [idpKey.publicJwk] as unknown[] }]])
    const trust = trustedIssuer({ keys: [], jwksUri: 'https://idp.example/jwks' })
    await using world = await openWorld({ clients: [partner()], trustedIssuers: [trust], documents })
    assert.equal((await ask(world)).status, 200)
    const next = newTestKey('ES256', 'idp-2')
    documents.set('https://idp.example/jwks', { keys: [idpKey.publicJwk, next.publicJwk] })
    world.clock.advance(61)
    assert.equal((await ask(world, { key: next })).status, 200)
    assert.equal((await ask(world, { key: keys.attacker })).status, 400)
  })

  test('the metadata names the grant where a document trusts somebody and the floor allows it', async () => {
    const named = (world: World): boolean =>
      (metadataDocument(world.issuer, ['ES256']).grant_types_supported as string[]).includes(
        jwtBearerGrantType,
      )
    await using trusting = await openPartners()
    assert.equal(named(trusting), true)
    await using alone = await openWorld()
    assert.equal(named(alone), false)
    const forbidding = { ...trusting.issuer.floor, jwtBearerGrant: 'forbidden' as const }
    assert.equal(named({ ...trusting, issuer: { ...trusting.issuer, floor: forbidding } }), false)
  })

  test('the audit tells whose word it was', async () => {
    await using world = await openPartners()
    await ask(world)
    const issued = await world.lastAudit('token.issued')
    assert.equal(issued?.subject, alice)
    assert.equal(issued?.facts.grant_type, jwtBearerGrantType)
    assert.equal(issued?.facts.trusted_issuer, 'idp')
    assert.equal(issued?.facts.assertion_key_id, 'idp-1')
  })
})

describe('the JWT bearer grant refuses', () => {
  test('a second use, also when sixteen come at once', async () => {
    await using world = await openPartners()
    const assertion = grantAssertion(world)
    const replies = await Promise.all(Array.from({ length: 16 }, () => ask(world, assertion)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    for (const reply of replies.filter(({ status }) => status !== 200))
      await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'jwt-bearer.replay' })
    world.clock.advance(119)
    await assertRefused(world, await ask(world, assertion), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'jwt-bearer.replay',
    })
    assert.equal((await world.audit()).filter(({ event }) => event === 'token.issued').length, 1)
    assert.ok(
      (await world.audit()).some(
        ({ outcome, ruleId }) => outcome === 'alert' && ruleId === 'jwt-bearer.replay',
      ),
    )
  })

  test('its edges: good a second before `exp`, refused at it and after it', async () => {
    await using world = await openPartners()
    const iat = world.clock.now()
    const at = (exp: number): Promise<Reply> => ask(world, { claims: { iat: iat - 10, exp } })
    assert.equal((await at(iat + 1)).status, 200)
    const dead = { status: 400, error: 'invalid_grant', ruleId: 'jwt-bearer.exp' }
    await assertRefused(world, await at(iat), dead)
    await assertRefused(world, await at(iat - 1), dead)
  })

  test('an assertion from before the store began', async () => {
    await using world = await openPartners({ assertionLifetimeSeconds: 7200 })
    const now = world.clock.now()
    const old = await ask(world, { claims: { iat: now - 3601, exp: now + 60 } })
    await assertRefused(world, old, { status: 400, error: 'invalid_grant', ruleId: 'jwt-bearer.replay' })
  })

  const spoiled: readonly (readonly [string, GrantAssertionOptions | string, string])[] = [
    ['another issuer', { claims: { iss: 'https://other.example' } }, 'jwt-bearer.iss'],
    ['an issuer named like a member of an object', { claims: { iss: '__proto__' } }, 'jwt-bearer.iss'],
    ['our own issuer', { claims: { iss: issuerUrl } }, 'jwt-bearer.iss'],
    ['the key of somebody else', { key: keys.attacker }, 'jwt-bearer.signature'],
    [
      'that key under the right kid',
      { key: keys.attacker, header: { kid: 'idp-1' } },
      'jwt-bearer.signature',
    ],
    ['a kid that is no text', { header: { kid: 1 } }, 'jws.kid'],
    ['no algorithm', { header: { alg: 'none' } }, 'jwt-bearer.alg'],
    ['another audience', { claims: { aud: 'https://other.example' } }, 'jwt-bearer.aud'],
    ['the token endpoint as audience', { claims: { aud: `${issuerUrl}/token` } }, 'jwt-bearer.aud'],
    ['an assertion for another client', { claims: { client_id: 'c_stranger' } }, 'jwt-bearer.client'],
    ['a user we do not have', { claims: { sub: 'mallory' } }, 'jwt-bearer.user'],
    ['a key that is not proven', { claims: { cnf: { jkt: keys.otherProof.thumbprint } } }, 'jwt-bearer.cnf'],
    ['details we cannot carry', { claims: { authorization_details: [] } }, 'jwt-bearer.limits'],
    ['an access token', { header: { typ: 'at+jwt' } }, 'jwt-bearer.typ'],
    ['an ID token, which is for the client', { claims: { aud: 'c_partner' } }, 'jwt-bearer.aud'],
  ]
  for (const [name, assertion, ruleId] of spoiled)
    test(`${name}: ${ruleId}`, async () => {
      await using world = await openPartners()
      await assertRefused(world, await ask(world, assertion), {
        status: 400,
        error: 'invalid_grant',
        ruleId,
      })
    })

  test('a MAC made with the public key of the trusted issuer', async () => {
    await using world = await openPartners()
    const [, claims] = grantAssertion(world).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'idp-1' })).toString('base64url')
    const pem = idpKey.publicKey.export({ format: 'pem', type: 'spki' })
    const mac = createHmac('sha256', pem).update(`${header}.${claims}`).digest('base64url')
    const reply = await ask(world, `${header}.${claims}.${mac}`)
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'jwt-bearer.alg' })
  })

  test('a client assertion in its place, and an assertion in place of a client assertion', async () => {
    await using world = await openPartners()
    const own = world.assertion('c_partner').client_assertion
    const reply = await ask(world, own)
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'jwt-bearer.iss' })
    const asClient = await ask(world, {}, { client_assertion: grantAssertion(world) })
    assert.equal(asClient.status, 401)
  })

  test('anything at all in its place, without breaking', async () => {
    await using world = await openPartners()
    const part = fc.oneof(fc.base64String({ maxLength: 40 }), fc.string({ maxLength: 40 }))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 4 }).map(parts => parts.join('.')),
        ),
        async text => {
          const { status } = await ask(world, text)
          assert.equal(status, 400)
        },
      ),
      { numRuns: 200 },
    )
    const claims = fc.dictionary(
      fc.constantFrom('iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'cnf', 'scope', 'resource'),
      fc.jsonValue(),
      { minKeys: 1 },
    )
    await fc.assert(
      fc.asyncProperty(claims, async spoiled => {
        const { status } = await ask(world, { claims: spoiled })
        assert.ok(status === 400 || status === 200)
      }),
      { numRuns: 200 },
    )
  })

  test('text that is no JWT, and no text at all', async () => {
    await using world = await openPartners()
    for (const text of ['x', 'a.b', 'a.b.c.d', '..', `${'a'.repeat(8193)}.b.c`])
      assert.equal(jsonOf(await ask(world, text)).error, 'invalid_grant', text.slice(0, 10))
    const none = await ask(world, {}, { assertion: undefined })
    await assertRefused(world, none, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'jwt-bearer.assertion-missing',
    })
  })

  test('a client its document does not name, a client without the grant type, and FAPI', async () => {
    await using world = await openPartners()
    const assertion = jwtBearerFields(grantAssertion(world))
    await assertRefused(world, await requestToken(world, 'c_stranger', assertion), {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'jwt-bearer.client',
    })
    await assertRefused(world, await requestToken(world, 'c_bank', assertion), {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'grant-type.registered',
    })
    await using strict = await openPartners({}, partner({ ownProfile: fapi2Security }))
    await assertRefused(strict, await ask(strict), {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'jwt-bearer.profile',
    })
  })

  test('an assertion without client authentication', async () => {
    await using world = await openPartners()
    const reply = await requestToken(world, 'c_partner', jwtBearerFields(grantAssertion(world)), {
      authentication: 'none',
    })
    assert.equal(reply.status, 401)
    const isPublic = { isPublic: true, tokenEndpointAuthMethod: 'none', jwks: undefined } as const
    await using open = await openPartners({}, partner(isPublic))
    const fields = jwtBearerFields(grantAssertion(open))
    const asPublic = await requestToken(open, 'c_partner', fields, { authentication: 'none' })
    await assertRefused(open, asPublic, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'jwt-bearer.confidential',
    })
  })

  test('one assertion of two issuers that share a `jti` is spent for each alone', async () => {
    const other = newTestKey('ES256', 'other-1')
    const second = trustedIssuer({
      name: 'other',
      issuer: 'https://other.example',
      keys: [importedKey(other)],
    })
    await using world = await openWorld({ clients: [partner()], trustedIssuers: [trustedIssuer(), second] })
    const jti = 'same'
    assert.equal((await ask(world, { claims: { jti } })).status, 200)
    const theirs = { key: other, claims: { jti, iss: 'https://other.example' } }
    assert.equal((await ask(world, theirs)).status, 200)
    const crossed = await ask(world, { key: other, claims: { iss: idpUrl } })
    await assertRefused(world, crossed, {
      status: 400,
      error: 'invalid_grant',
      ruleId: 'jwt-bearer.signature',
    })
  })
})
