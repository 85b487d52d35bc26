import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { tier3SensitiveWrite } from '../../profiles/tier-3-sensitive-write.ts'
import { firstRefusal } from '../../rule.ts'
import { type OrderInput, orderRules, type SenderInput, senderRules } from './order-rules.ts'
import { both } from './testing/judged.ts'

const grantError = { error: 'invalid_grant' } as const

const proven: SenderInput = {
  profile: fapi2Security,
  requiresDpop: true,
  requiresCertificate: false,
  sender: { jkt: 'key' },
}

both(
  'a sender',
  senderRules,
  [
    { name: 'a key where a key is asked for', input: proven },
    {
      name: 'a certificate where either will do',
      input: { ...proven, requiresDpop: false, sender: { x5tS256: 'certificate' } },
    },
    {
      name: 'nothing where nothing is asked for',
      input: { ...proven, profile: oidcBaseline, requiresDpop: false, sender: {} },
    },
  ],
  [
    {
      name: 'a certificate where a key is asked for',
      input: { ...proven, sender: { x5tS256: 'certificate' } },
      ruleId: 'sender.proof-missing',
      error: 'invalid_dpop_proof',
    },
    {
      name: 'a key where a certificate is asked for',
      input: { ...proven, requiresDpop: false, requiresCertificate: true },
      ruleId: 'sender.certificate-missing',
      error: 'invalid_request',
    },
    {
      name: 'nothing where the profile demands something',
      input: { ...proven, requiresDpop: false, sender: {} },
      ruleId: 'sender.unproven',
      error: 'invalid_request',
    },
  ],
)

const order: OrderInput = {
  profile: fapi2Security,
  grantType: 'authorization_code',
  authenticationMethod: 'private_key_jwt',
  sender: { jkt: 'key' },
  hasNonce: true,
  binding: { jkt: 'key' },
  inputBinding: { jkt: 'key' },
  scopes: ['a'],
  allowedScopes: ['a', 'b'],
  lifetimeSeconds: 300,
  accessTokenAlg: 'ES256',
  idToken: { alg: 'PS256', lifetimeSeconds: 300 },
  authenticationAgeSeconds: 31_536_000,
}

both(
  'an order',
  orderRules,
  [
    { name: 'at every limit', input: order },
    { name: 'a lifetime of one second', input: { ...order, lifetimeSeconds: 1 } },
    {
      name: 'unbound where the profile allows it',
      input: { ...order, profile: oidcBaseline, sender: {}, binding: {}, inputBinding: {} },
    },
    {
      name: 'without nonce where nonces are only accepted',
      input: { ...order, profile: { ...fapi2Security, dpopNonce: 'accepted' }, hasNonce: false },
    },
  ],
  [
    {
      name: 'a grant type the profile forbids',
      input: { ...order, grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer' },
      ruleId: 'order.grant-type',
      error: 'unauthorized_client',
    },
    {
      name: 'a method the profile does not allow',
      input: { ...order, authenticationMethod: 'none' },
      ruleId: 'order.authentication-method',
      error: 'invalid_client',
    },
    {
      name: 'no binding',
      input: { ...order, binding: {}, inputBinding: {} },
      ruleId: 'order.unbound',
      error: 'invalid_request',
    },
    {
      name: 'a method of binding the profile does not allow',
      input: { ...order, profile: { ...fapi2Security, senderConstraintMethods: ['mtls'] } },
      ruleId: 'order.constraint-method',
      error: 'invalid_request',
    },
    {
      name: 'a certificate where only keys are allowed',
      input: {
        ...order,
        profile: { ...fapi2Security, senderConstraintMethods: ['dpop'] },
        binding: { jkt: 'key', x5tS256: 'certificate' },
      },
      ruleId: 'order.constraint-method',
      error: 'invalid_request',
    },
    {
      name: 'a bound input and an unbound output',
      input: { ...order, profile: oidcBaseline, binding: {} },
      ruleId: 'order.binding-dropped',
      ...grantError,
    },
    {
      name: 'a certificate-bound input and a key-bound output',
      input: { ...order, inputBinding: { x5tS256: 'certificate' } },
      ruleId: 'order.binding-dropped',
      ...grantError,
    },
    {
      name: 'no nonce for a resource that asks for them',
      input: { ...order, hasNonce: false },
      ruleId: 'order.nonce',
      error: 'use_dpop_nonce',
    },
    {
      name: 'a scope that was not granted',
      input: { ...order, scopes: ['a', 'c'] },
      ruleId: 'order.scope-grew',
      error: 'invalid_scope',
    },
    {
      name: 'a user who signed in an hour and a second ago, for a sensitive write',
      input: { ...order, profile: tier3SensitiveWrite, authenticationAgeSeconds: 3601 },
      ruleId: 'order.authentication-age',
      error: 'invalid_grant',
    },
    {
      name: 'a second too long',
      input: { ...order, lifetimeSeconds: 301 },
      ruleId: 'order.lifetime',
      ...grantError,
    },
    {
      name: 'no life at all',
      input: { ...order, lifetimeSeconds: 0 },
      ruleId: 'order.lifetime',
      ...grantError,
    },
    {
      name: 'an ID token a second too long',
      input: { ...order, idToken: { alg: 'ES256', lifetimeSeconds: 301 } },
      ruleId: 'order.lifetime',
      ...grantError,
    },
    {
      name: 'an access token signed with RS256',
      input: { ...order, accessTokenAlg: 'RS256' },
      ruleId: 'order.alg',
      error: 'invalid_request',
    },
    {
      name: 'an ID token signed with RS256',
      input: { ...order, idToken: { alg: 'RS256', lifetimeSeconds: 300 } },
      ruleId: 'order.alg',
      error: 'invalid_request',
    },
  ],
)

test('no order with an algorithm outside the profile is minted, so none is never used', () => {
  const none = { alg: 'none', lifetimeSeconds: 300 } as unknown as NonNullable<OrderInput['idToken']>
  assert.equal(firstRefusal(orderRules, { ...order, idToken: none })?.ruleId, 'order.alg')
  assert.ok(!(fapi2Security.signingAlgs as readonly string[]).includes('none'))
  assert.ok(!(oidcBaseline.signingAlgs as readonly string[]).includes('none'))
})
