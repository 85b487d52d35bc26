import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { macAlgs } from '@holdfast/protocol/jose/mac.ts'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import type { Reply } from '../../http/exchange.ts'
import { metadataDocument } from '../metadata/document.ts'
import { accounts, basicHeader, clientOf, keys, secretOf } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  type SecretAssertionOptions,
  sealedSecretOf,
  secretAssertion,
  secretJwtClient,
  signingSecret,
} from '../testing/secret-assertion.ts'
import { type FormFields, issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

/** Clients that sign with their secret (`client_secret_jwt`), and those who would like to be taken for one. */

const send = (world: World, form: FormFields): Promise<Reply> =>
  world.send(tokenRoom, '/token', {
    form: { grant_type: 'client_credentials', resource: accounts, ...form },
  })
const ask = (world: World, options: SecretAssertionOptions = {}, clientId = 'c_hmac'): Promise<Reply> =>
  send(world, secretAssertion(world, clientId, options))
const refused = (ruleId: string) => ({ status: 401, error: 'invalid_client', ruleId })

const old = `cs_${'o'.repeat(86)}`
const open = (...more: Parameters<typeof secretJwtClient>[0][]): Promise<World> =>
  openWorld({ clients: [secretJwtClient(), ...more.map(spec => secretJwtClient(spec))] })

describe('an assertion with a MAC', () => {
  for (const alg of macAlgs)
    test(`${alg} lets its client in, once`, async () => {
      await using world = await open()
      const form = secretAssertion(world, 'c_hmac', { alg })
      const reply = await send(world, form)
      assert.equal(reply.status, 200, String(reply.body))
      const facts = (await world.lastAudit('token.issued'))?.facts
      assert.deepEqual([facts?.auth_method, facts?.key_id], ['client_secret_jwt', 'new'])
      assert.doesNotMatch(JSON.stringify(await world.audit()), /cs_|sss/)
      await assertRefused(world, await send(world, form), refused('client-assertion.replay'))
      assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
    })

  test('of 16 simultaneous uses one counts', async () => {
    await using world = await open()
    const form = secretAssertion(world)
    const replies = await Promise.all(Array.from({ length: 16 }, () => send(world, form)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
  })

  test('both secrets sign until the second in which the older expires', async () => {
    await using world = await open({
      secrets: [
        sealedSecretOf('c_hmac', 'new', signingSecret),
        sealedSecretOf('c_hmac', 'old', old, startOfWorld + 3600),
      ],
    })
    world.clock.advance(3599)
    assert.equal((await ask(world, { secret: old })).status, 200)
    assert.equal((await world.lastAudit('token.issued'))?.facts.key_id, 'old')
    world.clock.advance(1)
    await assertRefused(world, await ask(world, { secret: old }), refused('client-auth.secret-expired'))
    assert.equal((await ask(world)).status, 200)
  })

  test('the registered algorithm is the only one', async () => {
    await using world = await open({ tokenEndpointAuthSigningAlg: 'HS512' })
    assert.equal((await ask(world, { alg: 'HS512' })).status, 200)
    await assertRefused(world, await ask(world, { alg: 'HS256' }), refused('assertion.registered-alg'))
  })

  for (const [name, options, ruleId] of [
    ['another secret', { secret: old }, 'client-auth.secret'],
    ['the secret in other case', { secret: signingSecret.toUpperCase() }, 'client-auth.secret'],
    ['the secret and more', { secret: `${signingSecret}\n` }, 'client-auth.secret'],
    ['what is stored of the secret', { secret: secretOf('new', signingSecret).mac }, 'client-auth.secret'],
    ['no secret', { secret: '' }, 'client-auth.secret'],
    ['HS256 that says HS512', { alg: 'HS512', hash: 'sha256' }, 'client-auth.secret'],
    ['alg none', { header: { alg: 'none' } }, 'client-auth.alg'],
    ['alg ES256', { header: { alg: 'ES256' } }, 'client-auth.alg'],
    ['alg hs256', { header: { alg: 'hs256' } }, 'client-auth.alg'],
    ['another server as audience', { claims: { aud: 'https://other.example' } }, 'assertion.aud'],
    ['the token endpoint as audience', { claims: { aud: `${issuerUrl}/token` } }, 'assertion.aud'],
    ['two audiences', { claims: { aud: [issuerUrl, 'https://other.example'] } }, 'assertion.aud'],
    ['another iss', { claims: { iss: 'c_bank' } }, 'assertion.iss'],
    ['no exp', { claims: { exp: undefined } }, 'assertion.exp'],
    ['an exp that has passed', { claims: { exp: startOfWorld - 10 } }, 'assertion.exp'],
    ['a lifetime of an hour', { claims: { exp: startOfWorld + 3600 } }, 'assertion.lifetime'],
    ['no jti', { claims: { jti: undefined } }, 'assertion.jti'],
    ['typ dpop+jwt', { header: { typ: 'dpop+jwt' } }, 'assertion.typ'],
  ] as const satisfies readonly (readonly [string, SecretAssertionOptions, string])[])
    test(`with ${name} is refused by ${ruleId}`, async () => {
      await using world = await open()
      await assertRefused(world, await ask(world, options), refused(ruleId))
    })
})

describe('which kind of key proves which client', () => {
  test('a MAC proves no client of a key, whatever the secret: not its public key, not its JWK', async () => {
    await using world = await open()
    const { publicKey, publicJwk } = keys.bank
    for (const secret of [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(publicJwk),
      JSON.stringify({ keys: [publicJwk] }),
      Buffer.alloc(64),
    ])
      await assertRefused(world, await ask(world, { secret }, 'c_bank'), refused('client-auth.alg'))
  })

  test('a signature proves no client of a secret, with and without a key in its header', async () => {
    await using world = await open({ clientId: 'c_both', jwks: { keys: [keys.bank.publicJwk] } })
    for (const clientId of ['c_hmac', 'c_both'])
      for (const header of [{}, { jwk: keys.bank.publicJwk }]) {
        const form = world.assertion(clientId, { key: keys.bank, header })
        await assertRefused(world, await send(world, form), refused('client-auth.alg'))
      }
  })

  test('the secret itself is not taken, by Basic or in the body', async () => {
    await using world = await open()
    const posted = await send(world, { client_id: 'c_hmac', client_secret: signingSecret })
    await assertRefused(world, posted, refused('client-auth.method'))
    const basic = await world.send(tokenRoom, '/token', {
      form: { grant_type: 'client_credentials', resource: accounts },
      headers: [basicHeader('c_hmac', signingSecret)],
    })
    await assertRefused(world, basic, refused('client-auth.method'))
  })

  test('a client of Basic does not sign with its secret', async () => {
    await using world = await open({ clientId: 'c_plain', tokenEndpointAuthMethod: 'client_secret_basic' })
    await assertRefused(world, await ask(world, {}, 'c_plain'), refused('client-auth.method'))
  })

  test('no profile of FAPI lets a secret sign, whatever the client was before', async () => {
    await using world = await open({ clientId: 'c_strict', ownProfile: undefined })
    await assertRefused(world, await ask(world, {}, 'c_strict'), refused('client-auth.method'))
  })

  test('the key of the decoy proves nobody: no unknown client, none without a secret, none that cannot be read', async () => {
    const unread = [secretOf('plain', signingSecret)]
    await using world = await open(
      { clientId: 'c_without', secrets: [] },
      { clientId: 'c_unread', secrets: unread },
    )
    const zeros = { secret: Buffer.alloc(64) }
    const replies = [
      await ask(world, zeros, 'c_without'),
      await ask(world, zeros, 'c_unread'),
      await ask(world, {}, 'c_unread'),
      await ask(world, zeros),
      await ask(world, zeros, 'c_nobody'),
      await ask(world, { secret: old }),
      await ask(world, zeros, 'c_bank'),
    ]
    assert.equal(new Set(replies.map(({ status, body }) => `${status} ${body}`)).size, 1)
    assert.equal(jsonOf(replies[0] as Reply).error, 'invalid_client')
    assert.equal(replies[0]?.status, 401)
  })

  test('a sealed secret opens for its client, its id and its issuer alone; a wrong one is a fault and no refusal', async () => {
    const [own] = secretJwtClient().secrets
    assert.ok(own?.sealed)
    for (const moved of [
      { clientId: 'c_thief', secrets: [own] },
      { clientId: 'c_hmac', secrets: [{ ...own, id: 'other' }] },
      { clientId: 'c_hmac', secrets: [{ ...own, sealed: Buffer.concat([own.sealed, Buffer.of(0)]) }] },
    ]) {
      await using world = await openWorld({ clients: [secretJwtClient(moved)] })
      await assert.rejects(ask(world, {}, moved.clientId), { code: 'keys.sealed' })
    }
  })
})

describe('the metadata about secrets that sign', () => {
  test('names the method and the MACs where the floor has them, and nothing of it elsewhere', async () => {
    await using world = await openWorld({ clients: [clientOf({ clientId: 'c_x' })] })
    const plain = metadataDocument({ ...world.issuer, floor: secretJwtClient().profile }, ['ES256'])
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      const methods = plain[`${endpoint}_endpoint_auth_methods_supported`] as readonly string[]
      assert.ok(methods.includes('client_secret_jwt'), endpoint)
      const algs = plain[`${endpoint}_endpoint_auth_signing_alg_values_supported`] as readonly string[]
      assert.deepEqual(
        algs.filter(alg => alg.startsWith('HS')),
        ['HS256', 'HS384', 'HS512'],
      )
      assert.ok(!algs.includes('none'))
    }
    const strict = metadataDocument({ ...world.issuer, floor: fapi2Security }, ['ES256'])
    assert.doesNotMatch(JSON.stringify(strict), /client_secret|"HS\d/)
    for (const [name, value] of Object.entries(plain))
      if (!name.endsWith('_endpoint_auth_signing_alg_values_supported'))
        assert.doesNotMatch(JSON.stringify(value), /"HS\d/, name)
  })
})
