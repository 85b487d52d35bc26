import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import {
  publishedResourceMetadata,
  type ResourceMetadata,
  resourceMetadataRules,
  resourceMetadataUrl,
} from './rules.ts'

const good: ResourceMetadata = {
  resource: 'https://rs.example/v1',
  authorization_servers: ['https://as.example'],
  bearer_methods_supported: ['header'],
  dpop_signing_alg_values_supported: ['ES256'],
}

const refusals: readonly Refused<ResourceMetadata>[] = [
  { name: 'http', input: { ...good, resource: 'http://rs.example' }, ruleId: 'resource-metadata.resource' },
  {
    name: 'fragment',
    input: { ...good, resource: 'https://rs.example/#a' },
    ruleId: 'resource-metadata.resource',
  },
  {
    name: 'empty fragment',
    input: { ...good, resource: 'https://rs.example/#' },
    ruleId: 'resource-metadata.resource',
  },
  { name: 'no URL', input: { ...good, resource: 'rs' }, ruleId: 'resource-metadata.resource' },
  {
    name: 'credentials',
    input: { ...good, resource: 'https://u@rs.example' },
    ruleId: 'resource-metadata.resource',
  },
  {
    name: 'issuer with query',
    input: { ...good, authorization_servers: ['https://as.example?x'] },
    ruleId: 'resource-metadata.issuers',
  },
  {
    name: 'http issuer',
    input: { ...good, authorization_servers: ['http://as.example'] },
    ruleId: 'resource-metadata.issuers',
  },
  {
    name: 'none',
    input: { ...good, dpop_signing_alg_values_supported: ['none'] },
    ruleId: 'resource-metadata.algs',
  },
  {
    name: 'HS256',
    input: { ...good, dpop_signing_alg_values_supported: ['HS256'] },
    ruleId: 'resource-metadata.algs',
  },
  {
    name: 'body',
    input: { ...good, bearer_methods_supported: ['header', 'body'] },
    ruleId: 'resource-metadata.header-only',
  },
]

test('accepts the good value', () => assert.equal(firstRefusal(resourceMetadataRules, good), undefined))

for (const { name, input, ruleId } of refusals)
  test(`refuses: ${name}`, () => assert.equal(firstRefusal(resourceMetadataRules, input)?.ruleId, ruleId))

test('the well-known segment stands between host and path', () => {
  const at = (resource: string) => resourceMetadataUrl(resource)
  assert.equal(at('https://rs.example/v1'), 'https://rs.example/.well-known/oauth-protected-resource/v1')
  assert.equal(at('https://rs.example/'), 'https://rs.example/.well-known/oauth-protected-resource')
  assert.equal(at('https://rs.example'), 'https://rs.example/.well-known/oauth-protected-resource')
  assert.equal(
    at('https://rs.example:8447/a/b?c=d'),
    'https://rs.example:8447/.well-known/oauth-protected-resource/a/b?c=d',
  )
})

test('members without a value are not published', () => {
  const document = publishedResourceMetadata({
    ...good,
    scopes_supported: [],
    resource_name: undefined,
  } as ResourceMetadata)
  assert.deepEqual(Object.keys(document).toSorted(), Object.keys(good).toSorted())
})
