import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { backchannelMetadataRules } from './metadata-rules.ts'
import { backchannelLogoutEvent, type LogoutTokenInput, logoutTokenRules } from './rules.ts'

const good: LogoutTokenInput = {
  typ: 'logout+jwt',
  claims: {
    iss: 'https://as.example',
    aud: 'c_1',
    iat: 1_000,
    exp: 1_120,
    jti: 'j'.repeat(22),
    sub: 'u_1',
    sid: 's_1',
    events: { [backchannelLogoutEvent]: {} },
  },
}
const withClaims = (claims: object): LogoutTokenInput => ({ ...good, claims: { ...good.claims, ...claims } })

const tokenRefusals: readonly Refused<LogoutTokenInput>[] = [
  { name: 'the type of an ID token', input: { ...good, typ: 'JWT' }, ruleId: 'logout-token.type' },
  ...['iss', 'aud', 'iat', 'exp', 'jti'].map(name => ({
    name: `no ${name}`,
    input: withClaims({ [name]: undefined }),
    ruleId: 'logout-token.claims',
  })),
  { name: 'a short jti', input: withClaims({ jti: 'j'.repeat(21) }), ruleId: 'logout-token.claims' },
  { name: '121 seconds', input: withClaims({ exp: 1_121 }), ruleId: 'logout-token.lifetime' },
  { name: 'no life at all', input: withClaims({ exp: 1_000 }), ruleId: 'logout-token.lifetime' },
  { name: 'no events', input: withClaims({ events: undefined }), ruleId: 'logout-token.event' },
  { name: 'another event', input: withClaims({ events: { other: {} } }), ruleId: 'logout-token.event' },
  {
    name: 'an event that is no object',
    input: withClaims({ events: { [backchannelLogoutEvent]: [] } }),
    ruleId: 'logout-token.event',
  },
  {
    name: 'neither sub nor sid',
    input: withClaims({ sub: undefined, sid: undefined }),
    ruleId: 'logout-token.whose',
  },
  { name: 'a nonce', input: withClaims({ nonce: 'n' }), ruleId: 'logout-token.nonce' },
]

const uri = 'https://client.example/logout?tenant=1'
const registered = (metadata: ClientMetadata): ClientMetadataInput => ({
  metadata,
  profile: oidcBaseline,
  environment: 'production',
})
const metadataRefusals: readonly Refused<ClientMetadataInput>[] = [
  ...[
    'http://client.example/logout',
    'https://client.example/logout#x',
    'https://client.example/logout#',
    'https://a:b@client.example/',
    '/logout',
    'com.example.app:/logout',
    `https://client.example/${'x'.repeat(2048)}`,
  ].map(backchannel_logout_uri => ({
    name: backchannel_logout_uri.slice(0, 40),
    input: registered({ backchannel_logout_uri }),
    ruleId: 'client.backchannel-logout-uri',
  })),
  {
    name: 'a session for nobody',
    input: registered({ backchannel_logout_session_required: true }),
    ruleId: 'client.backchannel-logout-session',
  },
]

describe('back-channel logout', () => {
  it('good values pass', () => {
    for (const input of [good, withClaims({ sub: undefined }), withClaims({ sid: undefined })])
      assert.equal(firstRefusal(logoutTokenRules, input), undefined)
    for (const metadata of [
      {},
      { backchannel_logout_uri: uri },
      { backchannel_logout_uri: uri, backchannel_logout_session_required: true },
      { backchannel_logout_session_required: false },
    ])
      assert.equal(firstRefusal(backchannelMetadataRules, registered(metadata)), undefined)
  })

  for (const { name, input, ruleId } of tokenRefusals)
    it(`a logout token never leaves with ${name}`, () =>
      assert.equal(firstRefusal(logoutTokenRules, input)?.ruleId, ruleId))
  for (const { name, input, ruleId } of metadataRefusals)
    it(`a registration is refused: ${name}`, () => {
      const refusal = firstRefusal(backchannelMetadataRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_client_metadata')
    })
})
