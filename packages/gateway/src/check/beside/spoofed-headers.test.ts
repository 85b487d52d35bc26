import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { looksLikeIdentity } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { send, thumbprintOf } from '../../testing/bed.ts'
import { besideEach } from '../testing/beside.ts'

/** A client writes, through a real proxy, the headers that an API or the check might believe. */

const spoofed: readonly (readonly [name: string, value: string])[] = [
  ['Holdfast-Evidence', 'forged'],
  ['holdfast_evidence', 'forged'],
  ['HOLDFAST.EVIDENCE', 'forged'],
  ['Holdfast-Token', 'forged'],
  ['Holdfast_Token', 'forged'],
  ['Holdfast-Subject', 'forged'],
  ['Holdfast-Client-Id', 'forged'],
  ['Holdfast-Scope', 'forged'],
  ['Holdfast-Check-Id', 'forged-check-id-0001'],
  ['Holdfast-Check-Key', 'forged'],
  ['Client-Cert', ':Zm9yZ2Vk:'],
  ['client_cert', ':Zm9yZ2Vk:'],
  ['Client.Cert', ':Zm9yZ2Vk:'],
  ['Client-Cert-Chain', ':Zm9yZ2Vk:'],
  ['X-SSL-Client-Cert', 'forged'],
  ['SSL_CLIENT_VERIFY', 'SUCCESS'],
  ['X-Forwarded-For', '10.0.0.1'],
  ['X-Forwarded-Host', 'forged.example'],
  ['X_Forwarded_Proto', 'http'],
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-Method', 'DELETE'],
  ['X-Forwarded-Uri', '/accounts/forged'],
  ['X.Forwarded.Uri', '/accounts/forged'],
  ['X_Forwarded_Uri', '/accounts/forged'],
  ['Forwarded', 'for=10.0.0.1;host=forged'],
  ['X-Real-IP', '10.0.0.1'],
  ['X-Request-Id', 'forged'],
  ['X-User', 'forged'],
  ['X-User-Id', 'forged'],
  ['x_user', 'forged'],
  ['X.User', 'forged'],
  ['X-Remote-User', 'forged'],
  ['REMOTE_USER', 'forged'],
  ['Remote-User', 'forged'],
  ['X-Auth-Request-Email', 'forged'],
  ['X-Scope', 'forged'],
  ['X-Tenant', 'forged'],
  ['X-Consumer-Id', 'forged'],
  ['X-Amzn-Oidc-Identity', 'forged'],
  ['X-Original-URL', '/forged'],
  ['X-Rewrite-URL', '/forged'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Envoy-External-Address', 'forged'],
  ['True-Client-Ip', 'forged'],
  ['From', 'forged@example.com'],
  ['Via', '1.1 forged'],
  ['Cookie', 'session=forged'],
]

besideEach('spoofed headers through a real proxy', beside => {
  for (const [name, value] of spoofed)
    test(`${name}: the API does not see it, and is asked for what was checked or for nothing`, async () => {
      const { bed, taken, assertOnlyChecked } = beside()
      const [before, reached] = [taken.length, bed.received.length]
      const answer = await send(bed, { token: bed.token(), path: '/accounts/1', headers: { [name]: value } })
      assert.ok([200, 400, 401].includes(answer.status), `${answer.status} ${answer.text}`)
      assert.equal(bed.received.length - reached, answer.status === 200 ? 1 : 0)
      for (const { method, url } of taken.slice(before))
        assert.deepEqual([method, url], ['GET', '/accounts/1'])
      for (const { rawHeaders } of bed.received.slice(reached)) {
        const text = rawHeaders.join('\n')
        assert.ok(!text.includes('forged') && !text.includes('10.0.0.1'), text)
        const own = new Set(['host', 'holdfast-token', 'holdfast-evidence', 'x-request-id'])
        const names = rawHeaders.filter((_, index) => index % 2 === 0).map(field => field.toLowerCase())
        assert.deepEqual(
          names.filter(field => looksLikeIdentity(field) && !own.has(field)),
          [],
        )
        for (const one of own) assert.equal(names.filter(field => field === one).length, 1, one)
      }
      assertOnlyChecked()
    })

  test('all that a proxy leaves out at once: the request passes and nothing of them is seen', async () => {
    const { bed } = beside()
    const harmless = spoofed.filter(([name]) =>
      /^(?:x-(?!forwarded)|cookie|from|via|forwarded|remote-)/i.test(name),
    )
    const headers = Object.fromEntries(harmless)
    const answer = await send(bed, { token: bed.token(), headers })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(!bed.received.at(-1)?.rawHeaders.join('\n').includes('forged'))
  })

  test('without credentials no header of a client lets it in', async () => {
    const { bed } = beside()
    const before = bed.received.length
    for (const [name, value] of spoofed) {
      const { status } = await send(bed, { headers: { [name]: value } })
      assert.ok([400, 401].includes(status), `${name} ${status}`)
    }
    assert.equal(bed.received.length, before)
  })

  test("another client's certificate in a header is not that client's connection", async () => {
    const { bed } = beside()
    const { certPem } = bed.clientCertificate
    const stolen = bed.token({ cnf: { 'x5t#S256': thumbprintOf(certPem) } })
    const der = clientCertOf(new X509Certificate(certPem).raw)
    const before = bed.received.length
    for (const name of ['Client-Cert', 'client_cert', 'Client.Cert', 'X-Client-Cert', 'Ssl-Client-Cert'])
      for (const certificate of [undefined, bed.proxyCertificate]) {
        const options = { token: stolen, scheme: 'Bearer', headers: { [name]: der } }
        const { status } = await send(bed, { ...options, ...(certificate && { certificate }) })
        assert.ok([400, 401].includes(status), `${name} ${status}`)
      }
    assert.equal(bed.received.length, before)
  })

  test('a Connection header cannot take the evidence away', async () => {
    const { bed, assertOnlyChecked } = beside()
    for (const field of [
      'holdfast-evidence',
      'holdfast-token',
      'x-request-id',
      'authorization',
      'x-forwarded-uri',
    ]) {
      const connection = `close, ${field}`
      const { status } = await send(bed, { token: bed.token(), headers: { connection } })
      assert.ok([200, 400, 401].includes(status), `${field} ${status}`)
    }
    assertOnlyChecked()
  })
})
