import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { type Bed, openBed, send, thumbprintOf } from '../testing/bed.ts'

/** A client writes the headers an API behind a gateway might believe. */

let bed: Bed
before(async () => {
  bed = await openBed({ api: { requestFields: ['x-api-version'], clientCert: true } })
})
after(async () => await bed.close())

const spoofed: Readonly<Record<string, string>> = {
  'Holdfast-Evidence': 'forged',
  holdfast_evidence: 'forged',
  'HOLDFAST.EVIDENCE': 'forged',
  'Holdfast-Token': 'forged',
  Holdfast_Token: 'forged',
  'Client-Cert': ':AAAA:',
  client_cert: ':AAAA:',
  'Client-Cert-Chain': ':AAAA:',
  'X-SSL-Client-Cert': 'forged',
  SSL_CLIENT_VERIFY: 'SUCCESS',
  'X-Forwarded-For': '10.0.0.1',
  'X-Forwarded-Host': 'evil.example',
  X_Forwarded_Proto: 'http',
  Forwarded: 'for=10.0.0.1',
  'X-Real-IP': '10.0.0.1',
  'X-Request-Id': 'forged',
  'X-User': 'admin',
  'X-Remote-User': 'admin',
  REMOTE_USER: 'admin',
  'X-Auth-Request-Email': 'admin@example.com',
  'X-Scope': 'everything',
  'X-Tenant': 'other',
  'X-Original-URL': '/admin',
  'X-HTTP-Method-Override': 'DELETE',
  'Proxy-Authorization': 'Basic AAAA',
  Cookie: 'session=1',
  'X-Whatever': 'unknown',
  TE: 'trailers',
  'Proxy-Connection': 'keep-alive',
}

describe('spoofed headers', () => {
  test('no header of a client that looks like an identity reaches the API, however it is written', async () => {
    const passed = {
      'X-Api-Version': '2',
      'Accept-Language': 'en',
      'X-Fapi-Interaction-Id': 'abc',
      Traceparent: 't',
    }
    const answer = await send(bed, { token: bed.token(), headers: { ...spoofed, ...passed } })
    assert.equal(answer.status, 200, answer.text)
    const { headers, rawHeaders } = bed.received.at(-1) ?? assert.fail()
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
    assert.deepEqual(names.toSorted(), [
      'accept-language',
      'connection',
      'forwarded',
      'holdfast-evidence',
      'holdfast-token',
      'host',
      'traceparent',
      'x-api-version',
      'x-fapi-interaction-id',
      'x-request-id',
    ])
    assert.ok(!JSON.stringify(rawHeaders).includes('forged'))
    assert.equal(headers.host, `localhost:${bed.api.port}`)
    assert.equal(headers.forwarded, `for=127.0.0.1;host="localhost:${bed.port}";proto=https`)
    const line = bed.lines.findLast(({ event }) => event === 'gateway.request')
    assert.ok(Number(line?.fields.spoofed) > 15, 'the attempt shows in the log')
  })

  test('a Connection header cannot take the evidence or the content type away', async () => {
    for (const connection of ['close, holdfast-evidence', 'content-type', 'x-request-id, close']) {
      const answer = await send(bed, { token: bed.token(), headers: { connection } })
      assert.equal(answer.status, 400)
      assert.equal(answer.json.rule, 'gateway.connection')
    }
  })

  test('a configuration that would forward an identity does not start', async () => {
    for (const name of ['x-user', 'authorization', 'client-cert', 'X-Upper', 'connection'])
      await assert.rejects(openBed({ api: { requestFields: [name] } }), /requestFields of `bank`/)
  })
})

describe('Client-Cert', () => {
  const header = (certPem: string): string => clientCertOf(new X509Certificate(certPem).raw)
  const bound = (): string => bed.token({ cnf: { 'x5t#S256': thumbprintOf(bed.clientCertificate.certPem) } })

  test('from a proxy with a listed certificate is the certificate of the client', async () => {
    const headers = {
      'client-cert': header(bed.clientCertificate.certPem),
      'x-forwarded-for': '1.2.3.4, 192.0.2.9',
    }
    const certificate = bed.proxyCertificate
    const answer = await send(bed, { token: bound(), scheme: 'Bearer', certificate, headers })
    assert.equal(answer.status, 200, answer.text)
    const received = bed.received.at(-1)?.headers
    assert.equal(received?.['client-cert'], headers['client-cert'])
    assert.match(String(received?.forwarded), /^for=192\.0\.2\.9;/)
  })

  test('from anybody else is not read, with and without a certificate of their own', async () => {
    const headers = { 'client-cert': header(bed.clientCertificate.certPem) }
    const gateway = await bed.ca.clientCertificate('gateway', 'CN=gateway', 'issued')
    for (const certificate of [undefined, gateway]) {
      const before = bed.received.length
      const options = { token: bound(), scheme: 'Bearer', headers, ...(certificate && { certificate }) }
      assert.equal((await send(bed, options)).status, 401)
      assert.equal(bed.events.at(-1)?.ruleId, 'cnf.x5t')
      assert.equal(bed.received.length, before)
    }
  })

  test('that is missing, doubled or malformed behind a proxy proves nothing', async () => {
    const certificate = bed.proxyCertificate
    const proxyBound = bed.token({ cnf: { 'x5t#S256': thumbprintOf(certificate.certPem) } })
    // The certificate of the proxy is not the client's.
    assert.equal((await send(bed, { token: proxyBound, scheme: 'Bearer', certificate })).status, 401)
    for (const value of ['forged', ':AB==:', [':AAAA:', ':AAAA:']]) {
      const headers = { 'client-cert': value }
      assert.equal((await send(bed, { token: bound(), scheme: 'Bearer', certificate, headers })).status, 400)
    }
    const junk = { 'client-cert': ':AAAA:' }
    assert.equal(
      (await send(bed, { token: bound(), scheme: 'Bearer', certificate, headers: junk })).status,
      401,
    )
  })
})
