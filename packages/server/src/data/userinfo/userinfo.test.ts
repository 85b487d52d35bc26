import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseChallenges } from '@holdfast/protocol/wire/challenge.ts'
import { jwtVerify } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { currentNonce, headersOf, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import {
  alice,
  issuerKeys,
  issuerUrl,
  openWorld,
  type ProofOptions,
  type RequestOptions,
  type World,
} from '../testing/world.ts'
import { userinfoRoom } from './room.ts'

const path = '/userinfo'

/** A good request of this method with a proof over the token. */
function ask(
  world: World,
  accessToken: string,
  options: {
    readonly proof?: ProofOptions | 'none'
    readonly scheme?: string
    readonly request?: RequestOptions
  } = {},
): Promise<Reply> {
  const { proof = {}, scheme = 'DPoP', request = {} } = options
  const method = request.method ?? 'GET'
  const proofs =
    proof === 'none'
      ? []
      : [['dpop', world.proof(path, { method, accessToken, nonce: currentNonce(world), ...proof })] as const]
  return world.send(userinfoRoom, path, {
    method,
    ...request,
    headers: [['authorization', `${scheme} ${accessToken}`], ...proofs, ...(request.headers ?? [])],
  })
}

async function issued(world: World, scopes?: readonly string[]): Promise<string> {
  const { code } = await seedCode(world, 'c_bank', scopes === undefined ? {} : { grant: { scopes } })
  return textOf(await redeem(world, 'c_bank', code), 'access_token')
}

/** Status and, per scheme, the error of its challenge. */
function challengesOf(reply: Reply): Readonly<Record<string, string | undefined>> {
  const fields = headersOf(reply, 'www-authenticate')
  const parsed = fields.flatMap(field => parseChallenges(field) ?? [])
  return Object.fromEntries(parsed.map(({ scheme, params }) => [scheme, params.get('error')]))
}

describe('userinfo', () => {
  for (const method of ['GET', 'POST'])
    test(`${method} answers sub and what the scopes release, and nothing more`, async () => {
      await using world = await openWorld()
      const reply = await ask(world, await issued(world), { request: { method } })
      assert.equal(reply.status, 200, reply.body.toString())
      assert.deepEqual(headersOf(reply, 'content-type'), ['application/json'])
      assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
      assert.deepEqual(jsonOf(reply), { sub: alice, name: 'Alice Adams', family_name: 'Adams' })
    })

  test('a signed answer is a JWT with iss and aud that an independent library verifies', async () => {
    const client = clientOf({ clientId: 'c_bank', userinfoSignedResponseAlg: 'EdDSA' })
    await using world = await openWorld({ clients: [client] })
    const reply = await ask(world, await issued(world))
    assert.deepEqual(headersOf(reply, 'content-type'), ['application/jwt'])
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
    const key = issuerKeys.find(({ alg }) => alg === 'EdDSA')
    assert.ok(key)
    const { payload } = await jwtVerify(reply.body.toString(), key.publicKey, { algorithms: ['EdDSA'] })
    const told = { sub: alice, name: 'Alice Adams', family_name: 'Adams' }
    assert.deepEqual(payload, { ...told, iss: issuerUrl, aud: 'c_bank' })
    const names = (await world.lastAudit('userinfo.read'))?.facts.claims
    assert.deepEqual(names, ['name', 'family_name', 'sub'])
  })

  test('the scheme name may be written in any case', async () => {
    await using world = await openWorld()
    assert.equal((await ask(world, await issued(world), { scheme: 'dPoP' })).status, 200)
  })

  test('without credentials: both challenges, no error, algorithms for DPoP', async () => {
    await using world = await openWorld()
    const reply = await world.send(userinfoRoom, path, { method: 'GET' })
    assert.equal(reply.status, 401)
    assert.deepEqual(challengesOf(reply), { DPoP: undefined, Bearer: undefined })
    assert.match(headersOf(reply, 'www-authenticate')[0] ?? '', /^DPoP algs="/)
    assert.ok(!('error' in jsonOf(reply)))
  })

  test('a bound token with the scheme Bearer is 401 invalid_token', async () => {
    await using world = await openWorld()
    const reply = await ask(world, await issued(world), { scheme: 'Bearer' })
    assert.equal(reply.status, 401)
    assert.deepEqual(challengesOf(reply), { DPoP: undefined, Bearer: 'invalid_token' })
  })

  const spoiled: readonly [string, ProofOptions | 'none', string][] = [
    ['no proof', 'none', 'invalid_dpop_proof'],
    ['no ath', { claims: { ath: undefined } }, 'invalid_dpop_proof'],
    ['the ath of another token', { accessToken: 'at_other' }, 'invalid_dpop_proof'],
    ['another method', { method: 'PUT' }, 'invalid_dpop_proof'],
    ['another URL', { claims: { htu: 'https://as.example/token' } }, 'invalid_dpop_proof'],
    ['another key', { key: keys.otherProof }, 'invalid_token'],
    ['no nonce', { claims: { nonce: undefined } }, 'use_dpop_nonce'],
    ['an old nonce', { nonce: 'x'.repeat(43) }, 'use_dpop_nonce'],
  ]
  for (const [name, proof, error] of spoiled)
    test(`with ${name} it is 401 ${error}, on the scheme that was used`, async () => {
      await using world = await openWorld()
      const reply = await ask(world, await issued(world), { proof })
      assert.equal(reply.status, 401, reply.body.toString())
      assert.deepEqual(challengesOf(reply), { DPoP: error, Bearer: undefined })
      if (error === 'use_dpop_nonce') assert.deepEqual(headersOf(reply, 'dpop-nonce'), [currentNonce(world)])
    })

  test('a proof is used once', async () => {
    await using world = await openWorld()
    const token = await issued(world)
    const proof = world.proof(path, { method: 'GET', accessToken: token, nonce: currentNonce(world) })
    const again = { request: { headers: [['dpop', proof]] as const }, proof: 'none' as const }
    assert.equal((await ask(world, token, again)).status, 200)
    const reply = await ask(world, token, again)
    assert.equal(reply.status, 401)
    assert.deepEqual(challengesOf(reply), { DPoP: 'invalid_dpop_proof', Bearer: undefined })
    assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
  })

  test('a token without openid is 403 insufficient_scope and says which scope is missing', async () => {
    await using world = await openWorld()
    const reply = await ask(world, await issued(world, ['accounts']))
    assert.equal(reply.status, 403)
    assert.deepEqual(challengesOf(reply), { DPoP: 'insufficient_scope' })
    assert.match(headersOf(reply, 'www-authenticate')[0] ?? '', /scope="openid"/)
  })

  test('a token of client credentials is 403: there is no user', async () => {
    await using world = await openWorld()
    const fields = { grant_type: 'client_credentials', scope: 'accounts' }
    const token = textOf(await requestToken(world, 'c_bank', fields), 'access_token')
    assert.equal((await ask(world, token)).status, 403)
  })

  test('expired, unknown, revoked, and of a disabled user: 401 invalid_token', async () => {
    await using world = await openWorld()
    const token = await issued(world)
    assert.deepEqual(challengesOf(await ask(world, 'at_unknown')), {
      DPoP: 'invalid_token',
      Bearer: undefined,
    })
    world.clock.advance(299)
    assert.equal((await ask(world, token)).status, 200)
    world.clock.advance(1)
    assert.equal((await ask(world, token)).status, 401)
    const second = await issued(world)
    const user = await world.store.findUserBySubject('https://as.example', alice)
    assert.ok(user !== undefined)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    assert.equal((await ask(world, second)).status, 401)
  })

  test('a token in the body or the query is refused', async () => {
    await using world = await openWorld()
    const token = await issued(world)
    const body = await world.send(userinfoRoom, path, { form: { access_token: token } })
    assert.equal(body.status, 401)
    const query = await world.send(userinfoRoom, path, { method: 'GET', query: `access_token=${token}` })
    assert.equal(query.status, 401)
    const both = await ask(world, token, { request: { query: `access_token=${token}` } })
    assert.equal(both.status, 400)
    assert.equal(jsonOf(both).error, 'invalid_request')
  })

  test('two Authorization headers are 400 invalid_request on both schemes', async () => {
    await using world = await openWorld()
    const token = await issued(world)
    const reply = await ask(world, token, { request: { headers: [['authorization', `Bearer ${token}`]] } })
    assert.equal(reply.status, 400)
    assert.deepEqual(challengesOf(reply), { DPoP: 'invalid_request', Bearer: 'invalid_request' })
  })

  test('a certificate-bound token needs its certificate', async () => {
    await using world = await openWorld()
    const certificate = await newPeerCertificate({ subject: 'CN=a' })
    const other = await newPeerCertificate({ subject: 'CN=a' })
    const { code } = await seedCode(world, 'c_bank_mtls')
    const token = textOf(
      await redeem(world, 'c_bank_mtls', code, { certificate, proofKey: 'none' }),
      'access_token',
    )
    const asBearer = { scheme: 'Bearer', proof: 'none' } as const
    assert.equal((await ask(world, token, { ...asBearer, request: { certificate } })).status, 200)
    for (const request of [{}, { certificate: other }]) {
      const reply = await ask(world, token, { ...asBearer, request })
      assert.equal(reply.status, 401)
      assert.deepEqual(challengesOf(reply), { DPoP: undefined, Bearer: 'invalid_token' })
    }
  })

  test('a plain Bearer token works where the profile allows it', async () => {
    await using world = await openWorld()
    const { code } = await seedCode(world, 'c_oidc', {
      grant: { scopes: ['openid', 'email'], resources: [] },
    })
    const token = textOf(await redeem(world, 'c_oidc', code, { proofKey: 'none' }), 'access_token')
    const reply = await ask(world, token, { scheme: 'Bearer', proof: 'none' })
    assert.equal(reply.status, 200, reply.body.toString())
    assert.deepEqual(jsonOf(reply), { sub: alice, email: 'alice@example.com' })
  })
})
