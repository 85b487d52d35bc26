import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  type Actor,
  accessTokenType,
  actorsMax,
  actorsOf,
  type ExchangedToken,
  type ExchangeInput,
  type ExchangeRequestInput,
  exchangeRequestRules,
  exchangeRules,
} from './rules.ts'

const asked: ExchangeRequestInput = {
  subjectToken: 'at_subject',
  subjectTokenType: accessTokenType,
  actorToken: 'at_actor',
  actorTokenType: accessTokenType,
  requestedTokenType: accessTokenType,
}
const typeOf = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`
const others = ['refresh_token', 'id_token', 'saml1', 'saml2', 'jwt', 'ACCESS_TOKEN', 'nonsense']

const requestRefusals: readonly Refused<ExchangeRequestInput>[] = [
  { name: 'no subject', input: { ...asked, subjectToken: undefined }, ruleId: 'exchange.subject-missing' },
  { name: 'no type', input: { ...asked, subjectTokenType: undefined }, ruleId: 'exchange.subject-missing' },
  ...others.flatMap((name): readonly Refused<ExchangeRequestInput>[] => [
    { name, input: { ...asked, subjectTokenType: typeOf(name) }, ruleId: 'exchange.subject-type' },
    { name, input: { ...asked, actorTokenType: typeOf(name) }, ruleId: 'exchange.actor-type' },
    { name, input: { ...asked, requestedTokenType: typeOf(name) }, ruleId: 'exchange.requested-type' },
  ]),
  {
    name: 'an actor without its type',
    input: { ...asked, actorTokenType: undefined },
    ruleId: 'exchange.actor-type',
  },
  {
    name: 'a type without an actor',
    input: { ...asked, actorToken: undefined },
    ruleId: 'exchange.actor-type',
  },
]

describe('what an exchange asks for', () => {
  for (const { name, input, ruleId } of requestRefusals)
    test(`${ruleId} refuses: ${name}`, () => {
      const refusal = firstRefusal(exchangeRequestRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_request')
    })

  for (const input of [
    asked,
    { ...asked, actorToken: undefined, actorTokenType: undefined },
    { ...asked, requestedTokenType: undefined },
  ])
    test(`passes: ${Object.values(input).join(' ')}`, () => {
      assert.equal(firstRefusal(exchangeRequestRules, input), undefined)
    })
})

const token: ExchangedToken = {
  isActive: true,
  clientId: 'app',
  subject: 'u_1',
  audience: ['https://a.example'],
  scopes: ['openid', 'accounts', 'payments'],
  binding: { jkt: 'app-key' },
  act: undefined,
  mayAct: undefined,
}
/** An API that exchanges what was sent to it. */
const good: ExchangeInput = {
  clientId: 'api',
  isPublic: false,
  sender: { jkt: 'api-key' },
  exchangesTokensOf: [],
  exchangesTokensFor: ['https://a.example'],
  subject: token,
  actor: 'absent',
  scopes: ['accounts'],
  clientScopes: ['openid', 'accounts'],
  targets: 1,
}
const spoil = (change: Partial<ExchangedToken>): ExchangeInput => ({
  ...good,
  subject: { ...token, ...change },
})
/** A client that narrows a token of its own. */
const own: ExchangeInput = { ...good, clientId: 'app', exchangesTokensFor: [], sender: { jkt: 'app-key' } }
const actor: ExchangedToken = { ...token, clientId: 'api', subject: 'api', binding: { jkt: 'api-key' } }
const withActor = (change: Partial<ExchangedToken>): ExchangeInput => ({
  ...good,
  actor: { ...actor, ...change },
})
const chain = (length: number): Actor | undefined =>
  Array.from({ length }).reduce<Actor | undefined>(
    (act, _, index) => ({ sub: `a${index}`, ...(act && { act }) }),
    undefined,
  )

const refusals: readonly Refused<ExchangeInput>[] = [
  { name: 'an unknown token', input: { ...good, subject: undefined }, ruleId: 'exchange.subject-active' },
  { name: 'an ended token', input: spoil({ isActive: false }), ruleId: 'exchange.subject-active' },
  { name: 'no policy', input: { ...good, exchangesTokensFor: [] }, ruleId: 'exchange.policy' },
  { name: 'for another API', input: spoil({ audience: ['https://b.example'] }), ruleId: 'exchange.policy' },
  {
    name: 'of another client',
    input: { ...good, exchangesTokensFor: [], exchangesTokensOf: ['other'] },
    ruleId: 'exchange.policy',
  },
  { name: 'a public client', input: { ...good, isPublic: true }, ruleId: 'exchange.policy' },
  {
    name: 'its own token with another key',
    input: { ...own, sender: { jkt: 'other' } },
    ruleId: 'exchange.subject-binding',
  },
  {
    name: 'its own token with half of its binding',
    input: { ...own, subject: { ...token, binding: { jkt: 'app-key', x5tS256: 'x' } } },
    ruleId: 'exchange.subject-binding',
  },
  { name: 'no key at all', input: { ...good, sender: {} }, ruleId: 'exchange.unbound' },
  {
    name: 'a certificate-bound token without a key',
    input: { ...spoil({ binding: { x5tS256: 'x' } }), sender: {} },
    ruleId: 'exchange.unbound',
  },
  { name: 'an unknown actor', input: { ...good, actor: undefined }, ruleId: 'exchange.actor-active' },
  { name: 'an ended actor', input: withActor({ isActive: false }), ruleId: 'exchange.actor-active' },
  {
    name: 'the actor token of another',
    input: withActor({ clientId: 'app' }),
    ruleId: 'exchange.actor-owner',
  },
  {
    name: 'an actor token with another key',
    input: withActor({ binding: { jkt: 'other' } }),
    ruleId: 'exchange.actor-owner',
  },
  {
    name: 'an actor that acts for another',
    input: withActor({ act: { sub: 'x' } }),
    ruleId: 'exchange.actor-owner',
  },
  { name: 'another client may act', input: spoil({ mayAct: 'other' }), ruleId: 'exchange.may-act' },
  {
    name: 'the client may act, its actor not',
    input: { ...withActor({ subject: 'u_2' }), subject: { ...token, mayAct: 'api' } },
    ruleId: 'exchange.may-act',
  },
  { name: 'a fifth actor', input: spoil({ act: chain(actorsMax) as Actor }), ruleId: 'exchange.chain' },
  { name: 'no target', input: { ...good, targets: 0 }, ruleId: 'exchange.target' },
  { name: 'a wider scope', input: { ...good, scopes: ['accounts', 'admin'] }, ruleId: 'exchange.scope' },
  { name: 'a scope of the subject only', input: { ...good, scopes: ['payments'] }, ruleId: 'exchange.scope' },
  { name: 'openid', input: { ...good, scopes: ['openid'] }, ruleId: 'exchange.scope' },
  {
    name: 'nothing left',
    input: { ...good, scopes: undefined, clientScopes: ['openid', 'other'] },
    ruleId: 'exchange.scope',
  },
]

const errors: Readonly<Record<string, string>> = {
  'exchange.target': 'invalid_target',
  'exchange.scope': 'invalid_scope',
}

describe('an exchange', () => {
  for (const { name, input, ruleId } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(exchangeRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, errors[ruleId] ?? 'invalid_request')
    })

  const passing: readonly (readonly [string, ExchangeInput])[] = [
    ['an API with what was sent to it', good],
    ['a named client', { ...good, exchangesTokensFor: [], exchangesTokensOf: ['app'] }],
    ['its own token', own],
    ['its own token as a public client', { ...own, isPublic: true }],
    ['an unbound token', { ...spoil({ binding: {} }), sender: {} }],
    ['a token without scope', { ...spoil({ scopes: [] }), scopes: undefined }],
    ['without scope', { ...good, scopes: undefined }],
    ['with an actor token', withActor({})],
    ['the actor that may act', spoil({ mayAct: 'api' })],
    ['its own token, whoever may act', { ...own, subject: { ...token, mayAct: 'api' } }],
    ['a fourth actor', spoil({ act: chain(actorsMax - 1) as Actor })],
    ['its own token behind four actors', { ...own, subject: { ...token, act: chain(actorsMax) as Actor } }],
  ]
  for (const [name, input] of passing)
    test(`passes: ${name}`, () => {
      assert.equal(firstRefusal(exchangeRules, input), undefined)
    })

  test('actors are told newest first', () => {
    assert.deepEqual(actorsOf(chain(3)), ['a2', 'a1', 'a0'])
  })
})
