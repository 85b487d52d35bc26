import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import type { Reply } from '../../http/exchange.ts'
import { challengeRoom } from '../challenge/room.ts'
import { metadataDocument } from '../metadata/document.ts'
import {
  attestation,
  attested,
  attestedByDpop,
  attestedClient,
  attesterKeys,
  attesters,
  instanceKeys,
  pop,
  type Spoiled,
} from '../testing/attestation.ts'
import { accounts, keys } from '../testing/clients.ts'
import { type ClientEndpoint, clientEndpoints } from '../testing/endpoints.ts'
import { headersOf, jsonOf, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, type RequestOptions, startOfWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const clients = [
  attestedClient(false),
  attestedClient(true),
  attestedClient(false, { clientId: 'c_strict_attested', ownProfile: fapi2Security }),
  attestedClient(false, { clientId: 'c_suspended_attested', status: 'suspended' }),
]
const openTestWorld = (): Promise<World> => openWorld({ clients, attesters })
type Headers = NonNullable<RequestOptions['headers']>

const send = (
  world: World,
  { room, path, fields }: ClientEndpoint,
  headers: Headers,
  form = {},
): Promise<Reply> => world.send(room, path, { form: { ...fields, ...form }, headers })

interface Failure {
  readonly name: string
  readonly headers: (world: World, path: string) => Headers
  readonly form?: Readonly<Record<string, string>>
  readonly ruleId: string
  readonly status?: number
  readonly error?: string
}

const spoiled = (name: string, spoil: Spoiled, ruleId: string, more: Partial<Failure> = {}): Failure => ({
  name,
  headers: world => attested(world, 'c_attested', spoil),
  ruleId,
  ...more,
})
const ofAttestation = (name: string, claims: object, ruleId: string): Failure =>
  spoiled(`an attestation with ${name}`, { attestation: { claims: { ...claims } } }, ruleId)
const ofPop = (name: string, claims: object, ruleId: string): Failure =>
  spoiled(`a proof with ${name}`, { pop: { claims: { ...claims } } }, ruleId)
const ofDpop = (name: string, spoil: Spoiled & { readonly nonce?: string }, ruleId: string): Failure => ({
  name: `combined, ${name}`,
  headers: (world, path) => attestedByDpop(world, 'c_attested_dpop', path, spoil),
  ruleId,
})
const { d, ...phone } = instanceKeys.phone.privateKey.export({ format: 'jwk' })
const challenge = { status: 400, error: 'use_attestation_challenge' }
const fresh = { status: 400, error: 'use_fresh_attestation' }
const invalidRequest = { status: 400, error: 'invalid_request' }
const unknownSigner = 'client-auth.attestation-signature'

const failures: readonly Failure[] = [
  spoiled(
    'an attestation of an attester of other clients',
    { attestation: { key: attesterKeys.other } },
    unknownSigner,
  ),
  spoiled(
    'an attestation of nobody',
    { attestation: { key: keys.attacker, header: { kid: 'attester-1' } } },
    unknownSigner,
  ),
  spoiled('an attestation with alg none', { attestation: { header: { alg: 'none' } } }, unknownSigner),
  spoiled('an attestation with a MAC', { attestation: { header: { alg: 'HS256' } } }, unknownSigner),
  spoiled(
    'an attestation that brings its key',
    {
      attestation: {
        key: keys.attacker,
        header: { kid: undefined, jwk: keys.attacker.publicJwk, jku: 'https://a.example' },
      },
    },
    unknownSigner,
  ),
  spoiled(
    'an attestation without typ',
    { attestation: { header: { typ: undefined } } },
    'client-auth.attestation-typ',
  ),
  ofAttestation('no sub', { sub: undefined }, 'client-auth.attestation-client'),
  ofAttestation('an unknown sub', { sub: 'c_nobody' }, 'client-auth.unknown'),
  ofAttestation('no exp', { exp: undefined }, 'client-auth.attestation-exp'),
  ofAttestation('no cnf', { cnf: undefined }, 'client-auth.attestation-cnf'),
  ofAttestation('a private key', { cnf: { jwk: { ...phone, d } } }, 'client-auth.attestation-cnf'),
  ofAttestation('an iat ahead', { iat: startOfWorld + 61 }, 'client-auth.attestation-future'),
  {
    ...ofAttestation('an exp that has come', { exp: startOfWorld }, 'client-auth.attestation-stale'),
    ...fresh,
  },
  spoiled('a client_id of another client', {}, 'client-auth.attestation-client', {
    form: { client_id: 'c_bank' },
  }),
  spoiled('a proof by another key', { pop: { key: instanceKeys.tablet } }, 'client-auth.pop-signature'),
  spoiled('a proof with alg none', { pop: { header: { alg: 'none' } } }, 'client-auth.pop-signature'),
  spoiled('a proof without typ', { pop: { header: { typ: undefined } } }, 'client-auth.pop-typ'),
  ofPop('the URL of an endpoint as audience', { aud: `${issuerUrl}/token` }, 'client-auth.pop-aud'),
  ofPop('no jti', { jti: undefined }, 'client-auth.pop-jti'),
  ofPop('no iat', { iat: undefined }, 'client-auth.pop-iat'),
  ofPop('an iat 61 seconds ago', { iat: startOfWorld - 61 }, 'client-auth.pop-iat'),
  { ...ofPop('no challenge', { challenge: undefined }, 'client-auth.attestation-challenge'), ...challenge },
  {
    ...ofPop('a wrong challenge', { challenge: 'guess' }, 'client-auth.attestation-challenge'),
    ...challenge,
  },
  {
    name: 'two attestations',
    headers: world => [
      ...attested(world, 'c_attested'),
      ['oauth-client-attestation', attestation(world, 'c_attested')],
    ],
    ruleId: 'client-auth.attestation-fields',
    ...invalidRequest,
  },
  {
    name: 'two proofs',
    headers: world => [...attested(world, 'c_attested'), ['oauth-client-attestation-pop', pop(world)]],
    ruleId: 'client-auth.attestation-fields',
    ...invalidRequest,
  },
  {
    name: 'a proof alone',
    headers: world => [['oauth-client-attestation-pop', pop(world)]],
    ruleId: 'client-auth.attestation-missing',
  },
  {
    name: 'an attestation alone',
    headers: world => [['oauth-client-attestation', attestation(world, 'c_attested')]],
    ruleId: 'client-auth.method',
  },
  {
    name: 'an attestation beside a secret',
    headers: world => attested(world, 'c_attested'),
    form: { client_secret: 's' },
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  {
    name: 'an attestation for a client with keys',
    headers: world => attested(world, 'c_bank'),
    ruleId: 'client-auth.method',
  },
  {
    name: 'an attestation under FAPI 2.0',
    headers: world => attested(world, 'c_strict_attested'),
    ruleId: 'client-auth.method',
  },
  {
    name: 'an attestation of a suspended client',
    headers: world => attested(world, 'c_suspended_attested'),
    ruleId: 'client-auth.suspended',
  },
  {
    name: 'the normal mode of a client of the combined one',
    headers: world => attested(world, 'c_attested_dpop'),
    ruleId: 'client-auth.method',
  },
  ofDpop('a proof by another key', { pop: { key: instanceKeys.tablet } }, 'client-auth.attestation-proof'),
  ofDpop('a proof for another method', { pop: { claims: { htm: 'GET' } } }, 'client-auth.attestation-proof'),
  { ...ofDpop('no challenge as nonce', { nonce: '' }, 'client-auth.attestation-nonce'), ...challenge },
  {
    ...ofDpop('a wrong challenge as nonce', { nonce: 'guess' }, 'client-auth.attestation-nonce'),
    ...challenge,
  },
  {
    ...ofDpop(
      'an attestation that has expired',
      { attestation: { claims: { exp: startOfWorld } } },
      'client-auth.attestation-stale',
    ),
    ...fresh,
  },
  {
    name: 'combined, without a proof',
    headers: world => [['oauth-client-attestation', attestation(world, 'c_attested_dpop')]],
    ruleId: 'client-auth.attestation-proof',
  },
]

for (const endpoint of clientEndpoints)
  describe(`client attestation at ${endpoint.path}`, () => {
    const { path, status, error: beyond } = endpoint

    test('both modes let their client in', async () => {
      await using world = await openTestWorld()
      for (const headers of [
        attested(world, 'c_attested'),
        attestedByDpop(world, 'c_attested_dpop', path),
        attested(world, 'c_attested', { instance: instanceKeys.tablet }),
      ]) {
        const reply = await send(world, endpoint, headers)
        assert.equal(reply.status, status, reply.body.toString())
        if (beyond !== undefined) assert.equal(jsonOf(reply).error, beyond)
      }
    })

    for (const { name, headers, form, ruleId, status: code = 401, error = 'invalid_client' } of failures)
      test(`${name} is ${code} ${error} at ${path}`, async () => {
        await using world = await openTestWorld()
        const reply = await send(world, endpoint, headers(world, path), form)
        await assertRefused(world, reply, { status: code, error, ruleId })
        const told = headersOf(reply, 'oauth-client-attestation-challenge')
        assert.equal(told.length, error === 'use_attestation_challenge' ? 1 : 0)
        assert.doesNotMatch(JSON.stringify(await world.audit()), /eyJ[\w-]+\.eyJ/)
      })

    test('a proof that was used at any endpoint is 401 invalid_client and an alert', async () => {
      await using world = await openTestWorld()
      for (const first of clientEndpoints) {
        const headers = attested(world, 'c_attested')
        assert.equal((await send(world, first, headers)).status, first.status)
        const again = await send(world, endpoint, headers)
        await assertRefused(world, again, {
          status: 401,
          error: 'invalid_client',
          ruleId: 'client-auth.pop-replay',
        })
        assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
      }
    })
  })

describe('challenges of client attestation', () => {
  const ask = (world: World, headers: Headers): Promise<Reply> =>
    world.send(tokenRoom, '/token', {
      form: { grant_type: 'client_credentials', resource: accounts },
      headers,
    })

  test('the challenge endpoint hands out what a proof must carry, and it is not cached', async () => {
    await using world = await openTestWorld()
    const reply = await world.send(challengeRoom, '/challenge')
    assert.equal(reply.status, 200)
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    const given = textOf(reply, 'attestation_challenge')
    assert.deepEqual(Object.keys(jsonOf(reply)), ['attestation_challenge'])
    const headers = attested(world, 'c_attested', { pop: { claims: { challenge: given } } })
    assert.equal((await ask(world, headers)).status, 200)
  })

  test('a refused challenge brings the one to use, and nothing is spent', async () => {
    await using world = await openTestWorld()
    const old = attested(world, 'c_attested', { pop: { claims: { challenge: 'old', jti: 'same' } } })
    const refused = await ask(world, old)
    const [told] = headersOf(refused, 'oauth-client-attestation-challenge')
    const again = attested(world, 'c_attested', { pop: { claims: { challenge: told, jti: 'same' } } })
    assert.equal((await ask(world, again)).status, 200)
  })

  test('a challenge counts in its minute and the next one', async () => {
    await using world = await openTestWorld()
    const given = textOf(await world.send(challengeRoom, '/challenge'), 'attestation_challenge')
    const headers = (): Headers => attested(world, 'c_attested', { pop: { claims: { challenge: given } } })
    world.clock.advance(119)
    assert.equal((await ask(world, headers())).status, 200)
    world.clock.advance(1)
    assert.equal(jsonOf(await ask(world, headers())).error, 'use_attestation_challenge')
  })

  test('the record names attester, key and instance', async () => {
    await using world = await openTestWorld()
    assert.equal((await ask(world, attested(world, 'c_attested'))).status, 200)
    const facts = (await world.lastAudit('token.issued'))?.facts
    assert.equal(facts?.auth_method, 'attest_jwt_client_auth')
    assert.equal(facts?.attester, 'vendor')
    assert.equal(facts?.key_id, 'attester-1')
    assert.equal(facts?.instance_jkt, instanceKeys.phone.thumbprint)
  })

  test('attestation is advertised when the issuer trusts an attester, and not before', async () => {
    await using world = await openTestWorld()
    await using without = await openWorld()
    const named = metadataDocument(world.issuer, ['ES256'])
    const methods = named.token_endpoint_auth_methods_supported as readonly string[]
    assert.ok(methods.includes('attest_jwt_client_auth') && methods.includes('attest_jwt_client_auth_dpop'))
    assert.equal(named.challenge_endpoint, `${issuerUrl}/challenge`)
    assert.deepEqual(named.client_attestation_signing_alg_values_supported, world.issuer.floor.signingAlgs)
    assert.deepEqual(
      named.client_attestation_pop_signing_alg_values_supported,
      world.issuer.floor.signingAlgs,
    )
    assert.doesNotMatch(
      JSON.stringify(metadataDocument(without.issuer, ['ES256'])),
      /attest|challenge_endpoint/,
    )
  })
})
