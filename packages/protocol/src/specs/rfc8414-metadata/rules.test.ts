import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type MetadataInput, metadataRules } from './rules.ts'

const issuer = 'https://as.example/t1'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code'],
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  revocation_endpoint_auth_methods_supported: ['private_key_jwt'],
  response_modes_supported: ['query'],
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
  require_request_uri_registration: false,
  claims_parameter_supported: false,
  mtls_endpoint_aliases: { token_endpoint: 'https://mtls.as.example/t1/token' },
}
const good: MetadataInput = { issuer, document }
const spoiled = (change: Readonly<Record<string, unknown>>): MetadataInput => ({
  issuer,
  document: { ...document, ...change },
})
const issuerOf = (text: string): MetadataInput => ({ issuer: text, document: { ...document, issuer: text } })

const refusals: readonly Refused<MetadataInput>[] = [
  { name: 'an http issuer', input: issuerOf('http://as.example'), ruleId: 'metadata.issuer-form' },
  { name: 'an issuer with a query', input: issuerOf(`${issuer}?a=b`), ruleId: 'metadata.issuer-form' },
  { name: 'an issuer with an empty query', input: issuerOf(`${issuer}?`), ruleId: 'metadata.issuer-form' },
  { name: 'an issuer with a fragment', input: issuerOf(`${issuer}#a`), ruleId: 'metadata.issuer-form' },
  { name: 'an issuer without host', input: issuerOf('https://'), ruleId: 'metadata.issuer-form' },
  { name: 'one slash more', input: spoiled({ issuer: `${issuer}/` }), ruleId: 'metadata.issuer-identical' },
  { name: 'no issuer', input: spoiled({ issuer: undefined }), ruleId: 'metadata.issuer-identical' },
  ...['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported'].map(name => ({
    name: `no ${name}`,
    input: spoiled({ [name]: undefined }),
    ruleId: 'metadata.required',
  })),
  ...[
    'grant_types_supported',
    'token_endpoint_auth_methods_supported',
    'revocation_endpoint_auth_methods_supported',
    'response_modes_supported',
    'request_parameter_supported',
    'request_uri_parameter_supported',
    'require_request_uri_registration',
    'claims_parameter_supported',
  ].map(name => ({
    name: `${name} left to its default`,
    input: spoiled({ [name]: undefined }),
    ruleId: 'metadata.explicit',
  })),
  {
    name: 'an http endpoint',
    input: spoiled({ token_endpoint: 'http://as.example/t' }),
    ruleId: 'metadata.https',
  },
  {
    name: 'an endpoint with a fragment',
    input: spoiled({ jwks_uri: `${issuer}/j#` }),
    ruleId: 'metadata.https',
  },
  {
    name: 'an http alias',
    input: spoiled({ mtls_endpoint_aliases: { token_endpoint: 'http://mtls.as.example/token' } }),
    ruleId: 'metadata.https',
  },
  { name: 'an empty list', input: spoiled({ scopes_supported: [] }), ruleId: 'metadata.empty' },
]

describe('authorization server metadata', () => {
  it('may be published when it is complete and true', () => {
    assert.equal(firstRefusal(metadataRules, good), undefined)
    assert.equal(firstRefusal(metadataRules, issuerOf('https://as.example')), undefined)
    assert.equal(firstRefusal(metadataRules, spoiled({ scopes_supported: ['a'] })), undefined)
    assert.equal(firstRefusal(metadataRules, spoiled({ token_endpoint: `${issuer}/token?a=b` })), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    it(`is refused with ${name}`, () => {
      assert.equal(firstRefusal(metadataRules, input)?.ruleId, ruleId)
    })
})
