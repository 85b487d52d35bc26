import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { compiledIssuer, documentOf, problemsOf } from '../control/testing/documents.ts'

const floor = documentOf('Issuer', 'main', '{floor: oauth21}')
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const keyFor = (use: string): string => JSON.stringify({ ...jwk, use, kid: use })
const domainOf = (name: string, spec: string): string => documentOf('SpiffeTrustDomain', name, `{${spec}}`)
const production = domainOf(
  'production',
  `trustDomain: prod.example, bundle: {keys: [${keyFor('jwt-svid')}]}`,
)
const remote = domainOf('remote', 'trustDomain: remote.example, bundleEndpoint: "https://b.example/bundle"')

function workload(name: string, spiffeId: string, more = ''): string {
  const metadata = `token_endpoint_auth_method: spiffe_jwt, grant_types: [client_credentials], spiffe_id: "${spiffeId}"`
  return documentOf('Client', name, `{profile: oauth21, metadata: {${metadata}${more}}}`)
}

const compiled = (...documents: readonly string[]) => compiledIssuer(floor, ...documents)
const problemText = (...documents: readonly string[]) => problemsOf(floor, ...documents).join('\n')

describe('SPIFFE in a revision', () => {
  test('a trust domain brings its keys or says where they are', () => {
    const others = `${keyFor('x509-svid')}, {kty: LMS, use: jwt-svid}, ${keyFor('jwt-svid')}`
    const bundle = `{keys: [${others}], spiffe_sequence: 7, spiffe_refresh_hint: 300}`
    const { spiffeTrustDomains } = compiled(
      domainOf('production', `trustDomain: prod.example, bundle: ${bundle}`),
      remote,
    )
    const found = spiffeTrustDomains.get('prod.example')
    assert.deepEqual(
      found?.keys.map(key => key.use),
      ['jwt-svid'],
    )
    assert.equal(found?.bundleEndpoint, undefined)
    assert.equal(spiffeTrustDomains.get('remote.example')?.bundleEndpoint, 'https://b.example/bundle')
    assert.equal(compiled().spiffeTrustDomains.size, 0)
  })

  test('a workload is found by its ID or by a path above it', () => {
    const { clientOfSpiffeId } = compiled(
      ...[production, remote],
      workload('reader', 'spiffe://prod.example/billing/reader'),
      workload('jobs', 'spiffe://prod.example/jobs/*'),
      workload('deep', 'spiffe://remote.example/a/b/c/*'),
    )
    for (const [id, name] of [
      ['spiffe://prod.example/billing/reader', 'reader'],
      ['spiffe://prod.example/jobs/7', 'jobs'],
      ['spiffe://prod.example/jobs/7/8', 'jobs'],
      ['spiffe://remote.example/a/b/c/d', 'deep'],
      ['spiffe://prod.example/billing', undefined],
      ['spiffe://prod.example/billing/reader/x', undefined],
      ['spiffe://prod.example/jobs', undefined],
      ['spiffe://prod.example/jobs/', undefined],
      ['spiffe://prod.example/jobsite', undefined],
      ['spiffe://remote.example/jobs/7', undefined],
      ['jobs', undefined],
    ] as const)
      assert.equal(clientOfSpiffeId(id)?.clientId, name, id)
  })

  for (const [name, documents, says] of [
    [
      'neither bundle nor endpoint',
      [domainOf('a', 'trustDomain: prod.example')],
      /SpiffeTrustDomain\/a spec: needs `bundle` or `bundleEndpoint`/,
    ],
    [
      'bundle and endpoint',
      [
        domainOf(
          'a',
          `trustDomain: a, bundleEndpoint: "https://b.example", bundle: {keys: [${keyFor('jwt-svid')}]}`,
        ),
      ],
      /needs `bundle` or `bundleEndpoint`, and not both/,
    ],
    [
      'an endpoint over http',
      [domainOf('a', 'trustDomain: a, bundleEndpoint: "http://b.example"')],
      /spec\.bundleEndpoint: must be an https URL/,
    ],
    [
      'a name that no trust domain has',
      [domainOf('a', 'trustDomain: "spiffe://prod.example", bundleEndpoint: "https://b.example"')],
      /spec\.trustDomain: must be the name of a trust domain/,
    ],
    [
      'a bundle without keys for JWT-SVIDs',
      [domainOf('a', `trustDomain: a, bundle: {keys: [${keyFor('x509-svid')}, ${keyFor('sig')}]}`)],
      /SpiffeTrustDomain\/a spec\.bundle\.keys: has no usable key whose `use` is `jwt-svid`/,
    ],
    [
      'one trust domain twice',
      [production, domainOf('b', 'trustDomain: prod.example, bundleEndpoint: "https://b.example"')],
      /SpiffeTrustDomain\/b spec\.trustDomain: is also that of `production`/,
    ],
    [
      'a client of a trust domain nobody described',
      [production, workload('a', 'spiffe://prod.exampel/a')],
      /Client\/a spec\.metadata\.spiffe_id: .*`prod\.example`\?/,
    ],
    [
      'one workload twice',
      [production, workload('a', 'spiffe://prod.example/a'), workload('b', 'spiffe://prod.example/a')],
      /Client\/b spec\.metadata\.spiffe_id: names a workload that is also client `a`/,
    ],
    [
      'a workload under the path of another client',
      [
        ...[production, workload('all', 'spiffe://prod.example/a/*')],
        ...[workload('x', 'spiffe://prod.example/a-b'), workload('one', 'spiffe://prod.example/a/b/c')],
      ],
      /^Client\/one spec\.metadata\.spiffe_id: names a workload that is also client `all`$/,
    ],
    [
      'a whole trust domain as a client',
      [production, workload('all', 'spiffe://prod.example/*')],
      /Client\/all spec\.metadata\.spiffe_id: .*names a trust domain and no workload/,
    ],
    [
      'the method without an ID',
      [production, workload('a', 'spiffe://prod.example/a').replace(/, spiffe_id: "[^"]*"/, '')],
      /spec\.metadata\.spiffe_id: `spiffe_id` and the method `spiffe_jwt` go together/,
    ],
    [
      'a client under FAPI',
      [production, workload('a', 'spiffe://prod.example/a').replace('oauth21', 'fapi2-security')],
      /does not allow `spiffe_jwt`/,
    ],
  ] as const)
    test(`${name} is refused when it is applied`, () => assert.match(problemText(...documents), says))
})
