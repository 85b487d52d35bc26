import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import type { PeerCertificate, Reply } from '../../http/exchange.ts'
import type { CertificateLists } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { newAuthority, newPeerCertificate } from '../testing/certificates.ts'
import { accounts, basicHeader, clientOf, jwkOfCertificate, keys, secretOf } from '../testing/clients.ts'
import { type ClientEndpoint, clientEndpoints } from '../testing/endpoints.ts'
import { currentNonce, headersOf, jsonOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import {
  type SecretAssertionOptions,
  sealedSecretOf,
  secretAssertion,
  secretJwtClient,
  signingSecret,
} from '../testing/secret-assertion.ts'
import { spiffeClient, svidOf, trustDomains } from '../testing/spiffe.ts'
import { spoiledSvids } from '../testing/spoiled-svids.ts'
import {
  type AssertionOptions,
  type FormFields,
  issuerUrl,
  mtlsUrl,
  openWorld,
  type RequestOptions,
  startOfWorld,
  type World,
} from '../testing/world.ts'

/** Every endpoint that authenticates a client × every way to fail at it (house rule: one engine, one answer). */

const introspects = [accounts]
const authority = await newAuthority('CN=Test CA')
const otherAuthority = await newAuthority('CN=Test CA')
const subject = 'CN=client-1, O=Bank'
const at = (offset: number): Date => new Date((startOfWorld + offset) * 1000)

const certificates = {
  issued: await newPeerCertificate({ subject, issuedBy: authority }),
  selfSigned: await newPeerCertificate({ subject }),
  foreign: await newPeerCertificate({ subject, issuedBy: otherAuthority }),
  otherSubject: await newPeerCertificate({ subject: 'CN=client-2, O=Bank', issuedBy: authority }),
  expired: await newPeerCertificate({ subject, issuedBy: authority, notAfter: at(-1) }),
  revoked: await newPeerCertificate({ subject, issuedBy: authority }),
  early: await newPeerCertificate({ subject, issuedBy: authority, notBefore: at(1) }),
  registered: await newPeerCertificate({ subject: 'CN=self' }),
  sameName: await newPeerCertificate({ subject: 'CN=self' }),
  registeredExpired: await newPeerCertificate({ subject: 'CN=self', notAfter: at(-1) }),
}

const expiredSecret = `cs_${'x'.repeat(86)}`
const certificateBound = {
  dpopBoundAccessTokens: false,
  tlsClientCertificateBoundAccessTokens: true,
} as const
const clients: readonly Client[] = [
  clientOf({ clientId: 'c_all', introspects }),
  clientOf({ clientId: 'c_suspended', status: 'suspended', introspects }),
  clientOf({
    clientId: 'c_tls',
    tokenEndpointAuthMethod: 'tls_client_auth',
    tlsClientAuth: { kind: 'subject_dn', value: 'CN=client-1,O=Bank' },
    jwks: undefined,
    introspects,
    ...certificateBound,
  }),
  clientOf({
    clientId: 'c_self',
    tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
    jwks: {
      keys: [jwkOfCertificate(certificates.registered), jwkOfCertificate(certificates.registeredExpired)],
    },
    introspects,
    ...certificateBound,
  }),
  ...(['client_secret_basic', 'client_secret_post'] as const).map(method =>
    clientOf({
      clientId: method === 'client_secret_basic' ? 'c_basic' : 'c_post',
      ownProfile: oidcBaseline,
      tokenEndpointAuthMethod: method,
      jwks: undefined,
      secrets: [secretOf('new', 'cs_new'), secretOf('old', 'cs_old', startOfWorld)],
      introspects,
    }),
  ),
  secretJwtClient({
    secrets: [
      sealedSecretOf('c_hmac', 'new', signingSecret),
      sealedSecretOf('c_hmac', 'old', expiredSecret, startOfWorld),
    ],
    introspects,
  }),
  secretJwtClient({ clientId: 'c_hmac_suspended', status: 'suspended', introspects }),
  secretJwtClient({ clientId: 'c_hmac_strict', ownProfile: undefined, introspects }),
  spiffeClient({ clientId: 'c_spiffe', introspects }),
  spiffeClient({
    clientId: 'c_spiffe_suspended',
    spiffeId: 'spiffe://prod.example/suspended',
    status: 'suspended',
    introspects,
  }),
  clientOf({
    clientId: 'c_strict',
    tokenEndpointAuthMethod: 'client_secret_basic',
    secrets: [secretOf('new', 'cs_new')],
    introspects,
  }),
]
const certificateLists: CertificateLists = {
  standing: (_issuer, _anchor, { raw }) => ({
    policy: 'soft',
    standing: raw.equals(certificates.revoked.der) ? 'revoked' : 'good',
  }),
}
const openTestWorld = (): Promise<World> =>
  openWorld({
    ...{ clients, clientTrustAnchors: [authority.pem], spiffeTrustDomains: trustDomains, certificateLists },
  })

interface Credentials {
  readonly form?: FormFields
  readonly headers?: RequestOptions['headers']
  readonly query?: string
  readonly certificate?: PeerCertificate
}

/** The good request of this endpoint with these credentials. */
function send(world: World, endpoint: ClientEndpoint, credentials: Credentials): Promise<Reply> {
  const { path, room, fields, dpop } = endpoint
  const { form = {}, headers = [], ...rest } = credentials
  const withProof = dpop === 'required' && credentials.certificate === undefined
  const proof = (): readonly [string, string] => ['dpop', world.proof(path, { nonce: currentNonce(world) })]
  return world.send(room, path, {
    form: { ...fields, ...form },
    headers: [...(withProof ? [proof()] : []), ...headers],
    ...rest,
  })
}

const spoiledAssertions: readonly (readonly [name: string, spoil: AssertionOptions, ruleId: string])[] = [
  ['another iss', { claims: { iss: 'c_other' } }, 'assertion.iss'],
  ['no iss', { claims: { iss: undefined } }, 'assertion.iss'],
  ['no sub', { claims: { sub: undefined } }, 'client-auth.subject'],
  ['a sub that is no text', { claims: { sub: 7 } }, 'client-auth.subject'],
  ['the issuer in an array', { claims: { aud: [issuerUrl] } }, 'assertion.aud'],
  ['two audiences', { claims: { aud: [issuerUrl, 'https://other.example'] } }, 'assertion.aud'],
  ['another server as audience', { claims: { aud: 'https://other.example' } }, 'assertion.aud'],
  ['the issuer with a slash', { claims: { aud: `${issuerUrl}/` } }, 'assertion.aud'],
  ['the mutual-TLS origin as audience', { claims: { aud: mtlsUrl } }, 'assertion.aud'],
  ['no aud', { claims: { aud: undefined } }, 'assertion.aud'],
  ['no exp', { claims: { exp: undefined } }, 'assertion.exp'],
  ['an exp five minutes ago', { claims: { exp: startOfWorld - 300 } }, 'assertion.exp'],
  ['no jti', { claims: { jti: undefined } }, 'assertion.jti'],
  ['an iat 61 seconds ahead', { claims: { iat: startOfWorld + 61 } }, 'assertion.iat'],
  ['an nbf 61 seconds ahead', { claims: { nbf: startOfWorld + 61 } }, 'assertion.nbf'],
  ['a lifetime of an hour', { claims: { exp: startOfWorld + 3600 } }, 'assertion.lifetime'],
  ['typ dpop+jwt', { header: { typ: 'dpop+jwt' } }, 'assertion.typ'],
  ['typ oauth-authz-req+jwt', { header: { typ: 'oauth-authz-req+jwt' } }, 'assertion.typ'],
  ['typ at+jwt', { header: { typ: 'at+jwt' } }, 'assertion.typ'],
  ['typ logout+jwt', { header: { typ: 'logout+jwt' } }, 'assertion.typ'],
  ['the key of an attacker', { key: keys.attacker }, 'client-auth.signature'],
  ['a kid nobody registered', { header: { kid: 'other' } }, 'client-auth.signature'],
  ['alg none', { header: { alg: 'none' } }, 'client-auth.alg'],
  ['alg HS256', { header: { alg: 'HS256' } }, 'client-auth.alg'],
  ['alg RS256', { header: { alg: 'RS256' } }, 'client-auth.alg'],
  [
    'the key of an attacker in the header',
    { key: keys.attacker, header: { jwk: keys.attacker.publicJwk, kid: undefined } },
    'client-auth.signature',
  ],
]

const spoiledMacs: readonly (readonly [
  name: string,
  clientId: string,
  spoil: SecretAssertionOptions,
  ruleId: string,
])[] = [
  ['another secret', 'c_hmac', { secret: 'cs_wrong' }, 'client-auth.secret'],
  ['an expired secret', 'c_hmac', { secret: expiredSecret }, 'client-auth.secret-expired'],
  ['another hash than it says', 'c_hmac', { alg: 'HS512', hash: 'sha256' }, 'client-auth.secret'],
  ['alg none', 'c_hmac', { header: { alg: 'none' } }, 'client-auth.alg'],
  ['the key of the decoy', 'c_hmac', { secret: Buffer.alloc(64) }, 'client-auth.secret'],
  ['the secret of an unknown client', 'c_nobody', {}, 'client-auth.unknown'],
  ['the secret of a suspended client', 'c_hmac_suspended', {}, 'client-auth.suspended'],
  ['the secret of a client under FAPI 2.0', 'c_hmac_strict', {}, 'client-auth.method'],
  ['the secret of a client that posts it', 'c_post', {}, 'client-auth.method'],
  ['another server as audience', 'c_hmac', { claims: { aud: 'https://other.example' } }, 'assertion.aud'],
  ['no jti', 'c_hmac', { claims: { jti: undefined } }, 'assertion.jti'],
]

/** A MAC whose secret is the public key everybody can read. */
function signedWithPublicKey(world: World): FormFields {
  const { client_assertion_type, client_assertion } = world.assertion('c_all', { header: { alg: 'HS256' } })
  const input = client_assertion.split('.').slice(0, 2).join('.')
  const secret = keys.bank.publicKey.export({ type: 'spki', format: 'pem' })
  const mac = createHmac('sha256', secret).update(input).digest('base64url')
  return { client_assertion_type, client_assertion: `${input}.${mac}` }
}

interface Failure {
  readonly name: string
  readonly credentials: (world: World, endpoint: ClientEndpoint) => Credentials
  readonly status?: number
  readonly error?: string
  readonly ruleId: string
}

const invalidRequest = { status: 400, error: 'invalid_request' } as const
const basic = ['authorization', 'Basic Y19hbGw6eA=='] as const
const asserted = (world: World, clientId = 'c_all'): FormFields => world.assertion(clientId)

const failures: readonly Failure[] = [
  ...spoiledAssertions.map(([name, spoil, ruleId]) => ({
    name: `an assertion with ${name}`,
    credentials: (world: World) => ({ form: world.assertion('c_all', spoil) }),
    ruleId,
  })),
  {
    name: 'an assertion with the URL of the endpoint as audience',
    credentials: (world, { path }) => ({
      form: world.assertion('c_all', { claims: { aud: issuerUrl + path } }),
    }),
    ruleId: 'assertion.aud',
  },
  {
    name: 'an assertion with a MAC under the public key',
    credentials: world => ({ form: signedWithPublicKey(world) }),
    ruleId: 'client-auth.alg',
  },
  ...spoiledMacs.map(([name, clientId, spoil, ruleId]) => ({
    name: `a MAC with ${name}`,
    credentials: (world: World) => ({ form: secretAssertion(world, clientId, spoil) }),
    ruleId,
  })),
  {
    name: 'an assertion with a signature for a client that signs with its secret',
    credentials: world => ({ form: asserted(world, 'c_hmac') }),
    ruleId: 'client-auth.alg',
  },
  {
    name: 'a MAC and a posted secret',
    credentials: world => ({ form: { ...secretAssertion(world), client_secret: signingSecret } }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  ...spoiledSvids.map(([name, spoil, ruleId]) => ({
    name: `an SVID with ${name}`,
    credentials: (world: World) => ({ form: svidOf(world, spoil) }),
    ruleId,
  })),
  {
    name: 'an SVID and a secret',
    credentials: world => ({ form: { ...svidOf(world), client_secret: 's' } }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  {
    name: 'an SVID and Basic',
    credentials: world => ({ form: svidOf(world), headers: [basic] }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  {
    name: 'an SVID for another client than client_id',
    credentials: world => ({ form: { ...svidOf(world), client_id: 'c_all' } }),
    ruleId: 'client-auth.client-id',
  },
  {
    name: 'an SVID as an assertion',
    credentials: world => ({
      form: { ...svidOf(world), client_assertion_type: String(asserted(world).client_assertion_type) },
    }),
    ruleId: 'client-auth.unknown',
  },
  {
    name: 'an unknown client',
    credentials: world => ({ form: asserted(world, 'c_nobody') }),
    ruleId: 'client-auth.unknown',
  },
  {
    name: 'a suspended client',
    credentials: world => ({ form: asserted(world, 'c_suspended') }),
    ruleId: 'client-auth.suspended',
  },
  {
    name: 'a client_id that is not the sub',
    credentials: world => ({ form: { ...asserted(world), client_id: 'c_other' } }),
    ruleId: 'client-auth.client-id',
  },
  { name: 'nothing', credentials: () => ({}), ruleId: 'client-auth.missing' },
  {
    name: 'a name alone',
    credentials: () => ({ form: { client_id: 'c_all' } }),
    ruleId: 'client-auth.method',
  },
  {
    name: 'a secret',
    credentials: () => ({ form: { client_id: 'c_all', client_secret: 'guess' } }),
    ruleId: 'client-auth.method',
  },
  { name: 'Basic', credentials: () => ({ headers: [basic] }), ruleId: 'client-auth.method' },
  ...(
    [
      ['a wrong secret by Basic', 'c_basic', 'cs_wrong', 'client-auth.secret'],
      ['an expired secret by Basic', 'c_basic', 'cs_old', 'client-auth.secret-expired'],
      ['the secret of a client that posts it by Basic', 'c_post', 'cs_new', 'client-auth.method'],
      ['the secret of an unknown client by Basic', 'c_nobody', 'cs_new', 'client-auth.unknown'],
      ['the secret of a client under FAPI 2.0 by Basic', 'c_strict', 'cs_new', 'client-auth.method'],
    ] as const
  ).map(([name, clientId, secret, ruleId]) => ({
    name,
    credentials: () => ({ headers: [basicHeader(clientId, secret)] }),
    ruleId,
  })),
  {
    name: 'Basic for another client than client_id',
    credentials: () => ({ headers: [basicHeader('c_basic', 'cs_new')], form: { client_id: 'c_post' } }),
    ruleId: 'client-auth.basic-client-id',
  },
  {
    name: 'a scheme that is not Basic',
    credentials: () => ({ headers: [['authorization', 'Bearer at_x']], form: { client_id: 'c_basic' } }),
    ruleId: 'client-auth.basic-form',
  },
  {
    name: 'Basic and a posted secret',
    credentials: () => ({ headers: [basicHeader('c_basic', 'cs_new')], form: { client_secret: 'cs_new' } }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  ...(
    [
      ['a wrong posted secret', 'c_post', 'cs_wrong', 'client-auth.secret'],
      ['an expired posted secret', 'c_post', 'cs_old', 'client-auth.secret-expired'],
      ['a posted secret of a client of Basic', 'c_basic', 'cs_new', 'client-auth.method'],
      ['a posted secret of an unknown client', 'c_nobody', 'cs_new', 'client-auth.unknown'],
      ['a posted secret of a client under FAPI 2.0', 'c_strict', 'cs_new', 'client-auth.method'],
    ] as const
  ).map(([name, client_id, client_secret, ruleId]) => ({
    name,
    credentials: () => ({ form: { client_id, client_secret } }),
    ruleId,
  })),
  {
    name: 'a secret in the query',
    credentials: () => ({ query: 'client_id=c_post&client_secret=cs_new' }),
    ruleId: 'form.query',
    ...invalidRequest,
  },
  {
    name: 'an assertion for a client with a secret',
    credentials: world => ({ form: asserted(world, 'c_post') }),
    ruleId: 'client-auth.method',
  },
  {
    name: 'an assertion and a secret',
    credentials: world => ({ form: { ...asserted(world), client_secret: 's' } }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  {
    name: 'an assertion and Basic',
    credentials: world => ({ form: asserted(world), headers: [basic] }),
    ruleId: 'client-auth.one-method',
    ...invalidRequest,
  },
  {
    name: 'an assertion in the query',
    credentials: world => ({
      query: new URLSearchParams(asserted(world) as Record<string, string>).toString(),
    }),
    ruleId: 'form.query',
    ...invalidRequest,
  },
  {
    name: 'an assertion for a client of the CA',
    credentials: world => ({ form: asserted(world, 'c_tls'), certificate: certificates.issued }),
    ruleId: 'client-auth.method',
  },
  {
    name: 'a certificate for a client that registered keys',
    credentials: () => ({ form: { client_id: 'c_all' }, certificate: certificates.issued }),
    ruleId: 'client-auth.method',
  },
  ...(
    [
      ['no certificate', 'c_tls', undefined, 'client-auth.certificate-missing'],
      ['a self-signed certificate', 'c_tls', certificates.selfSigned, 'client-auth.certificate-chain'],
      [
        'a certificate of another CA of the same name',
        'c_tls',
        certificates.foreign,
        'client-auth.certificate-chain',
      ],
      [
        'the certificate of another subject',
        'c_tls',
        certificates.otherSubject,
        'client-auth.certificate-subject',
      ],
      ['an expired certificate', 'c_tls', certificates.expired, 'client-auth.certificate-dates'],
      ['a certificate of tomorrow', 'c_tls', certificates.early, 'client-auth.certificate-dates'],
      ['a revoked certificate', 'c_tls', certificates.revoked, 'client-auth.certificate-revoked'],
      ['no certificate', 'c_self', undefined, 'client-auth.self-signed-missing'],
      [
        'an unregistered certificate of its name',
        'c_self',
        certificates.sameName,
        'client-auth.self-signed-unknown',
      ],
      ['an expired certificate', 'c_self', certificates.registeredExpired, 'client-auth.self-signed-dates'],
      ['a certificate of a CA', 'c_self', certificates.issued, 'client-auth.self-signed-unknown'],
    ] as const
  ).map(([name, clientId, certificate, ruleId]) => ({
    name: `${name} of ${clientId}`,
    credentials: () => ({ form: { client_id: clientId }, ...(certificate && { certificate }) }),
    ruleId,
  })),
]

for (const endpoint of clientEndpoints)
  describe(`client authentication at ${endpoint.path}`, () => {
    const { path, status, error: beyond } = endpoint

    test('each method lets its client in', async () => {
      await using world = await openTestWorld()
      for (const credentials of [
        { form: asserted(world) },
        { form: { client_id: 'c_tls' }, certificate: certificates.issued },
        { form: { client_id: 'c_self' }, certificate: certificates.registered },
        { headers: [basicHeader('c_basic', 'cs_new')] },
        { headers: [basicHeader('c_basic', 'cs_new')], form: { client_id: 'c_basic' } },
        { form: { client_id: 'c_post', client_secret: 'cs_new' } },
        { form: secretAssertion(world) },
        { form: { ...secretAssertion(world, 'c_hmac', { alg: 'HS512' }), client_id: 'c_hmac' } },
        { form: svidOf(world) },
        { form: { ...svidOf(world), client_id: 'c_spiffe' } },
      ]) {
        const reply = await send(world, endpoint, credentials)
        assert.equal(reply.status, status, reply.body.toString())
        if (beyond !== undefined) assert.equal(jsonOf(reply).error, beyond)
      }
    })

    for (const { name, credentials, status: refusedWith = 401, error = 'invalid_client', ruleId } of failures)
      test(`${name} is ${refusedWith} ${error} at ${path}`, async () => {
        await using world = await openTestWorld()
        const sent = credentials(world, endpoint)
        const reply = await send(world, endpoint, sent)
        await assertRefused(world, reply, { status: refusedWith, error, ruleId })
        const usedHeader = sent.headers !== undefined && refusedWith === 401
        assert.deepEqual(
          headersOf(reply, 'www-authenticate'),
          usedHeader ? [`Basic realm="${issuerUrl}"`] : [],
        )
        // Without the chain's random characters, which hold every short text now and then.
        const records = (await world.audit()).map(record => ({
          ...record,
          chain: '',
          hash: '',
          previousHash: '',
        }))
        const said = JSON.stringify(records) + reply.body.toString()
        const { client_assertion: secret } = sent.form ?? {}
        if (typeof secret === 'string') assert.ok(!said.includes(secret))
        assert.doesNotMatch(said, /cs_|Y19hbGw6eA/)
      })

    test('an assertion that was used at any endpoint is 401 invalid_client and an alert', async () => {
      await using world = await openTestWorld()
      for (const first of clientEndpoints) {
        const form = asserted(world)
        assert.equal((await send(world, first, { form })).status, first.status)
        const again = await send(world, endpoint, { form })
        await assertRefused(world, again, {
          status: 401,
          error: 'invalid_client',
          ruleId: 'client-assertion.replay',
        })
        assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
      }
    })
  })
