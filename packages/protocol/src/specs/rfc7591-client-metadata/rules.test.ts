import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapi2MessageSigning } from '../../profiles/fapi2-message-signing.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import type { Refused } from '../../rule.ts'
import { allMetadataRefusals, judgeClientMetadata } from './judge.ts'
import type { ClientMetadata, ClientMetadataInput } from './metadata.ts'
import { clientMetadataRules } from './rules.ts'

type Jwk = Readonly<Record<string, unknown>>

const ecKey = (namedCurve: string): Jwk =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as Jwk
const rsaKey = (modulusLength: number): Jwk =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }) as Jwk
const edKey = (): Jwk => generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as Jwk

const key = ecKey('P-256')
const jwks = { keys: [key] }

const good: ClientMetadataInput = {
  metadata: {
    redirect_uris: ['https://shop.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    dpop_bound_access_tokens: true,
  },
  profile: fapi2Security,
  environment: 'production',
}

/** The good client with some members replaced. */
function client(
  metadata: Partial<ClientMetadata>,
  rest: Partial<Omit<ClientMetadataInput, 'metadata'>> = {},
): ClientMetadataInput {
  return { ...good, ...rest, metadata: { ...good.metadata, ...metadata } }
}

const redirectTo = (...redirect_uris: readonly string[]) => client({ redirect_uris })
const native = (...redirect_uris: readonly string[]) => client({ redirect_uris, application_type: 'native' })
const uriOfLength = (length: number) => 'https://shop.example/'.padEnd(length, 'a')
const tls = { token_endpoint_auth_method: 'tls_client_auth', jwks: undefined } as const
const dpopOnly = { ...fapi2Security, senderConstraintMethods: ['dpop'] } as const
const mtlsOnly = { ...fapi2Security, senderConstraintMethods: ['mtls'] } as const

const workload = {
  token_endpoint_auth_method: 'spiffe_jwt',
  jwks: undefined,
  spiffe_id: 'spiffe://prod.example/a/b',
}

const refusals: readonly Refused<ClientMetadataInput>[] = [
  ...['device_code', 'token-exchange'].map(name => ({
    name: `an attested instance with the ${name} grant`,
    input: client(
      {
        token_endpoint_auth_method: 'attest_jwt_client_auth',
        grant_types: ['authorization_code', `urn:ietf:params:oauth:grant-type:${name}`],
      },
      { profile: oauth21 },
    ),
    ruleId: 'client.instance-grants',
  })),
  {
    name: '21 redirect URIs',
    input: redirectTo(...Array.from({ length: 21 }, (_, index) => `https://shop.example/${index}`)),
    ruleId: 'client.redirect-uri-count',
  },
  {
    name: 'the same redirect URI twice',
    input: redirectTo('https://shop.example/cb', 'https://shop.example/cb'),
    ruleId: 'client.redirect-uri-count',
  },
  { name: 'a fragment', input: redirectTo('https://shop.example/cb#x'), ruleId: 'client.redirect-uri-form' },
  {
    name: 'an empty fragment',
    input: redirectTo('https://shop.example/cb#'),
    ruleId: 'client.redirect-uri-form',
  },
  { name: 'a wildcard', input: redirectTo('https://*.shop.example/cb'), ruleId: 'client.redirect-uri-form' },
  { name: 'userinfo', input: redirectTo('https://a:b@shop.example/cb'), ruleId: 'client.redirect-uri-form' },
  {
    name: 'empty userinfo',
    input: redirectTo('https://@shop.example/cb'),
    ruleId: 'client.redirect-uri-form',
  },
  { name: 'a relative URI', input: redirectTo('/cb'), ruleId: 'client.redirect-uri-form' },
  { name: 'a space', input: redirectTo('https://shop.example/c b'), ruleId: 'client.redirect-uri-form' },
  {
    name: 'a look-alike letter',
    input: redirectTo('https://shоp.example/cb'),
    ruleId: 'client.redirect-uri-form',
  },
  { name: '2049 characters', input: redirectTo(uriOfLength(2049)), ruleId: 'client.redirect-uri-form' },
  { name: 'http', input: redirectTo('http://shop.example/cb'), ruleId: 'client.redirect-uri-scheme' },
  { name: 'javascript:', input: redirectTo('javascript:alert(1)'), ruleId: 'client.redirect-uri-scheme' },
  { name: 'data:', input: native('data:text/html,x'), ruleId: 'client.redirect-uri-scheme' },
  {
    name: 'a web client on loopback',
    input: redirectTo('http://127.0.0.1/cb'),
    ruleId: 'client.redirect-uri-scheme',
  },
  {
    name: 'a web client on localhost',
    input: redirectTo('https://localhost/cb'),
    ruleId: 'client.redirect-uri-scheme',
  },
  {
    name: 'native http to a name',
    input: native('http://localhost/cb'),
    ruleId: 'client.redirect-uri-scheme',
  },
  {
    name: 'native http to a host',
    input: native('http://shop.example/cb'),
    ruleId: 'client.redirect-uri-scheme',
  },
  { name: 'a scheme without domain', input: native('shop:/cb'), ruleId: 'client.redirect-uri-scheme' },
  { name: 'no redirect URI', input: redirectTo(), ruleId: 'client.redirect-uri-present' },
  {
    name: 'absent redirect URIs',
    input: client({ redirect_uris: undefined }),
    ruleId: 'client.redirect-uri-present',
  },
  {
    name: 'the implicit grant type',
    input: client({ grant_types: ['authorization_code', 'implicit'] }),
    ruleId: 'client.grant-types',
  },
  {
    name: 'the password grant type',
    input: client({ grant_types: ['password'] }),
    ruleId: 'client.grant-types',
  },
  {
    name: 'no grant type',
    input: client({ grant_types: [], response_types: [] }),
    ruleId: 'client.grant-types',
  },
  {
    name: 'refresh tokens from nowhere',
    input: client({ grant_types: ['client_credentials', 'refresh_token'], response_types: [] }),
    ruleId: 'client.grant-types',
  },
  {
    name: 'a response type of the implicit flow',
    input: client({ response_types: ['code', 'id_token'] }),
    ruleId: 'client.response-types',
  },
  {
    name: 'code without its grant type',
    input: client({ grant_types: ['client_credentials'], response_types: ['code'] }),
    ruleId: 'client.response-types',
  },
  {
    name: 'the code grant type without code',
    input: client({ response_types: [] }),
    ruleId: 'client.response-types',
  },
  {
    name: 'a public client under FAPI',
    input: client({ token_endpoint_auth_method: 'none', jwks: undefined }),
    ruleId: 'client.public-client',
  },
  {
    name: 'a shared secret',
    input: client({ token_endpoint_auth_method: 'client_secret_basic' }),
    ruleId: 'client.auth-method',
  },
  {
    name: 'a method that the profile leaves out',
    input: client(
      { token_endpoint_auth_method: 'private_key_jwt' },
      { profile: { ...fapi2Security, clientAuthenticationMethods: ['tls_client_auth'] } },
    ),
    ruleId: 'client.auth-method',
  },
  {
    name: 'a public client with authority of its own',
    input: client(
      {
        token_endpoint_auth_method: 'none',
        jwks: undefined,
        grant_types: ['authorization_code', 'client_credentials'],
      },
      { profile: oauth21 },
    ),
    ruleId: 'client.public-grants',
  },
  { name: 'tls_client_auth without subject', input: client(tls), ruleId: 'client.tls-subject' },
  {
    name: 'tls_client_auth with two subjects',
    input: client({ ...tls, tls_client_auth_subject_dn: 'CN=a', tls_client_auth_san_dns: 'a.example' }),
    ruleId: 'client.tls-subject',
  },
  {
    name: 'spiffe_jwt without a workload',
    input: client({ ...workload, spiffe_id: undefined }, { profile: oauth21 }),
    ruleId: 'client.spiffe-id',
  },
  {
    name: 'a workload with another method',
    input: client({ spiffe_id: workload.spiffe_id }),
    ruleId: 'client.spiffe-id',
  },
  {
    name: 'a workload that is none',
    input: client({ ...workload, spiffe_id: 'spiffe://prod.example/a/' }, { profile: oauth21 }),
    ruleId: 'client.spiffe-id',
  },
  {
    name: 'a wildcard within a segment',
    input: client({ ...workload, spiffe_id: 'spiffe://prod.example/a*' }, { profile: oauth21 }),
    ruleId: 'client.spiffe-id',
  },
  {
    name: 'a subject with another method',
    input: client({ tls_client_auth_san_dns: 'a.example' }),
    ruleId: 'client.tls-subject',
  },
  {
    name: 'both key sources',
    input: client({ jwks_uri: 'https://shop.example/jwks' }),
    ruleId: 'client.keys-one-source',
  },
  { name: 'private_key_jwt without keys', input: client({ jwks: undefined }), ruleId: 'client.keys-needed' },
  {
    name: 'self-signed without keys',
    input: client({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: undefined }),
    ruleId: 'client.keys-needed',
  },
  {
    name: 'keys over http',
    input: client({ jwks: undefined, jwks_uri: 'http://shop.example/jwks' }),
    ruleId: 'client.jwks-uri',
  },
  {
    name: 'keys at an address with userinfo',
    input: client({ jwks: undefined, jwks_uri: 'https://a@shop.example/jwks' }),
    ruleId: 'client.jwks-uri',
  },
  { name: 'an empty key set', input: client({ jwks: { keys: [] } }), ruleId: 'client.jwks-count' },
  {
    name: '21 keys',
    input: client({ jwks: { keys: Array.from({ length: 21 }, () => key) } }),
    ruleId: 'client.jwks-count',
  },
  {
    name: 'a private key',
    input: client({ jwks: { keys: [{ ...key, d: 'AAAA' }] } }),
    ruleId: 'client.jwks-public',
  },
  {
    name: 'a shared key',
    input: client({ jwks: { keys: [key, { kty: 'oct', k: 'AAAA' }] } }),
    ruleId: 'client.jwks-public',
  },
  {
    name: 'RSA of 1024 bits',
    input: client({ jwks: { keys: [rsaKey(1024)] } }),
    ruleId: 'client.jwks-strength',
  },
  {
    name: 'a weak curve',
    input: client({ jwks: { keys: [ecKey('secp256k1')] } }),
    ruleId: 'client.jwks-strength',
  },
  {
    name: 'a point off the curve',
    input: client({ jwks: { keys: [{ ...key, x: Buffer.alloc(32).toString('base64url') }] } }),
    ruleId: 'client.jwks-strength',
  },
  {
    name: 'an unknown key type',
    input: client({ jwks: { keys: [{ kty: 'AKP' }] } }),
    ruleId: 'client.jwks-strength',
  },
  {
    name: 'only an encryption key',
    input: client({ jwks: { keys: [{ ...key, use: 'enc' }] } }),
    ruleId: 'client.jwks-fits',
  },
  {
    name: 'no key for the registered algorithm',
    input: client({ token_endpoint_auth_signing_alg: 'PS256' }),
    ruleId: 'client.jwks-fits',
  },
  {
    name: 'only a P-384 key',
    input: client({ jwks: { keys: [ecKey('P-384')] } }),
    ruleId: 'client.jwks-fits',
  },
  {
    name: 'ID tokens signed with RS256 under FAPI',
    input: client({ id_token_signed_response_alg: 'RS256' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'unsigned ID tokens',
    input: client({ id_token_signed_response_alg: 'none' }, { profile: oidcBaseline }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'no sender constraint under FAPI',
    input: client({ dpop_bound_access_tokens: undefined }),
    ruleId: 'client.sender-constraint',
  },
  {
    name: 'a sender constraint switched off under FAPI',
    input: client({ dpop_bound_access_tokens: false, tls_client_certificate_bound_access_tokens: false }),
    ruleId: 'client.sender-constraint',
  },
  {
    name: 'DPoP where only mTLS may',
    input: client({}, { profile: mtlsOnly }),
    ruleId: 'client.sender-constraint-method',
  },
  {
    name: 'mTLS where only DPoP may',
    input: client({ tls_client_certificate_bound_access_tokens: true }, { profile: dpopOnly }),
    ruleId: 'client.sender-constraint-method',
  },
  {
    name: 'a script as logo',
    input: client({ logo_uri: 'javascript:alert(1)' }),
    ruleId: 'client.information-uris',
  },
  {
    name: 'a policy over http',
    input: client({ policy_uri: 'http://a.example/' }),
    ruleId: 'client.information-uris',
  },
  {
    name: 'RS256 for request objects',
    input: client({ request_object_signing_alg: 'RS256' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'none for responses',
    input: client({ authorization_signed_response_alg: 'none' }),
    ruleId: 'client.signing-algs',
  },
  {
    name: 'an unknown response mode',
    input: client({ response_modes: ['query', 'web_message'] }),
    ruleId: 'client.response-modes',
  },
  {
    name: 'no signed response mode where signing is required',
    input: client({ response_modes: ['query'] }, { profile: fapi2MessageSigning }),
    ruleId: 'client.response-modes',
  },
  {
    name: 'signed requests without a key',
    input: client({
      ...tls,
      tls_client_auth_san_dns: 'a.example',
      jwks: undefined,
      require_signed_request_object: true,
    }),
    ruleId: 'client.request-object-keys',
  },
  {
    name: 'signed requests with keys of another algorithm',
    input: client({ request_object_signing_alg: 'PS256' }, { profile: fapi2MessageSigning }),
    ruleId: 'client.request-object-keys',
  },
]

const accepted: readonly { readonly name: string; readonly input: ClientMetadataInput }[] = [
  { name: 'the good client', input: good },
  {
    name: '20 redirect URIs',
    input: redirectTo(...Array.from({ length: 20 }, (_, index) => `https://shop.example/${index}`)),
  },
  { name: '2048 characters', input: redirectTo(uriOfLength(2048)) },
  { name: 'a query', input: redirectTo('https://shop.example/cb?tenant=1') },
  { name: 'native on literal loopback', input: native('http://127.0.0.1/cb', 'http://[::1]:8080/cb') },
  { name: 'native with a scheme of its own domain', input: native('com.example.shop:/cb') },
  {
    name: 'a web client on localhost in development',
    input: client({ redirect_uris: ['https://localhost:9999/cb'] }, { environment: 'development' }),
  },
  {
    name: 'client credentials alone',
    input: client({
      redirect_uris: undefined,
      grant_types: ['client_credentials'],
      response_types: undefined,
    }),
  },
  {
    name: 'a public client where the profile allows it',
    input: client(
      { token_endpoint_auth_method: 'none', jwks: undefined, dpop_bound_access_tokens: false },
      { profile: oauth21 },
    ),
  },
  {
    name: 'tls_client_auth with one subject and bound by certificate',
    input: client({
      ...tls,
      tls_client_auth_san_dns: 'a.example',
      dpop_bound_access_tokens: undefined,
      tls_client_certificate_bound_access_tokens: true,
    }),
  },
  { name: 'a workload', input: client(workload, { profile: oauth21 }) },
  {
    name: 'workloads below a path',
    input: client({ ...workload, spiffe_id: 'spiffe://prod.example/a/*' }, { profile: oauth21 }),
  },
  { name: 'keys by URL', input: client({ jwks: undefined, jwks_uri: 'https://shop.example/jwks' }) },
  { name: '20 keys', input: client({ jwks: { keys: Array.from({ length: 20 }, () => key) } }) },
  { name: 'RSA of 2048 bits', input: client({ jwks: { keys: [rsaKey(2048)] } }) },
  { name: 'Ed25519', input: client({ jwks: { keys: [edKey()] }, token_endpoint_auth_signing_alg: 'EdDSA' }) },
  { name: 'a second key on P-384', input: client({ jwks: { keys: [key, ecKey('P-384')] } }) },
  {
    name: 'RS256 in plain OpenID Connect',
    input: client(
      { id_token_signed_response_alg: 'RS256', dpop_bound_access_tokens: false },
      { profile: oidcBaseline },
    ),
  },
  { name: 'mTLS endpoint aliases with private_key_jwt', input: client({ use_mtls_endpoint_aliases: true }) },
  {
    name: 'a FAPI 2.0 Message Signing client with its key',
    input: client({ response_modes: ['query', 'jwt'] }, { profile: fapi2MessageSigning }),
  },
  {
    name: 'keys of signed requests by URL',
    input: client({
      jwks: undefined,
      jwks_uri: 'https://shop.example/jwks',
      require_signed_request_object: true,
    }),
  },
  { name: 'links over https', input: client({ logo_uri: 'https://shop.example/logo.svg' }) },
]

describe('client metadata', () => {
  for (const { name, input, ruleId } of refusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = judgeClientMetadata(input)
      assert.equal(refusal?.ruleId, ruleId)
      const isUri = ruleId.startsWith('client.redirect-uri')
      assert.equal(refusal?.error, isUri ? 'invalid_redirect_uri' : 'invalid_client_metadata')
      assert.notEqual(refusal?.facts?.field, undefined)
    })

  for (const { name, input } of accepted)
    test(`${name} may be registered`, () => assert.deepEqual(allMetadataRefusals(input), []))

  test('each rule refuses something', () => {
    const refused = new Set(refusals.map(({ ruleId }) => ruleId))
    assert.deepEqual(
      clientMetadataRules.filter(({ id }) => !refused.has(id)),
      [],
    )
  })

  test('a private member never stands in the reason', () => {
    const refusal = judgeClientMetadata(client({ jwks: { keys: [{ ...key, d: 'very-secret' }] } }))
    assert.doesNotMatch(JSON.stringify(refusal), /very-secret/)
  })
})
