import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from '../../http/exchange.ts'
import {
  askCiba,
  atApprovals,
  cibaClient,
  type SignedCibaOptions,
  sendCiba,
  signedCiba,
  signingCibaClient,
} from '../testing/ciba.ts'
import { keys } from '../testing/clients.ts'
import { jsonOf, textOf } from '../testing/flow.ts'
import { newTestKey } from '../testing/jws.ts'
import { assertRefused } from '../testing/refused.ts'
import { requestObject } from '../testing/request-objects.ts'
import { type FormFields, openWorld, startOfWorld, type World } from '../testing/world.ts'

const open = (): Promise<World> =>
  openWorld({ clients: [signingCibaClient(), cibaClient({ clientId: 'c_unsigned' })] })
const ask = (world: World, options: SignedCibaOptions = {}, outside: FormFields = {}): Promise<Reply> =>
  sendCiba(world, { request: signedCiba(world, options), ...outside })
const invalid = (ruleId: string): Parameters<typeof assertRefused>[2] => ({
  status: 400,
  error: 'invalid_request',
  ruleId,
})

const at = (seconds: number): number => startOfWorld + seconds
const rsa = newTestKey('RS256', 'bank-1')

const spoiled: readonly (readonly [name: string, options: SignedCibaOptions, ruleId: string])[] = [
  ['RS256', { key: rsa }, 'ciba-object.alg'],
  ['alg none', { header: { alg: 'none' } }, 'ciba-object.alg'],
  ['an algorithm it did not register', { header: { alg: 'PS256' } }, 'ciba-object.registered-alg'],
  ['the key of another client', { key: keys.oidc }, 'ciba-object.signature'],
  ['a key nobody registered', { key: { ...keys.attacker, kid: 'bank-1' } }, 'ciba-object.signature'],
  ['typ dpop+jwt', { header: { typ: 'dpop+jwt' } }, 'ciba-object.typ'],
  ['no iss', { claims: { iss: undefined } }, 'ciba-object.iss'],
  ['another iss', { claims: { iss: 'c_bank' } }, 'ciba-object.iss'],
  ['another client_id', { claims: { client_id: 'c_bank' } }, 'ciba-object.iss'],
  ['no aud', { claims: { aud: undefined } }, 'ciba-object.aud'],
  ['another aud', { claims: { aud: 'https://other.example' } }, 'ciba-object.aud'],
  ['no exp', { claims: { exp: undefined } }, 'ciba-object.exp'],
  ['an exp that has passed', { claims: { nbf: at(-60), exp: at(0) } }, 'ciba-object.exp'],
  ['a life of 61 minutes', { claims: { exp: at(3660) } }, 'ciba-object.exp'],
  ['no nbf', { claims: { nbf: undefined } }, 'ciba-object.nbf'],
  ['an nbf in ten minutes', { claims: { nbf: at(600), exp: at(900) } }, 'ciba-object.nbf'],
  ['an nbf of 70 minutes ago', { claims: { nbf: at(-4200), exp: at(60) } }, 'ciba-object.nbf'],
  ['no iat', { claims: { iat: undefined } }, 'ciba-object.iat'],
  ['an iat in ten minutes', { claims: { iat: at(600) } }, 'ciba-object.iat'],
  ['no jti', { claims: { jti: undefined } }, 'ciba-object.jti'],
  ['a jti of 257 bytes', { claims: { jti: 'j'.repeat(257) } }, 'ciba-object.jti'],
  ['the claims of an authorization request', { claims: { response_type: 'code' } }, 'ciba-object.kind'],
  ['the sub of a client assertion', { claims: { sub: 'c_pos' } }, 'ciba-object.kind'],
  ['a scope that is a list', { claims: { scope: ['openid'] } }, 'ciba-object.parameters'],
]

describe('a signed authentication request', () => {
  test('is accepted with an audience alone or in a list, with and without type', async () => {
    await using world = await open()
    const aud = ['https://other.example', 'https://as.example']
    assert.equal((await ask(world, { claims: { aud } })).status, 200)
    assert.equal((await world.lastAudit('ciba.requested'))?.facts.signed_request, true)
    const typed = await ask(world, { header: { typ: 'oauth-authz-req+jwt' } })
    assert.equal(typed.status, 200, typed.body.toString())
  })

  test('works once', async () => {
    await using world = await open()
    const request = signedCiba(world)
    assert.equal((await sendCiba(world, { request })).status, 200)
    await assertRefused(world, await sendCiba(world, { request }), invalid('ciba-object.replay'))
    assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
  })

  test('works once, also when sixteen come at one time', async () => {
    await using world = await open()
    const request = signedCiba(world)
    const replies = await Promise.all(Array.from({ length: 16 }, () => sendCiba(world, { request })))
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, ...Array(15).fill(400)])
  })

  for (const [name, options, ruleId] of spoiled)
    test(`with ${name} is invalid_request`, async () => {
      await using world = await open()
      await assertRefused(world, await ask(world, options), invalid(ruleId))
    })

  test('may say when it ends as a string or as a number, and what it is about', async () => {
    await using world = await open()
    for (const requested_expiry of [200, '200'])
      assert.equal(jsonOf(await ask(world, { claims: { requested_expiry } })).expires_in, 200)
    const context = { device: 'pos', place: { lat: 1 } }
    const reply = await ask(world, { claims: { request_context: context } })
    assert.equal(reply.status, 200, reply.body.toString())
    const facts = (await world.lastAudit('ciba.requested'))?.facts
    assert.match(String(facts?.request_context_ref), /^[\w-]{43}$/)
    assert.ok(!JSON.stringify(await world.audit()).includes('place'))
  })

  test('stands alone: a parameter beside it is refused, an unknown one changes nothing', async () => {
    await using world = await open()
    const details = { authorization_details: '[]' }
    const grant = { grant_id: 'g' }
    for (const outside of [
      { scope: 'openid' },
      { login_hint: 'alice' },
      { binding_message: 'X' },
      details,
      grant,
    ])
      await assertRefused(world, await ask(world, {}, outside), invalid('ciba.signed-alone'))
    assert.equal((await ask(world, {}, { state: 'x' })).status, 200)
  })

  test('is what the user sees', async () => {
    await using world = await open()
    assert.equal((await ask(world, { claims: { binding_message: 'SIGNED-1' } })).status, 200)
    const [, page] = await atApprovals(world)
    assert.match(String(page.body), /SIGNED-1/)
  })

  test('is required by FAPI-CIBA, and nothing a client that registered no algorithm sends', async () => {
    await using world = await open()
    await assertRefused(world, await askCiba(world), invalid('ciba.signed-required'))
    const request = signedCiba(world, { clientId: 'c_unsigned' })
    const reply = await sendCiba(world, { request }, { clientId: 'c_unsigned' })
    await assertRefused(world, reply, invalid('ciba-object.registered-alg'))
  })

  test('is no request object for PAR, and one for PAR is none here', async () => {
    await using world = await open()
    const request = requestObject(world, { clientId: 'c_pos', claims: { login_hint: 'alice' } })
    await assertRefused(world, await sendCiba(world, { request }), invalid('ciba-object.kind'))
    const { parRoom } = await import('../par/room.ts')
    const form = { ...world.assertion('c_pos'), request: signedCiba(world) }
    const pushed = await world.send(parRoom, '/par', { form })
    assert.equal(pushed.status, 400)
  })

  test('that is no JWT, or any text at all, is answered with an error and never throws', async () => {
    await using world = await open()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
          fc
            .tuple(fc.json({ maxDepth: 3 }), fc.json({ maxDepth: 3 }))
            .map(parts => `${parts.map(part => Buffer.from(part).toString('base64url')).join('.')}.AAAA`),
        ),
        async request => {
          const reply = await sendCiba(world, { request })
          assert.equal(reply.status, 400, reply.body.toString())
        },
      ),
      { numRuns: 150 },
    )
  })

  test('with any JSON in its parameters is judged and never throws', async () => {
    await using world = await open()
    const names = [
      'scope',
      'login_hint',
      'binding_message',
      'requested_expiry',
      'request_context',
      'resource',
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }), async (name, value) => {
        const reply = await ask(world, { claims: { [name]: value } })
        assert.ok([200, 400, 403].includes(reply.status), `${reply.status} ${reply.body}`)
        if (reply.status === 200) assert.match(textOf(reply, 'auth_req_id'), /^ar_/)
      }),
      { numRuns: 150 },
    )
  })
})
