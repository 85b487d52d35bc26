import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { encryptedResponses, encryptionMetadataRules } from './rules.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const of = (metadata: ClientMetadata): ClientMetadataInput => ({
  metadata,
  profile: oidcBaseline,
  environment: 'production',
})
const good: ClientMetadata = {
  jwks: { keys: [{ ...ec, use: 'enc' }] },
  id_token_encrypted_response_alg: 'ECDH-ES',
  id_token_encrypted_response_enc: 'A256GCM',
}
const withKey = (jwk: object): ClientMetadata => ({ ...good, jwks: { keys: [{ ...jwk }] } })

const refusals: readonly Refused<ClientMetadataInput>[] = [
  ...['RSA1_5', 'RSA-OAEP', 'dir', 'A128KW', 'PBES2-HS256+A128KW', 'none', 'ecdh-es', ''].map(alg => ({
    name: `alg ${alg}`,
    input: of({ ...good, id_token_encrypted_response_alg: alg }),
    ruleId: 'client.encryption-alg',
  })),
  ...encryptedResponses.map(response => ({
    name: `enc of ${response} alone`,
    input: of({ jwks: good.jwks, [`${response}_encrypted_response_enc`]: 'A128GCM' }),
    ruleId: 'client.encryption-enc',
  })),
  ...['A192GCM', 'A256CBC-HS512', 'none', 'a128gcm'].map(enc => ({
    name: `enc ${enc}`,
    input: of({ ...good, id_token_encrypted_response_enc: enc }),
    ruleId: 'client.encryption-enc',
  })),
  {
    name: 'userinfo encrypted, not signed',
    input: of({ ...good, userinfo_encrypted_response_alg: 'ECDH-ES' }),
    ruleId: 'client.encryption-signed',
  },
  { name: 'a key for anything', input: of(withKey(ec)), ruleId: 'client.encryption-key' },
  { name: 'a key to sign', input: of(withKey({ ...ec, use: 'sig' })), ruleId: 'client.encryption-key' },
  { name: 'another type', input: of(withKey({ ...rsa, use: 'enc' })), ruleId: 'client.encryption-key' },
  {
    name: 'another algorithm',
    input: of(withKey({ ...ec, use: 'enc', alg: 'ECDH-ES+A128KW' })),
    ruleId: 'client.encryption-key',
  },
  { name: 'no keys', input: of({ ...good, jwks: undefined }), ruleId: 'client.encryption-key' },
]
for (const { name, input, ruleId } of refusals)
  test(`encryption metadata is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(encryptionMetadataRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_client_metadata')
    assert.match(String(refusal?.facts?.field), /_encrypted_response_(alg|enc)$/)
  })

test('each kind of answer may be encrypted, with every algorithm we have', () => {
  for (const metadata of [
    {},
    good,
    { ...good, id_token_encrypted_response_enc: undefined },
    withKey({ ...ec, use: 'enc', alg: 'ECDH-ES' }),
    { ...good, jwks: undefined, jwks_uri: 'https://client.example/jwks' },
    { jwks: { keys: [{ ...rsa, use: 'enc' }] }, authorization_encrypted_response_alg: 'RSA-OAEP-256' },
    { jwks: good.jwks, introspection_encrypted_response_alg: 'ECDH-ES+A256KW' },
    {
      jwks: good.jwks,
      userinfo_signed_response_alg: 'ES256',
      userinfo_encrypted_response_alg: 'ECDH-ES+A128KW',
      userinfo_encrypted_response_enc: 'A128CBC-HS256',
    },
  ])
    assert.equal(firstRefusal(encryptionMetadataRules, of(metadata)), undefined)
})
