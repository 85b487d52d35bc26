import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SecurityProfile } from '../../profile.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal } from '../../rule.ts'
import { jwtBearerGrantType } from '../rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '../rfc8628-device/rules.ts'
import { type OrderInput, orderRules } from './order-rules.ts'

const orderOf = (grantType: string, profile: SecurityProfile): OrderInput => ({
  profile,
  grantType,
  authenticationMethod: 'private_key_jwt',
  sender: { jkt: 'key' },
  hasNonce: true,
  binding: { jkt: 'key' },
  inputBinding: {},
  scopes: ['a'],
  allowedScopes: ['a'],
  lifetimeSeconds: 300,
  accessTokenAlg: undefined,
  idToken: undefined,
  authenticationAgeSeconds: undefined,
})

describe('an order of a grant type that not every profile allows', () => {
  for (const grantType of [jwtBearerGrantType, deviceGrantType]) {
    it(`is minted where the profile allows it: ${grantType}`, () => {
      assert.equal(firstRefusal(orderRules, orderOf(grantType, oauth21)), undefined)
    })
    it(`is refused by order.grant-type where it does not: ${grantType}`, () => {
      const refusal = firstRefusal(orderRules, orderOf(grantType, fapi2Security))
      assert.equal(refusal?.ruleId, 'order.grant-type')
      assert.equal(refusal?.error, 'unauthorized_client')
    })
  }
  it('is minted anywhere when it is another grant type', () => {
    assert.equal(firstRefusal(orderRules, orderOf('authorization_code', fapi2Security)), undefined)
  })
})
