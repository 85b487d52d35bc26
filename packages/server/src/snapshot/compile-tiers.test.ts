import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { placeDocuments, readDocuments } from '../control/documents.ts'
import { explainClient } from '../control/explain-client.ts'
import { binding, compiledIssuer, documentOf, fileOf, jwk, problemsOf } from '../control/testing/documents.ts'

const lax = documentOf('Issuer', 'main', '{floor: oidc-baseline}')
const bank = documentOf('ResourceServer', 'bank', '{audience: https://api.example, scopes: [read, pay]}')
const scope = (name: string, profile?: string): string =>
  documentOf(
    'Scope',
    name,
    `{title: ${name}, description: ${name}${profile === undefined ? '' : `, profile: ${profile}`}}`,
  )
const paymentFields =
  "[{name: amount, label: Amount, kind: amount, currencies: [EUR], most: '1000.00', narrowing: at-most, required: true}, {name: to, label: To, kind: text, lengthMax: 70, required: true}]"
const paymentType = (more = '', fields = paymentFields): string =>
  documentOf(
    'AuthorizationDetailsType',
    'payment',
    `{resourceServer: bank, title: Make a payment, description: Move money once., fields: ${fields}${more}}`,
  )
const client = (metadata: string, more = ''): string =>
  documentOf(
    'Client',
    'shop',
    `{resources: [bank], ${more} metadata: {redirect_uris: ['https://shop.example/cb'], jwks: {keys: [${jwk}]}, ${metadata}}}`,
  )

const problemText = (...documents: readonly string[]) => problemsOf(...documents).join('\n')

describe('a tier on a scope', () => {
  const read = scope('read', 'tier-2-sensitive-read')
  const pay = scope('pay', 'tier-3-sensitive-write')

  test('tightens a request for the scope, and no other', () => {
    const issuer = compiledIssuer(
      lax,
      bank,
      read,
      pay,
      client('scope: read pay, dpop_bound_access_tokens: true', 'profile: oidc-baseline,'),
    )
    const shop = issuer.clients.get('shop')
    assert.ok(shop)
    const lifetime = (...scopes: readonly string[]): unknown => {
      const met = issuer.effectiveProfile(shop, { audiences: [], scopes, details: [] })
      return met.ok && [met.value.accessTokenLifetimeSeconds, met.value.senderConstraint]
    }
    assert.deepEqual(lifetime(), [600, 'allowed'])
    assert.deepEqual(lifetime('openid'), [600, 'allowed'])
    assert.deepEqual(lifetime('read'), [600, 'required'])
    assert.deepEqual(lifetime('pay'), [300, 'required'])
    assert.deepEqual(lifetime('read', 'pay', 'nobody'), [300, 'required'])
  })

  test('is worked out once per combination of tiers, however many scopes there are', () => {
    const scopes = Array.from({ length: 30 }, (_, index) => `s${index}`)
    const documents = scopes.map(name => scope(name, 'tier-3-sensitive-write'))
    const issuer = compiledIssuer(
      lax,
      bank,
      read,
      pay,
      ...documents,
      client(`scope: ${scopes.join(' ')}, dpop_bound_access_tokens: true`),
    )
    const shop = issuer.clients.get('shop')
    assert.ok(shop)
    const metOf = (...names: readonly string[]): unknown =>
      issuer.effectiveProfile(shop, { audiences: [], scopes: names, details: [] })
    assert.equal(metOf('s0'), metOf('s1', 's2', 's29'))
    assert.equal(metOf(), metOf('openid'))
  })

  const unreachable: readonly (readonly [string, string, RegExp])[] = [
    [
      'a client with a secret',
      client('scope: pay, token_endpoint_auth_method: client_secret_basic', 'profile: oidc-baseline,'),
      /^Client\/shop spec\.metadata\.token_endpoint_auth_method: .*does not allow `client_secret_basic`; scope `pay` has the tier `tier-3-sensitive-write`: change this, or take scope `pay` from the client \[client\.auth-method\]/m,
    ],
    [
      'a public client',
      client('scope: pay, token_endpoint_auth_method: none', 'profile: oauth21,').replace(
        /jwks: \{.*?\]\}, /,
        '',
      ),
      /scope `pay` has the tier `tier-3-sensitive-write`: change this, or take scope `pay` from the client/,
    ],
    [
      'a client of bearer tokens',
      client('scope: read', 'profile: oidc-baseline,'),
      /needs bound access tokens.*scope `read` has the tier `tier-2-sensitive-read`/,
    ],
  ]
  for (const [name, document, says] of unreachable)
    test(`${name} that could never ask for it does not compile, and is told what to change`, () => {
      const problems = problemText(lax, bank, read, pay, document)
      assert.match(problems, says)
      assert.equal(problems.split('\n').filter(line => line.includes('auth-method')).length <= 1, true)
    })

  test('that contradicts the client’s own profile names the profile to change', () => {
    const mtls = documentOf(
      'SecurityProfile',
      'mtls',
      '{base: fapi2-security, tighten: {senderConstraintMethods: [mtls]}}',
    )
    const dpop = documentOf(
      'SecurityProfile',
      'dpop',
      '{base: fapi2-security, tighten: {senderConstraintMethods: [dpop]}}',
    )
    const document = client('scope: pay, dpop_bound_access_tokens: true', 'profile: dpop,')
    assert.match(
      problemText(lax, bank, mtls, dpop, scope('pay', 'mtls'), document),
      /^Client\/shop spec\.metadata\.scope: .*no method is left when it meets `dpop`; scope `pay` has the tier `mtls`: change `spec\.profile`, or take scope `pay` from the client/m,
    )
  })

  test('that nobody wrote is refused with the one that was meant', () => {
    assert.match(
      problemText(bank, scope('pay', 'tier-3-sensitive-wite')),
      /^Scope\/pay spec\.profile: .*`tier-3-sensitive-write`\?/m,
    )
  })
})

describe('a type of authorization details', () => {
  const registered = 'authorization_details_types: [payment], dpop_bound_access_tokens: true'

  test('becomes part of the snapshot, and of the clients that registered it', () => {
    const issuer = compiledIssuer(bank, scope('read'), scope('pay'), paymentType(), client(registered))
    assert.equal(issuer.detailTypes.get('payment')?.audience, 'https://api.example')
    assert.deepEqual(
      issuer.detailTypes.get('payment')?.fields.map(({ name }) => name),
      ['amount', 'to'],
    )
    assert.deepEqual(issuer.clients.get('shop')?.authorizationDetailsTypes, ['payment'])
  })

  test('tightens a request that asks for it', () => {
    const type = paymentType(', profile: tier-3-sensitive-write')
    const issuer = compiledIssuer(
      lax,
      bank,
      scope('read'),
      scope('pay'),
      type,
      client(registered, 'profile: oidc-baseline,'),
    )
    const shop = issuer.clients.get('shop')
    assert.ok(shop)
    const met = issuer.effectiveProfile(shop, { audiences: [], scopes: [], details: [{ type: 'payment' }] })
    assert.equal(met.ok && met.value.accessTokenLifetimeSeconds, 300)
  })

  const base = [bank, scope('read'), scope('pay')]
  const own = (details: string, grants = 'grant_types: [authorization_code, client_credentials]'): string =>
    client(`${registered}, ${grants}`, `ownAuthorizationDetails: ${details},`)
  const table: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'an unknown resource server',
      [paymentType().replace('resourceServer: bank', 'resourceServer: bnk')],
      /spec\.resourceServer: .*`bank`\?/,
    ],
    [
      'an unknown profile',
      [paymentType(', profile: nothing')],
      /AuthorizationDetailsType\/payment spec\.profile/,
    ],
    ['no fields', [paymentType('', '[]')], /spec\.fields/],
    [
      'a field called type',
      [paymentType('', '[{name: type, label: A, kind: boolean}]')],
      /spec\.fields: .*type, locations/,
    ],
    [
      'a field twice',
      [paymentType('', '[{name: a, label: A, kind: boolean}, {name: a, label: A, kind: boolean}]')],
      /spec\.fields: has a name twice/,
    ],
    [
      'a kind that is none',
      [paymentType('', '[{name: a, label: A, kind: regex}]')],
      /spec\.fields\[0\]\.kind/,
    ],
    [
      'an unknown key',
      [paymentType('', '[{name: a, label: A, kind: boolean, pattern: x}]')],
      /spec\.fields\[0\].*pattern/,
    ],
    [
      'bounds the wrong way round',
      [paymentType('', '[{name: a, label: A, kind: integer, least: 2, most: 1}]')],
      /`least` is above `most`/,
    ],
    [
      'an order of text',
      [paymentType('', '[{name: a, label: A, kind: text, narrowing: at-most}]')],
      /only a date has an order/,
    ],
    [
      'a number as amount',
      [paymentType('', '[{name: a, label: A, kind: amount, currencies: [EUR], most: 10}]')],
      /fields\[0\]\.most/,
    ],
    [
      'a label that hides something',
      [paymentType('', '[{name: a, label: "A\\u202eB", kind: boolean}]')],
      /fields\[0\]\.label: must be plain text/,
    ],
    [
      'objects three deep',
      [
        paymentType(
          '',
          '[{name: a, label: A, kind: object, fields: [{name: b, label: B, kind: object, fields: [{name: c, label: C, kind: object, fields: [{name: d, label: D, kind: boolean}]}]}]}]',
        ),
      ],
      /fields\[0\]\.fields\[0\]\.fields\[0\]\.kind/,
    ],
    [
      'a client with an unknown type',
      [paymentType(), client('authorization_details_types: [paymnt], dpop_bound_access_tokens: true')],
      /authorization_details_types\[0\]: .*`payment`\?/,
    ],
    [
      'a client without the resource server',
      [paymentType(), client(registered).replace('resources: [bank]', 'resources: []')],
      /authorization_details_types\[0\]: `payment` belongs to a resource server that `spec\.resources` does not name/,
    ],
    [
      'a client that could never meet its tier',
      [
        paymentType(', profile: tier-3-sensitive-write'),
        lax,
        client('authorization_details_types: [payment]', 'profile: oidc-baseline,'),
      ],
      /authorization details type `payment` has the tier/,
    ],
    [
      'own details that break the type',
      [paymentType(), own('[{type: payment, amount: {currency: EUR, amount: "1000.01"}, to: B}]')],
      /spec\.ownAuthorizationDetails: .*more than 1000\.00 \[authorization-details\.fields\]/,
    ],
    [
      'own details of a client without client credentials',
      [paymentType(), own('[{type: payment, amount: {currency: EUR, amount: "1"}, to: B}]', '')],
      /did not register `client_credentials`/,
    ],
  ]
  for (const [name, documents, says] of table)
    test(`${name} does not compile`, () => assert.match(problemText(...base, ...documents), says))

  test('a client keeps what it may be given in its own name', () => {
    const details = '[{type: payment, amount: {currency: EUR, amount: "10"}, to: B}]'
    const issuer = compiledIssuer(...base, paymentType(), own(details))
    assert.deepEqual(issuer.clients.get('shop')?.ownAuthorizationDetails, [
      { type: 'payment', amount: { currency: 'EUR', amount: '10' }, to: 'B' },
    ])
  })
})

describe('explaining a client', () => {
  const documents = [
    lax,
    bank,
    scope('read', 'tier-2-sensitive-read'),
    scope('pay', 'tier-3-sensitive-write'),
    paymentType(', profile: tier-4-high-value'),
    client(
      'scope: openid read pay, authorization_details_types: [payment], dpop_bound_access_tokens: true, response_modes: [jwt]',
      'profile: oidc-baseline,',
    ),
  ]
  test('shows who decided each field, for all it may ask and for what is named', () => {
    const read = readDocuments([fileOf(...documents)])
    assert.ok(read.ok)
    const parsed = placeDocuments(read.value, [binding])
    assert.ok(parsed.ok)
    const rowOf = (field: string, asked = {}): unknown => {
      const explained = explainClient(parsed.value, binding, 'shop', asked)
      assert.ok(explained?.ok)
      const row = explained.value.fields.find(candidate => candidate.field === field)
      return [row?.value, row?.origins]
    }
    assert.deepEqual(rowOf('accessTokenLifetimeSeconds'), ['120', ['details payment (tier-4-high-value)']])
    assert.deepEqual(rowOf('accessTokenLifetimeSeconds', { scopes: ['pay'] }), [
      '300',
      ['scope pay (tier-3-sensitive-write)'],
    ])
    assert.deepEqual(rowOf('senderConstraint', { scopes: ['read'], resources: ['bank'] }), [
      'required',
      ['scope read (tier-2-sensitive-read)'],
    ])
    assert.deepEqual(rowOf('senderConstraint', { resources: ['https://api.example'] }), [
      'allowed',
      ['issuer main (oidc-baseline)', 'client shop (oidc-baseline)'],
    ])
    assert.deepEqual(rowOf('signedRequestObjects', { details: ['payment'] }), [
      'required',
      ['details payment (tier-4-high-value)'],
    ])
    const wrong = explainClient(parsed.value, binding, 'shop', { scopes: ['raed'] })
    assert.ok(wrong?.ok === false)
    assert.match(wrong.problems[0]?.message ?? '', /`read`\?/)
  })
})
