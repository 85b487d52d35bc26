import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { textOfProblem } from '../problem.ts'
import { loadBootstrap } from './bootstrap.ts'

const anchorPem = `-----BEGIN CERTIFICATE-----
MIIDGjCCAgKgAwIBAgIUOWAxUodjb23IBhzAGVyyNXueFHAwDQYJKoZIhvcNAQEL
BQAwJTEPMA0GA1UECgwGVmVjdG9yMRIwEAYDVQQDDAlWZWN0b3IgQ0EwHhcNMjYx
MTIyMDkwMDA2WhcNMzYxMTE5MDkwMDA2WjAlMQ8wDQYDVQQKDAZWZWN0b3IxEjAQ
BgNVBAMMCVZlY3RvciBDQTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEB
ALbLD6Lm8ynJ6ZOe9Ip1GSXbH7td8jwmyc/bT70ZoMEKnlVrWVx+dOLfPrk/+glp
5IZlbyLED9293+gAkzDiMJVBolruYJwQkygGQsi7P1GfLJPkBTQ08QGi+HbPkUU2
R019e14Vc2OWEoSLATPP4tkT8gnpnUHeFzl4Q+U7T5FtvFEkpEVeKIf0KhUAkmdD
e3wstAA0erV3xO5sMRZKoyL6rNV4CkIizKRHv6LCFtswoxt6OuetkqipNpjSGOEQ
EYV7DVyj9jN/2To12fAMt1NiRFhH9onTLouSOmLpZqIXpKtj8aRrNGIaxcl19ZZi
7MY08R6xjPRhnf51YgRbC60CAwEAAaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNV
HQ8BAf8EBAMCAQYwHQYDVR0OBBYEFDR8jDwucUsKpdXHkMRRVCN8cD2TMA0GCSqG
SIb3DQEBCwUAA4IBAQCRxZIHnJAQJceDmsFVjva0+NstJa5/S6LtvJZ3MfTDZrHm
sZid3kkm7SiwfpvC+HGIYN1BR6o/VfeITUvWIJbR5t0/yNqF8DiCJ220zSrME9ym
ZI69uu9bJJwI2tLjoCcSC8Su8jOTbdXXtLSW3GDnJf/7ZAUaasy422zRk+vl0J06
e+ed9LZJ+dSFXoxSS5pl8MNyChK4vBafmMjZ/QRPOtfb3V3jCSAm+J40NBjoeuRy
EOAaMugTURTDL30HO9rRWJmfrhPdqL53yDWVjtCAsDXvbGQxMmJXHf0gtWbG7eWb
prt+zxPgGe4vGmqUHORAHYcbzU5K0lWiSw7uAKxV
-----END CERTIFICATE-----
`

const production = `
dataFolder: /var/lib/holdfast
issuers: [{ url: 'https://id.example', environment: production }]
tls: { certificateFile: tls.pem, privateKeyFile: tls.key }
keyEncryptionKeyFile: kek
`

function folderOf(t: TestContext, yaml = ''): string {
  const cwd = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  if (yaml !== '') writeFileSync(join(cwd, 'holdfast.yaml'), yaml)
  return cwd
}

describe('lists of revoked client certificates in the configuration', () => {
  const refused: readonly [string, string, RegExp][] = [
    [
      'a policy of lists that there is not',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: strict } }]",
      /clientCertificateRevocation\.policy/,
    ],
    [
      'the hard policy without a list',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: hard } }]",
      /clientCertificateRevocation\.policy: `hard` lets no certificate in without `listFiles`/,
    ],
    [
      'lists where nobody looks at them',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: off, listFiles: [a.crl] } }]",
      /clientCertificateRevocation\.policy: is `off`, and/,
    ],
    [
      'lists in development without a policy',
      `issuers: [{ url: 'https://localhost:1', environment: development, clientCertificateRevocation: { listFiles: [a.crl] } }]`,
      /clientCertificateRevocation\.policy: is `off` in development unless set/,
    ],
    [
      'lists that no authority could have signed',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { listFiles: [a.crl] } }]",
      /clientCertificateRevocation\.listFiles: no authority/,
    ],
  ]
  for (const [name, yaml, says] of refused)
    test(`${name} is refused`, t => {
      const read = loadBootstrap({ cwd: folderOf(t, yaml), env: {} })
      assert.match(read.ok ? '' : read.problems.map(textOfProblem).join(), says)
    })

  test('a list of revoked certificates that was named must be there', t => {
    const cwd = folderOf(t)
    writeFileSync(join(cwd, 'ca.pem'), anchorPem)
    const revocation = 'clientCertificateRevocation: { policy: soft, listFiles: [a.crl] }'
    const issuer = `{ url: 'https://localhost:1', environment: development, clientTrustAnchorFiles: [ca.pem], ${revocation} }`
    writeFileSync(join(cwd, 'holdfast.yaml'), `issuers: [${issuer}]`)
    const absent = loadBootstrap({ cwd, env: {} })
    assert.match(
      absent.ok ? '' : absent.problems.map(textOfProblem).join(),
      /listFiles\[0\]: cannot read .*ENOENT/,
    )
    writeFileSync(join(cwd, 'a.crl'), 'read when the server starts')
    const there = loadBootstrap({ cwd, env: {} })
    assert(there.ok)
    assert.deepEqual(there.value.certificateLists, [
      { issuer: 'https://localhost:1', policy: 'soft', anchors: [anchorPem], files: [join(cwd, 'a.crl')] },
    ])
  })

  test('revoked certificates are looked for in production, and in development when somebody says so', t => {
    const policyOf = (yaml: string): unknown => {
      const read = loadBootstrap({ cwd: folderOf(t, yaml), env: {} })
      return read.ok ? read.value.certificateLists[0]?.policy : read.problems.map(textOfProblem)
    }
    assert.equal(policyOf(''), 'off')
    assert.equal(policyOf(production), 'soft')
  })
})
