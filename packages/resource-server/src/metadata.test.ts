import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publishAnswerKeys, publishMetadata } from './metadata.ts'
import { testBed } from './test-bed.ts'
import { testKey } from './testing.ts'

test('the metadata document is served to GET and to nothing else', () => {
  const metadata = publishMetadata(
    testBed({ audience: 'https://rs.example/v1', scopes: ['a'], name: 'Payments' }).api,
  )
  assert.equal(metadata.url, 'https://rs.example/.well-known/oauth-protected-resource/v1')
  assert.equal(metadata.path, '/.well-known/oauth-protected-resource/v1')
  const answer = metadata.answer('GET')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.find(([name]) => name === 'content-type')?.[1], 'application/json')
  assert.deepEqual(JSON.parse(answer.body), {
    resource: 'https://rs.example/v1',
    authorization_servers: ['https://as.example'],
    scopes_supported: ['a'],
    bearer_methods_supported: ['header'],
    resource_name: 'Payments',
    tls_client_certificate_bound_access_tokens: true,
    dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    dpop_bound_access_tokens_required: false,
  })
  assert.equal(metadata.answer('HEAD').body, '')
  assert.equal(metadata.answer('POST').status, 405)
})

test('an API that takes DPoP only says so, and empty lists are left out', () => {
  const { document } = publishMetadata(testBed({ senderConstraintMethods: ['dpop'] }).api)
  assert.equal(document.dpop_bound_access_tokens_required, true)
  assert.equal(document.tls_client_certificate_bound_access_tokens, false)
  assert.equal('scopes_supported' in document, false)
})

test('an API that signs its answers says with which algorithm, where its keys are, and publishes them', () => {
  const { privateKey, jwk } = testKey('EdDSA')
  const signing = { privateKey, alg: 'EdDSA', kid: 'answers-1' } as const
  const jwksUri = 'https://rs.example/keys'
  const { api } = testBed({ httpSignatures: { answers: { ...signing, jwksUri } } })
  const { document } = publishMetadata(api)
  assert.deepEqual(document.resource_signing_alg_values_supported, ['EdDSA'])
  assert.equal(document.jwks_uri, jwksUri)
  const retired = { ...testKey('EdDSA').jwk, kid: 'answers-0' }
  const keys = publishAnswerKeys(api, [retired])
  assert.equal(keys.path, '/keys')
  assert.deepEqual(keys.document, {
    keys: [{ ...jwk, kid: 'answers-1', alg: 'EdDSA', use: 'sig' }, retired],
  })
  assert.ok(!keys.answer('GET').body.includes('"d"'))
  const unpublished = testBed({ httpSignatures: { answers: signing } }).api
  assert.throws(() => publishAnswerKeys(unpublished), /jwksUri/)
  assert.throws(() => publishAnswerKeys(testBed().api), /jwksUri/)
})
