import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oauth21PostQuantum } from '@holdfast/protocol/profiles/post-quantum.ts'
import type { Reply } from '../../http/exchange.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { currentNonce, headersOf, jsonOf, requestToken } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { openWorld, type ProofOptions, startOfWorld, type World } from '../testing/world.ts'

const credentials = { grant_type: 'client_credentials', scope: 'accounts' }

/** A good request but for its proofs. */
function withProofs(world: World, proofs: readonly string[]): Promise<Reply> {
  const headers = proofs.map(proof => ['dpop', proof] as const)
  return requestToken(world, 'c_bank', credentials, { proofKey: 'none', headers })
}

function goodProof(world: World, spoil: ProofOptions = {}): string {
  return world.proof('/token', { nonce: currentNonce(world), ...spoil })
}

describe('proofs at the token endpoint', () => {
  test('a valid proof binds the token, and token_type is exactly DPoP', async () => {
    await using world = await openWorld()
    const reply = await withProofs(world, [goodProof(world)])
    assert.equal(reply.status, 200)
    assert.equal(jsonOf(reply).token_type, 'DPoP')
    const record = await world.lastAudit('token.issued')
    assert.equal(record?.facts.jkt, keys.proof.thumbprint)
  })

  const fine: readonly [string, ProofOptions][] = [
    ['an iat 10 seconds ago', { claims: { iat: startOfWorld - 10 } }],
    ['an iat 10 seconds ahead', { claims: { iat: startOfWorld + 10 } }],
    ['an iat 60 seconds ago', { claims: { iat: startOfWorld - 60 } }],
    ['an iat 30 seconds ahead', { claims: { iat: startOfWorld + 30 } }],
    ['a query in htu', { claims: { htu: 'https://as.example/token?x=1#f' } }],
    ['host and scheme in upper case', { claims: { htu: 'HTTPS://AS.EXAMPLE:443/token' } }],
    ['claims nobody knows', { claims: { extra: true } }],
    ['an Ed25519 key', { key: newTestKey('EdDSA', 'ed') }],
  ]
  for (const [name, spoil] of fine)
    test(`a proof with ${name} is accepted`, async () => {
      await using world = await openWorld()
      const reply = await withProofs(world, [goodProof(world, spoil)])
      assert.equal(reply.status, 200, reply.body.toString())
    })

  test('a proof signed with ML-DSA is refused, though assertions of the same client may be', async () => {
    const key = newTestKey('ML-DSA-44', 'pq-1')
    const ownProfile = oauth21PostQuantum
    const client = {
      ...clientOf({ clientId: 'c_pq', ownProfile, jwks: { keys: [key.publicJwk] } }),
      profile: ownProfile,
    }
    await using world = await openWorld({ clients: [client] })
    const fields = { ...credentials, ...world.assertion('c_pq', { key }) }
    const send = (headers: readonly (readonly [string, string])[]) =>
      requestToken(world, 'c_pq', fields, { proofKey: 'none', headers })
    const refused = await send([['dpop', goodProof(world, { key })]])
    await assertRefused(world, refused, { status: 400, error: 'invalid_dpop_proof', ruleId: 'dpop.alg' })
    const again = { ...credentials, ...world.assertion('c_pq', { key }) }
    const headers = [['dpop', goodProof(world)] as const]
    assert.equal((await requestToken(world, 'c_pq', again, { proofKey: 'none', headers })).status, 200)
  })

  test('a proof of a request that was refused cannot be used for another', async () => {
    await using world = await openWorld()
    const proof = goodProof(world)
    const fields = { grant_type: 'client_credentials', scope: 'unknown' }
    const headers = [['dpop', proof] as const]
    const first = await requestToken(world, 'c_bank', fields, { proofKey: 'none', headers })
    await assertRefused(world, first, { status: 400, error: 'invalid_scope' })
    await assertRefused(world, await withProofs(world, [proof]), {
      status: 400,
      error: 'invalid_dpop_proof',
      ruleId: 'dpop.replay',
    })
  })

  test('a proof is remembered for as long as it could be accepted', async () => {
    await using world = await openWorld()
    const proof = goodProof(world, { claims: { iat: startOfWorld + 30 } })
    assert.equal((await withProofs(world, [proof])).status, 200)
    world.clock.advance(90)
    await world.store.expire(world.clock.now(), 1000)
    const again = await withProofs(world, [proof])
    await assertRefused(world, again, { status: 400, error: 'invalid_dpop_proof', ruleId: 'dpop.replay' })
  })
})

describe('nonces', () => {
  test('a proof without nonce is told the nonce, exactly once, and the same code works with it', async () => {
    await using world = await openWorld()
    const reply = await withProofs(world, [world.proof('/token')])
    await assertRefused(world, reply, { status: 400, error: 'use_dpop_nonce' })
    const nonces = headersOf(reply, 'dpop-nonce')
    assert.equal(nonces.length, 1)
    assert.match(nonces[0] ?? '', /^[\x21\x23-\x5b\x5d-\x7e]{43}$/)
    const retry = await withProofs(world, [goodProof(world, { nonce: nonces[0] ?? '' })])
    assert.equal(retry.status, 200)
  })

  test('a success tells the nonce for next time and is not cached', async () => {
    await using world = await openWorld()
    const reply = await withProofs(world, [goodProof(world)])
    assert.deepEqual(headersOf(reply, 'dpop-nonce'), [currentNonce(world)])
    assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
  })

  const ages: readonly [seconds: number, isAccepted: boolean][] = [
    [59, true],
    [60, true],
    [119, true],
    [120, false],
    [121, false],
  ]
  for (const [seconds, isAccepted] of ages)
    test(`a nonce that is ${seconds} seconds old is ${isAccepted ? 'accepted' : 'refused'}`, async () => {
      await using world = await openWorld()
      const nonce = currentNonce(world)
      world.clock.advance(seconds)
      const reply = await withProofs(world, [world.proof('/token', { nonce })])
      if (isAccepted) assert.equal(reply.status, 200)
      else await assertRefused(world, reply, { status: 400, error: 'use_dpop_nonce' })
    })

  test('where the profile only accepts nonces, a proof without one is good, a wrong one is not', async () => {
    await using world = await openWorld()
    const ask = (nonce: string | undefined): Promise<Reply> => {
      const proof = world.proof('/token', nonce === undefined ? {} : { nonce })
      const fields = { grant_type: 'refresh_token', refresh_token: 'unknown' }
      return requestToken(world, 'c_app', fields, {
        authentication: 'none',
        proofKey: 'none',
        headers: [['dpop', proof]],
      })
    }
    assert.equal(jsonOf(await ask(undefined)).error, 'invalid_grant')
    assert.equal(jsonOf(await ask('made up')).error, 'use_dpop_nonce')
  })
})

describe('what a client must prove', () => {
  test('a client registered for DPoP without proof is invalid_dpop_proof', async () => {
    await using world = await openWorld()
    await assertRefused(world, await withProofs(world, []), {
      status: 400,
      error: 'invalid_dpop_proof',
      ruleId: 'sender.proof-missing',
    })
  })

  test('a client registered for certificate-bound tokens without certificate is invalid_request', async () => {
    await using world = await openWorld()
    const reply = await requestToken(world, 'c_bank_mtls', credentials, { proofKey: 'none' })
    await assertRefused(world, reply, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'sender.certificate-missing',
    })
  })

  test('a client that registered neither is invalid_request where the profile demands one', async () => {
    await using world = await openWorld()
    const reply = await requestToken(world, 'c_rs', credentials, { proofKey: 'none' })
    await assertRefused(world, reply, {
      status: 400,
      error: 'invalid_request',
      ruleId: 'sender.unproven',
    })
  })
})
