import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapiCiba } from '../../profiles/fapi-ciba.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import type { Refused } from '../../rule.ts'
import { judgeClientMetadata } from '../rfc7591-client-metadata/judge.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { cibaGrantType } from './rules.ts'

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const good: ClientMetadataInput = {
  metadata: {
    grant_types: [cibaGrantType, 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key as Readonly<Record<string, unknown>>] },
    dpop_bound_access_tokens: true,
    backchannel_token_delivery_mode: 'poll',
    backchannel_authentication_request_signing_alg: 'ES256',
  },
  profile: fapiCiba,
  environment: 'production',
}
const client = (
  metadata: Partial<ClientMetadata>,
  rest: Partial<Omit<ClientMetadataInput, 'metadata'>> = {},
): ClientMetadataInput => ({ ...good, ...rest, metadata: { ...good.metadata, ...metadata } })
const pinged = (uri: string | undefined): ClientMetadataInput =>
  client({ backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: uri })
const without = { backchannel_token_delivery_mode: undefined } as const
const alg = 'backchannel_authentication_request_signing_alg'

const refusals: readonly Refused<ClientMetadataInput>[] = [
  {
    name: 'a public client',
    input: client(
      { token_endpoint_auth_method: 'none', jwks: undefined, [alg]: undefined },
      { profile: oauth21 },
    ),
    ruleId: 'client.ciba-grant',
  },
  {
    name: 'a profile that forbids it',
    input: client({}, { profile: { ...fapiCiba, backchannelAuthentication: 'forbidden' } }),
    ruleId: 'client.ciba-grant',
  },
  {
    name: 'an attested instance',
    input: client({ token_endpoint_auth_method: 'attest_jwt_client_auth' }, { profile: oauth21 }),
    ruleId: 'client.instance-grants',
  },
  {
    name: 'a delivery mode without the grant',
    input: client({ grant_types: ['client_credentials'] }),
    ruleId: 'client.ciba-members',
  },
  {
    name: 'push',
    input: client({ backchannel_token_delivery_mode: 'push' }),
    ruleId: 'client.ciba-delivery-mode',
  },
  { name: 'no delivery mode', input: client(without), ruleId: 'client.ciba-delivery-mode' },
  ...[undefined, 'http://pos.example', 'https://pos.example/#x', 'https://a:b@pos.example', 'x'].map(uri => ({
    name: `a ping to ${uri}`,
    input: pinged(uri),
    ruleId: 'client.ciba-notification-endpoint',
  })),
  {
    name: 'a ping longer than 2048',
    input: pinged('https://pos.example/'.padEnd(2049, 'x')),
    ruleId: 'client.ciba-notification-endpoint',
  },
  {
    name: 'an endpoint of who polls',
    input: client({ backchannel_client_notification_endpoint: 'https://pos.example' }),
    ruleId: 'client.ciba-notification-endpoint',
  },
  { name: 'no algorithm', input: client({ [alg]: undefined }), ruleId: 'client.ciba-signing-alg' },
  { name: 'RS256', input: client({ [alg]: 'RS256' }), ruleId: 'client.ciba-signing-alg' },
  { name: 'no key for it', input: client({ [alg]: 'PS256' }), ruleId: 'client.ciba-signing-alg' },
  {
    name: 'a user code',
    input: client({ backchannel_user_code_parameter: true }),
    ruleId: 'client.ciba-user-code',
  },
]

describe('a client of the CIBA grant', () => {
  for (const [name, input] of [
    ['that polls', good],
    ['that is pinged', pinged('https://pos.example/ping?a=b'.padEnd(2048, 'x'))],
    [
      'whose keys are elsewhere',
      client({ jwks: undefined, jwks_uri: 'https://pos.example/jwks', [alg]: 'PS256' }),
    ],
    ['that need not sign', client({ [alg]: undefined }, { profile: fapi2Security })],
    ['that says it has no user codes', client({ backchannel_user_code_parameter: false })],
  ] as const)
    test(`is registered: ${name}`, () => assert.equal(judgeClientMetadata(input), undefined))
  for (const { name, input, ruleId } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = judgeClientMetadata(input)
      assert.equal(refusal?.ruleId, ruleId, refusal?.reason)
      assert.equal(refusal?.error, 'invalid_client_metadata')
      assert.notEqual(refusal?.facts?.field, undefined)
    })
})
