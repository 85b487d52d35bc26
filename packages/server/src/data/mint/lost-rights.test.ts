import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { binding, compiledIssuer, documentOf, jwk } from '../../control/testing/documents.ts'
import { lostRights, type Said } from './lost-rights.ts'

const audience = 'https://bank.example'
const api = (scopes: string): string =>
  documentOf('ResourceServer', 'bank', `{audience: '${audience}', scopes: [${scopes}]}`)
const words = ['read', 'pay'].map(name =>
  documentOf('Scope', name, `{title: To ${name}, description: All of it.}`),
)
const type = (name: string): string =>
  documentOf(
    'AuthorizationDetailsType',
    name,
    '{resourceServer: bank, title: M, description: C., fields: [{name: to, label: To, kind: text}]}',
  )
const client = (scope: string, types: string, own = '', resources = 'bank'): string =>
  documentOf(
    'Client',
    'batch',
    `{resources: [${resources}], ownAuthorizationDetails: [${own}], metadata: {grant_types: [client_credentials],
      scope: ${scope}, authorization_details_types: [${types}], dpop_bound_access_tokens: true, jwks: {keys: [${jwk}]}}}`,
  )
const us = '{type: mandate, to: us}'
const detail = { type: 'mandate', to: 'us' }
const own: Said = {
  ...{ audience: [audience], scopes: ['openid', 'read'], authorizationDetails: [detail] },
  ...{ grantId: undefined, clientId: 'batch', subject: 'batch' },
}
const ofUser = { ...own, grantId: 'g' as never, subject: 'alice' }

const held = [...words, api('read, pay'), type('mandate'), client('openid read pay', 'mandate', us)]
const without = (kind: string): readonly string[] => held.filter(one => !one.includes(`kind: ${kind}\n`))
const withClient = (...args: Parameters<typeof client>): readonly string[] => [
  ...without('Client'),
  client(...args),
]

function lost(said: Said, documents: readonly string[]): readonly string[] {
  const issuer = compiledIssuer(...documents)
  return lostRights(said, issuer.clients.get('batch'), issuer)
}

describe('what a token says and its client may no longer have', () => {
  const cases: Readonly<Record<string, readonly [Said, readonly string[], readonly string[]]>> = {
    'nothing, as long as nothing changed': [own, held, []],
    'nothing, when what it does not say is gone': [own, withClient('openid read', 'mandate', us), []],
    'a scope of the client': [own, withClient('openid pay', 'mandate', us), ['read']],
    'a scope that its API has no longer and another one has': [
      own,
      [
        ...held.filter(one => !one.includes('kind: ResourceServer\n')),
        api('pay'),
        documentOf('ResourceServer', 'other', "{audience: 'https://other.example', scopes: [read]}"),
      ],
      ['read'],
    ],
    'the API, and with it what only it knows': [
      own,
      withClient('openid read pay', '', '', ''),
      [audience, 'mandate'],
    ],
    'a type of details': [own, withClient('openid read pay', '', ''), ['mandate']],
    'a detail of its own that is another one now': [
      own,
      withClient('openid read pay', 'mandate', '{type: mandate, to: them}'),
      ['mandate'],
    ],
    'no detail that a user allowed, whatever it has of its own': [
      ofUser,
      withClient('openid read pay', 'mandate'),
      [],
    ],
    'a type that a user allowed': [ofUser, withClient('openid read pay', ''), ['mandate']],
    'no API, when the token is for the issuer': [
      { ...own, audience: [binding.url], scopes: ['openid'], authorizationDetails: [] },
      withClient('openid', '', '', ''),
      [],
    ],
  }
  for (const [name, [said, documents, expected]] of Object.entries(cases))
    test(name, () => assert.deepEqual(lost(said, documents), expected))

  test('of a client that is gone another rule speaks', () => {
    assert.deepEqual(lost(own, without('Client')), [])
  })
})
