import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { type SectorInput, sectorDocumentRules, sectorMetadataRules, sectorOf } from './rules.ts'

const one = 'https://client.example/cb'
const input = (metadata: object): ClientMetadataInput => ({
  metadata: { redirect_uris: [one], subject_type: 'pairwise', ...metadata },
  profile: oidcBaseline,
  environment: 'production',
})

describe('sectors', () => {
  const several = { redirect_uris: [one, 'https://other.example/cb'] }
  const refusals: readonly Refused<ClientMetadataInput>[] = [
    { name: 'two hosts and no document', input: input(several), ruleId: 'client.sector' },
    { name: 'no redirect URI at all', input: input({ redirect_uris: [] }), ruleId: 'client.sector' },
    {
      name: 'a scheme of its own, which has no host',
      input: input({ redirect_uris: ['com.example.app:/cb'] }),
      ruleId: 'client.sector',
    },
    {
      name: 'a document over http',
      input: input({ sector_identifier_uri: 'http://sector.example/' }),
      ruleId: 'client.sector-uri',
    },
    {
      name: 'a document with userinfo',
      input: input({ sector_identifier_uri: 'https://me@sector.example/' }),
      ruleId: 'client.sector-uri',
    },
    {
      name: 'a document with fragment',
      input: input({ sector_identifier_uri: 'https://sector.example/#x' }),
      ruleId: 'client.sector-uri',
    },
    {
      name: 'a sector without pairwise subjects',
      input: input({ subject_type: 'public', sector_identifier_uri: 'https://sector.example/' }),
      ruleId: 'client.sector-uri',
    },
  ]
  for (const { name, input, ruleId } of refusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(sectorMetadataRules, input)
      assert.deepEqual([refusal?.ruleId, refusal?.error], [ruleId, 'invalid_client_metadata'])
    })
  test('the sector is the only redirect host, or that of the document', () => {
    const sector = { ...several, sector_identifier_uri: 'https://sector.example/uris.json' }
    assert.equal(firstRefusal(sectorMetadataRules, input({})), undefined)
    assert.equal(firstRefusal(sectorMetadataRules, input(sector)), undefined)
    assert.equal(sectorOf(input({}).metadata), 'client.example')
    assert.equal(sectorOf(input(sector).metadata), 'sector.example')
    assert.equal(sectorOf(input({ subject_type: undefined }).metadata), undefined)
    const twice = { redirect_uris: [one, 'https://client.example:8443/other'] }
    assert.equal(sectorOf(input(twice).metadata), 'client.example')
  })
  test('the document holds every redirect URI', () => {
    const refusals: readonly SectorInput[] = [
      { document: [], redirectUris: [one] },
      { document: [`${one}/`], redirectUris: [one] },
      { document: [one], redirectUris: [one, 'https://other.example/cb'] },
      { document: { 0: one, length: 1 }, redirectUris: [one] },
      { document: one, redirectUris: [one] },
      { document: null, redirectUris: [] },
    ]
    for (const spoiled of refusals)
      assert.equal(firstRefusal(sectorDocumentRules, spoiled)?.ruleId, 'registration.sector-document')
    const good = { document: ['https://x.example', one], redirectUris: [one] }
    assert.equal(firstRefusal(sectorDocumentRules, good), undefined)
  })
})
