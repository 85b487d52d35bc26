import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import type { Reply } from '../../http/exchange.ts'
import { metadataDocument } from '../metadata/document.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { clientEndpoints } from '../testing/endpoints.ts'
import { currentNonce, jsonOf } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  bundleJwk,
  bundleUrl,
  spiffeClient,
  svidKeys,
  svidOf,
  trustDomains,
  workload,
} from '../testing/spiffe.ts'
import { type FormFields, issuerUrl, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const credentials = { grant_type: 'client_credentials', scope: 'accounts' }
const strict = { ...oauth21, name: 'strict', svidReuse: 'forbidden' } as const
const remoteWorkload = 'spiffe://remote.example/jobs/7'

const clients = [
  spiffeClient({ clientId: 'c_spiffe' }),
  spiffeClient({ clientId: 'c_jobs', spiffeId: 'spiffe://remote.example/jobs/*' }),
  spiffeClient({ clientId: 'c_staging', spiffeId: 'spiffe://staging.example/billing/reader' }),
]

const openTestWorld = (options: WorldOptions = {}): Promise<World> =>
  openWorld({ clients, spiffeTrustDomains: trustDomains, ...options })

const proofOf = (world: World) => ['dpop', world.proof('/token', { nonce: currentNonce(world) })] as const

function askWith(world: World, form: FormFields): Promise<Reply> {
  return world.send(tokenRoom, '/token', { form: { ...credentials, ...form }, headers: [proofOf(world)] })
}

const refusedBy = (ruleId: string) => ({ status: 401, error: 'invalid_client', ruleId }) as const

describe('a workload with a JWT-SVID', () => {
  test('is its client, with `client_id` or without, and the audit says which workload it was', async () => {
    await using world = await openTestWorld()
    for (const more of [{}, { client_id: 'c_spiffe' }]) {
      const reply = await askWith(world, { ...svidOf(world), ...more })
      assert.equal(reply.status, 200, reply.body.toString())
      assert.equal(jsonOf(reply).token_type, 'DPoP')
    }
    const record = await world.lastAudit('token.issued')
    assert.equal(record?.clientId, 'c_spiffe')
    const { auth_method, spiffe_id, trust_domain, key_id } = record?.facts ?? {}
    assert.deepEqual(
      { auth_method, spiffe_id, trust_domain, key_id },
      {
        auth_method: 'spiffe_jwt',
        spiffe_id: workload,
        trust_domain: 'production',
        key_id: svidKeys.production.kid,
      },
    )
  })

  test('an SVID without `kid` is accepted', async () => {
    await using world = await openTestWorld()
    const header = { kid: undefined, typ: undefined }
    assert.equal((await askWith(world, svidOf(world, { header }))).status, 200)
  })

  test('may be any below the path that the client registered', async () => {
    const documents = new Map([[bundleUrl, { keys: [bundleJwk(svidKeys.production)] }]])
    await using world = await openTestWorld({ documents })
    for (const sub of [remoteWorkload, 'spiffe://remote.example/jobs/a/b'])
      assert.equal((await askWith(world, svidOf(world, { claims: { sub } }))).status, 200)
    assert.equal((await world.lastAudit('token.issued'))?.clientId, 'c_jobs')
  })

  test('takes no JWT-SVID that is not compact', async () => {
    await using world = await openTestWorld()
    const { client_assertion_type, client_assertion } = svidOf(world)
    const [head, payload, signature] = client_assertion.split('.')
    const flattened = JSON.stringify({ protected: head, payload, signature })
    const reply = await askWith(world, { client_assertion_type, client_assertion: flattened })
    await assertRefused(world, reply, { status: 401, error: 'invalid_client' })
  })
})

describe('a JWT that is no SVID of the client', () => {
  const other = newTestKey('ES256', 'svid-production')
  const edwards = newTestKey('EdDSA', 'svid-ed')

  test('is refused when a key of another trust domain, of another kind of SVID or of nobody signed it', async () => {
    await using world = await openTestWorld()
    for (const key of [
      { ...svidKeys.staging, kid: 'svid-staging' },
      { ...svidKeys.staging, kid: 'svid-production' },
      svidKeys.x509,
      { ...svidKeys.x509, kid: 'svid-production' },
      keys.bank,
      other,
      edwards,
    ])
      for (const header of [{}, { kid: undefined }])
        await assertRefused(
          world,
          await askWith(world, svidOf(world, { key, header })),
          refusedBy('client-auth.svid-signature'),
        )
  })

  test('is refused when it brings its key, or says where it is', async () => {
    await using world = await openTestWorld()
    const header = { jwk: other.publicJwk, jku: 'https://evil.example/jwks', kid: undefined }
    await assertRefused(
      world,
      await askWith(world, svidOf(world, { key: other, header })),
      refusedBy('client-auth.svid-signature'),
    )
    assert.deepEqual(world.fetched, [])
  })

  test('looks for no key by the `iss` of an SVID', async () => {
    await using world = await openTestWorld()
    const iss = 'https://evil.example'
    const forged = svidOf(world, { key: other, claims: { iss } })
    await assertRefused(world, await askWith(world, forged), refusedBy('client-auth.svid-signature'))
    assert.equal((await askWith(world, svidOf(world, { claims: { iss } }))).status, 200)
    assert.deepEqual(world.fetched, [])
  })

  test('is refused for a workload that is no client, whoever it says it is', async () => {
    await using world = await openTestWorld()
    for (const [sub, client_id, ruleId] of [
      ['spiffe://prod.example/billing/writer', undefined, 'client-auth.unknown'],
      ['spiffe://prod.example/billing/reader/more', undefined, 'client-auth.unknown'],
      ['spiffe://prod.example/billing/writer', 'c_spiffe', 'client-auth.client-id'],
      [workload, 'c_staging', 'client-auth.client-id'],
      [workload, workload, 'client-auth.client-id'],
      ['c_spiffe', 'c_spiffe', 'spiffe-id.scheme'],
      ['c_bank', undefined, 'spiffe-id.scheme'],
      ['spiffe://prod.example', undefined, 'spiffe-id.workload'],
      ['SPIFFE://prod.example/billing/reader', undefined, 'spiffe-id.scheme'],
      ['spiffe://prod.example/billing/./reader', undefined, 'spiffe-id.path'],
    ] as const) {
      const form = svidOf(world, { claims: { sub } })
      await assertRefused(world, await askWith(world, { ...form, client_id }), refusedBy(ruleId))
    }
  })

  test('is refused as another kind of assertion, and another kind is refused as an SVID', async () => {
    await using world = await openTestWorld()
    const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const svid = svidOf(world)
    const asBearer = { ...svid, client_assertion_type: bearer }
    await assertRefused(world, await askWith(world, asBearer), refusedBy('client-auth.unknown'))
    const assertion = world.assertion('c_bank')
    const asSvid = { ...assertion, client_assertion_type: svid.client_assertion_type }
    await assertRefused(world, await askWith(world, asSvid), refusedBy('spiffe-id.scheme'))
    const named = world.assertion('c_spiffe')
    await assertRefused(world, await askWith(world, named), refusedBy('client-auth.method'))
    const alone = { client_assertion_type: svid.client_assertion_type }
    await assertRefused(world, await askWith(world, alone), refusedBy('client-auth.assertion-type'))
  })

  test('is refused under a profile without the method', async () => {
    const fapi = clientOf({ clientId: 'c_spiffe', tokenEndpointAuthMethod: 'spiffe_jwt', spiffeId: workload })
    await using world = await openTestWorld({ clients: [fapi] })
    await assertRefused(world, await askWith(world, svidOf(world)), refusedBy('client-auth.method'))
  })
})

test('SPIFFE is advertised when the issuer knows a trust domain, and not before', async () => {
  for (const [spiffeTrustDomains, floor, expected] of [
    [trustDomains, oauth21, true],
    [[], oauth21, false],
    [trustDomains, fapi2Security, false],
  ] as const) {
    await using world = await openTestWorld({ spiffeTrustDomains, floor })
    const metadata = metadataDocument(world.issuer, ['ES256'])
    for (const endpoint of ['token', 'introspection', 'revocation'])
      assert.equal(
        (metadata[`${endpoint}_endpoint_auth_methods_supported`] as string[]).includes('spiffe_jwt'),
        expected,
        endpoint,
      )
  }
})

describe('an SVID that comes again', () => {
  test('is taken until it expires, because agents hand the same one out, and then no more', async () => {
    await using world = await openTestWorld()
    const form = svidOf(world)
    assert.equal((await askWith(world, form)).status, 200)
    world.clock.advance(309)
    assert.equal((await askWith(world, form)).status, 200)
    world.clock.advance(1)
    await assertRefused(world, await askWith(world, form), refusedBy('svid.exp'))
  })

  const once = spiffeClient({
    clientId: 'c_spiffe',
    ownProfile: strict,
    introspects: ['https://accounts.example'],
  })

  test('an SVID works once where the profile forbids reuse, with or without `jti`, at every endpoint', async () => {
    for (const claims of [{}, { jti: 'a' }, { iat: undefined }]) {
      await using world = await openTestWorld({ clients: [once] })
      for (const endpoint of clientEndpoints) {
        const { path, room, fields, status } = endpoint
        // Another one: what it says must differ from those before.
        const form = { ...fields, ...svidOf(world, { claims: { ...claims, path } }) }
        const send = () => {
          const proof = world.proof(path, { nonce: currentNonce(world) })
          return world.send(room, path, { form, headers: endpoint.dpop === 'none' ? [] : [['dpop', proof]] })
        }
        assert.equal((await send()).status, status, path)
        await assertRefused(world, await send(), refusedBy('client-auth.svid-replay'))
        assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
      }
    }
  })

  test('with another signature of the same words it is the same', async () => {
    await using world = await openTestWorld({ clients: [once] })
    const form = svidOf(world)
    assert.equal((await askWith(world, form)).status, 200)
    const input = form.client_assertion.split('.').slice(0, 2).join('.')
    const { privateKey } = svidKeys.production
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const again = { ...form, client_assertion: `${input}.${signature.toString('base64url')}` }
    assert.notEqual(again.client_assertion, form.client_assertion)
    await assertRefused(world, await askWith(world, again), refusedBy('client-auth.svid-replay'))
  })

  test('is remembered for as long as it could be accepted', async () => {
    await using world = await openTestWorld({ clients: [once] })
    const form = svidOf(world)
    assert.equal((await askWith(world, form)).status, 200)
    world.clock.advance(309)
    await world.store.expire(world.clock.now(), 1000)
    await assertRefused(world, await askWith(world, form), refusedBy('client-auth.svid-replay'))
    world.clock.advance(1)
    await assertRefused(world, await askWith(world, form), refusedBy('svid.exp'))
  })

  test('sixteen at one moment buy one token', async () => {
    await using world = await openTestWorld({ clients: [once] })
    const form = svidOf(world)
    const replies = await Promise.all(Array.from({ length: 16 }, () => askWith(world, form)))
    assert.deepEqual(replies.map(reply => reply.status).toSorted(), [
      200,
      ...Array.from({ length: 15 }, () => 401),
    ])
  })
})

describe('the bundle of a trust domain', () => {
  const young = newTestKey('ES256', 'svid-young')
  const set = (hint: unknown, ...signing: readonly (typeof young)[]) => ({
    keys: signing.map(key => bundleJwk(key)),
    spiffe_sequence: 1,
    spiffe_refresh_hint: hint,
  })
  const remote = (world: World, key = svidKeys.production) =>
    askWith(world, svidOf(world, { key, claims: { sub: remoteWorkload } }))

  for (const [hint, seconds] of [
    [300, 300],
    [60, 60],
    [5, 60],
    [0, 60],
    [86_400, 600],
    [undefined, 600],
    ['300', 600],
    [-1, 600],
  ] as const)
    test(`asked to be fetched every ${hint} s it is after ${seconds}`, async () => {
      const documents = new Map([[bundleUrl, set(hint, svidKeys.production)]])
      await using world = await openTestWorld({ documents })
      assert.equal((await remote(world)).status, 200)
      world.clock.advance(seconds - 1)
      await remote(world)
      assert.equal(world.fetched.length, 1)
      world.clock.advance(1)
      await remote(world)
      assert.equal(world.fetched.length, 2)
    })

  test('a bundle is fetched again as often as it asks, between a minute and ten', async () => {
    const documents = new Map([[bundleUrl, set(120, svidKeys.production)]])
    await using world = await openTestWorld({ documents })
    assert.equal((await remote(world)).status, 200)
    documents.set(bundleUrl, set(120, young))
    world.clock.advance(60)
    assert.equal((await remote(world, young)).status, 200, 'an unknown kid asks at once')
    await assertRefused(world, await remote(world), refusedBy('client-auth.svid-signature'))
  })

  test('passes over what a bundle holds for others', async () => {
    const unknown = { kty: 'LMS', use: 'jwt-svid', kid: 'x' }
    const shouting = { ...bundleJwk(young), use: 'JWT-SVID' }
    const { use: _use, ...unmarked } = bundleJwk(young)
    const bundle = (...more: readonly object[]) => ({ keys: [unknown, null, 7, ...more] })
    const documents = new Map<string, unknown>([[bundleUrl, bundle(bundleJwk(svidKeys.production))]])
    await using world = await openTestWorld({ documents })
    assert.equal((await remote(world)).status, 200)
    for (const jwk of [shouting, unmarked, bundleJwk(young, 'x509-svid'), bundleJwk(young, 'sig')]) {
      documents.set(bundleUrl, bundle(jwk))
      world.clock.advance(600)
      await assertRefused(world, await remote(world, young), refusedBy('client-auth.svid-signature'))
    }
  })

  test('of one trust domain validates nothing of another, though the key were the same', async () => {
    const documents = new Map([[bundleUrl, set(undefined, young)]])
    await using world = await openTestWorld({ documents })
    assert.equal((await remote(world, young)).status, 200)
    await assertRefused(
      world,
      await askWith(world, svidOf(world, { key: young })),
      refusedBy('client-auth.svid-signature'),
    )
  })

  test('that cannot be fetched lets nobody in', async () => {
    await using world = await openTestWorld()
    await assertRefused(world, await remote(world), refusedBy('client-auth.svid-signature'))
    assert.ok(world.counted.includes('client_jwks_fetch_failures_total'))
  })

  test('holds no keys for assertions of clients, nor the key sets of clients keys for SVIDs', async () => {
    const shared = 'https://keys.client.example/jwks.json'
    const [production, staging] = trustDomains
    assert.ok(production && staging)
    const domain = { ...production, keys: [], bundleEndpoint: shared }
    const { kid } = svidKeys.production
    const jwk = { ...svidKeys.production.publicJwk, kid }
    for (const [use, isSvid] of [
      ['jwt-svid', true],
      ['sig', false],
    ] as const) {
      const documents = new Map([[shared, { keys: [{ ...jwk, use }] }]])
      await using world = await openTestWorld({ documents, spiffeTrustDomains: [domain, staging] })
      assert.equal((await askWith(world, svidOf(world))).status, isSvid ? 200 : 401)
      const assertion = world.assertion('c_remote', { key: svidKeys.production })
      assert.equal((await askWith(world, assertion)).status, isSvid ? 401 : 200)
    }
  })
})

test('an SVID for another server, with other audiences or for an endpoint is refused', async () => {
  await using world = await openTestWorld()
  for (const aud of ['https://other.example', [issuerUrl, 'https://other.example'], `${issuerUrl}/token`, []])
    await assertRefused(
      world,
      await askWith(world, svidOf(world, { claims: { aud } })),
      refusedBy('svid.aud'),
    )
})
