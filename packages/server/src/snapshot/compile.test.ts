import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  accounts,
  bank,
  binding,
  compiledIssuer,
  documentOf,
  jwk,
  problemsOf,
  shop,
} from '../control/testing/documents.ts'

const clientOf = (name: string, spec: string) => documentOf('Client', name, spec)
const metadata = `redirect_uris: ['https://shop.example/cb'], jwks: {keys: [${jwk}]}`
const lax = documentOf('Issuer', 'main', '{floor: oidc-baseline}')

describe('a revision is compiled', () => {
  test('documents become a client, a resource server and scopes', () => {
    const issuer = compiledIssuer(shop, bank, accounts)
    const client = issuer.clients.get('shop')
    assert.deepEqual(client?.resources, ['https://api.example'])
    assert.deepEqual(client?.scopes, ['openid', 'accounts'])
    assert.equal(client?.tokenEndpointAuthMethod, 'private_key_jwt')
    assert.equal(client?.idTokenSignedResponseAlg, 'ES256')
    assert.equal(client?.profile.name, 'fapi2-security')
    assert.equal(issuer.resourceServers.get('https://api.example')?.accessTokenFormat, 'opaque')
    assert.equal(issuer.scopes.get('accounts')?.title, 'See accounts')
    assert.equal(issuer.scopes.has('openid'), true)
    assert.equal(issuer.floor.name, 'fapi2-security')
  })

  test('what a client may exchange is nobody’s unless its document names clients and resource servers', () => {
    const client = (policy: string): string =>
      clientOf(
        'api',
        `{${policy} resources: [bank], metadata: {${metadata}, dpop_bound_access_tokens: true}}`,
      )
    const named = compiledIssuer(
      ...[bank, accounts, shop],
      client('exchanges: {tokensOf: [shop], tokensFor: [bank]}, mayAct: shop,'),
    ).clients.get('api')
    assert.deepEqual(named?.exchanges, { tokensOf: ['shop'], tokensFor: ['https://api.example'] })
    assert.equal(named?.mayAct, 'shop')
    const silent = compiledIssuer(bank, accounts, client('')).clients.get('api')
    assert.deepEqual(silent?.exchanges, { tokensOf: [], tokensFor: [] })
    const wrong = 'exchanges: {tokensOf: [shopp], tokensFor: [bankk]}, mayAct: shoop,'
    const problems = problemsOf(bank, accounts, shop, client(wrong)).join('\n')
    for (const said of ['exchanges.tokensOf[0]', 'exchanges.tokensFor[0]', 'spec.mayAct', '`shop`?'])
      assert.ok(problems.includes(said), `${said} in ${problems}`)
  })

  test('another issuer is trusted as far as its document says, and no further than there are clients and scopes', () => {
    const trust = (spec: string): string => documentOf('TrustedIssuer', 'idp', `{${spec}}`)
    const good = `issuer: 'https://idp.example', jwks: {keys: [${jwk}]}, subjects: {are: username}, clients: [shop], scopes: [accounts], resources: [bank]`
    const trusted = compiledIssuer(shop, bank, accounts, trust(good)).trustedIssuers.get(
      'https://idp.example',
    )
    assert.equal(trusted?.name, 'idp')
    assert.equal(trusted?.keys.length, 1)
    assert.deepEqual(trusted?.resources, ['https://api.example'])
    assert.equal(trusted?.subjects, 'username')
    assert.deepEqual(trusted?.algs, ['PS256', 'ES256', 'EdDSA', 'Ed25519'])
    assert.equal(trusted?.assertionLifetimeSeconds, 300)
    const listed = good.replace('are: username', 'are: listed, listed: {"00u1": alice}')
    const byList = compiledIssuer(shop, bank, accounts, trust(listed)).trustedIssuers.get(
      'https://idp.example',
    )
    assert.deepEqual(byList?.subjects, new Map([['00u1', 'alice']]))
    const wrong: readonly (readonly [string, string, string])[] = [
      ['clients: [shop]', 'clients: [shopp]', '`shop`?'],
      ['clients: [shop]', 'clients: []', 'spec.clients'],
      ['scopes: [accounts]', 'scopes: [openid]', 'belongs to a sign-in'],
      ['scopes: [accounts]', 'scopes: [email]', 'belongs to a sign-in'],
      ['scopes: [accounts]', 'scopes: [nothing]', 'spec.scopes[0]'],
      ['resources: [bank]', 'resources: [bankk]', '`bank`?'],
      ['https://idp.example', binding.url, 'is this issuer itself'],
      [`jwks: {keys: [${jwk}]}`, 'jwks: {keys: [{kty: oct, k: AAAA}]}', 'spec.jwks.keys[0]'],
      [`jwks: {keys: [${jwk}]}, `, '', 'needs `jwks` or `jwksUri`'],
      [`jwks: {keys: [${jwk}]}`, "jwksUri: 'http://idp.example/jwks'", 'must be an https URL'],
      ['are: username', 'are: listed', '`listed` stands there when'],
      ['resources: [bank]', 'resources: [bank], signingAlgs: [HS256]', 'spec.signingAlgs[0]'],
      ['resources: [bank]', 'resources: [bank], assertionLifetimeSeconds: 3601', 'assertionLifetimeSeconds'],
    ]
    for (const [from, to, said] of wrong) {
      const problems = problemsOf(shop, bank, accounts, trust(good.replace(from, to))).join('\n')
      assert.ok(problems.includes(said), `${said} in ${problems}`)
    }
    const twice = problemsOf(shop, bank, accounts, trust(good), trust(good).replace('idp', 'idp2'))
    assert.ok(twice.join().includes('is also the issuer of `idp`'), twice.join())
  })

  test('an operator switches on one of the three signed messages by a profile of his own', () => {
    const names = ['signedRequestObjects', 'signedAuthorizationResponses', 'signedIntrospection'] as const
    for (const name of names) {
      const own = documentOf('SecurityProfile', 'own', `{base: fapi2-security, tighten: {${name}: required}}`)
      const issuer = compiledIssuer(
        own,
        clientOf('signed', `{profile: own, metadata: {${metadata}, dpop_bound_access_tokens: true}}`),
      )
      const profile = issuer.clients.get('signed')?.profile
      for (const other of names) assert.equal(profile?.[other], other === name ? 'required' : 'allowed')
    }
  })

  test('what we sign for a client has the algorithm it registered, or else the first that fits its profile', () => {
    const signed = clientOf(
      'signed',
      `{profile: fapi2-message-signing, metadata: {${metadata}, dpop_bound_access_tokens: true, response_modes: [jwt], authorization_signed_response_alg: PS256, request_object_signing_alg: ES256}}`,
    )
    const client = compiledIssuer(signed).clients.get('signed')
    assert.equal(client?.authorizationSignedResponseAlg, 'PS256')
    assert.equal(client?.introspectionSignedResponseAlg, 'ES256')
    assert.equal(client?.requestObjectSigningAlg, 'ES256')
    assert.deepEqual(client?.responseModes, ['jwt'])
    const unfit = signed.replace(
      'authorization_signed_response_alg: PS256',
      'authorization_signed_response_alg: RS256',
    )
    assert.match(problemsOf(unfit).join(), /authorization_signed_response_alg: .* does not allow `RS256`/)
    const encrypted = signed.replace(
      'response_modes',
      'authorization_encrypted_response_alg: RSA-OAEP, response_modes',
    )
    assert.match(problemsOf(encrypted).join(), /authorization_encrypted_response_alg/)
  })

  test('answers are encrypted as registered, with the default where none is named', () => {
    const enc = jwk.replace('{', '{"use":"enc","kid":"e",')
    const keys = `jwks: {keys: [${jwk}, ${enc}]}`
    const members =
      'id_token_encrypted_response_alg: ECDH-ES, introspection_encrypted_response_alg: ECDH-ES+A128KW, ' +
      'introspection_encrypted_response_enc: A256GCM, userinfo_signed_response_alg: PS256'
    const text = clientOf('private', `{metadata: {${metadata}, dpop_bound_access_tokens: true, ${members}}}`)
    assert.match(problemsOf(text).join(), /no key of `jwks` has `use` `enc` and fits `ECDH-ES`/)
    const client = compiledIssuer(text.replace(/jwks: \{keys: \[[^\]]*\]\}/, keys)).clients.get('private')
    assert.deepEqual(client?.encryptedResponses, {
      id_token: { alg: 'ECDH-ES', enc: 'A128CBC-HS256' },
      introspection: { alg: 'ECDH-ES+A128KW', enc: 'A256GCM' },
    })
    assert.equal(client?.userinfoSignedResponseAlg, 'PS256')
    const rs = text.replace('userinfo_signed_response_alg: PS256', 'userinfo_signed_response_alg: RS256')
    assert.match(problemsOf(rs).join(), /userinfo_signed_response_alg: .* does not allow `RS256`/)
  })

  test('a scope brings its words in German along, and no language that the pages do not speak', () => {
    const words = '{title: Konten sehen, description: Alles lesen.}'
    const scope = (locale: string): string =>
      documentOf('Scope', 'accounts', `{title: See, description: Read., translations: {${locale}: ${words}}}`)
    const translations = compiledIssuer(scope('de')).scopes.get('accounts')?.translations
    assert.deepEqual(translations, { de: { title: 'Konten sehen', description: 'Alles lesen.' } })
    assert.match(problemsOf(scope('fr')).join(), /translations.fr: unknown key/)
  })

  test('a FAPI 1.0 Advanced client keeps its response types at a floor that lets it, and is an error at one that does not', () => {
    const bound = 'tls_client_certificate_bound_access_tokens: true'
    const fapi1 = (more: string, rest = ''): string =>
      clientOf('fapi1', `{profile: fapi1-advanced, ${rest} metadata: {${metadata}, ${more}}}`)
    const both = fapi1(`${bound}, response_types: [code, code id_token]`)
    const client = compiledIssuer(lax, both).clients.get('fapi1')
    assert.deepEqual(client?.responseTypes, ['code', 'code id_token'])
    assert.equal(client?.idTokenSignedResponseAlg, 'ES256')
    assert.equal(client?.profile.assertionAudience, 'issuer-sole')
    const own = documentOf('Issuer', 'main', '{floor: fapi1-advanced}')
    assert.equal(
      compiledIssuer(own, both).clients.get('fapi1')?.profile.assertionAudience,
      'issuer-or-endpoint',
    )

    // FAPI 2.0 has no ID token in the browser: as floor, and as profile of a resource of the client.
    assert.match(problemsOf(both).join(), /response_types: profile `[^`]*` does not have .*`code id_token`/)
    const server = documentOf(
      'ResourceServer',
      'strict',
      '{audience: https://api.example, profile: fapi2-security}',
    )
    const beside = fapi1(`${bound}, response_types: [code id_token]`, 'resources: [strict],')
    assert.match(problemsOf(lax, server, beside).join(), /response_types: profile/)
    assert.ok(compiledIssuer(fapi1(bound)).clients.get('fapi1'))

    const tokenOnly = documentOf(
      'SecurityProfile',
      'token-only',
      '{base: fapi1-advanced, tighten: {responseTypes: [code id_token]}}',
    )
    const stranded = clientOf('stranded', `{profile: token-only, metadata: {${metadata}, ${bound}}}`)
    assert.match(problemsOf(tokenOnly, stranded).join(), /no response type is left/)
    assert.match(problemsOf(lax, fapi1('dpop_bound_access_tokens: true')).join(), /does not allow DPoP/)
    const native = fapi1(bound).replace('https://shop.example/cb', 'com.example.shop:/cb')
    assert.match(
      problemsOf(lax, native.replace('redirect_uris', 'application_type: native, redirect_uris')).join(),
      /wants https/,
    )
  })

  test('without documents an issuer stands on the FAPI 2.0 floor with no clients', () => {
    const issuer = compiledIssuer()
    assert.equal(issuer.floor.name, 'fapi2-security')
    assert.equal(issuer.clients.size, 0)
  })

  test('a FAPI client and a plain OpenID Connect client live on one issuer', () => {
    const plain = clientOf('plain', `{profile: oidc-baseline, metadata: {${metadata}}}`)
    const issuer = compiledIssuer(lax, shop, bank, accounts, plain)
    assert.equal(issuer.clients.get('shop')?.profile.senderConstraint, 'required')
    assert.equal(issuer.clients.get('plain')?.profile.senderConstraint, 'allowed')
    assert.equal(issuer.clients.get('plain')?.idTokenSignedResponseAlg, 'RS256')
  })

  test('an attester of the issuer counts for the clients that name it', () => {
    const attesting = documentOf(
      'Issuer',
      'main',
      `{floor: oidc-baseline, attesters: [{name: vendor, jwks: {keys: [${jwk}]}}]}`,
    )
    const attested = (more: string) =>
      clientOf(
        'app',
        `{profile: oauth21, ${more} metadata: {redirect_uris: ['https://shop.example/cb'], token_endpoint_auth_method: attest_jwt_client_auth}}`,
      )
    const issuer = compiledIssuer(attesting, attested('attesters: [vendor],'))
    assert.deepEqual([...issuer.attesters.keys()], ['vendor'])
    assert.equal(issuer.clients.get('app')?.attesters[0]?.keys.length, 1)
    assert.match(problemsOf(attesting, attested('')).join(), /needs an attester/)
    assert.match(problemsOf(attesting, attested('attesters: [vendr],')).join(), /vendr.*vendor/)
    const symmetric = attesting.replace(jwk, '{kty: oct, k: AAAA}')
    assert.match(problemsOf(symmetric).join(), /attesters\[0\].jwks.keys\[0\]/)
    const twice = attesting.replace('attesters: [', `attesters: [{name: vendor, jwks: {keys: [${jwk}]}}, `)
    assert.match(problemsOf(twice).join(), /stands twice/)
    const strict = attested('attesters: [vendor],').replace('oauth21', 'fapi2-security')
    assert.match(problemsOf(attesting, strict).join(), /does not allow `attest_jwt_client_auth`/)
  })

  test('asking for a stricter resource tightens the whole request, and only then', () => {
    const strict = documentOf(
      'SecurityProfile',
      'strict',
      '{base: fapi2-security, tighten: {accessTokenLifetimeSeconds: 60}}',
    )
    const vault = documentOf('ResourceServer', 'vault', '{audience: https://vault.example, profile: strict}')
    const both = shop.replace('[bank]', '[bank, vault]')
    const issuer = compiledIssuer(strict, vault, both, bank, accounts)
    const client = issuer.clients.get('shop')
    assert.ok(client)
    const lifetime = (...audiences: readonly string[]) => {
      const met = issuer.effectiveProfile(client, { audiences, scopes: [], details: [] })
      return met.ok ? met.value.accessTokenLifetimeSeconds : undefined
    }
    assert.equal(lifetime(), 300)
    assert.equal(lifetime('https://api.example'), 300)
    assert.equal(lifetime('https://vault.example'), 60)
    assert.equal(lifetime('https://vault.example', 'https://api.example'), 60)
    const asked = { audiences: ['https://vault.example'], scopes: [], details: [] }
    const once = issuer.effectiveProfile(client, asked)
    assert.equal(issuer.effectiveProfile(client, { ...asked }), once)
  })
})

describe('what we sign for a client', () => {
  const ed = `{metadata: {${metadata}, dpop_bound_access_tokens: true, id_token_signed_response_alg: EdDSA}}`

  for (const alg of ['EdDSA', 'Ed25519', 'PS256', 'ES256'])
    test(`${alg} is signed for whoever registers it`, () => {
      const client = compiledIssuer(clientOf('ed', ed.replace('EdDSA', alg))).clients.get('ed')
      assert.equal(client?.idTokenSignedResponseAlg, alg)
    })

  for (const alg of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'])
    test(`${alg} is signed where issuer, client and API let it, and nowhere under FAPI`, () => {
      const large = ed.replace('EdDSA', alg).replace('{metadata', '{profile: oauth21-post-quantum, metadata')
      const floor = documentOf('Issuer', 'main', '{floor: oauth21-post-quantum}')
      assert.equal(
        compiledIssuer(floor, clientOf('pq', large)).clients.get('pq')?.idTokenSignedResponseAlg,
        alg,
      )
      const vault = documentOf(
        'ResourceServer',
        'vault',
        `{audience: https://vault.example, accessTokenFormat: jwt, accessTokenSigningAlg: ${alg}}`,
      )
      const asking = large.replace('{profile', '{resources: [vault], profile')
      assert.equal(compiledIssuer(floor, vault, clientOf('pq', asking)).clients.size, 1)
      const tiered = vault.replace('{audience', '{profile: tier-2-sensitive-read, audience')
      for (const [documents, says] of [
        [[clientOf('pq', large)], /id_token_signed_response_alg: .* does not allow `ML-DSA-/],
        [[floor, clientOf('pq', ed.replace('EdDSA', alg))], /`fapi2-security\+.* does not allow `ML-DSA-/],
        [[floor, tiered, clientOf('pq', asking)], /spec\.resources: .* tokens signed with ML-DSA-/],
      ] as const)
        assert.match(problemsOf(...documents).join('\n'), says)
    })

  test('without a wish it is an algorithm that also its strictest resource allows', () => {
    const strict = documentOf(
      'SecurityProfile',
      'ps',
      '{base: fapi2-security, tighten: {signingAlgs: [ES256, PS256]}}',
    )
    const psOnly = strict.replace('[ES256, PS256]', '[PS256]')
    const rsaJwk = JSON.stringify(
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
    )
    const client = clientOf(
      'shop',
      `{resources: [vault], metadata: {redirect_uris: ['https://shop.example/cb'], dpop_bound_access_tokens: true, jwks: {keys: [${rsaJwk}]}}}`,
    )
    const vault = documentOf('ResourceServer', 'vault', '{audience: https://vault.example, profile: ps}')
    assert.equal(
      compiledIssuer(strict, vault, client.replace(rsaJwk, jwk)).clients.get('shop')
        ?.idTokenSignedResponseAlg,
      'ES256',
    )
    assert.equal(compiledIssuer(psOnly, vault, client).clients.get('shop')?.idTokenSignedResponseAlg, 'PS256')
  })

  test('a status list is for JWTs: an opaque token is introspected', () => {
    const listed = (format: string) =>
      bank.replace('scopes:', `accessTokenFormat: ${format}, statusList: true, scopes:`)
    assert.match(
      problemsOf(listed('opaque'), accounts).join('\n'),
      /^ResourceServer\/bank spec\.statusList: /m,
    )
    assert.doesNotMatch(problemsOf(listed('jwt'), accounts).join('\n'), /statusList/)
  })

  test('a JWT access token is signed as Ed25519 where its API says so', () => {
    const jwt = bank.replace('scopes:', 'accessTokenFormat: jwt, accessTokenSigningAlg: Ed25519, scopes:')
    const server = compiledIssuer(jwt, accounts).resourceServers.get('https://api.example')
    assert.equal(server?.accessTokenSigningAlg, 'Ed25519')
    const unknown = jwt.replace('Ed25519', 'ES384')
    assert.match(
      problemsOf(unknown, accounts).join('\n'),
      /^ResourceServer\/bank spec\.accessTokenSigningAlg: /m,
    )
  })
})

describe('a contradiction names document and field', () => {
  const table: readonly {
    readonly name: string
    readonly documents: readonly string[]
    readonly says: RegExp
  }[] = [
    {
      name: 'a public client on a FAPI floor',
      documents: [
        clientOf(
          'spa',
          '{profile: oauth21, metadata: {redirect_uris: [https://a.example/], token_endpoint_auth_method: none}}',
        ),
      ],
      says: /^Client\/spa spec\.metadata\.token_endpoint_auth_method: .*confidential clients only \[client\.public-client\]/m,
    },
    {
      name: 'a scope nobody wrote',
      documents: [shop.replace('openid accounts', 'openid acounts'), bank, accounts],
      says: /^Client\/shop spec\.metadata\.scope: there is no scope `acounts` \(did you mean `accounts`\?\)/m,
    },
    {
      name: 'a resource server nobody wrote',
      documents: [shop, accounts],
      says: /^Client\/shop spec\.resources\[0\]: there is no resource server `bank`/m,
    },
    {
      name: 'an unknown floor',
      documents: [documentOf('Issuer', 'main', '{floor: fapi2-securty}')],
      says: /^Issuer\/main spec\.floor: there is no profile `fapi2-securty` \(did you mean `fapi2-security`\?\)/m,
    },
    {
      name: 'an environment that the bootstrap configuration denies',
      documents: [documentOf('Issuer', 'main', '{environment: production}')],
      says: /^Issuer\/main spec\.environment: `production` contradicts `development`/m,
    },
    {
      name: 'tls_client_auth without authorities',
      documents: [
        clientOf(
          'pki',
          '{metadata: {redirect_uris: [https://a.example/], token_endpoint_auth_method: tls_client_auth, tls_client_auth_san_dns: a.example, tls_client_certificate_bound_access_tokens: true}}',
        ),
      ],
      says: /^Client\/pki spec\.metadata\.token_endpoint_auth_method: the issuer has no `clientTrustAnchorFiles`/m,
    },
    {
      name: 'one audience for two resource servers',
      documents: [bank, accounts, bank.replace('{name: bank}', '{name: bank2}')],
      says: /^ResourceServer\/bank2 spec\.audience: is also the audience of `bank`/m,
    },
    {
      name: 'a resource that the client can never satisfy',
      documents: [
        shop,
        accounts,
        documentOf(
          'SecurityProfile',
          'mtls',
          '{base: fapi2-security, tighten: {senderConstraintMethods: [mtls]}}',
        ),
        bank.replace('scopes:', 'profile: mtls, scopes:'),
      ],
      says: /^Client\/shop spec\.metadata\.dpop_bound_access_tokens: .*does not allow DPoP/m,
    },
    {
      name: 'resources that contradict each other',
      documents: [
        shop.replace('[bank]', '[bank, vault]'),
        accounts,
        documentOf('SecurityProfile', 'a', '{base: fapi2-security, tighten: {signingAlgs: [ES256]}}'),
        documentOf('SecurityProfile', 'b', '{base: fapi2-security, tighten: {signingAlgs: [PS256]}}'),
        bank.replace('scopes:', 'profile: a, scopes:'),
        documentOf('ResourceServer', 'vault', '{audience: https://vault.example, profile: b}'),
      ],
      says: /^Client\/shop spec\.profile: .*no signing algorithm is left \[profile\.contradiction\]/m,
    },
    {
      name: 'JWT access tokens in an algorithm that FAPI does not know',
      documents: [
        lax,
        shop,
        accounts,
        bank.replace('scopes:', 'accessTokenFormat: jwt, accessTokenSigningAlg: RS256, scopes:'),
      ],
      says: /^Client\/shop spec\.resources: .*RS256, which `fapi2-security\+oidc-baseline` does not allow/m,
    },
    {
      name: 'a document twice',
      documents: [accounts, accounts],
      says: /^Scope\/accounts metadata\.name: stands twice/m,
    },
  ]
  for (const { name, documents, says } of table)
    test(`${name} does not compile`, () => assert.match(problemsOf(...documents).join('\n'), says))
})

describe('profiles only tighten', () => {
  const profile = (tighten: string, base = 'fapi2-security') =>
    documentOf('SecurityProfile', 'mine', `{base: ${base}, tighten: {${tighten}}}`)

  for (const looser of [
    'pkce: allowed',
    'publicClients: allowed',
    'accessTokenLifetimeSeconds: 301',
    'signingAlgs: [PS256, RS256]',
    'senderConstraint: allowed',
  ]) {
    const field = looser.split(':')[0]
    test(`\`${looser}\` is looser than FAPI 2.0 and names its field`, () =>
      assert.match(
        problemsOf(profile(looser)).join(),
        new RegExp(`SecurityProfile/mine spec.tighten.${field}: .*looser`),
      ))
  }

  for (const tighter of [
    'accessTokenLifetimeSeconds: 300',
    'accessTokenLifetimeSeconds: 299',
    'signingAlgs: [PS256]',
  ])
    test(`\`${tighter}\` may be written`, () => assert.deepEqual(problemsOf(profile(tighter)), []))

  test('PKCE may be required over plain OpenID Connect', () =>
    assert.deepEqual(problemsOf(profile('pkce: required', 'oidc-baseline')), []))

  test('a profile stands on another whatever their order, and may not loosen that one either', () => {
    const base = documentOf(
      'SecurityProfile',
      'short',
      '{base: fapi2-security, tighten: {accessTokenLifetimeSeconds: 60}}',
    )
    assert.deepEqual(problemsOf(profile('accessTokenLifetimeSeconds: 30', 'short'), base), [])
    assert.match(
      problemsOf(profile('accessTokenLifetimeSeconds: 61', 'short'), base).join(),
      /looser than `60` of `short`/,
    )
  })

  test('a circle of profiles is refused', () => {
    const problems = problemsOf(profile('', 'other'), documentOf('SecurityProfile', 'other', '{base: mine}'))
    assert.equal(problems.length, 2)
  })

  test('the name of a shipped profile is taken', () =>
    assert.match(
      problemsOf(documentOf('SecurityProfile', 'oauth21', '{base: oauth21}')).join(),
      /shipped profile/,
    ))
})
