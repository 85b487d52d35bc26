import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, test } from 'node:test'
import { meetUnchecked, type SecurityProfile } from '../../profile.ts'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { judgeClientMetadata } from '../rfc7591-client-metadata/judge.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { type DetachedSignatureInput, detachedSignatureClaims, detachedSignatureRules } from './rules.ts'

const good: DetachedSignatureInput = { responseType: 'code id_token', scopes: ['openid', 'accounts'] }

const refusals: readonly Refused<DetachedSignatureInput>[] = [
  { name: 'no openid', input: { ...good, scopes: ['accounts'] }, ruleId: 'detached-signature.openid' },
  { name: 'no scope', input: { ...good, scopes: undefined }, ruleId: 'detached-signature.openid' },
  { name: 'another case', input: { ...good, scopes: ['OpenID'] }, ruleId: 'detached-signature.openid' },
]

for (const { name, input, ruleId } of refusals)
  test(`a detached signature is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(detachedSignatureRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })

test('a detached signature comes with openid, and a plain code needs none', () => {
  assert.equal(firstRefusal(detachedSignatureRules, good), undefined)
  assert.equal(
    firstRefusal(detachedSignatureRules, { responseType: 'code', scopes: ['accounts'] }),
    undefined,
  )
})

test('s_hash and c_hash are the left half of the hash that the algorithm of the ID token names', () => {
  const state = 'VgSUIEnflnDxTe1vAtr54o'
  for (const alg of ['PS256', 'ES256'] as const)
    assert.deepEqual(detachedSignatureClaims(alg, state, state), {
      c_hash: '9s6CBbOxiKE65d9-Qr0QIQ',
      s_hash: '9s6CBbOxiKE65d9-Qr0QIQ',
    })
  // OpenID Connect Core, appendix A.4.
  const { c_hash } = detachedSignatureClaims(
    'ES256',
    'Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk',
    '',
  )
  assert.equal(c_hash, 'LDktKdoQak3Pk0cnXxCltA')
  assert.deepEqual(Object.keys(detachedSignatureClaims('ES256', 'code', undefined)), ['c_hash'])
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })

const metadata: ClientMetadata = {
  redirect_uris: ['https://bank.example/cb'],
  response_types: ['code id_token', 'code'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [rsa as Readonly<Record<string, unknown>>] },
  id_token_signed_response_alg: 'PS256',
  request_object_signing_alg: 'PS256',
  tls_client_certificate_bound_access_tokens: true,
}
const client = (spoil: ClientMetadata, profile: SecurityProfile = fapi1Advanced): ClientMetadataInput => ({
  metadata: { ...metadata, ...spoil },
  profile,
  environment: 'production',
})

const registrations: readonly Refused<ClientMetadataInput>[] = [
  {
    name: 'RS256 ID tokens',
    input: client({ id_token_signed_response_alg: 'RS256' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'EdDSA ID tokens',
    input: client({ id_token_signed_response_alg: 'EdDSA' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'no request signature',
    input: client({ request_object_signing_alg: 'none' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'a key for EdDSA only',
    input: client({ jwks: { keys: [ed as Readonly<Record<string, unknown>>] } }),
    ruleId: 'client.jwks-fits',
  },
  {
    name: 'a shared secret',
    input: client({ token_endpoint_auth_method: 'client_secret_basic' }),
    ruleId: 'client.auth-method',
  },
  {
    name: 'no authentication',
    input: client({ token_endpoint_auth_method: 'none' }),
    ruleId: 'client.public-client',
  },
  {
    name: 'tokens bound by DPoP',
    input: client({ tls_client_certificate_bound_access_tokens: false, dpop_bound_access_tokens: true }),
    ruleId: 'client.sender-constraint-method',
  },
  {
    name: 'unbound tokens',
    input: client({ tls_client_certificate_bound_access_tokens: false }),
    ruleId: 'client.sender-constraint',
  },
  ...['id_token', 'token', 'code token', 'code id_token token', 'id_token code'].map(responseType => ({
    name: `the response type ${responseType}`,
    input: client({ response_types: ['code', responseType] }),
    ruleId: 'client.response-types',
  })),
  {
    name: 'the implicit grant type',
    input: client({ grant_types: ['authorization_code', 'implicit'] }),
    ruleId: 'client.grant-types',
  },
  {
    name: 'code id_token at a FAPI 2.0 floor',
    input: client({}, meetUnchecked(fapi2Security, fapi1Advanced)),
    ruleId: 'client.response-types',
  },
  { name: 'a query for both', input: client({ response_modes: ['query'] }), ruleId: 'client.response-modes' },
  {
    name: 'a fragment for a code',
    input: client({ response_modes: ['fragment'] }),
    ruleId: 'client.response-modes',
  },
  {
    name: 'a query.jwt for an ID token',
    input: client({ response_modes: ['query.jwt'] }),
    ruleId: 'client.response-modes',
  },
]

describe('registration of a FAPI 1.0 Advanced client', () => {
  for (const { name, input, ruleId } of registrations)
    it(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = judgeClientMetadata(input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_client_metadata')
    })

  it('takes what the document has, with any mode that its response types can use', () => {
    for (const spoil of [
      {},
      { response_types: ['code'] },
      { response_types: ['code id_token'] },
      { response_types: undefined, response_modes: ['jwt'] },
      { response_modes: ['jwt'] },
      { response_modes: ['fragment', 'query.jwt'] },
      { response_types: ['code id_token'], response_modes: ['form_post'] },
    ])
      assert.equal(judgeClientMetadata(client(spoil)), undefined, JSON.stringify(spoil))
  })

  it('names the flag that is missing', () => {
    const refusal = judgeClientMetadata(client({ tls_client_certificate_bound_access_tokens: false }))
    assert.deepEqual(refusal?.facts, { field: 'tls_client_certificate_bound_access_tokens' })
  })
})
