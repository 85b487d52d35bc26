import assert from 'node:assert/strict'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newCertificateList } from '@holdfast/server/data/testing/certificate-lists.ts'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { demoClient, originOf } from './testing/demo-caller.ts'
import { openWorkshop, type Workshop } from './testing/product.ts'

const dayMs = 86_400_000

/** The development authority, as who signs lists with it. */
async function authorityOf({ folder }: Workshop): Promise<Parameters<typeof newCertificateList>[0]> {
  const keyPem = readFileSync(join(folder, '.holdfast/tls/ca.key'), 'utf8')
  const pkcs8 = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' })
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, ecdsa, false, ['sign'])
  const pem = readFileSync(join(folder, '.holdfast/tls/ca.pem'), 'utf8')
  const certificate = new x509.X509Certificate(new X509Certificate(pem).raw)
  return { certificate, keys: { privateKey, publicKey: privateKey } }
}

/** What the token endpoint says to a client that is known by the subject of its certificate. */
async function askForToken(workshop: Workshop): Promise<{ readonly status: number; readonly body: string }> {
  const { agent, fetch } = demoClient(workshop, 'demo-pki-mtls')
  try {
    const body = new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: 'demo-pki-mtls', scope: 'accounts:read' },
      resource: originOf(workshop.ports.demoApi),
    })
    const answer = await fetch(`${originOf(workshop.ports.mtls)}/token`, { method: 'POST', body })
    return { status: answer.status, body: await answer.text() }
  } finally {
    await agent.close()
  }
}

const metricsOf = async ({ ports }: Workshop): Promise<string> =>
  await (await fetch(`http://127.0.0.1:${ports.management}/metrics`)).text()

test('a certificate that its authority revoked gets no token, and without a list nobody does where the policy is hard', async t => {
  const workshop = await openWorkshop()
  t.after(() => workshop.remove())
  const first = await workshop.start()
  assert.equal((await askForToken(workshop)).status, 200)
  await first.stop()

  const settings = join(workshop.folder, 'holdfast.yaml')
  const said =
    'clientTrustAnchorFiles: [.holdfast/tls/ca.pem], clientCertificateRevocation: { policy: hard, listFiles: [revoked.crl] }'
  writeFileSync(settings, readFileSync(settings, 'utf8').replace('development }', `development, ${said} }`))
  const list = join(workshop.folder, 'revoked.crl')
  const absent = await workshop.run(['serve'])
  assert.equal(absent.exitCode, 2)
  assert.match(absent.err, /listFiles\[0\]: cannot read .*revoked\.crl/)

  const certificate = readFileSync(join(workshop.folder, '.holdfast/tls/clients/demo-pki-mtls.pem'), 'utf8')
  const { serialNumber } = new X509Certificate(certificate)
  const authority = await authorityOf(workshop)
  const dates = { thisUpdate: new Date(Date.now() - 60_000), nextUpdate: new Date(Date.now() + dayMs) }
  const cases: readonly (readonly [Buffer, standing: string, ruleId?: string])[] = [
    [await newCertificateList(authority, dates), 'fresh'],
    [
      await newCertificateList(authority, { ...dates, revoked: [serialNumber] }),
      'fresh',
      'client-auth.certificate-revoked',
    ],
    [Buffer.from('no list'), 'unusable', 'client-auth.certificate-unchecked'],
  ]
  for (const [bytes, standing, ruleId] of cases) {
    writeFileSync(list, bytes)
    const running = await workshop.start()
    const answer = await askForToken(workshop)
    assert.equal(answer.status, ruleId === undefined ? 200 : 401, answer.body)
    const metrics = await metricsOf(workshop)
    assert.match(metrics, new RegExp(`holdfast_certificate_lists\\{standing="${standing}"\\} 1`))
    if (ruleId !== undefined) {
      assert.match(answer.body, /"error":"invalid_client"/)
      assert.match(metrics, new RegExp(`holdfast_refusals_total\\{[^}]*rule="${ruleId}"\\} 1`))
    }
    const ended = await running.stop()
    assert.equal(ended.exitCode, 0)
    assert.equal(/client-certificates\.list/.test(ended.err), standing === 'unusable', ended.err)
  }
})
