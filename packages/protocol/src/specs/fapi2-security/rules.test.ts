import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contradictions } from '../../profile.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type TierInput, tierRules } from './rules.ts'

const good: TierInput = {
  profile: fapi2Security,
  isPublic: false,
  authenticationMethod: 'private_key_jwt',
}

const refusals: readonly Refused<TierInput>[] = [
  {
    name: 'a public client asks for a FAPI resource',
    input: { ...good, isPublic: true, authenticationMethod: 'none' },
    ruleId: 'tier.confidential',
  },
  {
    name: 'a client without authentication that calls itself confidential',
    input: { ...good, authenticationMethod: 'none' },
    ruleId: 'tier.authentication-method',
  },
]

for (const { name, input, ruleId } of refusals)
  test(`a client is too weak for its request by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(tierRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'unauthorized_client')
    assert.equal(firstRefusal(tierRules, { ...input, profile: oidcBaseline }), undefined)
  })

test('the three FAPI 2.0 methods pass', () => {
  for (const authenticationMethod of [
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ] as const)
    assert.equal(firstRefusal(tierRules, { ...good, authenticationMethod }), undefined)
})

test('a request URI lives at most 599 seconds in every profile there can be', () => {
  assert.deepEqual(contradictions({ ...fapi2Security, requestUriLifetimeSeconds: 599 }), [])
  assert.notDeepEqual(contradictions({ ...fapi2Security, requestUriLifetimeSeconds: 600 }), [])
  assert.notDeepEqual(contradictions({ ...fapi2Security, requestUriLifetimeSeconds: 4 }), [])
  assert.notDeepEqual(contradictions({ ...fapi2Security, codeLifetimeSeconds: 61 }), [])
  assert.ok(fapi2Security.requestUriLifetimeSeconds < 600)
})
