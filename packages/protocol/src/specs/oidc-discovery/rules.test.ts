import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { MetadataInput } from '../rfc8414-metadata/rules.ts'
import { discoveryRules } from './rules.ts'

const good: MetadataInput = {
  issuer: 'https://as.example',
  document: {
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    scopes_supported: ['openid', 'accounts:read'],
  },
}
const spoiled = (change: Readonly<Record<string, unknown>>): MetadataInput => ({
  ...good,
  document: { ...good.document, ...change },
})

const refusals: readonly Refused<MetadataInput>[] = [
  {
    name: 'no subject types',
    input: spoiled({ subject_types_supported: undefined }),
    ruleId: 'discovery.required',
  },
  {
    name: 'no ID token algorithms',
    input: spoiled({ id_token_signing_alg_values_supported: undefined }),
    ruleId: 'discovery.required',
  },
  {
    name: 'scopes without openid',
    input: spoiled({ scopes_supported: ['a'] }),
    ruleId: 'discovery.openid-scope',
  },
  {
    name: 'unsigned ID tokens',
    input: spoiled({ id_token_signing_alg_values_supported: ['ES256', 'none'] }),
    ruleId: 'discovery.id-token-none',
  },
  {
    name: 'a scope with a space',
    input: spoiled({ scopes_supported: ['openid', 'a b'] }),
    ruleId: 'discovery.scope-tokens',
  },
  {
    name: 'a scope with a quote',
    input: spoiled({ scopes_supported: ['openid', 'a"b'] }),
    ruleId: 'discovery.scope-tokens',
  },
  {
    name: 'an empty scope',
    input: spoiled({ scopes_supported: ['openid', ''] }),
    ruleId: 'discovery.scope-tokens',
  },
]

describe('OpenID provider metadata', () => {
  it('may be published when it is complete and true', () => {
    assert.equal(firstRefusal(discoveryRules, good), undefined)
    assert.equal(firstRefusal(discoveryRules, spoiled({ scopes_supported: undefined })), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    it(`is refused with ${name}`, () => {
      assert.equal(firstRefusal(discoveryRules, input)?.ruleId, ruleId)
    })
})
