import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { postLogoutMetadataRules, postLogoutRedirectUrisMax } from './metadata-rules.ts'
import {
  type HintInput,
  hintRules,
  type LogoutInput,
  type LogoutProofInput,
  logoutProofRules,
  logoutRules,
} from './rules.ts'

const issuer = 'https://as.example'
const goodHint: HintInput = {
  issuer,
  typ: 'JWT',
  claims: { iss: issuer, aud: 'c_1', sub: 'u_1', sid: 's_1', exp: 1 },
}
const withClaims = (claims: object): HintInput => ({ ...goodHint, claims: { ...goodHint.claims, ...claims } })

const hintRefusals: readonly Refused<HintInput>[] = [
  { name: 'an access token', input: { ...goodHint, typ: 'at+jwt' }, ruleId: 'logout.hint-type' },
  { name: 'a logout token', input: { ...goodHint, typ: 'logout+jwt' }, ruleId: 'logout.hint-type' },
  { name: 'no type', input: { ...goodHint, typ: undefined }, ruleId: 'logout.hint-type' },
  { name: 'an event', input: withClaims({ events: {} }), ruleId: 'logout.hint-type' },
  { name: 'another issuer', input: withClaims({ iss: `${issuer}/` }), ruleId: 'logout.hint-issuer' },
  { name: 'two audiences', input: withClaims({ aud: ['c_1', 'c_2'] }), ruleId: 'logout.hint-claims' },
  { name: 'no subject', input: withClaims({ sub: undefined }), ruleId: 'logout.hint-claims' },
  { name: 'no session', input: withClaims({ sid: 1 }), ruleId: 'logout.hint-claims' },
]

const bye = 'https://client.example/bye'
const good: LogoutInput = {
  hintClientId: 'c_1',
  clientId: 'c_1',
  registeredUris: [bye],
  postLogoutRedirectUri: bye,
  state: 'x'.repeat(2048),
}
const logoutRefusals: readonly Refused<LogoutInput>[] = [
  { name: 'another client', input: { ...good, clientId: 'c_2' }, ruleId: 'logout.client-match' },
  {
    name: 'a URI with a query',
    input: { ...good, postLogoutRedirectUri: `${bye}?a=b` },
    ruleId: 'logout.redirect-registered',
  },
  { name: 'no client', input: { ...good, registeredUris: undefined }, ruleId: 'logout.redirect-registered' },
  {
    name: 'a client without URIs',
    input: { ...good, registeredUris: [] },
    ruleId: 'logout.redirect-registered',
  },
  { name: 'a state too long', input: { ...good, state: 'x'.repeat(2049) }, ruleId: 'logout.state-length' },
  {
    name: 'a state of long characters',
    input: { ...good, state: 'ü'.repeat(1025) },
    ruleId: 'logout.state-length',
  },
]

const goodProof: LogoutProofInput = {
  hint: { sub: 'u_1', sid: 's_1' },
  session: { subject: 'u_1', sid: 's_1' },
}
const proofRefusals: readonly Refused<LogoutProofInput>[] = [
  { name: 'no hint', input: { ...goodProof, hint: undefined }, ruleId: 'logout.proof' },
  {
    name: 'another session',
    input: { ...goodProof, hint: { sub: 'u_1', sid: 's_2' } },
    ruleId: 'logout.proof',
  },
  { name: 'another user', input: { ...goodProof, hint: { sub: 'u_2', sid: 's_1' } }, ruleId: 'logout.proof' },
]

const goodMetadata: ClientMetadataInput = {
  metadata: { post_logout_redirect_uris: [bye, `${bye}?a=b`] },
  profile: oidcBaseline,
  environment: 'production',
}
const withUris = (...post_logout_redirect_uris: readonly string[]): ClientMetadataInput => ({
  ...goodMetadata,
  metadata: { post_logout_redirect_uris },
})
const manyUris = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${bye}/${index}`)
const ruleId = 'client.post-logout-redirect-uris'
const metadataRefusals: readonly Refused<ClientMetadataInput>[] = [
  { name: 'a URI twice', input: withUris(bye, bye), ruleId },
  { name: 'one too many', input: withUris(...manyUris(postLogoutRedirectUrisMax + 1)), ruleId },
  { name: 'a fragment', input: withUris(`${bye}#x`), ruleId },
  { name: 'a wildcard', input: withUris('https://*.example/'), ruleId },
  { name: 'plain http', input: withUris('http://client.example/bye'), ruleId },
  { name: 'a script', input: withUris('javascript:alert(1)'), ruleId },
  { name: 'userinfo', input: withUris('https://a@client.example/'), ruleId },
]

describe('RP-initiated logout', () => {
  it('good values pass', () => {
    assert.equal(firstRefusal(hintRules, goodHint), undefined)
    for (const input of [
      good,
      { ...good, clientId: undefined },
      { ...good, hintClientId: undefined },
      { ...good, postLogoutRedirectUri: undefined, registeredUris: undefined },
      { ...good, state: undefined },
    ])
      assert.equal(firstRefusal(logoutRules, input), undefined)
    assert.equal(firstRefusal(logoutProofRules, goodProof), undefined)
    for (const input of [goodMetadata, withUris(...manyUris(postLogoutRedirectUrisMax)), withUris()])
      assert.equal(firstRefusal(postLogoutMetadataRules, input), undefined)
    const native: ClientMetadataInput = {
      ...goodMetadata,
      metadata: { application_type: 'native', post_logout_redirect_uris: ['com.example.app:/bye'] },
    }
    assert.equal(firstRefusal(postLogoutMetadataRules, native), undefined)
  })

  for (const { name, input, ruleId } of hintRefusals)
    it(`a hint is refused: ${name}`, () => assert.equal(firstRefusal(hintRules, input)?.ruleId, ruleId))
  for (const { name, input, ruleId } of logoutRefusals)
    it(`a logout is refused: ${name}`, () => assert.equal(firstRefusal(logoutRules, input)?.ruleId, ruleId))
  for (const { name, input, ruleId } of proofRefusals)
    it(`the user is asked: ${name}`, () =>
      assert.equal(firstRefusal(logoutProofRules, input)?.ruleId, ruleId))
  for (const { name, input, ruleId } of metadataRefusals)
    it(`a registration is refused: ${name}`, () => {
      const refusal = firstRefusal(postLogoutMetadataRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_client_metadata')
    })
})
