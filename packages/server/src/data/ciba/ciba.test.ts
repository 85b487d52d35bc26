import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { decodeJwt } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { introspectRoom } from '../introspect/room.ts'
import { metadataDocument } from '../metadata/document.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import {
  allowedCiba,
  answerShown,
  askCiba,
  atApprovals,
  cibaClient,
  pingedClient,
  pollCiba,
} from '../testing/ciba.ts'
import { accounts, clientOf, floor, keys, payments } from '../testing/clients.ts'
import { jsonOf, requestToken, textOf } from '../testing/flow.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, type FormFields, issuerUrl, openWorld, type World } from '../testing/world.ts'

const open = (...clients: readonly Client[]): Promise<World> =>
  openWorld({ clients: [cibaClient(), ...clients] })
const bad = (error: string, ruleId: string): Parameters<typeof assertRefused>[2] => ({
  status: 400,
  error,
  ruleId,
})
const errorOf = (reply: Reply): unknown => jsonOf(reply).error

describe('the backchannel authentication endpoint', () => {
  test('a client gets its auth_req_id, how long and how often', async () => {
    await using world = await open()
    const reply = await askCiba(world)
    assert.equal(reply.status, 200, reply.body.toString())
    const answer = jsonOf(reply)
    assert.deepEqual(Object.keys(answer).toSorted(), ['auth_req_id', 'expires_in', 'interval'])
    // 256 random bits in base64url, after prefix and time.
    assert.match(String(answer.auth_req_id), /^ar_[\w-]{49}$/)
    assert.equal(answer.expires_in, 300)
    assert.equal(answer.interval, 5)
    const record = await world.lastAudit('ciba.requested')
    assert.equal(record?.subject, alice)
    assert.equal(record?.facts.has_binding_message, true)
    const said = JSON.stringify(await world.audit())
    assert.ok(!said.includes(String(answer.auth_req_id)) && !said.includes('W4SCT'))
  })

  test('requested_expiry is followed up to ten minutes, as a string', async () => {
    await using world = await open()
    for (const [asked, given] of [
      ['1', 1],
      ['600', 600],
      ['9999999999', 600],
    ] as const)
      assert.equal(jsonOf(await askCiba(world, { requested_expiry: asked })).expires_in, given)
  })

  for (const [name, fields, error, ruleId] of [
    ['no scope', { scope: undefined }, 'invalid_scope', 'ciba.scope'],
    ['no openid', { scope: 'accounts' }, 'invalid_scope', 'ciba.scope'],
    ['an unknown scope', { scope: 'openid admin' }, 'invalid_scope', 'ciba.scope'],
    ['an unknown resource', { resource: 'https://x.example' }, 'invalid_target', 'resource.allowed'],
    ['no hint', { login_hint: undefined }, 'invalid_request', 'ciba.one-hint'],
    ['two hints', { id_token_hint: 'x.y.z' }, 'invalid_request', 'ciba.one-hint'],
    [
      'a token as hint',
      { login_hint: undefined, login_hint_token: 'x.y.z' },
      'invalid_request',
      'ciba.hint-kind',
    ],
    ['an unknown user', { login_hint: 'nobody' }, 'unknown_user_id', 'ciba.user'],
    [
      'no binding message',
      { binding_message: undefined },
      'invalid_request',
      'ciba.binding-message-required',
    ],
    ['65 characters', { binding_message: 'x'.repeat(65) }, 'invalid_binding_message', 'ciba.binding-message'],
    ['a line feed', { binding_message: 'a\nb' }, 'invalid_binding_message', 'ciba.binding-message'],
    [
      'a direction override',
      { binding_message: 'a\u202eb' },
      'invalid_binding_message',
      'ciba.binding-message',
    ],
    ['no seconds', { requested_expiry: '0' }, 'invalid_request', 'ciba.requested-expiry'],
    ['half a second', { requested_expiry: '0.5' }, 'invalid_request', 'ciba.requested-expiry'],
    ['a user code', { user_code: '1234' }, 'invalid_request', 'ciba.user-code'],
    ['a grant without an action', { grant_id: 'g' }, 'invalid_request', 'grant-management.action'],
    [
      'an action nobody has',
      { grant_management_action: 'grow' },
      'invalid_request',
      'grant-management.action',
    ],
    [
      'a grant to merge that is none',
      { grant_management_action: 'merge', grant_id: 'g' },
      'invalid_grant_id',
      'grant-management.known',
    ],
    [
      'a grant to merge without its name',
      { grant_management_action: 'merge' },
      'invalid_request',
      'grant-management.grant-id',
    ],
    ['a context that is a list', { request_context: '[1]' }, 'invalid_request', 'ciba.request-context'],
  ] as const satisfies readonly (readonly [string, FormFields, string, string])[])
    test(`${name} is ${error}`, async () => {
      await using world = await open()
      await assertRefused(world, await askCiba(world, fields), bad(error, ruleId))
    })

  test('64 printable characters of any script are a binding message, and a plain profile needs none', async () => {
    await using world = await open(cibaClient({ clientId: 'c_plain', ownProfile: oidcBaseline }))
    assert.equal((await askCiba(world, { binding_message: '支払い 10 € – ✓'.padEnd(64, '.') })).status, 200)
    const plain = await askCiba(world, { binding_message: undefined }, { clientId: 'c_plain' })
    assert.equal(plain.status, 200, plain.body.toString())
  })

  test('a client of another grant, a public one, and a profile that forbids it are unauthorized_client', async () => {
    const forbidding = { ...fapi2Security, name: 'no-ciba', backchannelAuthentication: 'forbidden' as const }
    await using world = await open(
      cibaClient({
        clientId: 'c_public',
        ownProfile: oidcBaseline,
        isPublic: true,
        tokenEndpointAuthMethod: 'none',
      }),
      cibaClient({ clientId: 'c_forbidden', ownProfile: forbidding }),
    )
    const asked = await askCiba(world, {}, { clientId: 'c_bank' })
    await assertRefused(world, asked, bad('unauthorized_client', 'ciba.registered'))
    const isPublic = await askCiba(world, {}, { clientId: 'c_public', authentication: 'none' })
    await assertRefused(world, isPublic, bad('unauthorized_client', 'ciba.confidential'))
    const forbidden = await askCiba(world, {}, { clientId: 'c_forbidden' })
    await assertRefused(world, forbidden, bad('unauthorized_client', 'ciba.profile'))
  })

  test('each failure of a request has its code and its status', async () => {
    await using world = await openWorld({
      clients: [cibaClient(), cibaClient({ clientId: 'c_none', grantTypes: [] })],
    })
    for (const [fields, options, status, error] of [
      [{ binding_message: undefined }, {}, 400, 'invalid_request'],
      [{ scope: 'openid admin' }, {}, 400, 'invalid_scope'],
      [{ login_hint: 'nobody' }, {}, 400, 'unknown_user_id'],
      [{}, { clientId: 'c_none' }, 400, 'unauthorized_client'],
      [{ binding_message: 'a\nb' }, {}, 400, 'invalid_binding_message'],
      [{ resource: 'https://x.example' }, {}, 400, 'invalid_target'],
      [{}, { clientId: 'c_nobody' }, 401, 'invalid_client'],
    ] as const)
      await assertRefused(world, await askCiba(world, fields, options), { status, error })
    for (let count = 0; count < 3; count++) assert.equal((await askCiba(world)).status, 200)
    await assertRefused(world, await askCiba(world), { status: 403, error: 'access_denied' })
  })

  test('without client authentication nobody is asked', async () => {
    await using world = await open()
    assert.equal((await askCiba(world, {}, { authentication: 'none' })).status, 401)
  })

  test('an ID token of this client says who the user is, also after its end; nobody else’s does', async () => {
    await using world = await open(
      cibaClient({
        clientId: 'c_bank',
        grantTypes: [...cibaClient().grantTypes, 'authorization_code'],
        redirectUris: clientOf({ clientId: 'x' }).redirectUris,
      }),
    )
    const mine = await signIn(world, 'c_bank')
    const foreign = await signIn(world, 'c_oidc')
    world.clock.advance(4000)
    const ask = (id_token_hint: string): Promise<Reply> =>
      askCiba(world, { login_hint: undefined, id_token_hint }, { clientId: 'c_bank' })
    const reply = await ask(mine.idToken)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal((await world.lastAudit('ciba.requested'))?.subject, alice)
    await assertRefused(world, await ask(foreign.idToken), bad('invalid_request', 'ciba.id-token-hint'))
    const forged = `${mine.idToken.slice(0, -3)}${mine.idToken.endsWith('AAA') ? 'BBB' : 'AAA'}`
    await assertRefused(world, await ask(forged), bad('invalid_request', 'ciba.id-token-hint-signature'))
    await assertRefused(world, await ask('x.y.z'), bad('invalid_request', 'ciba.id-token-hint-signature'))
  })

  test('a disabled user is an unknown one', async () => {
    await using world = await open()
    await disableAlice(world)
    await assertRefused(world, await askCiba(world), bad('unknown_user_id', 'ciba.user'))
  })

  test('a client that is pinged sends a token of 22 to 1024 characters for it', async () => {
    await using world = await open(pingedClient({ clientId: 'c_ping' }))
    const ask = (client_notification_token: string | undefined): Promise<Reply> =>
      askCiba(world, { client_notification_token }, { clientId: 'c_ping' })
    for (const token of [undefined, 'x'.repeat(21), 'x'.repeat(1025), `${'x'.repeat(30)} y`])
      await assertRefused(world, await ask(token), bad('invalid_request', 'ciba.notification-token'))
    assert.equal((await ask('x'.repeat(22))).status, 200)
    assert.equal((await ask('x'.repeat(1024))).status, 200)
  })

  test('as many requests as a client may have wait, and not one more until they expire', async () => {
    await using world = await openWorld({ clients: [cibaClient({ outstandingRequestsMax: 2 })] })
    assert.equal((await askCiba(world)).status, 200)
    assert.equal((await askCiba(world, { login_hint: 'nobody' })).status, 400)
    await assertRefused(world, await askCiba(world), bad('temporarily_unavailable', 'ciba.outstanding'))
    world.clock.advance(300)
    assert.equal((await askCiba(world)).status, 200)
  })

  test('an answered request makes room; one that asks for a second is counted for five minutes', async () => {
    await using world = await openWorld({ clients: [cibaClient({ outstandingRequestsMax: 1 })] })
    for (const decision of ['allow', 'deny'] as const) {
      assert.equal((await askCiba(world)).status, 200)
      const [browser, page] = await atApprovals(world)
      await answerShown(browser, page, decision)
    }
    const probe = { login_hint: 'nobody', requested_expiry: '1' }
    assert.equal(errorOf(await askCiba(world, probe)), 'unknown_user_id')
    for (const seconds of [0, 1, 298]) {
      world.clock.advance(seconds)
      assert.equal(errorOf(await askCiba(world, probe)), 'temporarily_unavailable')
    }
    world.clock.advance(1)
    assert.equal(errorOf(await askCiba(world, probe)), 'unknown_user_id')
  })

  test('a store that fails leaves nothing counted', async () => {
    await using world = await openWorld({ clients: [cibaClient({ outstandingRequestsMax: 1 })] })
    const { commit } = world.store
    Object.assign(world.store, { commit: () => Promise.reject(new Fault('store.unavailable')) })
    await assert.rejects(askCiba(world), { code: 'store.unavailable' })
    Object.assign(world.store, { commit })
    assert.equal((await askCiba(world)).status, 200)
  })

  test('the metadata names the endpoint, both delivery modes and no user code, where the floor allows it', async () => {
    await using world = await open()
    const allowed = metadataDocument(world.issuer, ['ES256'])
    assert.equal(allowed.backchannel_authentication_endpoint, `${issuerUrl}/bc-authorize`)
    assert.deepEqual(allowed.backchannel_token_delivery_modes_supported, ['poll', 'ping'])
    assert.deepEqual(
      allowed.backchannel_authentication_request_signing_alg_values_supported,
      world.issuer.floor.signingAlgs,
    )
    assert.equal(allowed.backchannel_user_code_parameter_supported, false)
    assert.ok((allowed.grant_types_supported as string[]).includes('urn:openid:params:grant-type:ciba'))
    const strict = { ...world.issuer, floor: { ...floor, backchannelAuthentication: 'forbidden' as const } }
    assert.doesNotMatch(JSON.stringify(metadataDocument(strict, ['ES256'])), /ciba|bc-authorize/)
  })
})

async function disableAlice(world: World): Promise<void> {
  const user = await world.store.findUserBySubject(issuerUrl, alice)
  if (user === undefined) throw new TypeError('no alice')
  await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
}

describe('a client polls for a user who answers elsewhere', () => {
  test('pending, then its tokens, then never again', async () => {
    await using world = await open()
    const authReqId = textOf(await askCiba(world, { acr_values: 'urn:holdfast:acr:pwd' }), 'auth_req_id')
    await assertRefused(world, await pollCiba(world, authReqId), bad('authorization_pending', 'ciba.pending'))
    const [browser, page] = await atApprovals(world)
    const done = await answerShown(browser, page)
    assert.match(String(done.body), /You allowed The c_pos application/)
    const tokens = await pollCiba(world, authReqId)
    assert.equal(tokens.status, 200, tokens.body.toString())
    assert.equal(jsonOf(tokens).token_type, 'DPoP')
    assert.equal(jsonOf(tokens).scope, 'openid accounts')
    const issued = await world.lastAudit('token.issued')
    assert.equal(issued?.subject, alice)
    assert.equal(issued?.txn, (await world.lastAudit('ciba.requested'))?.txn)
    await assertRefused(world, await pollCiba(world, authReqId), bad('invalid_grant', 'ciba.spent'))
  })

  test('the ID token says who, when, how strongly, and which request it answers', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world, { acr_values: 'urn:holdfast:acr:pwd' })
    const tokens = await pollCiba(world, authReqId)
    const claims = decodeJwt(textOf(tokens, 'id_token'))
    assert.equal(claims.sub, alice)
    assert.equal(claims.aud, 'c_pos')
    assert.equal(claims.acr, 'urn:holdfast:acr:pwd')
    assert.equal(claims.auth_time, world.clock.now())
    assert.equal(claims['urn:openid:params:jwt:claim:auth_req_id'], authReqId)
    assert.equal(claims.nonce, undefined)
  })

  test('too fast is slow_down, five seconds more each time, and it is remembered', async () => {
    await using world = await open()
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const poll = async (): Promise<unknown> => errorOf(await pollCiba(world, authReqId))
    assert.equal(await poll(), 'authorization_pending')
    world.clock.advance(4)
    assert.equal(await poll(), 'slow_down')
    world.clock.advance(9)
    assert.equal(await poll(), 'slow_down')
    world.clock.advance(15)
    assert.equal(await poll(), 'authorization_pending')
    const found = await world.store.findBackchannelRequest(hashOfHandle('auth_req_id', issuerUrl, authReqId))
    assert.equal(found?.intervalSeconds, 15)
  })

  test('denied is access_denied, expired is expired_token', async () => {
    await using world = await open()
    const denied = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    assert.match(String((await answerShown(browser, page, 'deny')).body), /You denied/)
    const record = await world.lastAudit('ciba.denied')
    assert.equal(record?.subject, alice)
    assert.equal(record?.ruleId, 'ciba.user-denied')
    await assertRefused(world, await pollCiba(world, denied), bad('access_denied', 'ciba.denied'))
    const late = textOf(await askCiba(world), 'auth_req_id')
    world.clock.advance(299)
    assert.equal(errorOf(await pollCiba(world, late)), 'authorization_pending')
    world.clock.advance(1)
    await assertRefused(world, await pollCiba(world, late), bad('expired_token', 'ciba.expired'))
    world.clock.advance(1)
    assert.equal(errorOf(await pollCiba(world, late)), 'expired_token')
  })

  test('an allowed request that expired buys nothing, a second before it does', async () => {
    for (const [seconds, status] of [
      [299, 200],
      [300, 400],
      [301, 400],
    ] as const) {
      await using world = await open()
      const authReqId = await allowedCiba(world)
      world.clock.advance(seconds)
      assert.equal((await pollCiba(world, authReqId)).status, status)
    }
  })

  test('no auth_req_id and an unknown one', async () => {
    await using world = await open()
    await assertRefused(world, await pollCiba(world, ''), bad('invalid_request', 'ciba.missing'))
    await assertRefused(world, await pollCiba(world, 'ar_x'), bad('invalid_grant', 'ciba.known'))
  })

  test('a user who was disabled, a grant that was revoked, and a scope that was taken away buy nothing', async () => {
    await using first = await open()
    const one = await allowedCiba(first)
    await disableAlice(first)
    await assertRefused(first, await pollCiba(first, one), bad('invalid_grant', 'ciba.grant'))
    await using second = await open()
    const two = await allowedCiba(second)
    const found = await second.store.findBackchannelRequest(hashOfHandle('auth_req_id', issuerUrl, two))
    await second.store.commit([{ kind: 'revoke-grant', id: found?.grantId ?? '', at: second.clock.now() }])
    await assertRefused(second, await pollCiba(second, two), bad('invalid_grant', 'ciba.grant'))
    await using third = await open()
    const three = await allowedCiba(third)
    const clients = third.issuer.clients as Map<string, Client>
    clients.set('c_pos', cibaClient({ scopes: ['openid'] }))
    await assertRefused(third, await pollCiba(third, three), bad('invalid_scope', 'ciba.scope'))
  })

  test('a grant that ends between look and commit is found out by the guard', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world)
    const { store } = world
    const ports = {
      ...world.ports,
      store: {
        ...store,
        findUserBySubject: async (issuer: string, subject: string) => {
          const found = await store.findBackchannelRequest(hashOfHandle('auth_req_id', issuerUrl, authReqId))
          await store.commit([{ kind: 'revoke-grant', id: found?.grantId ?? '', at: world.clock.now() }])
          return await store.findUserBySubject(issuer, subject)
        },
      },
    }
    const racing: World = {
      ...world,
      ports,
      send: (room, path, options) => room(world.exchange(path, options), ports),
    }
    await assertRefused(world, await pollCiba(racing, authReqId), bad('invalid_grant', 'ciba.grant-ended'))
  })

  test('of 16 simultaneous polls one gets the tokens', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world)
    const replies = await Promise.all(Array.from({ length: 16 }, () => pollCiba(world, authReqId)))
    const lost = replies.filter(reply => reply.status !== 200)
    assert.equal(lost.length, 15)
    for (const reply of lost) assert.equal(errorOf(reply), 'invalid_grant')
    assert.equal((await world.audit()).filter(({ event }) => event === 'token.issued').length, 1)
    const rules = new Set((await world.audit()).map(record => record.ruleId))
    assert.ok(rules.has('ciba.replayed') || rules.has('ciba.spent'))
  })

  test('the key that asked or polled first is the key that gets the tokens', async () => {
    await using world = await open()
    const asked = textOf(await askCiba(world, {}, { proofKey: keys.proof }), 'auth_req_id')
    const other = await pollCiba(world, asked, { proofKey: keys.otherProof })
    await assertRefused(world, other, bad('invalid_grant', 'ciba.binding'))
    const polled = textOf(await askCiba(world), 'auth_req_id')
    await pollCiba(world, polled, { proofKey: keys.proof })
    await assertRefused(
      world,
      await pollCiba(world, polled, { proofKey: keys.otherProof }),
      bad('invalid_grant', 'ciba.binding'),
    )
  })

  test('a certificate that asked is the one that gets the tokens', async () => {
    const mtls = cibaClient({
      clientId: 'c_mtls',
      dpopBoundAccessTokens: false,
      tlsClientCertificateBoundAccessTokens: true,
    })
    await using world = await open(mtls)
    const certificate = await newPeerCertificate({ subject: 'CN=one' })
    const other = await newPeerCertificate({ subject: 'CN=two' })
    const asked = await askCiba(world, {}, { clientId: 'c_mtls', certificate })
    const authReqId = textOf(asked, 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    const stolen = await pollCiba(world, authReqId, { proofKey: 'none', certificate: other }, 'c_mtls')
    await assertRefused(world, stolen, bad('invalid_grant', 'ciba.binding'))
    const tokens = await pollCiba(world, authReqId, { proofKey: 'none', certificate }, 'c_mtls')
    assert.equal(tokens.status, 200, tokens.body.toString())
  })

  test('a token for another resource than the user saw is refused', async () => {
    await using world = await open()
    const authReqId = await allowedCiba(world)
    const fields = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: authReqId }
    const reply = await requestToken(world, 'c_pos', { ...fields, resource: payments })
    assert.equal(errorOf(reply), 'invalid_target')
    assert.equal((await requestToken(world, 'c_pos', { ...fields, resource: accounts })).status, 200)
  })

  test('signing out takes the access along', async () => {
    await using world = await open()
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    await answerShown(browser, page)
    const tokens = await pollCiba(world, authReqId)
    await browser.get(logoutUrl({ id_token_hint: textOf(tokens, 'id_token') }))
    assert.equal((await world.audit()).findLast(({ event }) => event === 'session.ended')?.subject, alice)
    const form = { token: textOf(tokens, 'access_token'), ...world.assertion('c_rs') }
    assert.equal(jsonOf(await world.send(introspectRoom, '/introspect', { form })).active, false)
  })
})
