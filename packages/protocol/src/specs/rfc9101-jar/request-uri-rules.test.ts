import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import {
  type FetchedRequestInput,
  fetchedRequestRules,
  type RemoteRequestUriInput,
  remoteRequestUriRules,
  requestUriLengthMax,
  requestUrisMax,
  requestUrisMetadataRules,
} from './request-uri-rules.ts'

const there = 'https://client.example/request.jwt'
const sha256 = 'qUiQTy8PR5uPgZdpSzAYSw0u0cHNKh7A-4XSmaGSpEc'
const good: RemoteRequestUriInput = {
  requestUri: there,
  registered: [`${there}?b`, there],
  profile: oidcBaseline,
}
const unknown = { ruleId: 'request-uri.registered', error: 'invalid_request_uri' }
const refusals: readonly (Refused<RemoteRequestUriInput> & { readonly error: string })[] = [
  ...[fapi2Security, oauth21].map(profile => ({
    name: `under ${profile.name}`,
    input: { ...good, profile },
    ruleId: 'request-uri.supported',
    error: 'request_uri_not_supported',
  })),
  { name: 'of a client without any', input: { ...good, registered: [] }, ...unknown },
  { name: 'with a query more', input: { ...good, requestUri: `${there}?a` }, ...unknown },
  {
    name: 'in another spelling',
    input: { ...good, requestUri: there.replace('client', 'Client') },
    ...unknown,
  },
  { name: 'with a hash more', input: { ...good, requestUri: `${there}#${sha256}` }, ...unknown },
]

const fetched: FetchedRequestInput = { requestUri: `${there}#${sha256}`, sha256 }

const withUris = (...request_uris: readonly string[]): ClientMetadataInput => ({
  metadata: { request_uris },
  profile: oidcBaseline,
  environment: 'production',
})
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${there}?${index}`)
const ruleId = 'client.request-uris'
const metadataRefusals: readonly Refused<ClientMetadataInput>[] = [
  { name: 'one under FAPI 2.0', input: { ...withUris(there), profile: fapi2Security }, ruleId },
  { name: 'one too many', input: withUris(...many(requestUrisMax + 1)), ruleId },
  { name: 'one twice', input: withUris(there, there), ruleId },
  { name: 'plain http', input: withUris('http://client.example/request.jwt'), ruleId },
  { name: 'a URN', input: withUris('urn:ietf:params:oauth:request_uri:x'), ruleId },
  { name: 'userinfo', input: withUris('https://a@client.example/request.jwt'), ruleId },
  { name: 'a fragment that is no hash', input: withUris(`${there}#section`), ruleId },
  { name: 'a hash of 44 characters', input: withUris(`${there}#${sha256}A`), ruleId },
  { name: 'an empty fragment', input: withUris(`${there}#`), ruleId },
  { name: 'a hash and a fragment', input: withUris(`${there}#${sha256}#x`), ruleId },
  { name: 'a space', input: withUris('https://client.example/a b'), ruleId },
  { name: '513 characters', input: withUris(there.padEnd(requestUriLengthMax + 1, 'a')), ruleId },
]

describe('a request URI of somebody else', () => {
  it('is opened when it was registered, under the profiles that have it', () => {
    for (const profile of [oidcBaseline, fapi1Advanced])
      assert.equal(firstRefusal(remoteRequestUriRules, { ...good, profile }), undefined)
  })
  for (const { name, input, ruleId: rule, error } of refusals)
    it(`${name} is refused by ${rule}`, () => {
      const refusal = firstRefusal(remoteRequestUriRules, input)
      assert.deepEqual([refusal?.ruleId, refusal?.error], [rule, error])
    })
})

describe('what lies behind a request URI', () => {
  it('has the hash that the fragment names, when it names one', () => {
    assert.equal(firstRefusal(fetchedRequestRules, fetched), undefined)
    assert.equal(firstRefusal(fetchedRequestRules, { ...fetched, requestUri: there }), undefined)
    const other = firstRefusal(fetchedRequestRules, { ...fetched, sha256: sha256.replace('q', 'Q') })
    assert.deepEqual([other?.ruleId, other?.error], ['request-uri.hash', 'invalid_request_uri'])
  })
})

describe('request URIs in client metadata', () => {
  it('pass up to the last that is allowed', () => {
    const longest = there.padEnd(requestUriLengthMax, 'a')
    for (const input of [
      withUris(),
      withUris(...many(requestUrisMax)),
      withUris(longest, `${there}#${sha256}`),
    ])
      assert.equal(firstRefusal(requestUrisMetadataRules, input), undefined)
  })
  for (const { name, input, ruleId: rule } of metadataRefusals)
    it(`${name} is refused by ${rule}`, () => {
      assert.equal(firstRefusal(requestUrisMetadataRules, input)?.ruleId, rule)
    })
})
