import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { binding, compiledIssuer, documentOf, problemsOf } from '../control/testing/documents.ts'

describe('an IdentityProvider document', () => {
  test('another provider is where users sign in as its document says, and only what could work is taken', () => {
    const provider = (name: string, spec: string): string => documentOf('IdentityProvider', name, `{${spec}}`)
    const good =
      "issuer: 'https://op.example', displayName: OP, clientId: us, authorizationEndpoint: 'https://op.example/auth', " +
      "tokenEndpoint: 'https://op.example/token', jwksUri: 'https://op.example/jwks', users: {are: created}, methods: {otherwise: [pwd]}"
    const found = compiledIssuer(provider('op', good)).identityProviders.get('op')
    assert.equal(found?.users, 'created')
    assert.deepEqual(found?.scopes, ['openid'])
    assert.equal(found?.sendsIss, true)
    assert.deepEqual(found?.otherMethods, ['pwd'])
    const listed = good.replace('are: created', 'are: listed, listed: {"1": alice}')
    const links = compiledIssuer(provider('op', listed)).identityProviders.get('op')?.users
    assert.deepEqual(links, new Map([['1', 'alice']]))
    const wrong: readonly (readonly [string, string, string])[] = [
      ["issuer: 'https://op.example'", `issuer: '${binding.url}'`, 'is this issuer itself'],
      ['clientId: us', `clientId: '${binding.url}'`, 'is this issuer itself'],
      ['https://op.example/auth', 'http://op.example/auth', 'must be an https URL'],
      ['https://op.example/token', 'https://op.example/token?a=b', 'must be an https URL'],
      ['https://op.example/jwks', 'https://u:p@op.example/jwks', 'must be an https URL'],
      ['are: created', 'are: listed', '`listed` stands there when'],
      ['are: created', 'are: created, listed: {"1": alice}', '`listed` stands there when'],
      ['are: created', 'are: email', 'spec.users.are'],
      ['{otherwise: [pwd]}', '{}', 'nobody could ever sign in'],
      ['{otherwise: [pwd]}', '{otherwise: [otp]}', 'second factor alone'],
      ['{otherwise: [pwd]}', '{otherwise: []}', 'spec.methods.otherwise'],
      ['clientId: us', 'clientId: us, signingAlgs: [HS256]', 'spec.signingAlgs[0]'],
      ['clientId: us', 'clientId: us, signingAlgs: [none]', 'spec.signingAlgs[0]'],
      ['clientId: us', 'clientId: us, scopes: [profile]', 'needs `openid`'],
    ]
    for (const [from, to, said] of wrong) {
      const problems = problemsOf(provider('op', good.replace(from, to))).join('\n')
      assert.ok(problems.includes(said), `${said} in ${problems}`)
    }
    const twice = problemsOf(provider('op', good), provider('op2', good))
    assert.ok(twice.join().includes('is also the issuer of `op`'), twice.join())
  })
})
