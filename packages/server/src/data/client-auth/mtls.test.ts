import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { CertificateRevocation } from '@holdfast/protocol/specs/rfc8705-mtls/revocation-rules.ts'
import type { PeerCertificate } from '../../http/exchange.ts'
import type { CertificateLists } from '../../ports.ts'
import type { TlsClientSubject } from '../../snapshot/snapshot.ts'
import { newAuthority, newPeerCertificate, type TestAuthority } from '../testing/certificates.ts'
import { clientOf, jwkOfCertificate } from '../testing/clients.ts'
import { jsonOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { issuerUrl, openWorld, startOfWorld, type World } from '../testing/world.ts'
import { tokenRoom } from '../token/room.ts'

const certificateBound = {
  dpopBoundAccessTokens: false,
  tlsClientCertificateBoundAccessTokens: true,
  jwks: undefined,
} as const

/** A client of the CA's, by one form of subject. */
function tlsClient(tlsClientAuth: TlsClientSubject): ReturnType<typeof clientOf> {
  return clientOf({
    clientId: 'c_tls',
    tokenEndpointAuthMethod: 'tls_client_auth',
    tlsClientAuth,
    ...certificateBound,
  })
}

function send(
  world: World,
  certificate: PeerCertificate | undefined,
  clientId: string | undefined = 'c_tls',
): ReturnType<World['send']> {
  return world.send(tokenRoom, '/token', {
    form: { grant_type: 'client_credentials', scope: 'accounts', client_id: clientId },
    ...(certificate !== undefined && { certificate }),
  })
}

const named: TlsClientSubject = { kind: 'subject_dn', value: 'CN=client-1,O=Bank' }

describe('tls_client_auth', () => {
  let authority: TestAuthority
  let peer: PeerCertificate
  before(async () => {
    authority = await newAuthority('CN=Test CA')
    peer = await newPeerCertificate({ subject: 'CN=client-1, O=Bank', issuedBy: authority })
  })

  test('a certificate of the anchor with the registered subject authenticates and binds the token', async () => {
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    const reply = await send(world, peer)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal(jsonOf(reply).token_type, 'Bearer')
    const record = await world.lastAudit('token.issued')
    assert.equal(record?.facts.constraint, 'mtls')
    assert.equal(record?.facts.certificate, peer.thumbprint)
  })

  test('without certificate it is invalid_client', async () => {
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    await assertRefused(world, await send(world, undefined), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.certificate-missing',
    })
  })

  test('without client_id it is invalid_client', async () => {
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    const reply = await world.send(tokenRoom, '/token', {
      form: { grant_type: 'client_credentials' },
      certificate: peer,
    })
    await assertRefused(world, reply, { status: 401, error: 'invalid_client', ruleId: 'client-auth.missing' })
  })

  test('an anchor that is gone lets nobody in', async () => {
    await using world = await openWorld({ clients: [tlsClient(named)] })
    await assertRefused(world, await send(world, peer), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.certificate-chain',
    })
  })

  const foreign: readonly [string, () => Promise<PeerCertificate>][] = [
    ['signed by itself', () => newPeerCertificate({ subject: 'CN=client-1, O=Bank' })],
    [
      'of another authority with the same name',
      async () =>
        newPeerCertificate({ subject: 'CN=client-1, O=Bank', issuedBy: await newAuthority('CN=Test CA') }),
    ],
    [
      'of an authority that is none',
      async () => {
        const leaf = await newPeerCertificate({ subject: 'CN=client-1, O=Bank', issuedBy: authority })
        return { ...leaf, der: Buffer.concat([leaf.der.subarray(0, -1), Buffer.from([0])]) }
      },
    ],
  ]
  for (const [name, make] of foreign)
    test(`a certificate with the right subject ${name} is refused`, async () => {
      await using world = await openWorld({
        clients: [tlsClient(named)],
        clientTrustAnchors: [authority.pem],
      })
      await assertRefused(world, await send(world, await make()), {
        status: 401,
        error: 'invalid_client',
        ruleId: 'client-auth.certificate-chain',
      })
    })

  test('a leaf that issues certificates is no anchor, whatever it signs', async () => {
    const keys = await newAuthority('CN=Middle')
    const notAuthority = { ...keys, certificate: keys.certificate }
    const leaf = await newPeerCertificate({ subject: 'CN=client-1, O=Bank', issuedBy: notAuthority })
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    await assertRefused(world, await send(world, leaf), { status: 401, error: 'invalid_client' })
  })

  const at = (offset: number): Date => new Date((startOfWorld + offset) * 1000)
  const dates: readonly [string, { notBefore?: Date; notAfter?: Date }, number][] = [
    ['ended a second ago', { notAfter: at(-1) }, 401],
    ['ends this second', { notAfter: at(0) }, 200],
    ['begins this second', { notBefore: at(0) }, 200],
    ['begins in a second', { notBefore: at(1) }, 401],
  ]
  for (const [name, validity, status] of dates)
    test(`a certificate that ${name} is answered ${status}`, async () => {
      const leaf = await newPeerCertificate({
        subject: 'CN=client-1, O=Bank',
        issuedBy: authority,
        ...validity,
      })
      await using world = await openWorld({
        clients: [tlsClient(named)],
        clientTrustAnchors: [authority.pem],
      })
      const reply = await send(world, leaf)
      assert.equal(reply.status, status, reply.body.toString())
      if (status === 401)
        await assertRefused(world, reply, {
          status: 401,
          error: 'invalid_client',
          ruleId: 'client-auth.certificate-dates',
        })
    })

  const looked: readonly (readonly [
    CertificateRevocation['policy'],
    CertificateRevocation['standing'],
    string?,
  ])[] = [
    ['off', 'revoked'],
    ['soft', 'good'],
    ['soft', 'unknown'],
    ['soft', 'revoked', 'client-auth.certificate-revoked'],
    ['hard', 'good'],
    ['hard', 'unknown', 'client-auth.certificate-unchecked'],
    ['hard', 'revoked', 'client-auth.certificate-revoked'],
  ]
  for (const [policy, standing, ruleId] of looked)
    test(`a certificate that is ${standing} is ${ruleId === undefined ? 'let in' : 'refused'} where the policy is ${policy}`, async () => {
      const asked: string[] = []
      const certificateLists: CertificateLists = {
        standing: (issuer, anchor, certificate, now) => {
          asked.push(`${issuer} ${anchor.subject} ${certificate.subject.split('\n')[0]} ${now}`)
          return { policy, standing }
        },
      }
      const options = { clients: [tlsClient(named)], clientTrustAnchors: [authority.pem], certificateLists }
      await using world = await openWorld(options)
      const reply = await send(world, peer)
      assert.deepEqual(asked, [`${issuerUrl} CN=Test CA CN=client-1 ${startOfWorld}`])
      const unchecked = world.counted.filter(one =>
        one.includes('client_certificates_unchecked_total'),
      ).length
      assert.equal(unchecked, policy === 'soft' && standing === 'unknown' ? 1 : 0)
      if (ruleId !== undefined)
        return await assertRefused(world, reply, { status: 401, error: 'invalid_client', ruleId })
      assert.equal(reply.status, 200, reply.body.toString())
    })

  test('a connection that outlives its certificate is refused on the next request', async () => {
    const leaf = await newPeerCertificate({
      subject: 'CN=client-1, O=Bank',
      issuedBy: authority,
      notAfter: at(60),
    })
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    assert.equal((await send(world, leaf)).status, 200)
    world.clock.advance(61)
    await assertRefused(world, await send(world, leaf), { status: 401, error: 'invalid_client' })
  })

  const subjects: readonly [TlsClientSubject, number][] = [
    [{ kind: 'subject_dn', value: 'CN=client-1,O=Bank' }, 200],
    [{ kind: 'subject_dn', value: 'CN=client-1, O=Bank' }, 200],
    [{ kind: 'subject_dn', value: 'O=Bank,CN=client-1' }, 200],
    [{ kind: 'subject_dn', value: '2.5.4.3=CLIENT-1,o=bank' }, 200],
    [{ kind: 'subject_dn', value: 'CN=client-1' }, 401],
    [{ kind: 'subject_dn', value: 'CN=client-1,O=Bank,OU=x' }, 401],
    [{ kind: 'subject_dn', value: 'CN=client-1+O=Bank' }, 401],
    [{ kind: 'subject_dn', value: 'CN=client-2,O=Bank' }, 401],
    [{ kind: 'subject_dn', value: 'CN=client-1,OU=Bank' }, 401],
    [{ kind: 'san_dns', value: 'CLIENT.example' }, 200],
    [{ kind: 'san_dns', value: 'other.client.example' }, 401],
    [{ kind: 'san_dns', value: '*.client.example' }, 401],
    [{ kind: 'san_uri', value: 'spiffe://example/client-1' }, 200],
    [{ kind: 'san_uri', value: 'spiffe://example/Client-1' }, 401],
    [{ kind: 'san_ip', value: '2001:DB8::1' }, 200],
    [{ kind: 'san_ip', value: '2001:db8:0:0:0:0:0:1' }, 200],
    [{ kind: 'san_ip', value: '2001:db8::2' }, 401],
    [{ kind: 'san_ip', value: '192.0.2.1' }, 200],
    [{ kind: 'san_ip', value: '192.0.2.01' }, 401],
    [{ kind: 'san_email', value: 'ops@CLIENT.example' }, 200],
    [{ kind: 'san_email', value: 'OPS@client.example' }, 401],
    [{ kind: 'san_dns', value: 'ops@client.example' }, 401],
  ]
  for (const [registered, status] of subjects)
    test(`registered ${registered.kind} ${registered.value} is answered ${status}`, async () => {
      const leaf = await newPeerCertificate({
        subject: 'CN=client-1, O=Bank',
        issuedBy: authority,
        san: [
          { type: 'dns', value: 'client.example' },
          { type: 'dns', value: '*.client.example' },
          { type: 'url', value: 'spiffe://example/client-1' },
          { type: 'ip', value: '2001:db8::1' },
          { type: 'ip', value: '192.0.2.1' },
          { type: 'email', value: 'ops@client.example' },
        ],
      })
      await using world = await openWorld({
        clients: [tlsClient(registered)],
        clientTrustAnchors: [authority.pem],
      })
      const reply = await send(world, leaf)
      assert.equal(reply.status, status, reply.body.toString())
      if (status === 401)
        await assertRefused(world, reply, {
          status: 401,
          error: 'invalid_client',
          ruleId: 'client-auth.certificate-subject',
        })
    })

  test('a header that names a certificate is nothing', async () => {
    await using world = await openWorld({ clients: [tlsClient(named)], clientTrustAnchors: [authority.pem] })
    const reply = await world.send(tokenRoom, '/token', {
      form: { grant_type: 'client_credentials', client_id: 'c_tls' },
      headers: [['client-cert', `:${peer.der.toString('base64')}:`]],
    })
    await assertRefused(world, reply, {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.certificate-missing',
    })
  })
})

describe('self_signed_tls_client_auth', () => {
  const selfClient = (...certificates: PeerCertificate[]): ReturnType<typeof clientOf> =>
    clientOf({
      clientId: 'c_tls',
      tokenEndpointAuthMethod: 'self_signed_tls_client_auth',
      ...certificateBound,
      jwks: { keys: certificates.map(jwkOfCertificate) },
    })

  test('a registered certificate authenticates, without any chain', async () => {
    const peer = await newPeerCertificate({ subject: 'CN=self' })
    await using world = await openWorld({ clients: [selfClient(peer)] })
    assert.equal((await send(world, peer)).status, 200)
  })

  test('each of two registered certificates authenticates, so that one can replace the other', async () => {
    const [old, young] = [
      await newPeerCertificate({ subject: 'CN=self' }),
      await newPeerCertificate({ subject: 'CN=self' }),
    ]
    await using world = await openWorld({ clients: [selfClient(old, young)] })
    assert.equal((await send(world, old)).status, 200)
    assert.equal((await send(world, young)).status, 200)
  })

  test('another certificate of the same name is refused', async () => {
    const peer = await newPeerCertificate({ subject: 'CN=self' })
    await using world = await openWorld({ clients: [selfClient(peer)] })
    await assertRefused(world, await send(world, await newPeerCertificate({ subject: 'CN=self' })), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.self-signed-unknown',
    })
  })

  test('no certificate is refused', async () => {
    const peer = await newPeerCertificate({ subject: 'CN=self' })
    await using world = await openWorld({ clients: [selfClient(peer)] })
    await assertRefused(world, await send(world, undefined), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.self-signed-missing',
    })
  })

  test('an expired certificate is refused although it is registered', async () => {
    const peer = await newPeerCertificate({
      subject: 'CN=self',
      notAfter: new Date((startOfWorld - 1) * 1000),
    })
    await using world = await openWorld({ clients: [selfClient(peer)] })
    await assertRefused(world, await send(world, peer), {
      status: 401,
      error: 'invalid_client',
      ruleId: 'client-auth.self-signed-dates',
    })
  })

  test('a key registered without certificate is matched by its certificates', async () => {
    const peer = await newPeerCertificate({ subject: 'CN=self' })
    const { x5c: _x5c, ...jwk } = jwkOfCertificate(peer)
    const client = { ...selfClient(), jwks: { keys: [jwk] } }
    await using world = await openWorld({ clients: [client] })
    assert.equal((await send(world, peer)).status, 200)
    const other = await newPeerCertificate({ subject: 'CN=self' })
    await assertRefused(world, await send(world, other), { status: 401, error: 'invalid_client' })
  })

  test('a certificate behind jwks_uri that was rotated is accepted after a refetch, the old one no more', async () => {
    const [old, young] = [
      await newPeerCertificate({ subject: 'CN=self' }),
      await newPeerCertificate({ subject: 'CN=self' }),
    ]
    const url = 'https://client.example/jwks.json'
    const documents = new Map<string, unknown>([[url, { keys: [jwkOfCertificate(old)] }]])
    const client = { ...selfClient(), jwks: undefined, jwksUri: url }
    await using world = await openWorld({ clients: [client], documents })
    assert.equal((await send(world, old)).status, 200)
    documents.set(url, { keys: [jwkOfCertificate(young)] })
    world.clock.advance(61)
    assert.equal((await send(world, young)).status, 200)
    await assertRefused(world, await send(world, old), { status: 401, error: 'invalid_client' })
  })
})
