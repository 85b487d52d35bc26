import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { macAlgs } from '../../jose/mac.ts'
import { profiles } from '../../profiles/index.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal } from '../../rule.ts'
import type { ClientMetadata, ClientMetadataInput } from './metadata.ts'
import { clientMetadataRules } from './rules.ts'

/** Which algorithm goes with which authentication method: MACs with a secret that signs, and with nothing else. */

const client = (metadata: ClientMetadata, profile = oidcBaseline): ClientMetadataInput => ({
  metadata: {
    redirect_uris: ['https://client.example/cb'],
    token_endpoint_auth_method: 'client_secret_jwt',
    ...metadata,
  },
  profile,
  environment: 'production',
})
const ruleOf = (input: ClientMetadataInput): string | undefined =>
  firstRefusal(clientMetadataRules, input)?.ruleId
const key = {
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
}

describe('a client that signs with its secret', () => {
  for (const alg of [undefined, ...macAlgs])
    test(`may register ${alg ?? 'no algorithm'}`, () => {
      assert.equal(ruleOf(client({ token_endpoint_auth_signing_alg: alg })), undefined)
    })

  for (const alg of ['ES256', 'RS256', 'PS256', 'HS1', 'hs256', 'none', ''])
    test(`may not register \`${alg}\``, () => {
      assert.equal(ruleOf(client({ token_endpoint_auth_signing_alg: alg })), 'client.signing-algs')
    })

  for (const field of [
    'id_token_signed_response_alg',
    'userinfo_signed_response_alg',
    'request_object_signing_alg',
    'authorization_signed_response_alg',
    'introspection_signed_response_alg',
  ] as const)
    test(`is not signed for, and signs nothing else, with a MAC: ${field}`, () => {
      assert.equal(ruleOf(client({ [field]: 'HS256' })), 'client.signing-algs')
    })

  test('exists under the plain profiles alone', () => {
    const allowing = [...profiles.values()].filter(({ clientAuthenticationMethods: methods }) =>
      methods.includes('client_secret_jwt'),
    )
    assert.deepEqual(allowing.map(({ name }) => name).toSorted(), [
      'oidc-baseline',
      'oidc-baseline-post-quantum',
      'tier-0-public',
    ])
    for (const profile of profiles.values())
      if (!allowing.includes(profile)) assert.equal(ruleOf(client({}, profile)), 'client.auth-method')
  })
})

describe('a client of another method', () => {
  for (const method of ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'] as const)
    test(`registers no MAC: ${method}`, () => {
      const input = client({
        token_endpoint_auth_method: method,
        token_endpoint_auth_signing_alg: 'HS256',
        ...(method === 'private_key_jwt' && { jwks: { keys: [key] } }),
      })
      assert.equal(ruleOf(input), 'client.signing-algs')
    })
})
