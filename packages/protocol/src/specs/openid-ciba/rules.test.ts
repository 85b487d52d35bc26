import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contradictions, meet } from '../../profile.ts'
import { fapiCiba } from '../../profiles/fapi-ciba.ts'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2MessageSigning } from '../../profiles/fapi2-message-signing.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { judgePingAnswer } from './ping-answer.ts'
import {
  type CibaAccessInput,
  type CibaCarrierInput,
  type CibaHintInput,
  type CibaRequestInput,
  type CibaUserInput,
  cibaAccessRules,
  cibaCarrierRules,
  cibaGrantType,
  cibaHintRules,
  cibaRequestRules,
  cibaUserRules,
  lifetimeOf,
} from './rules.ts'

describe('how an authentication request comes', () => {
  const good: CibaCarrierInput = { request: 'x.y.z', names: ['request', 'client_assertion', 'client_id'] }
  test('alone when it is signed', () => {
    assert.equal(firstRefusal(cibaCarrierRules, good), undefined)
    for (const beside of [
      'scope',
      'login_hint',
      'requested_expiry',
      'request_context',
      'resource',
      'authorization_details',
    ])
      assert.equal(
        firstRefusal(cibaCarrierRules, { ...good, names: [...good.names, beside] })?.ruleId,
        'ciba.signed-alone',
      )
    const plain = { request: undefined, names: ['scope', 'login_hint'] }
    assert.equal(firstRefusal(cibaCarrierRules, plain), undefined)
  })
})

describe('whether a client may ask', () => {
  const good: CibaAccessInput = {
    grantTypes: [cibaGrantType],
    isPublic: false,
    profile: fapiCiba,
    scopes: ['openid', 'accounts'],
    isDefined: scope => scope === 'accounts' || scope === 'payments',
    allowedScopes: ['openid', 'accounts', 'ghost'],
  }
  const refusals: readonly Refused<CibaAccessInput>[] = [
    { name: 'another grant', input: { ...good, grantTypes: [] }, ruleId: 'ciba.registered' },
    { name: 'a public client', input: { ...good, isPublic: true }, ruleId: 'ciba.confidential' },
    {
      name: 'a profile that forbids it',
      input: { ...good, profile: { backchannelAuthentication: 'forbidden' } },
      ruleId: 'ciba.profile',
    },
    { name: 'no scope', input: { ...good, scopes: undefined }, ruleId: 'ciba.scope' },
    { name: 'no openid', input: { ...good, scopes: ['accounts'] }, ruleId: 'ciba.scope' },
    { name: 'a scope of others', input: { ...good, scopes: ['openid', 'payments'] }, ruleId: 'ciba.scope' },
    { name: 'a scope that is gone', input: { ...good, scopes: ['openid', 'ghost'] }, ruleId: 'ciba.scope' },
  ]
  test('passes', () => assert.equal(firstRefusal(cibaAccessRules, good), undefined))
  for (const { name, input, ruleId } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () =>
      assert.equal(firstRefusal(cibaAccessRules, input)?.ruleId, ruleId))
})

describe('what a request says', () => {
  const good: CibaRequestInput = {
    profile: fapiCiba,
    isSigned: true,
    registeredAlg: 'ES256',
    deliveryMode: 'ping',
    loginHint: 'alice',
    loginHintToken: undefined,
    idTokenHint: undefined,
    bindingMessage: 'W4SCT',
    clientNotificationToken: 'n'.repeat(22),
    requestedExpiry: undefined,
    userCode: undefined,
    requestContext: undefined,
  }
  const passing: readonly (readonly [name: string, input: CibaRequestInput])[] = [
    ['as it is', good],
    ['64 characters', { ...good, bindingMessage: '😀'.repeat(64) }],
    ['no message where none is needed', { ...good, profile: oauth21, bindingMessage: undefined }],
    ['an ID token as hint', { ...good, loginHint: undefined, idTokenHint: 'x.y.z' }],
    [
      'unsigned where it may be',
      { ...good, profile: fapi2Security, registeredAlg: undefined, isSigned: false },
    ],
    ['1024 characters of token', { ...good, clientNotificationToken: 'n'.repeat(1024) }],
    ['no token of who polls', { ...good, deliveryMode: 'poll', clientNotificationToken: undefined }],
    ['one second', { ...good, requestedExpiry: '1' }],
    ['a context', { ...good, requestContext: '{"a":1}' }],
    ['4096 bytes of context', { ...good, requestContext: `{"a":"${'x'.repeat(4088)}"}` }],
  ]
  const of = (change: Partial<CibaRequestInput>): CibaRequestInput => ({ ...good, ...change })
  const refusals: readonly Refused<CibaRequestInput>[] = [
    { name: 'unsigned under FAPI-CIBA', input: of({ isSigned: false }), ruleId: 'ciba.signed-required' },
    {
      name: 'unsigned by who registered to sign',
      input: of({ profile: oauth21, isSigned: false }),
      ruleId: 'ciba.signed-required',
    },
    { name: 'no hint', input: of({ loginHint: undefined }), ruleId: 'ciba.one-hint' },
    { name: 'two hints', input: of({ idTokenHint: 'x' }), ruleId: 'ciba.one-hint' },
    { name: 'three hints', input: of({ idTokenHint: 'x', loginHintToken: 'y' }), ruleId: 'ciba.one-hint' },
    {
      name: 'a hint token',
      input: of({ loginHint: undefined, loginHintToken: 'x' }),
      ruleId: 'ciba.hint-kind',
    },
    { name: '65 characters', input: of({ bindingMessage: 'x'.repeat(65) }), ruleId: 'ciba.binding-message' },
    ...['a\nb', 'a\u202eb', 'a\u200bb', '\ue000', '   ', 'a\u00a0b', 'a\u2028b'].map(bindingMessage => ({
      name: `message ${JSON.stringify(bindingMessage)}`,
      input: of({ bindingMessage }),
      ruleId: 'ciba.binding-message',
    })),
    { name: 'no message', input: of({ bindingMessage: undefined }), ruleId: 'ciba.binding-message-required' },
    {
      name: 'no token',
      input: of({ clientNotificationToken: undefined }),
      ruleId: 'ciba.notification-token',
    },
    ...['n'.repeat(21), 'n'.repeat(1025), `${'n'.repeat(30)} n`, `${'n'.repeat(30)}\r\n`].map(
      clientNotificationToken => ({
        name: `a token of ${clientNotificationToken.length}`,
        input: of({ clientNotificationToken }),
        ruleId: 'ciba.notification-token',
      }),
    ),
    ...['0', '-1', '1.5', '01', '1e3', ' 1', '12345678901'].map(requestedExpiry => ({
      name: `expiry ${requestedExpiry}`,
      input: of({ requestedExpiry }),
      ruleId: 'ciba.requested-expiry',
    })),
    { name: 'a user code', input: of({ userCode: '1' }), ruleId: 'ciba.user-code' },
    ...['[]', 'null', '1', '{', `{"a":"${'x'.repeat(4089)}"}`].map(requestContext => ({
      name: `context ${requestContext.slice(0, 8)}`,
      input: of({ requestContext }),
      ruleId: 'ciba.request-context',
    })),
  ]
  for (const [name, input] of passing)
    test(`passes: ${name}`, () => assert.equal(firstRefusal(cibaRequestRules, input), undefined))
  for (const { name, input, ruleId } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () =>
      assert.equal(firstRefusal(cibaRequestRules, input)?.ruleId, ruleId))
  test('lives as long as asked, up to ten minutes', () => {
    assert.deepEqual([undefined, '1', '600', '601'].map(lifetimeOf), [300, 1, 600, 600])
  })
})

describe('an ID token as hint', () => {
  const issuer = 'https://as.example'
  const claims = { iss: issuer, aud: 'c', sub: 'u' }
  const good: CibaHintInput = { issuer, clientId: 'c', typ: 'JWT', claims }
  test('passes', () => assert.equal(firstRefusal(cibaHintRules, good), undefined))
  for (const [name, input] of [
    ['another kind of token', { ...good, typ: 'at+jwt' }],
    ['a logout token', { ...good, claims: { ...claims, events: {} } }],
    ['of another issuer', { ...good, claims: { ...claims, iss: 'https://x.example' } }],
    ['of another client', { ...good, claims: { ...claims, aud: 'd' } }],
    ['for several', { ...good, claims: { ...claims, aud: ['c'] } }],
    ['about nobody', { ...good, claims: { ...claims, sub: undefined } }],
  ] as const)
    test(`is refused: ${name}`, () =>
      assert.equal(firstRefusal(cibaHintRules, input)?.ruleId, 'ciba.id-token-hint'))
})

test('a hint means a user who may act', () => {
  const judge = (user: CibaUserInput['user']) => firstRefusal(cibaUserRules, { user })?.ruleId
  assert.equal(judge({ isActive: true }), undefined)
  assert.equal(judge({ isActive: false }), 'ciba.user')
  assert.equal(judge(undefined), 'ciba.user')
})

test('what an answer to a ping means', () => {
  for (const status of [200, 202, 204]) assert.equal(judgePingAnswer(status), 'delivered')
  for (const status of [undefined, 408, 425, 429, 500, 502, 503, 504])
    assert.equal(judgePingAnswer(status), 'try-again')
  for (const status of [301, 302, 307, 308, 400, 401, 403, 404, 410, 501])
    assert.equal(judgePingAnswer(status), 'give-up')
})

describe('the profile fapi-ciba', () => {
  test('is what FAPI 1.0 and FAPI 2.0 Message Signing ask of CIBA too', () => {
    for (const { signedBackchannelRequests, bindingMessage } of [
      fapi1Advanced,
      fapi2MessageSigning,
      fapiCiba,
    ])
      assert.deepEqual([signedBackchannelRequests, bindingMessage], ['required', 'required'])
  })

  for (const other of [fapi2Security, fapi2MessageSigning, fapi1Advanced, oauth21])
    test(`meets ${other.name} without contradiction, and keeps what it demands`, () => {
      const met = meet([fapiCiba, other])
      assert.ok(met.ok)
      assert.deepEqual(contradictions(met.value), [])
      assert.equal(met.value.signedBackchannelRequests, 'required')
      assert.equal(met.value.bindingMessage, 'required')
      assert.equal(met.value.senderConstraint, 'required')
      assert.equal(met.value.publicClients, 'forbidden')
    })
})
