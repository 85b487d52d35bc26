import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { isHostAllowed, type RegistrationPolicy } from './policy.ts'
import { mergeStated, metadataMembers, parseRegistration, readStated } from './request.ts'
import { type InitialTokenInput, initialTokenRules, type PolicyInput, policyRules } from './rules.ts'
import { type StatementInput, statementRules } from './statement-rules.ts'

const now = epochSeconds(1_800_000_000)

const goodToken: InitialTokenInput = {
  token: { usesLeft: 1, expiresAt: epochSeconds(now + 1), isRevoked: false },
  now,
}
const token = (spoil: object): InitialTokenInput => ({
  ...goodToken,
  token: { usesLeft: 1, expiresAt: epochSeconds(now + 1), isRevoked: false, ...spoil },
})

const policy: RegistrationPolicy = {
  profile: 'fapi2-security',
  scopes: ['openid', 'accounts'],
  grantTypes: ['authorization_code'],
  resources: [],
  authorizationDetailsTypes: ['payment_initiation'],
  redirectHosts: ['app.example', 'app.example:8443', '127.0.0.1', 'com.example.app:'],
  softwareStatement: 'optional',
}
const stated = (metadata: object, rest: object = {}): PolicyInput => ({
  stated: {
    metadata: { redirect_uris: ['https://app.example/cb'], scope: 'openid accounts', ...metadata },
    localized: {},
    unsupported: [],
    ...rest,
  },
  policy,
  hasSoftwareStatement: false,
})

const goodStatement: StatementInput = {
  header: { alg: 'ES256', typ: 'JWT' },
  claims: { iss: 'https://directory.example', iat: now - 599, exp: now + 1, software_id: 's' },
  trust: { maxAgeSeconds: 600, requiredClaims: ['software_id'] },
  hasValidSignature: true,
  now,
}
const statement = (claims: object, rest: Partial<StatementInput> = {}): StatementInput => ({
  ...goodStatement,
  ...rest,
  claims: { ...goodStatement.claims, ...claims },
})

describe('initial access tokens', () => {
  const refusals: readonly Refused<InitialTokenInput>[] = [
    { name: 'an unknown one', input: { token: undefined, now }, ruleId: 'registration.token' },
    { name: 'a revoked one', input: token({ isRevoked: true }), ruleId: 'registration.token' },
    { name: 'one that ends now', input: token({ expiresAt: now }), ruleId: 'registration.token-expired' },
    { name: 'one that ended', input: token({ expiresAt: now - 1 }), ruleId: 'registration.token-expired' },
    { name: 'one that is used up', input: token({ usesLeft: 0 }), ruleId: 'registration.token-used' },
  ]
  test('one with a use and a second left is good', () => {
    assert.equal(firstRefusal(initialTokenRules, goodToken), undefined)
  })
  for (const { name, input, ruleId } of refusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(initialTokenRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, 'invalid_token')
    })
})

describe('the policy of an initial access token', () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`client_name#x${index}`, 'n']))
  const refusals: readonly (Refused<PolicyInput> & { readonly error?: string })[] = [
    {
      name: 'a request URI where the token allows none',
      input: stated({ request_uris: ['https://app.example/request.jwt'] }),
      ruleId: 'registration.request-uri-hosts',
    },
    {
      name: 'a request URI at another host',
      input: {
        ...stated({
          request_uris: ['https://app.example/request.jwt', 'https://app.example:8443/request.jwt'],
        }),
        policy: { ...policy, requestUriHosts: ['app.example'] },
      },
      ruleId: 'registration.request-uri-hosts',
    },
    {
      name: 'encryption of what it sends',
      input: stated({}, { unsupported: ['request_object_encryption_enc'] }),
      ruleId: 'registration.unsupported',
    },
    {
      name: 'no statement where one is required',
      input: { ...stated({}), policy: { ...policy, softwareStatement: 'required' } },
      ruleId: 'registration.statement-required',
      error: 'invalid_software_statement',
    },
    {
      name: 'another grant type',
      input: stated({ grant_types: ['authorization_code', 'client_credentials'] }),
      ruleId: 'registration.grant-types',
    },
    {
      name: 'a scope more',
      input: stated({ scope: 'openid accounts payments' }),
      ruleId: 'registration.scopes',
    },
    {
      name: 'another type of details',
      input: stated({ authorization_details_types: ['payment_initiation', 'account_reading'] }),
      ruleId: 'registration.authorization-details-types',
    },
    {
      name: 'a type of details where the token allows none',
      input: {
        ...stated({ authorization_details_types: ['payment_initiation'] }),
        policy: { ...policy, authorizationDetailsTypes: undefined },
      },
      ruleId: 'registration.authorization-details-types',
    },
    {
      name: 'another host',
      input: stated({ redirect_uris: ['https://app.example/cb', 'https://evil.example/cb'] }),
      ruleId: 'registration.redirect-hosts',
      error: 'invalid_redirect_uri',
    },
    {
      name: 'another host after a logout',
      input: stated({ post_logout_redirect_uris: ['https://evil.example/bye'] }),
      ruleId: 'registration.redirect-hosts',
    },
    {
      name: 'a name turned around',
      input: stated({ client_name: 'a\u202eb' }),
      ruleId: 'registration.names',
    },
    { name: 'an invisible name', input: stated({ client_name: 'a\u200bb' }), ruleId: 'registration.names' },
    { name: 'a name of 81', input: stated({ client_name: 'x'.repeat(81) }), ruleId: 'registration.names' },
    { name: 'too many names', input: stated({}, { localized: many }), ruleId: 'registration.names' },
    {
      name: 'an empty name',
      input: stated({}, { localized: { 'client_name#de': '' } }),
      ruleId: 'registration.names',
    },
    {
      name: 'a link that is none',
      input: stated({}, { localized: { 'policy_uri#de': 'javascript:alert(1)' } }),
      ruleId: 'registration.names',
    },
  ]
  test('what stays within it is good, to the last scope and host', () => {
    assert.equal(firstRefusal(policyRules, stated({})), undefined)
    const wide = stated({
      authorization_details_types: ['payment_initiation'],
      client_name: 'x'.repeat(80),
      redirect_uris: ['https://app.example:8443/cb', 'http://127.0.0.1:5000/cb', 'com.example.app:/cb'],
    })
    assert.equal(firstRefusal(policyRules, wide), undefined)
    const required: PolicyInput = {
      ...stated({}),
      policy: { ...policy, softwareStatement: 'required' },
      hasSoftwareStatement: true,
    }
    assert.equal(firstRefusal(policyRules, required), undefined)
  })
  for (const { name, input, ruleId, error = 'invalid_client_metadata' } of refusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(policyRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
  test('a host is that host: no other spelling, port, part or scheme of it', () => {
    for (const uri of [
      'https://app.example:444/cb',
      'https://app.example.evil.example/cb',
      'https://evil.example/app.example',
      'https://evilapp.example/cb',
      'https://x.app.example/cb',
      'https://app.example./cb',
      'https://app.example@evil.example/cb',
      'https://evil.example\\@app.example/cb',
      'https://аpp.example/cb',
      'http://app.example/cb',
      'http://localhost/cb',
      'http://[::1]/cb',
      'https://127.0.0.1:444/cb',
      'com.example.other:/cb',
      'javascript:app.example',
      'app.example',
      '',
    ])
      assert.equal(isHostAllowed(uri, policy.redirectHosts), false, uri)
  })
})

describe('software statements', () => {
  const refusals: readonly (Refused<StatementInput> & { readonly error?: string })[] = [
    { name: 'without issuer', input: statement({ iss: undefined }), ruleId: 'statement.issuer' },
    {
      name: 'from somebody',
      input: statement({}, { trust: undefined }),
      ruleId: 'statement.issuer',
      error: 'unapproved_software_statement',
    },
    {
      name: 'an access token',
      input: statement({}, { header: { alg: 'ES256', typ: 'at+jwt' } }),
      ruleId: 'statement.typ',
    },
    { name: 'forged', input: statement({}, { hasValidSignature: false }), ruleId: 'statement.signature' },
    { name: 'undated', input: statement({ iat: undefined }), ruleId: 'statement.time' },
    { name: 'as old as may not be', input: statement({ iat: now - 600 }), ruleId: 'statement.time' },
    { name: 'from the future', input: statement({ iat: now + 31 }), ruleId: 'statement.time' },
    { name: 'not valid yet', input: statement({ nbf: now + 31 }), ruleId: 'statement.time' },
    { name: 'ending now', input: statement({ exp: now }), ruleId: 'statement.time' },
    { name: 'ending at no time', input: statement({ exp: 'never' }), ruleId: 'statement.time' },
    {
      name: 'that says too little',
      input: statement({ software_id: undefined }),
      ruleId: 'statement.claims',
      error: 'unapproved_software_statement',
    },
  ]
  test('a young one of a trusted issuer is good, to its last second', () => {
    assert.equal(firstRefusal(statementRules, goodStatement), undefined)
    assert.equal(firstRefusal(statementRules, statement({ iat: now + 30, nbf: now + 30 })), undefined)
    assert.equal(firstRefusal(statementRules, statement({ exp: undefined })), undefined)
  })
  for (const { name, input, ruleId, error = 'invalid_software_statement' } of refusals)
    test(`one ${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(statementRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
  test('what it says wins, and what it does not say stays', () => {
    const plain = readStated({ client_name: 'Mine', scope: 'openid', tos_uri: 'https://a.example' })
    const certified = readStated({ client_name: 'Theirs', scope: 'accounts', 'client_name#de': 'Ihres' })
    assert.ok(plain.ok && certified.ok)
    assert.deepEqual(mergeStated(plain.value, certified.value), {
      metadata: { client_name: 'Theirs', scope: 'accounts', tos_uri: 'https://a.example' },
      localized: { 'client_name#de': 'Ihres' },
      unsupported: [],
    })
  })
})

describe('the body of a registration', () => {
  const spoiled: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'registration.json'],
    ['no JSON', '{', 'registration.json'],
    ['a list', '[]', 'registration.json'],
    ['a member twice', '{"client_name":"a","client_name":"b"}', 'registration.json'],
    ['a member twice, escaped', '{"client_name":"a","client_nam\\u0065":"b"}', 'registration.json'],
    ['a prototype', '{"__proto__":{"scope":"admin"}}', 'registration.json'],
    ['too deep', `{"jwks":${'['.repeat(17)}${']'.repeat(17)}}`, 'registration.json'],
    [
      'too many members',
      `{${Array.from({ length: 1001 }, (_, i) => `"x${i}":1`).join()}}`,
      'registration.json',
    ],
    ['a list where text stands', '{"scope":["openid"]}', 'registration.member-form'],
    ['text where a list stands', '{"redirect_uris":"https://a.example"}', 'registration.member-form'],
    ['a list of other things', '{"redirect_uris":[1]}', 'registration.member-form'],
    ['a word where a flag stands', '{"dpop_bound_access_tokens":"true"}', 'registration.member-form'],
    ['half a second', '{"default_max_age":0.5}', 'registration.member-form'],
    ['keys that are none', '{"jwks":{"keys":["x"]}}', 'registration.member-form'],
    ['an unknown kind of application', '{"application_type":"desktop"}', 'registration.member-form'],
    ['an unknown subject type', '{"subject_type":"secret"}', 'registration.member-form'],
    ['a language that is none', '{"client_name#../x":"a"}', 'registration.member-form'],
    ['two languages', '{"client_name#de#en":"a"}', 'registration.member-form'],
    ['a translation that is no text', '{"client_name#de":1}', 'registration.member-form'],
    ['a statement that is no text', '{"software_statement":{}}', 'registration.member-form'],
    ['a client id that is no text', '{"client_id":1}', 'registration.member-form'],
  ]
  for (const [name, text, ruleId] of spoiled)
    test(`${name} is refused by ${ruleId}`, () => {
      const parsed = parseRegistration(text)
      assert.equal(parsed.ok, false)
      assert.equal(!parsed.ok && parsed.ruleId, ruleId)
      assert.equal(!parsed.ok && parsed.error, 'invalid_client_metadata')
    })
  test('what nobody knows is passed over, null is absent, and what only the server sets is named', () => {
    const parsed = parseRegistration(
      JSON.stringify({
        client_name: 'App',
        'client_name#de-AT': 'Programm',
        'mystery#de': 'x',
        mystery: { any: 'thing' },
        scope: null,
        jwks: { keys: [{ kty: 'EC' }], extra: 1 },
        client_id: 'c_1',
        client_secret: 's',
        registration_client_uri: 'x',
        client_id_issued_at: null,
      }),
    )
    assert.ok(parsed.ok)
    const { stated, clientId, clientSecret, issued } = parsed.value
    assert.deepEqual(JSON.parse(JSON.stringify(stated)), {
      metadata: { client_name: 'App', jwks: { keys: [{ kty: 'EC' }] } },
      localized: { 'client_name#de-AT': 'Programm' },
      unsupported: [],
    })
    assert.deepEqual([clientId, clientSecret, issued], ['c_1', 's', ['registration_client_uri']])
  })
  test('whatever comes in, the parser answers, and what it takes has the form of its member', () => {
    const names = fc.oneof(
      fc.constantFrom(...Object.keys(metadataMembers)),
      fc.constantFrom('client_name#de', 'software_statement', 'client_id', 'request_uris', 'toString'),
      fc.string(),
    )
    const body = fc.oneof(fc.dictionary(names, fc.jsonValue()), fc.jsonValue())
    fc.assert(
      fc.property(body, value => {
        const parsed = parseRegistration(JSON.stringify(value))
        if (!parsed.ok) return
        for (const [name, member] of Object.entries(parsed.value.stated.metadata))
          assert.ok(metadataMembers[name as keyof typeof metadataMembers](member), name)
      }),
      { numRuns: 500 },
    )
    fc.assert(fc.property(fc.string(), text => void parseRegistration(text)))
  })
})
