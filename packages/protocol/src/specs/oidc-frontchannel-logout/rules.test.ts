import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { frontchannelMetadataRules } from './metadata-rules.ts'

const redirect_uris = ['https://client.example/callback', 'https://client.example:8443/callback']
const registered = (metadata: ClientMetadata): ClientMetadataInput => ({
  metadata: { redirect_uris, ...metadata },
  profile: oidcBaseline,
  environment: 'production',
})
const uriIs = (uri: string): ClientMetadataInput => registered({ frontchannel_logout_uri: uri })

const refusals: readonly Refused<ClientMetadataInput>[] = [
  ...[
    'https://other.example/out',
    'https://client.example:8444/out',
    'http://client.example/out',
    'https://client.example/out#x',
    'https://client.example/out#',
    'https://a:b@client.example/out',
    'com.example.app:/out',
    'out',
    `https://client.example/${'x'.repeat(2048)}`,
  ].map(uri => ({
    name: uri.slice(0, 40),
    input: uriIs(uri),
    ruleId: 'client.frontchannel-logout-uri',
  })),
  {
    name: 'a client with a redirect URI of an app only',
    input: registered({
      frontchannel_logout_uri: 'com.example.app:/out',
      redirect_uris: ['com.example.app:/cb'],
    }),
    ruleId: 'client.frontchannel-logout-uri',
  },
  {
    name: 'a session for nobody',
    input: registered({ frontchannel_logout_session_required: true }),
    ruleId: 'client.frontchannel-logout-session',
  },
]

describe('front-channel logout metadata', () => {
  for (const { name, input, ruleId } of refusals)
    it(`${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(frontchannelMetadataRules, input)?.ruleId, ruleId)
    })

  it('good metadata pass', () => {
    for (const metadata of [
      {},
      { frontchannel_logout_uri: 'https://client.example/out?tenant=1' },
      { frontchannel_logout_uri: 'https://client.example:8443/', frontchannel_logout_session_required: true },
      { frontchannel_logout_session_required: false },
    ])
      assert.equal(firstRefusal(frontchannelMetadataRules, registered(metadata)), undefined)
  })
})
